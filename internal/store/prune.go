package store

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// How long what has ended is kept before it is deleted.
const (
	keepSignIns     = 24 * time.Hour
	keepSessions    = 24 * time.Hour
	keepIdempotency = 48 * time.Hour
	// An old mail's link still says where to sign in.
	keepPortalSessions = 90 * 24 * time.Hour
	// Longer than the job queue tries to send a mail.
	keepMailOrders = 30 * 24 * time.Hour
	keepSetups     = 30 * 24 * time.Hour
	// How far back a merchant can see what became of a delivery, and have it again.
	keepDeliveries = 30 * 24 * time.Hour
	// What is asked when an account was taken over: when was the address changed, and to which?
	keepEmailChanges = 90 * 24 * time.Hour
)

// Prune deletes what has expired, of all merchants. Running it twice at once does no harm.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	db := s.db(acrossMerchants(ctx, "expired rows of all merchants"))
	for _, sweep := range []struct {
		statement string
		before    time.Time
	}{
		{"DELETE FROM sign_ins WHERE expires_at < ?", now.Add(-keepSignIns)},
		{"DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE expires_at < ?)", now.Add(-keepSessions)},
		{"DELETE FROM sessions WHERE expires_at < ?", now.Add(-keepSessions)},
		{"DELETE FROM mails WHERE created_at < ?", now.Add(-mailLife)},
		{"DELETE FROM rate_limits WHERE resets_at < ?", now},
		{"DELETE FROM idempotency_keys WHERE created_at < ?", now.Add(-keepIdempotency)},
		{"DELETE FROM portal_sessions WHERE expires_at < ?", now.Add(-keepPortalSessions)},
		{"DELETE FROM mail_orders WHERE created_at < ?", now.Add(-keepMailOrders)},
		{"DELETE FROM email_changes WHERE created_at < ?", now.Add(-keepEmailChanges)},
		{"DELETE FROM payment_method_setups WHERE created_at < ?", now.Add(-keepSetups)},
	} {
		if err := db.Exec(sweep.statement, sweep.before).Error; err != nil {
			return translate(err)
		}
	}
	// By the time in the id: the index it has anyway.
	old := string(foyer.PrefixDelivery) + "_" + ulidTime(now.Add(-keepDeliveries))
	return translate(db.Exec("DELETE FROM deliveries WHERE id < ? AND due_at IS NULL", old).Error)
}
