package billing

import (
	"time"

	"foyer/internal/foyer"
)

// SetupID is `pms_…`.
type SetupID string

// Setup is a payment method being stored: begun here, finished by the customer with the gateway.
type Setup struct {
	ID        SetupID
	Merchant  foyer.MerchantID
	Customer  foyer.CustomerID
	Gateway   string
	Reference string
	// PaymentMethod is what came of it; empty until it was added.
	PaymentMethod PaymentMethodID
	CreatedAt     time.Time
}

// SetupStart is what a frontend needs to show the gateway's own form.
type SetupStart struct {
	Setup
	ClientSecret string
	PublicKey    string
}
