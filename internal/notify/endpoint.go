package notify

import (
	"context"
	"time"

	"foyer/internal/foyer"
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
	return s.sendToMerchant(ctx, id, mailID, disabled.letter)
}

func (e DisabledEndpoint) letter(st stationery) letter {
	locale := st.locale
	params := map[string]any{
		"Merchant": st.merchantName(), "Host": oneLine(e.Host, 100), "Endpoint": e.ID, "Since": locale.Date(e.FailingSince), "At": locale.Date(e.At),
	}
	text := func(key string) string { return st.text("mail.webhook_disabled."+key, params) }
	why := text("failing")
	if e.Gone {
		why = text("gone")
	}
	l := st.letter()
	l.Subject, l.Greeting, l.Paragraphs, l.Footer = text("subject"), text("greeting"), []string{why, text("then")}, text("footer")
	l.Rows = []fact{{Label: text("label.endpoint"), Value: e.ID}, {Label: text("label.host"), Value: oneLine(e.Host, 100), Strong: true}}
	if d := oneLine(e.Description, 200); d != "" {
		l.Rows = append(l.Rows, fact{Label: text("label.description"), Value: d})
	}
	return l
}
