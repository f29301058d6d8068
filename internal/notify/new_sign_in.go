package notify

import (
	"context"
	"html/template"

	"foyer/internal/foyer"
	"foyer/internal/identity"
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
	st, err := s.stationeryOf(ctx, m, customer.Locale, told.Locale)
	if err != nil {
		return err
	}
	mail, err := newSignInMail(st, customer.Name, told.Session, s.PublicURL)
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
func newSignInMail(st stationery, name string, session identity.Session, publicURL string) (Mail, error) {
	params := map[string]any{"Merchant": st.merchantName(), "Name": oneLine(name, 80)}
	text := func(key string) string { return st.text("mail."+kindNewSignIn+"."+key, params) }
	l := st.letter()
	l.Subject, l.Greeting, l.Paragraphs = text("subject"), st.text("mail.billing.greeting", params), []string{text("intro"), text("you"), text("not_you")}
	if params["Name"] != "" {
		l.Greeting = st.text("mail.billing.greeting_name", params)
	}
	l.Button = &hyperlink{text("button"), template.URL(st.settings.Frontend(publicURL) + identity.Target{Kind: identity.TargetOverview}.Path())} //nolint:gosec // the portal's checked URL
	device := oneLine(session.Place.Device, 100)
	if device == "" {
		device = text("unknown_device")
	}
	l.Rows = []fact{{Label: text("label.device"), Value: device}}
	if ip := oneLine(session.Place.IP, 60); ip != "" {
		l.Rows = append(l.Rows, fact{Label: text("label.ip"), Value: ip})
	}
	l.Rows = append(l.Rows, fact{Label: text("label.at"), Value: st.locale.DateTime(session.CreatedAt)})
	l.Footer = text("footer")
	st.imprint(&l)
	return st.seal(l)
}
