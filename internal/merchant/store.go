package merchant

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Store keeps merchants. Not found is foyer.NotFound.
type Store interface {
	// InTx runs fn in a transaction, or in the one that is open.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	CreateMerchant(ctx context.Context, m Merchant) error
	// Conclude is InTx for the last transaction of a command: its answer and its line in the audit log are committed with it.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error

	CreateAPIKey(ctx context.Context, k APIKey) error
	// APIKeyByHash finds a key by the hash of its secret, the one before the last rotation too, whatever became of the key.
	APIKeyByHash(ctx context.Context, hash []byte) (APIKey, error)
	APIKey(ctx context.Context, merchant foyer.MerchantID, id APIKeyID) (APIKey, error)
	APIKeys(ctx context.Context, merchant foyer.MerchantID, page foyer.PageRequest) ([]APIKey, error)
	// SaveAPIKey saves a changed key if nobody changed it since; false when somebody did.
	SaveAPIKey(ctx context.Context, k APIKey) (bool, error)
	// TouchAPIKey notes that the key was used, unless that was noted after since.
	TouchAPIKey(ctx context.Context, merchant foyer.MerchantID, id APIKeyID, now, since time.Time) error
	// LockMerchant makes changes of one merchant's own things wait for each other until the transaction ends.
	LockMerchant(ctx context.Context, id foyer.MerchantID) error

	// RecordAudit writes one line of the audit log, in the transaction of what it tells of.
	RecordAudit(ctx context.Context, e AuditEntry) error
	// AuditLog returns a page, newest first.
	AuditLog(ctx context.Context, merchant foyer.MerchantID, filter AuditFilter, page foyer.PageRequest) ([]AuditEntry, error)
	// ChainAudit chains up to limit entries that are committed and not chained yet, and tells how many.
	ChainAudit(ctx context.Context, merchant foyer.MerchantID, limit int) (int, error)

	// SavePortal saves changed settings, and which origins they allow, if nobody changed them since; false when somebody did.
	SavePortal(ctx context.Context, p Portal, now time.Time) (bool, error)

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
	// AimClock writes down where the clock of a sandbox merchant is to go; ClockAimed tells whether it was last told to go there.
	AimClock(ctx context.Context, id foyer.MerchantID, to time.Time) error
	ClockAimed(ctx context.Context, id foyer.MerchantID, to time.Time) (bool, error)
}
