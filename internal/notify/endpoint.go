package notify

import (
	"context"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// Endpoints is what notify asks of webhook.
type Endpoints interface {
	// DisabledEndpoint tells of an endpoint that disabled itself; false when it is enabled again, or gone.
	DisabledEndpoint(ctx context.Context, merchant foyer.MerchantID, id string) (DisabledEndpoint, bool, error)
}

// DisabledEndpoint is what a mail tells of a webhook endpoint. Of its address the host only: the rest may hold a secret.
type DisabledEndpoint struct {
	ID          string
	Host        string
	Description string
	// Gone: it answered 410; else it failed since FailingSince.
	Gone         bool
	FailingSince time.Time
	At           time.Time
}

// SendEndpointMail tells the merchant that a webhook endpoint was disabled, at the seller's address. Running it again is the same
// mail.
func (s *Service) SendEndpointMail(ctx context.Context, id foyer.MerchantID, endpoint, mailID string) error {
	disabled, still, err := s.Endpoints.DisabledEndpoint(ctx, id, endpoint)
	if err != nil || !still {
		return err
	}
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil {
		return err
	}
	settings := m.Portal.Settings
	if settings.Seller.Email == "" {
		return nil // nobody to tell; the API and the log do
	}
	mail, err := endpointMail(settings, mailLocale(settings), disabled)
	if err != nil {
		return err
	}
	mail.ID, mail.Merchant, mail.To, mail.At = mailID, id, settings.Seller.Email, foyer.Micro(s.Now())
	return s.Sender.Send(ctx, mail)
}

func endpointMail(settings merchant.Settings, locale i18n.Locale, e DisabledEndpoint) (Mail, error) {
	name := oneLine(settings.Name, 100)
	params := map[string]any{
		"Merchant": name, "Host": oneLine(e.Host, 100), "Endpoint": e.ID, "Since": locale.Date(e.FailingSince), "At": locale.Date(e.At),
	}
	text := func(key string) string { return locale.Text("mail.webhook_disabled."+key, params) }
	why := text("failing")
	if e.Gone {
		why = text("gone")
	}
	l := billingLetter{
		Language: locale.Language, Direction: direction(locale), Start: "left", End: "right", Merchant: name, Color: color(settings.Branding),
		Subject: oneLine(text("subject"), 150), Preheader: why, Greeting: text("greeting"), Paragraphs: []string{why, text("then")},
		Rows:   []fact{{Label: text("label.endpoint"), Value: e.ID}, {Label: text("label.host"), Value: oneLine(e.Host, 100), Strong: true}},
		Footer: text("footer"),
	}
	if d := oneLine(e.Description, 200); d != "" {
		l.Rows = append(l.Rows, fact{Label: text("label.description"), Value: d})
	}
	if l.Direction == "rtl" {
		l.Start, l.End = "right", "left"
	}
	html, plain, err := render("billing", l)
	return Mail{FromName: senderName(settings), Language: locale.Language, Subject: l.Subject, Text: plain, HTML: html}, err
}
