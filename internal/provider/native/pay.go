package native

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Pay implements billing.Provider.
func (e *Engine) Pay(ctx context.Context, by foyer.Actor, id billing.PaymentID, method billing.PaymentMethodID) (after billing.Payment, next *billing.NextAction, err error) {
	next, err = e.pay(ctx, by, id, method, func(ctx context.Context) (err error) {
		after, err = e.Store.Payment(ctx, by.Scope, id)
		return err
	})
	return after, next, err
}

// pay collects a payment now; read is called in the transaction that decides, for the answer.
func (e *Engine) pay(ctx context.Context, by foyer.Actor, id billing.PaymentID, method billing.PaymentMethodID, read func(context.Context) error) (*billing.NextAction, error) {
	// What the same command concluded before is committed: the gateway may be asked below.
	if err := e.Store.Proceed(ctx); err != nil {
		return nil, err
	}
	c, err := e.commandCharge(ctx, by, read)
	if err != nil {
		return nil, err
	}
	if c != nil && c.attempt.Payment != id {
		c = nil // the same call collects several debts
	}
	if c == nil {
		err = e.Store.Conclude(ctx, func(ctx context.Context) error {
			c, err = e.planPay(ctx, by, id, method)
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := e.Store.Proceed(ctx); err != nil {
			return nil, err
		}
		switch {
		case c.superseded:
			if err := e.giveUpQuestion(ctx, c); err != nil {
				return nil, err
			}
			if c.result.Status == billing.ChargeDeclined {
				return e.pay(ctx, by, id, method, read)
			}
		case c.attempt.Status == billing.AttemptRequiresAction:
			e.askAll(ctx, []*charge{c}, e.lookUp)
		default:
			e.askAll(ctx, []*charge{c}, e.ask)
		}
	}
	return e.conclude(ctx, c, read)
}

// giveUpQuestion ends a charge whose customer chose to pay with something else instead of answering their bank; who was quicker than that
// has paid.
func (e *Engine) giveUpQuestion(ctx context.Context, c *charge) error {
	e.askAll(ctx, []*charge{c}, func(ctx context.Context, c *charge) error {
		if err := e.lookUp(ctx, c); err != nil {
			return err
		}
		return e.giveUpAction(ctx, c)
	})
	if c.unknown || c.result.Status != billing.ChargeDeclined {
		return nil
	}
	return e.Store.InTx(ctx, func(ctx context.Context) error { return e.book(ctx, c.attempt.Merchant, []*charge{c}) })
}

// planPay plans an attempt to collect a payment now. One that waits for the customer's confirmation is gone on with, or given up when they
// chose another method meanwhile.
func (e *Engine) planPay(ctx context.Context, by foyer.Actor, id billing.PaymentID, wanted billing.PaymentMethodID) (*charge, error) {
	if err := e.Store.LockCustomer(ctx, by.Scope); err != nil {
		return nil, err
	}
	seen, err := e.Store.Payment(ctx, by.Scope, id)
	if err != nil {
		return nil, err
	}
	l, err := e.ledger(ctx, by.Scope.Merchant)
	if err != nil {
		return nil, err
	}
	subs, payments, err := e.lockFor(ctx, by.Scope.Merchant, []*charge{{attempt: billing.Attempt{Payment: id}, subscription: seen.Subscription}})
	if err != nil {
		return nil, err
	}
	p, sub := payments[id], subs[seen.Subscription]
	open, err := e.Store.OpenAttempt(ctx, by.Scope.Merchant, id)
	switch {
	case err == nil && open.Status == billing.AttemptRequiresAction:
		charges, err := e.chargesOf(ctx, by.Scope.Merchant, []billing.Attempt{open})
		if err != nil {
			return nil, err
		}
		// What would be void when it is declined is gone on with: there would be nothing left to pay.
		staysOwed := p.Status == billing.PaymentPastDue || p.CollectionMode == billing.CollectManual
		charges[0].superseded = staysOwed && wanted != "" && wanted != open.PaymentMethod
		return charges[0], nil
	case err == nil:
		return nil, foyer.Refuse(foyer.Conflict, "payment.in_progress")
	case !errors.Is(err, foyer.NotFound):
		return nil, err
	case !p.Payable():
		return nil, foyer.Refuse(foyer.Conflict, "payment.not_payable")
	}
	method, err := e.methodFor(ctx, by, p, sub, wanted)
	if err != nil {
		return nil, err
	}
	c := l.retry(p, sub, method, present(ctx))
	return c, l.write(ctx)
}

// methodFor is what a payment is collected with: the method asked for, the payment's own, or the subscription's.
func (e *Engine) methodFor(ctx context.Context, by foyer.Actor, p billing.Payment, sub *billing.Subscription, wanted billing.PaymentMethodID) (billing.PaymentMethod, error) {
	id := wanted
	if id == "" {
		id = p.PaymentMethod
		if sub != nil && sub.PaymentMethod != "" {
			id = sub.PaymentMethod
		}
	}
	if id == "" {
		return billing.PaymentMethod{}, foyer.Refuse(foyer.Conflict, "payment_method.required")
	}
	if _, err := e.Store.PaymentMethod(ctx, by.Scope, id); err != nil {
		if !errors.Is(err, foyer.NotFound) {
			return billing.PaymentMethod{}, err
		}
		if wanted == "" {
			return billing.PaymentMethod{}, foyer.Refuse(foyer.Conflict, "payment_method.required")
		}
		return billing.PaymentMethod{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/payment_method_id", Code: "input.unknown_reference"})
	}
	methods, err := e.Store.ChargeableMethods(ctx, by.Scope.Merchant, []billing.PaymentMethodID{id})
	return methodOr(methods, id), err
}

// SetPaymentMethod implements billing.Provider.
func (e *Engine) SetPaymentMethod(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, method billing.PaymentMethodID) (after billing.Subscription, next *billing.NextAction, err error) {
	sub, err := e.Store.Subscription(ctx, by.Scope, id)
	if err != nil {
		return after, nil, err
	}
	if err := sub.Actions(billing.ActionRules{})[billing.ActionUpdatePaymentMethod].Refusal(); err != nil {
		return after, nil, err
	}
	if sub.Debt != "" {
		// Paying the debt with it makes it the subscription's method; declined, nothing changes.
		next, err = e.pay(ctx, by, sub.Debt, method, func(ctx context.Context) (err error) {
			after, err = e.Store.Subscription(ctx, by.Scope, id)
			return err
		})
		return after, next, err
	}
	err = e.command(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) error {
		if err := sub.Actions(billing.ActionRules{})[billing.ActionUpdatePaymentMethod].Refusal(); err != nil {
			return err
		}
		m, err := e.Store.PaymentMethod(ctx, by.Scope, method)
		if errors.Is(err, foyer.NotFound) {
			return foyer.InvalidFields(foyer.FieldError{Pointer: "/payment_method_id", Code: "input.unknown_reference"})
		}
		if err != nil {
			return err
		}
		if sub.PaymentMethod == method {
			after = sub
			return nil
		}
		after = sub.PayWith(method, l.now)
		l.subscription(after, billing.EventSubscriptionUpdated)
		l.mail(billing.MailMethodChanged, by.Scope, id, "", billing.MailFacts{}.Named(m.Name()))
		return nil
	})
	return after, next, err
}
