package notify

import (
	"context"
	"html/template"
	"net/url"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// SendEmailChange makes and sends a mail about a change of address, if there still is one to send. Running it again gives the same
// mail.
func (s *Service) SendEmailChange(ctx context.Context, id foyer.MerchantID, change identity.EmailChangeID, step identity.EmailChangeStep) error {
	prepared, ok, err := s.SignIns.PrepareEmailChange(ctx, id, change, step)
	if err != nil || !ok {
		return err
	}
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil {
		return err
	}
	scope := prepared.Change.Scope
	customer, err := s.Customers.Customer(ctx, scope)
	if err != nil {
		return err
	}
	settings := m.Portal.Settings
	told := emailChangeMail{
		settings: settings, locale: mailLocale(settings, customer.Locale, prepared.Change.Locale), step: step,
		name: customer.Name, email: prepared.Change.Email, life: s.LinkLife,
	}
	if prepared.Token != "" {
		// The token stands in the fragment, which browsers send to nobody.
		told.link = settings.Frontend(s.PublicURL) + "/email-change#token=" + prepared.Token
	}
	mail, err := told.mail()
	if err != nil {
		return err
	}
	now := foyer.Micro(s.Now())
	mail.ID, mail.Merchant, mail.To, mail.At = derivedID(foyer.PrefixMail, string(change), string(step)), id, prepared.To, now
	if err := s.Sender.Send(ctx, mail); err != nil {
		return err
	}
	if step == identity.EmailChangeLink {
		return nil // that there was one, and which, would tell whether the address is a customer's
	}
	return s.recordSent(ctx, scope, mail.ID, string(step), now)
}

// emailChangeMail is what a mail about a change of address tells of.
type emailChangeMail struct {
	settings merchant.Settings
	locale   i18n.Locale
	step     identity.EmailChangeStep
	name     string
	email    string
	// link confirms the new address; empty when it is another customer's.
	link string
	life time.Duration
}

// mail composes and draws the mail.
func (e emailChangeMail) mail() (Mail, error) {
	merchantName := oneLine(e.settings.Name, 100)
	minutes := int(e.life / time.Minute)
	params := map[string]any{
		"Merchant": merchantName, "Name": oneLine(e.name, 80), "Email": oneLine(e.email, 254), "Minutes": minutes, "Count": minutes,
	}
	text := func(key string) string { return e.locale.Text("mail."+string(e.step)+"."+key, params) }
	l := billingLetter{
		Language: e.locale.Language, Direction: direction(e.locale), Start: "left", End: "right", Merchant: merchantName,
		Color: color(e.settings.Branding), Greeting: e.locale.Text("mail.billing.greeting", params),
		Footer: text("footer"), Seller: sellerLine(e.settings.Seller), Legal: legalPages(e.settings.Legal, e.locale),
	}
	if l.Direction == "rtl" {
		l.Start, l.End = "right", "left"
	}
	// Who reads the new mailbox may be a stranger: the name of whoever typed the address wrongly is not for them.
	if params["Name"] != "" && e.step != identity.EmailChangeLink {
		l.Greeting = e.locale.Text("mail.billing.greeting_name", params)
	}
	l.Subject = oneLine(text("subject"), 150)
	switch {
	case e.step != identity.EmailChangeLink:
		l.Paragraphs = []string{text("intro"), text("not_you")}
		l.Button = e.help()
	case e.link != "":
		l.Paragraphs = []string{text("intro")}
		l.Button = &hyperlink{text("button"), template.URL(e.link)} //nolint:gosec // made of the portal's checked URL and a base64url token
		l.Notes = []string{text("expires"), text("ignore")}
	default:
		l.Paragraphs = []string{text("taken"), text("taken_help")}
		l.Notes = []string{text("ignore_taken")}
	}
	l.Preheader = l.Paragraphs[0]
	html, plain, err := render("billing", l)
	return Mail{FromName: senderName(e.settings), ReplyTo: e.settings.MailSender.ReplyTo, Language: e.locale.Language, Subject: l.Subject, Text: plain, HTML: html}, err
}

// help leads to somebody who can: the merchant's help page, else its mailbox.
func (e emailChangeMail) help() *hyperlink {
	label := e.locale.Text("mail.billing.legal.support", nil)
	if u, err := url.Parse(e.settings.Legal.SupportURL); err == nil && u.Scheme == "https" && u.Host != "" {
		return &hyperlink{label, template.URL(u.String())} //nolint:gosec // an https address, written anew
	}
	if to := e.settings.Seller.Email; to != "" {
		return &hyperlink{label, template.URL("mailto:" + url.PathEscape(to))} //nolint:gosec // escaped
	}
	return nil
}
