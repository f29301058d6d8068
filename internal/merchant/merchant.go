package merchant

import (
	"time"

	"foyer/internal/foyer"
)

// Mode says whether a merchant moves real money.
type Mode string

// The modes of a merchant.
const (
	Sandbox Mode = "sandbox"
	Live    Mode = "live"
)

// Merchant is a tenant: a company that sells and runs its customer portal with Foyer.
type Merchant struct {
	ID        foyer.MerchantID
	Name      string
	Mode      Mode
	CreatedAt time.Time
	Portal    Portal
	// ClockOffset is how far the merchant's clock is ahead of the real one; 0 for live merchants.
	ClockOffset time.Duration
}

// Portal is what a merchant's customers see and may do.
type Portal struct {
	ID       foyer.PortalID
	Merchant foyer.MerchantID
	Settings Settings
	Version  int64
}

// New returns a merchant with a portal that works at once, or a refusal that names what is wrong with the settings.
func New(ids foyer.IDs, mode Mode, settings Settings, now time.Time) (Merchant, error) {
	if err := settings.Validate(); err != nil {
		return Merchant{}, err
	}
	if mode != Sandbox && mode != Live {
		return Merchant{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/mode", Code: "input.enum"})
	}
	m := Merchant{
		ID:        foyer.MerchantID(ids(foyer.PrefixMerchant)),
		Name:      settings.Name,
		Mode:      mode,
		CreatedAt: foyer.Micro(now),
	}
	m.Portal = Portal{ID: foyer.PortalID(ids(foyer.PrefixPortal)), Merchant: m.ID, Settings: settings, Version: 1}
	return m, nil
}
