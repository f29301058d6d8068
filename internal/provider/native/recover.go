package native

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// recoverAttempts looks up what became of attempts whose worker died, or did not hear the gateway's answer, and gives up what
// a customer did not confirm in time.
func (e *Engine) recoverAttempts(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	now := foyer.Micro(e.Real())
	left, err := e.Store.AbandonedAttempts(ctx, merchant, now, *e.leased(), batch)
	if err != nil || len(left) == 0 {
		return false, err
	}
	charges, err := e.chargesOf(ctx, merchant, left)
	if err != nil {
		return false, err
	}
	return true, e.collect(ctx, merchant, charges, func(ctx context.Context, c *charge) error {
		if err := e.lookUp(ctx, c); err != nil {
			return err
		}
		return e.giveUpAction(ctx, c)
	})
}

// chargesOf makes charges of attempts that were planned before.
func (e *Engine) chargesOf(ctx context.Context, merchant foyer.MerchantID, attempts []billing.Attempt) ([]*charge, error) {
	ids := make([]billing.PaymentID, len(attempts))
	charges := make([]*charge, len(attempts))
	for i, a := range attempts {
		ids[i] = a.Payment
		charges[i] = &charge{attempt: a}
	}
	payments, err := e.Store.PaymentOfAttempt(ctx, merchant, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range charges {
		p := payments[c.attempt.Payment]
		c.subscription, c.currency, c.effect = p.Subscription, p.Currency, p.Effect
	}
	return charges, e.withTokens(ctx, merchant, charges)
}

// Settle looks up one attempt at the gateway and books what became of it: a webhook or the customer's return is the reason,
// the gateway's answer decides. Unknown and finished attempts are left alone.
func (e *Engine) Settle(ctx context.Context, merchant foyer.MerchantID, id billing.AttemptID) error {
	a, err := e.Store.Attempt(ctx, merchant, id)
	if errors.Is(err, foyer.NotFound) || err == nil && !a.Unfinished() {
		return nil
	}
	if err != nil {
		return err
	}
	charges, err := e.chargesOf(ctx, merchant, []billing.Attempt{a})
	if err != nil {
		return err
	}
	return e.collect(ctx, merchant, charges, e.lookUp)
}
