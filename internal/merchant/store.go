package merchant

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Store keeps merchants. Not found is foyer.NotFound.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	CreateMerchant(ctx context.Context, m Merchant) error
	CreateAPIKey(ctx context.Context, k APIKey) error
	// MerchantByID returns the merchant with its portal.
	MerchantByID(ctx context.Context, id foyer.MerchantID) (Merchant, error)
	// MerchantByPortal finds a merchant by the public id of its portal.
	MerchantByPortal(ctx context.Context, id foyer.PortalID) (Merchant, error)
	// Merchants lists all of the instance, oldest first.
	Merchants(ctx context.Context) ([]Merchant, error)
	// OriginKnown tells whether any portal of the instance allows the origin.
	OriginKnown(ctx context.Context, origin string) (bool, error)
	// SetClockOffset moves the clock of a sandbox merchant forward; a smaller offset than it has changes nothing.
	SetClockOffset(ctx context.Context, id foyer.MerchantID, offset time.Duration) error
}
