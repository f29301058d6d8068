package notify

import (
	"context"
	"html/template"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// stationery is what every mail of a merchant has: its looks, its signature, and the words, some of which are its own.
type stationery struct {
	settings merchant.Settings
	locale   i18n.Locale
	// own are the merchant's texts in the language, by key.
	own map[string]string
}

// stationeryOf is a merchant's, in the first of the languages wanted (the customer's, the request's) that the portal speaks, else in
// the portal's.
func (s *Service) stationeryOf(ctx context.Context, m merchant.Merchant, wanted ...string) (stationery, error) {
	st := stationery{settings: m.Portal.Settings, locale: mailLocale(m.Portal.Settings, wanted...)}
	own, err := s.Wordings.MailTexts(ctx, m.ID, st.locale.Tag)
	st.own = own.Texts
	return st, err
}

// mailLocale is the first of the languages wanted that the portal speaks, else the portal's.
func mailLocale(settings merchant.Settings, wanted ...string) i18n.Locale {
	for _, tag := range append(wanted, settings.Fallback()) {
		if locale, ok := i18n.Find(tag); ok && (settings.Speaks(locale.Tag) || tag == settings.DefaultLocale) {
			return locale
		}
	}
	return i18n.English
}

// text is a text in the mail's language: the merchant's own where it has one. In a language written from right to left what is filled in
// (a name, an amount, a date) is kept together by isolates (Unicode UAX #9): it must not carry the words around it along.
func (st stationery) text(key string, params map[string]any) string {
	if st.locale.RightToLeft() {
		isolated := make(map[string]any, len(params))
		for name, value := range params {
			if s, ok := value.(string); ok && s != "" {
				value = firstStrongIsolate + s + popIsolate
			}
			isolated[name] = value
		}
		params = isolated
	}
	if own, ok := st.own[key]; ok {
		return i18n.Fill(own, params)
	}
	return st.locale.Text(key, params)
}

const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// merchantName is the merchant's name as mails show it.
func (st stationery) merchantName() string { return oneLine(st.settings.Name, 100) }

// letter is an empty sheet: what all mails have in common.
func (st stationery) letter() letter {
	l := letter{
		Language: st.locale.Language, Direction: "ltr", Start: "left", End: "right", Merchant: st.merchantName(), Color: color(st.settings.Branding),
	}
	if st.locale.RightToLeft() {
		l.Direction, l.Start, l.End = "rtl", "right", "left"
	}
	l.ButtonInk = inkOn(l.Color)
	if u, err := url.Parse(st.settings.Branding.LogoURL); err == nil && u.Scheme == "https" && u.Host != "" {
		l.Logo = u.String()
	}
	return l
}

// seal makes a mail of a letter. Whom it goes to is for the caller to set.
func (st stationery) seal(l letter) (Mail, error) {
	l.Subject = headline(l.Subject)
	if l.Preheader == "" && len(l.Paragraphs) > 0 {
		l.Preheader = l.Paragraphs[0]
	}
	html, text, err := l.render()
	sender := oneLine(st.settings.MailSender.Name, 100)
	if sender == "" {
		sender = st.merchantName()
	}
	return Mail{
		FromName: sender, From: st.settings.MailSender.Address, ReplyTo: st.settings.MailSender.ReplyTo,
		Language: st.locale.Language, Subject: l.Subject, Preheader: l.Preheader, Text: text, HTML: html,
	}, err
}

// sendToMerchant sends a mail to the merchant itself, at the seller's address; to nobody when there is none: the API and the events tell.
func (s *Service) sendToMerchant(ctx context.Context, id foyer.MerchantID, mailID string, compose func(st stationery) letter) error {
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil || m.Portal.Settings.Seller.Email == "" {
		return err
	}
	st, err := s.stationeryOf(ctx, m)
	if err != nil {
		return err
	}
	mail, err := st.seal(compose(st))
	if err != nil {
		return err
	}
	mail.ID, mail.Merchant, mail.To, mail.ReplyTo, mail.At = mailID, id, st.settings.Seller.Email, "", foyer.Micro(s.Now())
	return s.Sender.Send(ctx, mail)
}

// imprint sets who is behind the mail: the seller and the merchant's legal pages.
func (st stationery) imprint(l *letter) {
	l.Seller, l.Legal = sellerLine(st.settings.Seller), st.legalPages()
}

// legalPages are the merchant's pages every mail but the sign-in's leads to, as far as they are https.
func (st stationery) legalPages() []hyperlink {
	legal := st.settings.Legal
	var pages []hyperlink
	for _, page := range []struct{ key, address string }{
		{"support", legal.SupportURL},
		{"terms", legal.TermsURL},
		{"privacy", legal.PrivacyURL},
		{"imprint", legal.ImprintURL},
	} {
		if u, err := url.Parse(page.address); err == nil && u.Scheme == "https" && u.Host != "" {
			pages = append(pages, hyperlink{st.text("mail.billing.legal."+page.key, nil), template.URL(u.String())}) //nolint:gosec // an https address, written anew
		}
	}
	return pages
}

// help leads to somebody who can help: the merchant's help page, else its mailbox.
func (st stationery) help() *hyperlink {
	label := st.text("mail.billing.legal.support", nil)
	if u, err := url.Parse(st.settings.Legal.SupportURL); err == nil && u.Scheme == "https" && u.Host != "" {
		return &hyperlink{label, template.URL(u.String())} //nolint:gosec // an https address, written anew
	}
	if to := st.settings.Seller.Email; to != "" {
		return &hyperlink{label, template.URL("mailto:" + url.PathEscape(to))} //nolint:gosec // escaped
	}
	return nil
}

// sellerLine is the seller's name and address as a footer shows them.
func sellerLine(s merchant.Seller) string {
	var parts []string
	for _, part := range []string{
		s.LegalName, s.Address.Line1, s.Address.Line2, strings.TrimSpace(s.Address.PostalCode + " " + s.Address.City), string(s.Address.Country),
	} {
		if part = oneLine(part, 100); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · ")
}

var cssColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// color is the merchant's, or ours when it is none.
func color(b merchant.Branding) template.CSS {
	if cssColor.MatchString(b.Color) {
		return template.CSS(b.Color) //nolint:gosec // matched against cssColor
	}
	return "#2f5bea"
}

// inkOn is white or near-black, whichever has more contrast on a colour (relative luminance, WCAG 2.2 §1.4.3: the two contrasts are equal
// near 0.18).
func inkOn(c template.CSS) template.CSS {
	n, err := strconv.ParseUint(strings.TrimPrefix(string(c), "#"), 16, 32)
	if err != nil {
		return "#ffffff"
	}
	luminance := 0.2126*linear(n>>16&0xff) + 0.7152*linear(n>>8&0xff) + 0.0722*linear(n&0xff)
	if luminance > 0.18 {
		return "#14171d"
	}
	return "#ffffff"
}

// linear is a channel of sRGB as light.
func linear(channel uint64) float64 {
	c := float64(channel) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}
