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
	ID         PaymentMethodID
	Merchant   foyer.MerchantID
	Customer   foyer.CustomerID
	ExternalID string
	Gateway    string
	Type       string
	Card       *Card
	// Wallet is what a card came with ("apple_pay"); Identifier is what a customer recognises a method by that is no card, which may be
	// a personal address. It goes into no log.
	Wallet      string
	Identifier  string
	BillingName string
	Default     bool
	// Metadata is what the merchant keeps beside it.
	Metadata foyer.Metadata
	// UsedBy are the subscriptions, not canceled ones, that are charged with it.
	UsedBy    []SubscriptionID
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
	// GoneAt is set once the gateway can't charge it any more, although subscriptions are charged with it.
	GoneAt *time.Time

	// Token charges the method at the gateway, Fingerprint is the gateway's name of the card. Both are set only where they
	// are needed: when the method is made, and for charging it.
	Token       string
	Fingerprint string
	// NoticeAt is when the customer is told that it expires.
	NoticeAt *time.Time
}

// expiry is the moment a card stops being good: the end of the month printed on it; false when it has none.
func (m PaymentMethod) expiry() (time.Time, bool) {
	if m.Card == nil || m.Card.ExpiryYear == 0 {
		return time.Time{}, false
	}
	return time.Date(m.Card.ExpiryYear, time.Month(m.Card.ExpiryMonth)+1, 1, 0, 0, 0, 0, time.UTC), true
}

// expiringSoon is how long before its last day a card counts as expiring.
const expiringSoon = 30 * 24 * time.Hour

// Status says whether the method is valid, expires within 30 days, or has expired. A card is good to the end of the
// month printed on it; one the gateway can't charge any more has expired, whatever is printed on it.
func (m PaymentMethod) Status(now time.Time) PaymentMethodStatus {
	end, expires := m.expiry()
	switch {
	case m.GoneAt != nil:
		return PaymentMethodExpired
	case !expires:
		return PaymentMethodValid
	case !now.Before(end):
		return PaymentMethodExpired
	case !now.Before(end.Add(-expiringSoon)):
		return PaymentMethodExpiring
	default:
		return PaymentMethodValid
	}
}

// NewPaymentMethod returns the method a finished setup gives.
func NewPaymentMethod(setup Setup, m GatewayMethod, now time.Time) PaymentMethod {
	method := PaymentMethod{
		ID: setup.PaymentMethod, Merchant: setup.Merchant, Customer: setup.Customer, Gateway: setup.Gateway, Type: m.Type, Card: m.Card,
		Wallet: m.Wallet, Identifier: m.Identifier, BillingName: m.BillingName, Token: m.Token, Fingerprint: m.Fingerprint,
		CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	method.NoticeAt = method.notice()
	return method
}

// notice is when the customer is told that a card expires; nil for what does not.
func (m PaymentMethod) notice() *time.Time {
	end, expires := m.expiry()
	if !expires {
		return nil
	}
	notice := end.Add(-expiringSoon)
	return &notice
}
