package sandbox

import (
	"context"
	"database/sql"
	"time"

	"foyer/internal/billing"
)

// execer is a database or a transaction on it.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// setup is a method being stored. methodID is set once the customer gave a card.
type setup struct {
	id       string
	merchant string
	customer string
	status   billing.SetupStatus
	methodID string
}

// insertSetup writes a setup unless there is one with its id, and returns the one there is.
func (b *Books) insertSetup(ctx context.Context, s setup, now time.Time) (setup, error) {
	_, err := b.db.ExecContext(ctx, `INSERT INTO sandbox_gateway_setups (id, merchant, customer, status, method_id, created_at)
VALUES ($1, $2, $3, $4, '', $5) ON CONFLICT (id) DO NOTHING`, s.id, s.merchant, s.customer, string(s.status), now.UnixMicro())
	if err != nil {
		return setup{}, down(err)
	}
	return b.setup(ctx, s.id)
}

func (b *Books) setup(ctx context.Context, id string) (setup, error) {
	var s setup
	err := b.db.QueryRowContext(ctx, `SELECT id, merchant, customer, status, method_id FROM sandbox_gateway_setups WHERE id = $1`, id).
		Scan(&s.id, &s.merchant, &s.customer, &s.status, &s.methodID)
	return s, down(err)
}

// giveCard moves a setup on from open with the card's method; false when somebody was quicker.
func (b *Books) giveCard(ctx context.Context, id string, to billing.SetupStatus, m method, now time.Time) (bool, error) {
	var moved bool
	err := b.inTx(ctx, func(tx *sql.Tx) error {
		var err error
		moved, err = one(tx.ExecContext(ctx, `UPDATE sandbox_gateway_setups SET status = $1, method_id = $2 WHERE id = $3 AND status = $4`,
			string(to), m.id, id, string(billing.SetupOpen)))
		if err != nil || !moved {
			return err
		}
		return b.insertMethod(ctx, tx, m, now)
	})
	return moved, err
}

// authenticateSetup ends a setup that requires action; false when somebody was quicker.
func (b *Books) authenticateSetup(ctx context.Context, s setup, to billing.SetupStatus) (bool, error) {
	var moved bool
	err := b.inTx(ctx, func(tx *sql.Tx) error {
		var err error
		moved, err = one(tx.ExecContext(ctx, `UPDATE sandbox_gateway_setups SET status = $1 WHERE id = $2 AND status = $3`,
			string(to), s.id, string(billing.SetupRequiresAction)))
		if err != nil || !moved || to != billing.SetupSucceeded {
			return err
		}
		return authenticateMethod(ctx, tx, s.methodID)
	})
	return moved, err
}

// authenticateMethod notes that the customer confirmed something with a method.
func authenticateMethod(ctx context.Context, on execer, id string) error {
	_, err := on.ExecContext(ctx, `UPDATE sandbox_gateway_methods SET authenticated = 1 WHERE id = $1`, id)
	return down(err)
}
