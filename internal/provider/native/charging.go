package native

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// chargeFor bills what a command costs; the subscription becomes after when it is paid: at once when it costs nothing or is
// collected by invoice.
func (l *ledger) chargeFor(ctx context.Context, sub, after billing.Subscription, kind billing.EffectKind, d draft) (*charge, error) {
	credits, err := l.creditsOf(ctx, []foyer.CustomerID{sub.Customer})
	if err != nil {
		return nil, err
	}
	methods, err := l.engine.Store.ChargeableMethods(ctx, sub.Merchant, []billing.PaymentMethodID{sub.PaymentMethod})
	if err != nil {
		return nil, err
	}
	d.scope, d.subscription, d.currency, d.mode = scopeOf(sub), &sub, sub.Currency, sub.CollectionMode
	d.method, d.terms, d.credit = sub.PaymentMethod, sub.BillingDetails, credits[purse{sub.Customer, sub.Currency}]
	d.effect = &billing.Effect{Kind: kind, After: &after}
	p, err := l.price(d)
	if err != nil {
		return nil, err
	}
	if p.Totals.GrandTotal == 0 || p.CollectionMode == billing.CollectManual {
		settled, event := sub.Settled(p, "", l.now)
		l.subscription(settled, event)
		mail := billing.MailPlanChanged
		if kind == billing.EffectResume {
			mail = billing.MailResumed
		}
		l.mail(mail, scopeOf(sub), sub.ID, "", billing.MailFacts{})
		p.Effect = &billing.Effect{Kind: billing.EffectPeriod} // it has taken effect; unpaid, the subscription is past due
		l.bill(p, billing.PaymentMethod{}, byTheEngine)
		return nil, nil
	}
	method := methodOr(methods, sub.PaymentMethod)
	attempt := l.bill(p, method, present(ctx))
	l.subscription(sub.Charging(p.ID, l.now), "")
	return &charge{attempt: *attempt, subscription: sub.ID, currency: p.Currency, token: method.Token}, nil
}

// charging runs a command that may cost something: plan, charge, book. The answer is the subscription afterwards; a decline is
// foyer.Declined and changed nothing but the attempt.
func (e *Engine) charging(ctx context.Context, by foyer.Actor, id billing.SubscriptionID,
	plan func(ctx context.Context, l *ledger, sub billing.Subscription) (*charge, error),
) (after billing.Subscription, next *billing.NextAction, err error) {
	read := func(ctx context.Context) (err error) {
		after, err = e.Store.Subscription(ctx, by.Scope, id)
		return err
	}
	c, err := e.commandCharge(ctx, by, read)
	if err != nil {
		return after, nil, err
	}
	if c == nil {
		err = e.Store.Conclude(ctx, func(ctx context.Context) error {
			if err := e.Store.LockCustomer(ctx, by.Scope); err != nil {
				return err
			}
			if err := read(ctx); err != nil {
				return err
			}
			subs, err := e.Store.SubscriptionsForUpdate(ctx, by.Scope.Merchant, id)
			if err != nil {
				return err
			}
			l, err := e.ledger(ctx, by.Scope.Merchant)
			if err != nil {
				return err
			}
			if c, err = plan(ctx, l, subs[0]); err != nil {
				return err
			}
			if err := l.write(ctx); err != nil {
				return err
			}
			return read(ctx)
		})
		if err != nil || c == nil {
			return after, nil, err
		}
		if err := e.Store.Proceed(ctx); err != nil {
			return after, nil, err
		}
		e.askAll(ctx, []*charge{c}, e.ask)
	}
	next, err = e.conclude(ctx, c, read)
	return after, next, err
}

// commandCharge finds the attempt this very call made before the process died, looks up what became of it, and so lets the
// repeat go on where it stopped. Nil when there is none.
func (e *Engine) commandCharge(ctx context.Context, by foyer.Actor, read func(context.Context) error) (*charge, error) {
	command := foyer.CommandOf(ctx)
	if command == "" {
		return nil, nil
	}
	a, err := e.Store.AttemptByCommand(ctx, by.Scope.Merchant, command)
	if errors.Is(err, foyer.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	charges, err := e.chargesOf(ctx, by.Scope.Merchant, []billing.Attempt{a})
	if err != nil {
		return nil, err
	}
	c := charges[0]
	if a.Unfinished() {
		e.askAll(ctx, charges, e.lookUp)
		return c, nil
	}
	c.result = billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: a.ErrorCode}
	if a.Status == billing.AttemptCaptured {
		c.result = billing.ChargeResult{Status: billing.ChargeCaptured}
	}
	return c, read(ctx)
}

// conclude books a command's charge and tells how it ended. What is not known is Unavailable: the money may have moved, and the same
// call again finds out. What the gateway says it will know later, as with bank debits, is an answer: the attempt is pending.
func (e *Engine) conclude(ctx context.Context, c *charge, read func(context.Context) error) (*billing.NextAction, error) {
	if c.unknown {
		return nil, &foyer.Error{Kind: foyer.Unavailable, Code: "gateway.unavailable"}
	}
	err := e.Store.Conclude(ctx, func(ctx context.Context) error {
		if err := e.book(ctx, c.attempt.Merchant, []*charge{c}); err != nil {
			return err
		}
		return read(ctx)
	})
	if err != nil {
		return nil, err
	}
	switch c.result.Status {
	case billing.ChargeDeclined:
		return nil, declinedOn(c.attempt.Payment, c.result.ErrorCode)
	case billing.ChargeRequiresAction:
		gateway, err := e.Gateways.GatewayOf(ctx, c.attempt.Merchant)
		if err != nil {
			return nil, err
		}
		return &billing.NextAction{
			Type: billing.NextActionConfirm, Charge: string(c.attempt.ID), ClientSecret: c.result.ClientSecret,
			Gateway: gateway.Name(), PublicKey: gateway.PublicKey(),
		}, nil
	}
	return nil, nil
}

// declinedOn is the refusal of a charge; it names the payment whose attempt it was, which may be new.
func declinedOn(id billing.PaymentID, code billing.ErrorCode) error {
	err := billing.DeclinedWith(knownCode(code))
	if refusal, ok := foyer.AsError(err); ok {
		refusal.Extra["payment_id"] = string(id)
	}
	return err
}
