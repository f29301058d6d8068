package native

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// command runs one customer's command on one subscription: in a transaction, after every other command of theirs, with the
// subscription kept from the engine.
func (e *Engine) command(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, act func(ctx context.Context, l *ledger, sub billing.Subscription) error) error {
	return e.Store.Conclude(ctx, func(ctx context.Context) error {
		if err := e.Store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		if _, err := e.Store.Subscription(ctx, by.Scope, id); err != nil {
			return err // outside the scope
		}
		subs, err := e.Store.SubscriptionsForUpdate(ctx, by.Scope.Merchant, id)
		if err != nil {
			return err
		}
		l, err := e.ledger(ctx, by.Scope.Merchant)
		if err != nil {
			return err
		}
		if err := act(ctx, l, subs[0]); err != nil {
			return err
		}
		return l.write(ctx)
	})
}

// Cancel implements billing.Provider.
func (e *Engine) Cancel(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, effective billing.Effective) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.Cancel(effective, l.now); err != nil {
			return err
		}
		if after.Status != billing.SubscriptionCanceled {
			l.subscription(after, billing.EventSubscriptionUpdated)
			l.mail(billing.MailCancellationScheduled, by.Scope, id, "", billing.MailFacts{EffectiveAt: &after.ScheduledChange.EffectiveAt})
			return nil
		}
		l.subscription(after, billing.EventSubscriptionCanceled)
		l.mail(billing.MailCanceled, by.Scope, id, "", billing.MailFacts{})
		if sub.Debt == "" {
			return nil
		}
		// What was withheld is not collected any more.
		debts, err := e.Store.PaymentsForUpdate(ctx, sub.Merchant, sub.Debt)
		for _, p := range debts {
			if p.Status == billing.PaymentPastDue && p.CollectionMode == billing.CollectAutomatic {
				l.void(p)
			}
		}
		return err
	})
	return after, err
}

// Keep implements billing.Provider.
func (e *Engine) Keep(ctx context.Context, by foyer.Actor, id billing.SubscriptionID) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(_ context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.Keep(l.now); err != nil {
			return err
		}
		l.subscription(after, billing.EventSubscriptionUpdated)
		l.mail(billing.MailKept, by.Scope, id, "", billing.MailFacts{})
		return nil
	})
	return after, err
}

// Pause implements billing.Pauser.
func (e *Engine) Pause(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in billing.PauseInput) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(_ context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.Pause(in, l.now); err != nil {
			return err
		}
		if after.Status == billing.SubscriptionPaused {
			l.subscription(after, billing.EventSubscriptionPaused)
			l.mail(billing.MailPaused, by.Scope, id, "", billing.MailFacts{ResumeAt: in.ResumeAt})
			return nil
		}
		l.subscription(after, billing.EventSubscriptionUpdated)
		l.mail(billing.MailPauseScheduled, by.Scope, id, "", billing.MailFacts{EffectiveAt: &after.ScheduledChange.EffectiveAt, ResumeAt: in.ResumeAt})
		return nil
	})
	return after, err
}

// Resume implements billing.Pauser.
func (e *Engine) Resume(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, mode billing.ResumeBilling) (billing.Subscription, *billing.NextAction, error) {
	return e.charging(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) (*charge, error) {
		if mode == billing.ResumeContinue {
			after, err := sub.ContinuePeriod(l.now)
			if err != nil {
				return nil, err
			}
			l.subscription(after, billing.EventSubscriptionActive)
			l.mail(billing.MailResumed, by.Scope, id, "", billing.MailFacts{})
			return nil, nil
		}
		after, period, discount, err := sub.NewPeriod(l.now)
		if err != nil {
			return nil, err
		}
		return l.chargeFor(ctx, sub, after, billing.EffectResume, draft{
			origin: billing.OriginCharge, items: whole(after.Items), discount: discount, period: period,
		})
	})
}

// Change implements billing.Changer.
func (e *Engine) Change(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, items []billing.ItemInput) (billing.Subscription, *billing.NextAction, error) {
	return e.charging(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) (*charge, error) {
		change, err := l.planChange(ctx, sub, items)
		if err != nil {
			return nil, err
		}
		if change.Bill != nil {
			return l.chargeFor(ctx, sub, change.After, billing.EffectChange, draft{
				origin: billing.OriginUpdate, items: change.Bill, discount: change.Discount, period: &change.Period,
			})
		}
		l.subscription(change.After, billing.EventSubscriptionUpdated)
		if change.Scheduled() {
			l.mail(billing.MailPlanChangeScheduled, by.Scope, id, "", billing.MailFacts{EffectiveAt: &change.EffectiveAt})
		} else {
			l.mail(billing.MailPlanChanged, by.Scope, id, "", billing.MailFacts{})
		}
		return nil, nil
	})
}

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

// conclude books a command's charge and tells how it ended. What is not known yet is Unavailable: the money may have moved, and
// the same call again finds out.
func (e *Engine) conclude(ctx context.Context, c *charge, read func(context.Context) error) (*billing.NextAction, error) {
	if c.unknown || c.result.Status == billing.ChargePending {
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
		return nil, billing.DeclinedWith(knownCode(c.result.ErrorCode))
	case billing.ChargeRequiresAction:
		return &billing.NextAction{Type: billing.NextActionConfirm, Charge: string(c.attempt.ID), ClientSecret: c.result.ClientSecret}, nil
	}
	return nil, nil
}

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
		if c.attempt.Status == billing.AttemptRequiresAction {
			e.askAll(ctx, []*charge{c}, e.lookUp)
		} else {
			e.askAll(ctx, []*charge{c}, e.ask)
		}
	}
	return e.conclude(ctx, c, read)
}

// planPay plans an attempt to collect a payment now. One that waits for the customer's confirmation is gone on with.
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
		facts := billing.MailFacts{}
		if m.Card != nil {
			facts.Brand, facts.Last4 = m.Card.Brand, m.Card.Last4
		}
		l.mail(billing.MailMethodChanged, by.Scope, id, "", facts)
		return nil
	})
	return after, next, err
}
