package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// refund writes a refund and takes it off its charge in one transaction, or writes why not. The same key answers what was
// written first; with another charge or amount it is a conflict.
func (b *Books) refund(ctx context.Context, r billing.RefundRequest, now time.Time) (billing.RefundResult, error) {
	result, repeated := billing.RefundResult{}, false
	err := b.inTx(ctx, func(tx *sql.Tx) error {
		first, err := one(tx.ExecContext(ctx, `INSERT INTO sandbox_gateway_refunds
  (key, merchant, charge, amount, currency, refunded, error_code, created_at)
VALUES ($1, $2, $3, $4, $5, 0, '', $6) ON CONFLICT (key) DO NOTHING`,
			r.Key, string(r.Merchant), r.Charge, r.Amount.Amount, string(r.Amount.Currency), now.UnixMicro()))
		if err != nil || !first {
			repeated = !first
			return err
		}
		if result, err = takeOff(ctx, tx, r, now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE sandbox_gateway_refunds SET refunded = $1, error_code = $2 WHERE key = $3`,
			flag(result.Refunded), string(result.ErrorCode), r.Key)
		return down(err)
	})
	if err != nil {
		return billing.RefundResult{}, err
	}
	if repeated {
		return b.refundByKey(ctx, r)
	}
	return result, nil
}

// takeOff lowers what is left of a charge. The condition stands in the statement: of two refunds that together are too
// much, the second one finds too little.
func takeOff(ctx context.Context, tx *sql.Tx, r billing.RefundRequest, now time.Time) (billing.RefundResult, error) {
	if r.Amount.Amount <= 0 {
		return billing.RefundResult{ErrorCode: "invalid_amount"}, nil
	}
	taken, err := one(tx.ExecContext(ctx, `UPDATE sandbox_gateway_charges SET refunded = refunded + $1
WHERE key = $2 AND merchant = $3 AND currency = $4 AND status = $5 AND (disputed_at = 0 OR disputed_at > $6) AND amount - refunded >= $1`,
		r.Amount.Amount, r.Charge, string(r.Merchant), string(r.Amount.Currency), string(billing.ChargeCaptured), now.UnixMicro()))
	if err != nil || taken {
		return billing.RefundResult{Refunded: taken}, err
	}
	var left, disputedAt int64
	err = tx.QueryRowContext(ctx, `SELECT amount - refunded, disputed_at FROM sandbox_gateway_charges
WHERE key = $1 AND merchant = $2 AND status = $3`, r.Charge, string(r.Merchant), string(billing.ChargeCaptured)).
		Scan(&left, &disputedAt)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return billing.RefundResult{ErrorCode: "transaction_not_permitted"}, nil
	case err != nil:
		return billing.RefundResult{}, down(err)
	case disputedAt != 0 && disputedAt <= now.UnixMicro():
		return billing.RefundResult{ErrorCode: "transaction_not_permitted"}, nil
	case left == 0:
		return billing.RefundResult{ErrorCode: "already_refunded"}, nil
	default:
		return billing.RefundResult{ErrorCode: "invalid_amount"}, nil
	}
}

func (b *Books) refundByKey(ctx context.Context, r billing.RefundRequest) (billing.RefundResult, error) {
	was := billing.RefundRequest{Key: r.Key}
	var refunded int64
	var result billing.RefundResult
	err := b.db.QueryRowContext(ctx, `SELECT merchant, charge, amount, currency, refunded, error_code FROM sandbox_gateway_refunds
WHERE key = $1`, r.Key).Scan(&was.Merchant, &was.Charge, &was.Amount.Amount, &was.Amount.Currency, &refunded, &result.ErrorCode)
	if err != nil {
		return billing.RefundResult{}, down(err)
	}
	if was != r {
		return billing.RefundResult{}, foyer.Refuse(foyer.Conflict, codeKeyReused)
	}
	result.Refunded = refunded == 1
	return result, nil
}
