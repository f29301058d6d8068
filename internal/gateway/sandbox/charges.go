package sandbox

import (
	"context"
	"database/sql"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// charge is one charge. capturedAt and disputedAt are microseconds, 0 for never; disputedAt may be in the future.
type charge struct {
	key        string
	merchant   string
	reference  string
	methodID   string
	amount     foyer.Money
	onSession  bool
	status     billing.ChargeStatus
	errorCode  billing.ErrorCode
	refunded   int64
	createdAt  int64
	capturedAt int64
	disputedAt int64
}

const chargeColumns = `key, merchant, reference, method_id, amount, currency, on_session, status, error_code, refunded, ` +
	`created_at, captured_at, disputed_at`

// insertCharge writes a charge unless there is one with its key: this one statement decides whether money moves. False
// when there was one.
func (b *Books) insertCharge(ctx context.Context, c charge) (bool, error) {
	return one(b.db.ExecContext(ctx, `INSERT INTO sandbox_gateway_charges (`+chargeColumns+`)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12) ON CONFLICT (key) DO NOTHING`,
		c.key, c.merchant, c.reference, c.methodID, c.amount.Amount, string(c.amount.Currency), flag(c.onSession), string(c.status),
		string(c.errorCode), c.createdAt, c.capturedAt, c.disputedAt))
}

func (b *Books) charge(ctx context.Context, key string) (charge, error) {
	return scanCharge(b.db.QueryRowContext(ctx, `SELECT `+chargeColumns+` FROM sandbox_gateway_charges WHERE key = $1`, key))
}

func scanCharge(row interface{ Scan(into ...any) error }) (charge, error) {
	var c charge
	var onSession int64
	err := row.Scan(&c.key, &c.merchant, &c.reference, &c.methodID, &c.amount.Amount, &c.amount.Currency, &onSession, &c.status,
		&c.errorCode, &c.refunded, &c.createdAt, &c.capturedAt, &c.disputedAt)
	c.onSession = onSession == 1
	return c, down(err)
}

// endAction ends a charge that requires action: captured, or declined with a code. False when somebody was quicker.
func (b *Books) endAction(ctx context.Context, c charge, code billing.ErrorCode, now time.Time) (bool, error) {
	var moved bool
	err := b.inTx(ctx, func(tx *sql.Tx) error {
		status, at := billing.ChargeCaptured, now.UnixMicro()
		if code != "" {
			status, at = billing.ChargeDeclined, 0
		}
		var err error
		moved, err = one(tx.ExecContext(ctx, `UPDATE sandbox_gateway_charges SET status = $1, error_code = $2, captured_at = $3
WHERE key = $4 AND status = $5`, string(status), string(code), at, c.key, string(billing.ChargeRequiresAction)))
		if err != nil || !moved || code != "" {
			return err
		}
		return authenticateMethod(ctx, tx, c.methodID)
	})
	return moved, err
}

// dispute notes that the customer's bank took a captured charge back; false when it is not captured, disputed already, or was: a bank
// decides once.
func (b *Books) dispute(ctx context.Context, key string, now time.Time) (bool, error) {
	return one(b.db.ExecContext(ctx, `UPDATE sandbox_gateway_charges SET disputed_at = $1
WHERE key = $2 AND status = $3 AND (disputed_at = 0 OR disputed_at > $1)
  AND NOT EXISTS (SELECT 1 FROM sandbox_gateway_dispute_ends WHERE key = $2)`, now.UnixMicro(), key, string(billing.ChargeCaptured)))
}
