package notify

import (
	"context"
	"html/template"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/identity"
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
	st, err := s.stationeryOf(ctx, m, customer.Locale, prepared.Change.Locale)
	if err != nil {
		return err
	}
	told := emailChangeMail{
		stationery: st, step: step, name: customer.Name, email: prepared.Change.Email, life: s.LinkLife,
	}
	if prepared.Token != "" {
		// The token stands in the fragment, which browsers send to nobody.
		told.link = st.settings.Frontend(s.PublicURL) + "/email-change#token=" + prepared.Token
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
	stationery
	step  identity.EmailChangeStep
	name  string
	email string
	// link confirms the new address; empty when it is another customer's.
	link string
	life time.Duration
}

// mail composes and draws the mail.
func (e emailChangeMail) mail() (Mail, error) {
	minutes := int(e.life / time.Minute)
	params := map[string]any{
		"Merchant": e.merchantName(), "Name": oneLine(e.name, 80), "Email": oneLine(e.email, 254), "Minutes": minutes, "Count": minutes,
	}
	text := func(key string) string { return e.text("mail."+string(e.step)+"."+key, params) }
	l := e.letter()
	l.Subject, l.Greeting, l.Footer = text("subject"), e.text("mail.billing.greeting", params), text("footer")
	e.imprint(&l)
	// Who reads the new mailbox may be a stranger: the name of whoever typed the address wrongly is not for them.
	if params["Name"] != "" && e.step != identity.EmailChangeLink {
		l.Greeting = e.text("mail.billing.greeting_name", params)
	}
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
	return e.seal(l)
}
