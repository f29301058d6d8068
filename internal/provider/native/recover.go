package native

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// recoverAttempts looks up what became of attempts whose worker died, or did not hear the gateway's answer, and gives up what
// a customer did not confirm in time.
func (e *Engine) recoverAttempts(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	now := foyer.Micro(e.Real())
	left, err := e.Store.AbandonedAttempts(ctx, merchant, now, *e.leased(), batch)
	if err != nil || len(left) == 0 {
		return false, err
	}
	_, err = e.giveUp(ctx, merchant, left)
	return true, err
}

// lookAtUnanswered looks at charges that wait for their customer, who may have confirmed them without anybody telling: a gateway's
// message can be late or lost, and they look at a payment that is still open.
func (e *Engine) lookAtUnanswered(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	now := foyer.Micro(e.Real())
	open, err := e.Store.AttemptsToLookAt(ctx, merchant, now, batch)
	if err != nil || len(open) == 0 {
		return false, err
	}
	_, err = e.lookAt(ctx, merchant, open)
	return true, err
}

// lookAt asks the gateway about attempts and books what became of them. One that goes on waiting for its customer stays as it is: its
// hour is not begun again.
func (e *Engine) lookAt(ctx context.Context, merchant foyer.MerchantID, attempts []billing.Attempt) ([]*charge, error) {
	charges, err := e.chargesOf(ctx, merchant, attempts)
	if err != nil {
		return nil, err
	}
	e.askAll(ctx, charges, e.lookUp)
	var changed []*charge
	for _, c := range charges {
		waits := c.attempt.Status == billing.AttemptRequiresAction && (c.unknown || c.result.Status == billing.ChargeRequiresAction)
		if !waits {
			changed = append(changed, c)
		}
	}
	if len(changed) == 0 {
		return charges, nil
	}
	return charges, e.Store.InTx(ctx, func(ctx context.Context) error { return e.book(ctx, merchant, changed) })
}

// recoverUnanswered gives up what a customer did not confirm within an hour of the merchant's clock, which may be moved where it is a
// sandbox's: an hour of real time would let one question nobody answers hold up the subscription for as long as the clock is moved.
func (e *Engine) recoverUnanswered(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	last, err := e.unansweredUntil(ctx, merchant)
	now, failed := e.now(ctx, merchant)
	if err = errors.Join(err, failed); err != nil || last == nil || last.After(now) {
		return false, err
	}
	left, err := e.Store.UnansweredAttempts(ctx, merchant, now.Add(-billing.ActionLife), *e.leased(), batch)
	if err != nil || len(left) == 0 {
		return false, err
	}
	ended, err := e.giveUp(ctx, merchant, left)
	return ended > 0 && len(left) == batch, err
}

// unansweredUntil is when the first question that waits for a customer is given up by a sandbox merchant's clock; nil when none is.
func (e *Engine) unansweredUntil(ctx context.Context, id foyer.MerchantID) (*time.Time, error) {
	m, err := e.Merchants.ByID(ctx, id)
	if err != nil || m.Mode != merchant.Sandbox {
		return nil, err
	}
	asked, err := e.Store.OldestUnanswered(ctx, id, *e.leased())
	if err != nil || asked == nil {
		return nil, err
	}
	until := asked.Add(billing.ActionLife)
	return &until, nil
}

// giveUp looks attempts up, gives up what still waits for a customer, and tells how many came to an end.
func (e *Engine) giveUp(ctx context.Context, merchant foyer.MerchantID, left []billing.Attempt) (ended int, err error) {
	charges, err := e.chargesOf(ctx, merchant, left)
	if err != nil {
		return 0, err
	}
	err = e.collect(ctx, merchant, charges, func(ctx context.Context, c *charge) error {
		if err := e.lookUp(ctx, c); err != nil {
			return err
		}
		return e.giveUpAction(ctx, c)
	})
	for _, c := range charges {
		if !c.unknown && c.result.Status != billing.ChargeRequiresAction && c.result.Status != billing.ChargePending {
			ended++
		}
	}
	return ended, err
}

// chargesOf makes charges of attempts that were planned before.
func (e *Engine) chargesOf(ctx context.Context, merchant foyer.MerchantID, attempts []billing.Attempt) ([]*charge, error) {
	ids := make([]billing.PaymentID, len(attempts))
	charges := make([]*charge, len(attempts))
	for i, a := range attempts {
		ids[i] = a.Payment
		charges[i] = &charge{attempt: a, planned: true}
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
// the gateway's answer decides. What is captured is followed: its bank may take it back. Others that are finished, and unknown ones, are
// left alone.
func (e *Engine) Settle(ctx context.Context, merchant foyer.MerchantID, id billing.AttemptID) error {
	a, err := e.Store.Attempt(ctx, merchant, id)
	if errors.Is(err, foyer.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Unfinished() {
		charges, err := e.lookAt(ctx, merchant, []billing.Attempt{a})
		if err != nil || charges[0].unknown || charges[0].result.Status != billing.ChargeCaptured {
			return err
		}
	} else if a.Status != billing.AttemptCaptured {
		return e.mindLateCapture(ctx, a)
	}
	return e.follow(ctx, a)
}

// mindLateCapture says aloud when money moved for an attempt that is over. No gateway should let that happen, and nothing here can book
// it: the bill may have been paid in another way. Whoever runs the instance gives it back at the gateway.
func (e *Engine) mindLateCapture(ctx context.Context, a billing.Attempt) error {
	gateway, err := e.Gateways.GatewayOf(ctx, a.Merchant)
	if err != nil {
		return err
	}
	result, err := gateway.ChargeByKey(ctx, a.Merchant, string(a.ID))
	if errors.Is(err, foyer.NotFound) {
		return nil
	}
	if err == nil && result.Status == billing.ChargeCaptured {
		e.Log.ErrorContext(ctx, "money moved for an attempt that had ended: give it back at the gateway", "merchant", a.Merchant, "attempt", a.ID, "payment", a.Payment)
	}
	return err
}
