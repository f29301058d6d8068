package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

const (
	// disputeReason is why every charge of the disputed card is taken back.
	disputeReason = "fraudulent"
	// respondWithin is how long the merchant may object. Here nobody has to: the dispute is closed by whoever runs the sandbox.
	respondWithin = 7 * 24 * time.Hour
)

// disputeEnd is what a bank decided about a charge.
type disputeEnd struct {
	openedAt int64
	won      bool
}

// closeDispute notes what the bank decided; false when the charge is not disputed now, or it was decided before. Won, the money is the
// merchant's again: the charge is as if it had never been disputed, and can be refunded.
func (b *Books) closeDispute(ctx context.Context, key string, won bool, now time.Time) (bool, error) {
	moved := false
	err := b.inTx(ctx, func(tx *sql.Tx) error {
		var err error
		moved, err = one(tx.ExecContext(ctx, `INSERT INTO sandbox_gateway_dispute_ends (key, opened_at, closed_at, won)
SELECT key, disputed_at, CAST($2 AS BIGINT), CAST($3 AS BIGINT) FROM sandbox_gateway_charges WHERE key = $1 AND disputed_at <> 0 AND disputed_at <= CAST($2 AS BIGINT)
ON CONFLICT (key) DO NOTHING`, key, now.UnixMicro(), flag(won)))
		if err != nil || !moved || !won {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE sandbox_gateway_charges SET disputed_at = 0 WHERE key = $1`, key)
		return down(err)
	})
	return moved, err
}

func (b *Books) disputeEnd(ctx context.Context, key string) (disputeEnd, error) {
	var e disputeEnd
	var won int64
	err := b.db.QueryRowContext(ctx, `SELECT opened_at, won FROM sandbox_gateway_dispute_ends WHERE key = $1`, key).Scan(&e.openedAt, &won)
	e.won = won == 1
	return e, down(err)
}

// disputes returns the dispute of a charge, if there is one. It is of all that was charged, as banks do it, whatever was refunded.
func (b *bank) disputes(ctx context.Context, merchant foyer.MerchantID, key string) ([]billing.GatewayDispute, error) {
	c, err := b.own(ctx, merchant, key)
	if err != nil {
		return nil, err
	}
	end, err := b.books.disputeEnd(ctx, key)
	ended := err == nil
	if err != nil && !errors.Is(err, foyer.NotFound) {
		return nil, err
	}
	d := billing.GatewayDispute{Reference: "dispute_of_" + c.key, Status: billing.DisputeOpen, Reason: disputeReason, Amount: c.amount}
	opened := c.disputedAt
	switch {
	case ended && end.won:
		d.Status, opened = billing.DisputeWon, end.openedAt
	case ended:
		d.Status, opened = billing.DisputeLost, end.openedAt
	case opened == 0 || opened > b.now().UnixMicro():
		return nil, nil
	default:
		until := time.UnixMicro(opened).Add(respondWithin).UTC()
		d.RespondBy = &until
	}
	d.OpenedAt = time.UnixMicro(opened).UTC()
	return []billing.GatewayDispute{d}, nil
}

// closeDispute takes the bank's decision and tells of it.
func (b *bank) closeDispute(ctx context.Context, key string, won bool) error {
	if !validName(key) {
		return foyer.ErrNotFound()
	}
	c, err := b.books.charge(ctx, key)
	if err != nil {
		return err
	}
	moved, err := b.books.closeDispute(ctx, key, won, b.now())
	if moved {
		b.notices.tell(c.notice(), 0)
	}
	return err
}

// Disputes implements billing.DisputeReader.
func (l *Local) Disputes(ctx context.Context, merchant foyer.MerchantID, key string) ([]billing.GatewayDispute, error) {
	return l.bank.disputes(ctx, merchant, key)
}

// CloseDispute ends the dispute of a charge, as the customer's bank does: for the merchant when it is won.
func (l *Local) CloseDispute(ctx context.Context, key string, won bool) error {
	return l.bank.closeDispute(ctx, key, won)
}
