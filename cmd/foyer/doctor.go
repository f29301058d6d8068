package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/notify"
	"foyer/internal/store"
)

// finding is one thing doctor looked at. Wrong things stop a merchant from working; a warning does not.
type finding struct {
	what    string
	wrong   bool
	warning bool
	detail  string
	mend    string
}

// doctor checks configuration, database, mail, clock, fonts, sellers and the gateway, and tells how to mend each.
func doctor(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 {
		return &usageError{"doctor takes no arguments"}
	}
	findings := p.examine(ctx)
	wrong := 0
	for _, f := range findings {
		mark := "ok  "
		switch {
		case f.wrong:
			mark = "BAD "
			wrong++
		case f.warning:
			mark = "warn"
		}
		_, _ = fmt.Fprintf(p.out, "%s %-14s %s\n", mark, f.what, f.detail)
		if f.mend != "" {
			_, _ = fmt.Fprintf(p.out, "     %-14s → %s\n", "", f.mend)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d checks are bad", wrong, len(findings))
	}
	return nil
}

func (p *program) examine(ctx context.Context) []finding {
	e, err := readEnvironment(p.environ)
	if err != nil {
		return []finding{{what: "configuration", wrong: true, detail: err.Error(), mend: "correct the variable named"}}
	}
	c, err := e.appConfig()
	if err != nil {
		return []finding{{what: "configuration", wrong: true, detail: err.Error(), mend: "correct the variable named; the README lists them"}}
	}
	out := []finding{{what: "configuration", detail: "read"}, publicURLFinding(c.PublicURL, e.TrustedProxies)}
	a, err := app.New(ctx, c)
	if err != nil {
		return append(out, finding{what: "database", wrong: true, detail: err.Error(), mend: "check FOYER_DATABASE_URL, and that the server is up and lets this role in"})
	}
	defer a.Close()
	out = append(out, databaseFindings(ctx, a)...)
	out = append(out, mailFinding(ctx, c.SMTPURL), clockFinding(ctx, a), fontFinding(ctx, a))
	return append(out, gatewayFindings(ctx, a)...)
}

// gatewayFindings asks the gateway of live merchants, where there is one, and the running server.
func gatewayFindings(ctx context.Context, a *app.App) []finding {
	if a.Stripe == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var out []finding
	for _, f := range a.Stripe.Check(ctx, a.PublicURL, a.Now()) {
		out = append(out, finding{what: f.What, wrong: f.Bad, warning: f.Warning, detail: f.Detail, mend: f.Mend})
	}
	return out
}

func publicURLFinding(public string, proxies []string) finding {
	u, _ := url.Parse(public)
	f := finding{what: "public URL", detail: public}
	if u.Scheme == "http" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" {
		f.warning, f.mend = true, "put TLS in front and set FOYER_PUBLIC_URL to the https:// address; links and tokens travel over it"
	} else if u.Scheme == "https" && len(proxies) == 0 {
		f.warning = true
		f.mend = "if TLS ends at a proxy, name its network in FOYER_TRUSTED_PROXIES; else all customers share the proxy's rate limits"
	}
	return f
}

func databaseFindings(ctx context.Context, a *app.App) []finding {
	f := finding{what: "database", detail: string(a.Store.Dialect()) + " answers"}
	if a.Store.Dialect() == store.SQLite {
		f.detail += "; good for one process"
	}
	out := []finding{f}
	if a.Store.Dialect() == store.SQLite {
		// As every command does (contract.md §1); a failure shows as pending below.
		if _, err := a.Migrate(ctx); err != nil {
			a.Log.Error("migrate", "error", err)
		}
	}
	pending, err := a.Store.Pending(ctx)
	switch {
	case err != nil:
		return append(out, finding{what: "schema", wrong: true, detail: "can't be read", mend: "check the role's rights; the README lists them"})
	case pending:
		return append(out, finding{what: "schema", wrong: true, detail: "older than this program", mend: "run foyer migrate up"})
	}
	out = append(out, finding{what: "schema", detail: "up to date"})
	if _, err := a.Identity.Keys(ctx); err != nil {
		return append(out, finding{what: "secret", wrong: true, detail: "does not open what this database holds", mend: "put the old FOYER_SECRET behind the new one, separated by a comma"})
	}
	out = append(out, finding{what: "secret", detail: "opens what this database holds"})
	return append(out, merchantFindings(ctx, a)...)
}

func merchantFindings(ctx context.Context, a *app.App) []finding {
	all, err := a.Merchants.All(ctx)
	if err != nil {
		return []finding{{what: "merchants", wrong: true, detail: err.Error()}}
	}
	if len(all) == 0 {
		return []finding{{what: "merchants", warning: true, detail: "none", mend: "run foyer merchant create --name …"}}
	}
	var out []finding
	for _, m := range all {
		f := finding{what: "merchant", detail: fmt.Sprintf("%s %q (%s)", m.ID, m.Name, m.Mode)}
		var mend []string
		if missing := m.Portal.Settings.Seller.MissingForInvoices(); len(missing) > 0 {
			f.warning = true
			mend = append(mend, "complete the seller ("+strings.Join(missing, ", ")+"): without it no invoice is issued live")
		}
		if m.Mode == merchant.Live && a.Stripe == nil {
			f.wrong = true
			mend = append(mend, "set FOYER_GATEWAY=stripe and its keys (.github/STRIPE.md): serve does not start, because nothing could charge its customers")
		} else if m.Mode == merchant.Live && !a.Stripe.Live() {
			f.warning = true
			mend = append(mend, "put Stripe's live keys in place of the test keys: no real money moves")
		}
		if m.Portal.Settings.FrontendURL == "" {
			f.warning = true
			mend = append(mend, "set a frontend URL: links in mails lead to Foyer itself, which has no screens")
		}
		if m.Portal.Settings.Seller.Email == "" {
			f.warning = true
			mend = append(mend, "set the seller's email: disputes with their deadlines, and refunds that came back, are told to nobody")
		}
		f.mend = strings.Join(mend, "; ")
		out = append(out, f)
	}
	return out
}

func mailFinding(ctx context.Context, smtpURL string) finding {
	if smtpURL == "outbox:" {
		return finding{
			what: "mail", warning: true, detail: "kept in the outbox, sent to nobody",
			mend: "for real customers set FOYER_SMTP_URL=smtp://user:password@host:587?from=billing@example.com",
		}
	}
	sender, err := notify.NewSMTP(smtpURL)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		err = sender.Check(ctx)
	}
	if err != nil {
		return finding{what: "mail", wrong: true, detail: err.Error(), mend: "check host, port, user and password in FOYER_SMTP_URL"}
	}
	return finding{what: "mail", detail: "the server lets us in"}
}

// clockFinding compares this machine's clock with the database's: a link lives ten minutes, so minutes matter.
func clockFinding(ctx context.Context, a *app.App) finding {
	apart, err := a.Store.ClockDifference(ctx)
	f := finding{what: "clock", detail: "agrees with the database"}
	switch {
	case err != nil:
		f.wrong, f.detail = true, "the database's time can't be read"
	case apart.Abs() > 30*time.Second:
		f.wrong, f.detail, f.mend = true, fmt.Sprintf("differs from the database's by %s", apart.Round(time.Second)), "let both machines keep time by NTP"
	}
	return f
}

// fontFinding draws a document, which needs every font.
func fontFinding(ctx context.Context, a *app.App) finding {
	renderer, err := invoice.NewRenderer(1)
	if err == nil {
		at := a.Now()
		_, err = renderer.Render(ctx, invoice.Invoice{
			Number: "1", Kind: invoice.KindInvoice, Revision: 1, Currency: "EUR", IssuedAt: at,
			Document: invoice.Document{Buyer: invoice.Party{Name: "Ærøskøbing Žižka Жанна 陈美"}, Lines: []billing.Line{{Name: "Test", Quantity: 1, TaxRate: foyer.Rate("0")}}},
		}, i18n.English, nil)
	}
	if err != nil {
		return finding{what: "fonts", wrong: true, detail: "a document can't be drawn: " + err.Error()}
	}
	return finding{what: "fonts", detail: "a document can be drawn"}
}
