package notify

import (
	"context"
	"html/template"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// kindNewSignIn names the mail about a sign-in on a device not seen before.
const kindNewSignIn = "new_sign_in"

// SendNewSignIn makes and sends the mail that tells a customer of a sign-in on a device they had not signed in on before. Running it
// again gives the same mail.
func (s *Service) SendNewSignIn(ctx context.Context, id foyer.MerchantID, signIn identity.SignInID, session foyer.SessionID) error {
	told, ok, err := s.SignIns.PrepareNewSignIn(ctx, id, signIn, session)
	if err != nil || !ok {
		return err
	}
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil {
		return err
	}
	customer, err := s.Customers.Customer(ctx, told.Session.Scope())
	if err != nil {
		return err
	}
	settings := m.Portal.Settings
	mail, err := newSignInMail(settings, mailLocale(settings, customer.Locale, told.Locale), customer.Name, told.Session, s.PublicURL)
	if err != nil {
		return err
	}
	now := foyer.Micro(s.Now())
	mail.ID, mail.Merchant, mail.To, mail.At = derivedID(foyer.PrefixMail, string(session), kindNewSignIn), id, customer.Email, now
	if err := s.Sender.Send(ctx, mail); err != nil {
		return err
	}
	return s.recordSent(ctx, told.Session.Scope(), mail.ID, kindNewSignIn, now)
}

// newSignInMail says as much of the device as the list of sessions does, and what to do if it was somebody else's. The button asks
// for a new sign-in: a link that signs in by itself would help whoever reads the mailbox.
func newSignInMail(settings merchant.Settings, locale i18n.Locale, name string, session identity.Session, publicURL string) (Mail, error) {
	params := map[string]any{"Merchant": oneLine(settings.Name, 100), "Name": oneLine(name, 80)}
	text := func(key string) string { return locale.Text("mail."+kindNewSignIn+"."+key, params) }
	l := billingLetter{
		Language: locale.Language, Direction: direction(locale), Start: "left", End: "right", Merchant: oneLine(settings.Name, 100),
		Color: color(settings.Branding), Greeting: locale.Text("mail.billing.greeting", params), Subject: oneLine(text("subject"), 150),
		Paragraphs: []string{text("intro"), text("you"), text("not_you")},
		Button:     &hyperlink{text("button"), template.URL(settings.Frontend(publicURL) + identity.Target{Kind: identity.TargetOverview}.Path())}, //nolint:gosec // the portal's checked URL
		Footer:     text("footer"), Seller: sellerLine(settings.Seller), Legal: legalPages(settings.Legal, locale),
	}
	if l.Direction == "rtl" {
		l.Start, l.End = "right", "left"
	}
	if params["Name"] != "" {
		l.Greeting = locale.Text("mail.billing.greeting_name", params)
	}
	device := oneLine(session.Place.Device, 100)
	if device == "" {
		device = text("unknown_device")
	}
	l.Rows = []fact{{Label: text("label.device"), Value: device}}
	if ip := oneLine(session.Place.IP, 60); ip != "" {
		l.Rows = append(l.Rows, fact{Label: text("label.ip"), Value: ip})
	}
	l.Rows = append(l.Rows, fact{Label: text("label.at"), Value: locale.DateTime(session.CreatedAt)})
	l.Preheader = l.Paragraphs[0]
	html, plain, err := render("billing", l)
	return Mail{FromName: senderName(settings), ReplyTo: settings.MailSender.ReplyTo, Language: locale.Language, Subject: l.Subject, Text: plain, HTML: html}, err
}
