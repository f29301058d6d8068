package native

import (
	"context"
	"errors"
	"sync"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// charge is an attempt on its way to the gateway.
type charge struct {
	attempt      billing.Attempt
	subscription billing.SubscriptionID
	currency     foyer.Currency
	// effect is the payment's, known when the attempt was planned before.
	effect *billing.Effect
	token  string
	result billing.ChargeResult
	// planned says that it was planned before, and is looked up.
	planned bool
	// superseded says that the customer chose another method instead of answering their bank.
	superseded bool
	// gone says that the gateway had not got the method any more before this charge was decided.
	gone bool
	// unknown says that nobody knows what became of it: it is looked up when its lease has run out.
	unknown bool
}

// ask asks the gateway to move the money, under the attempt's key. What was planned is committed before.
func (e *Engine) ask(ctx context.Context, c *charge) error {
	gateway, err := e.Gateways.GatewayOf(ctx, c.attempt.Merchant)
	if err != nil {
		return err
	}
	if c.token == "" {
		return e.askWithout(ctx, gateway, c)
	}
	c.result, err = gateway.Charge(ctx, billing.ChargeRequest{
		Key: string(c.attempt.ID), Merchant: c.attempt.Merchant, Payment: c.attempt.Payment,
		Amount: foyer.Money{Amount: c.attempt.Amount, Currency: c.currency}, Token: c.token, OnSession: c.attempt.OnSession,
	})
	return err
}

// askWithout ends a charge whose method was deleted in between, or never could be charged. The gateway may have begun it while there
// was one, so it is canceled there and not only said to be over: what is captured all the same is booked.
func (e *Engine) askWithout(ctx context.Context, gateway billing.Gateway, c *charge) error {
	gone := billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: billing.ErrorRedacted}
	canceler, can := gateway.(billing.ChargeCanceler)
	if !can {
		c.result = gone
		return nil
	}
	var err error
	c.result, err = canceler.CancelCharge(ctx, c.attempt.Merchant, string(c.attempt.ID))
	if errors.Is(err, foyer.NotFound) || err == nil && c.result.Status == billing.ChargeDeclined {
		c.result, err = gone, nil
	}
	return err
}

// askAll asks for all, several at a time. What is not known afterwards stays unfinished.
func (e *Engine) askAll(ctx context.Context, charges []*charge, ask func(context.Context, *charge) error) {
	var wait sync.WaitGroup
	turns := make(chan struct{}, chargesAtOnce)
	for _, c := range charges {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			if err := ask(ctx, c); err != nil {
				c.unknown = true
				e.Log.WarnContext(ctx, "charge not known yet", "merchant", c.attempt.Merchant, "attempt", c.attempt.ID, "error", err)
			}
		})
	}
	wait.Wait()
}

// lookUp asks the gateway what became of an attempt; one it never heard of is charged, with the same key.
func (e *Engine) lookUp(ctx context.Context, c *charge) error {
	gateway, err := e.Gateways.GatewayOf(ctx, c.attempt.Merchant)
	if err != nil {
		return err
	}
	c.result, err = gateway.ChargeByKey(ctx, c.attempt.Merchant, string(c.attempt.ID))
	if errors.Is(err, foyer.NotFound) {
		return e.ask(ctx, c)
	}
	return err
}

// giveUpAction ends a charge the customer did not confirm in time.
func (e *Engine) giveUpAction(ctx context.Context, c *charge) error {
	if c.result.Status != billing.ChargeRequiresAction {
		return nil
	}
	gateway, err := e.Gateways.GatewayOf(ctx, c.attempt.Merchant)
	if err != nil {
		return err
	}
	if canceler, can := gateway.(billing.ChargeCanceler); can {
		c.result, err = canceler.CancelCharge(ctx, c.attempt.Merchant, string(c.attempt.ID))
	}
	return err
}

// withTokens reads what charges the attempts' methods.
func (e *Engine) withTokens(ctx context.Context, merchant foyer.MerchantID, charges []*charge) error {
	ids := make([]billing.PaymentMethodID, 0, len(charges))
	for _, c := range charges {
		ids = append(ids, c.attempt.PaymentMethod)
	}
	methods, err := e.Store.ChargeableMethods(ctx, merchant, ids)
	for _, c := range charges {
		m := methods[c.attempt.PaymentMethod]
		c.token, c.gone = m.Token, m.GoneAt != nil
	}
	return err
}
