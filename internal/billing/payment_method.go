package billing

import (
	"time"

	"foyer/internal/foyer"
)

// PaymentMethodID is `paymtd_…`.
type PaymentMethodID string

// PaymentMethodStatus says whether a payment method can be used.
type PaymentMethodStatus string

// The states of a payment method.
const (
	PaymentMethodValid    PaymentMethodStatus = "valid"
	PaymentMethodExpiring PaymentMethodStatus = "expiring"
	PaymentMethodExpired  PaymentMethodStatus = "expired"
)

// Card is what may be known of a card: enough to recognise it, nothing to pay with.
type Card struct {
	Brand       string
	Last4       string
	ExpiryMonth int
	ExpiryYear  int
}

// PaymentMethod is a way to pay a customer has stored at the gateway. Card data never reaches Foyer.
type PaymentMethod struct {
	ID          PaymentMethodID
	Merchant    foyer.MerchantID
	Customer    foyer.CustomerID
	ExternalID  string
	Gateway     string
	Type        string
	Card        *Card
	BillingName string
	Default     bool
	// UsedBy are the subscriptions, not canceled ones, that are charged with it.
	UsedBy    []SubscriptionID
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// expiringSoon is how long before its last day a card counts as expiring.
const expiringSoon = 30 * 24 * time.Hour

// Status says whether the method is valid, expires within 30 days, or has expired. A card is good to the end of the
// month printed on it.
func (m PaymentMethod) Status(now time.Time) PaymentMethodStatus {
	if m.Card == nil || m.Card.ExpiryYear == 0 {
		return PaymentMethodValid
	}
	end := time.Date(m.Card.ExpiryYear, time.Month(m.Card.ExpiryMonth)+1, 1, 0, 0, 0, 0, time.UTC)
	switch {
	case !now.Before(end):
		return PaymentMethodExpired
	case !now.Before(end.Add(-expiringSoon)):
		return PaymentMethodExpiring
	default:
		return PaymentMethodValid
	}
}
