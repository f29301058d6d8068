package native

import (
	"context"
	"maps"
	"slices"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

// book writes down what the gateway answered, all in the open transaction. Each attempt is finished once: only who finishes it
// draws the consequences.
func (e *Engine) book(ctx context.Context, merchant foyer.MerchantID, charges []*charge) error {
	l, err := e.ledger(ctx, merchant)
	if err != nil {
		return err
	}
	subs, payments, err := e.lockFor(ctx, merchant, charges)
	if err != nil {
		return err
	}
	if err := e.freeNames(ctx, merchant, payments); err != nil {
		return err
	}
	if l.forgotten, err = e.forgotten(ctx, merchant, charges, subs); err != nil {
		return err
	}
	captured := map[billing.AttemptID]bool{}
	var ids []billing.AttemptID
	for _, c := range charges {
		if !c.unknown && c.result.Status == billing.ChargeCaptured {
			ids = append(ids, c.attempt.ID)
		}
	}
	first, err := e.Store.CaptureAttempts(ctx, merchant, ids, l.now)
	if err != nil {
		return err
	}
	for _, id := range first {
		captured[id] = true
	}
	for _, c := range charges {
		p, known := payments[c.attempt.Payment]
		if !known {
			continue
		}
		if c.unknown {
			l.waiting(p, subs)
			continue
		}
		a := c.attempt
		a.LookAt = nil
		switch c.result.Status {
		case billing.ChargeCaptured:
			if captured[a.ID] {
				a.Status, a.CapturedAt, a.LeasedUntil, a.ErrorCode = billing.AttemptCaptured, &l.now, nil, ""
				if a, err = e.triedWith(ctx, a, c.result.Instead); err != nil {
					return err
				}
				l.lookAfter(c, payer(p))
				l.paid(p, a, subs)
			}
		case billing.ChargeRequiresAction:
			until, look := foyer.Micro(e.Real().Add(billing.ActionLife)), foyer.Micro(e.Real().Add(billing.FirstLook))
			waited := c.planned && a.Status == billing.AttemptRequiresAction
			a.Status, a.ClientSecret, a.LeasedUntil, a.LookAt = billing.AttemptRequiresAction, c.result.ClientSecret, &until, &look
			still, err := e.Store.FinishAttempt(ctx, a)
			if err != nil {
				return err
			}
			if still && !waited {
				l.waiting(p, subs)
			}
		case billing.ChargeDeclined:
			if a.Status == billing.AttemptPending && l.now.Sub(a.CreatedAt) > pendingLife {
				a.OnSession = false // it took days: whoever tried it is not there any more, and gets a mail
			}
			a.Status, a.ErrorCode, a.LeasedUntil = billing.AttemptFailed, knownCode(c.result.ErrorCode), nil
			finished, err := e.Store.FinishAttempt(ctx, a)
			if err != nil {
				return err
			}
			if finished {
				if a, err = e.triedWith(ctx, a, c.result.Instead); err != nil {
					return err
				}
				l.lookAfter(c, payer(p))
				l.declined(p, a, subs)
			}
		case billing.ChargePending: // asked again when the lease has run out
			until := foyer.Micro(e.Real().Add(pendingLife))
			waited := c.planned && a.Status == billing.AttemptPending
			a.Status, a.LeasedUntil = billing.AttemptPending, &until
			still, err := e.Store.FinishAttempt(ctx, a)
			if err != nil {
				return err
			}
			if still && !waited {
				l.waiting(p, subs) // once, not each time it is asked
			}
		}
	}
	if err := e.settleInvoices(ctx, l); err != nil {
		return err
	}
	return l.write(ctx)
}

// triedWith writes down that a decided attempt was tried with another method than was asked for, if it was.
func (e *Engine) triedWith(ctx context.Context, a billing.Attempt, instead *billing.GatewayMethod) (billing.Attempt, error) {
	if instead == nil {
		return a, nil
	}
	a = a.TriedWith(*instead)
	return a, e.Store.SaveAttemptMethod(ctx, a)
}

// freeNames takes the external id from a subscription about to begin when another has got it meanwhile: what is paid begins
// in any case.
func (e *Engine) freeNames(ctx context.Context, merchant foyer.MerchantID, payments map[billing.PaymentID]billing.Payment) error {
	for id, p := range payments {
		name := p.StartsExternalID()
		if name == "" || p.Status == billing.PaymentCompleted {
			continue
		}
		taken, err := e.Store.SubscriptionNamed(ctx, merchant, name, p.Subscription)
		if err != nil {
			return err
		}
		if taken {
			begins := *p.Effect.After
			begins.ExternalID = ""
			p.Effect = &billing.Effect{Kind: p.Effect.Kind, After: &begins}
			payments[id] = p
			e.Log.WarnContext(ctx, "external id taken meanwhile: the subscription begins without", "merchant", merchant, "subscription", begins.ID)
		}
	}
	return nil
}

// forgotten are the methods that paid debts and were replaced while they did: nothing is to be charged with them from now on.
func (e *Engine) forgotten(ctx context.Context, merchant foyer.MerchantID, charges []*charge, subs map[billing.SubscriptionID]*billing.Subscription) (map[billing.PaymentMethodID]bool, error) {
	paid := map[billing.PaymentMethodID]bool{}
	for _, c := range charges {
		sub := subs[c.subscription]
		if sub != nil && sub.Debt == c.attempt.Payment && sub.PaymentMethod != c.attempt.PaymentMethod && c.result.Status == billing.ChargeCaptured {
			paid[c.attempt.PaymentMethod] = true
		}
	}
	if len(paid) == 0 {
		return nil, nil
	}
	there, err := e.Store.ChargeableMethods(ctx, merchant, slices.Collect(maps.Keys(paid)))
	for id := range there {
		delete(paid, id)
	}
	return paid, err
}

// lockFor keeps the subscriptions and payments of the charges from being changed by others.
func (e *Engine) lockFor(ctx context.Context, merchant foyer.MerchantID, charges []*charge) (map[billing.SubscriptionID]*billing.Subscription, map[billing.PaymentID]billing.Payment, error) {
	var subIDs []billing.SubscriptionID
	var paymentIDs []billing.PaymentID
	for _, c := range charges {
		if c.subscription != "" {
			subIDs = append(subIDs, c.subscription)
		}
		paymentIDs = append(paymentIDs, c.attempt.Payment)
	}
	subs, err := e.Store.SubscriptionsForUpdate(ctx, merchant, subIDs...)
	if err != nil {
		return nil, nil, err
	}
	found, err := e.Store.PaymentsForUpdate(ctx, merchant, paymentIDs...)
	if err != nil {
		return nil, nil, err
	}
	bySub := map[billing.SubscriptionID]*billing.Subscription{}
	for i := range subs {
		bySub[subs[i].ID] = &subs[i]
	}
	byPayment := map[billing.PaymentID]billing.Payment{}
	for _, p := range found {
		byPayment[p.ID] = p
	}
	return bySub, byPayment, nil
}

// waiting tells of a charge that has no answer yet: the payment and its subscription are shown as they stand meanwhile.
func (l *ledger) waiting(p billing.Payment, subs map[billing.SubscriptionID]*billing.Subscription) {
	l.event(billing.EventPaymentUpdated, payer(p), string(p.ID))
	if sub, exists := subs[p.Subscription]; exists {
		l.event(billing.EventSubscriptionUpdated, scopeOf(*sub), string(sub.ID))
	}
}

// pastDue is what is told of a payment that was not paid once more: that it is past due, once.
func pastDue(before billing.Payment) foyer.EventType {
	if before.Status == billing.PaymentPastDue {
		return billing.EventPaymentUpdated
	}
	return billing.EventPaymentPastDue
}

// paid draws the consequences of a captured attempt.
func (l *ledger) paid(p billing.Payment, a billing.Attempt, subs map[billing.SubscriptionID]*billing.Subscription) {
	p = p.Paid(l.now)
	p.PaymentMethod = a.PaymentMethod
	l.completed(p, &a, false)
	sub, exists := subs[p.Subscription]
	switch {
	case p.Effect != nil && p.Effect.Kind == billing.EffectStart && !exists:
		started := *p.Effect.After
		started.OpenPayment = ""
		l.begun(started)
	case exists:
		method := a.PaymentMethod
		if l.forgotten[method] {
			method = ""
		}
		after, event := sub.Settled(p, method, l.now)
		l.subscription(after, event)
		if p.Effect != nil && p.Effect.Kind == billing.EffectChange {
			l.mail(billing.MailPlanChanged, scopeOf(after), after.ID, "", billing.MailFacts{})
		}
		if p.Effect != nil && p.Effect.Kind == billing.EffectResume {
			l.mail(billing.MailResumed, scopeOf(after), after.ID, "", billing.MailFacts{})
		}
		*sub = after
	}
}

// lookAfter has a customer's methods looked at, once, when a charge is decided, either way, whose method the gateway has not got: it was
// removed there without a word to us, and would look valid until the customer is asked for another; or was kept for this charge only.
func (l *ledger) lookAfter(c *charge, scope foyer.Scope) {
	if (c.gone || c.token != "" && c.result.ErrorCode == billing.ErrorRedacted) && !slices.Contains(l.follow, scope) {
		l.follow = append(l.follow, scope)
	}
}

// declined draws the consequences of an attempt that failed for good.
func (l *ledger) declined(p billing.Payment, a billing.Attempt, subs map[billing.SubscriptionID]*billing.Subscription) {
	sub, exists := subs[p.Subscription]
	d := dunning(l.merchant)
	if !exists {
		l.declinedAlone(p)
		return
	}
	after, event, forgiven := sub.Unsettled(p, l.now)
	switch {
	case p.CollectionMode == billing.CollectManual && p.Status == billing.PaymentBilled:
		l.stillOpen(p)
		l.subscription(sub.Charging("", l.now), billing.EventSubscriptionUpdated)
		return
	case forgiven:
		l.void(p)
		l.subscription(after, event)
		if event == billing.EventSubscriptionCanceled {
			l.mail(billing.MailCanceled, scopeOf(after), after.ID, "", billing.MailFacts{})
		}
		return
	}
	told := pastDue(p)
	p, last := p.Declined(d.Days, l.now)
	facts := billing.MailFacts{
		EffectiveAt: p.RetryAt, Amount: &p.Totals.Balance, Attempt: p.Tries, Last: last, Final: p.FinalNotice(d.Days), ErrorCode: a.ErrorCode,
		Then: string(d.Then),
	}
	facts = facts.Named(a.MethodName())
	if last {
		l.giveUp(p, after, d, facts)
		return
	}
	l.payment(p, told)
	l.subscription(after, event)
	if !a.OnSession { // whoever tried it themselves has the answer before them
		l.mail(billing.MailPaymentFailed, payer(p), p.Subscription, p.ID, facts)
	}
}

// declinedAlone draws the consequences of a failed attempt to collect a payment that belongs to no subscription.
func (l *ledger) declinedAlone(p billing.Payment) {
	switch {
	case p.CollectionMode == billing.CollectAutomatic && p.Effect != nil && (p.Effect.Kind == billing.EffectStart || p.Effect.Kind == billing.EffectOnce):
		l.void(p) // there is no subscription, or nothing was bought, and there will be none
	case p.CollectionMode == billing.CollectAutomatic:
		told := pastDue(p)
		p, _ = p.Declined(nil, l.now)
		l.payment(p, told)
	case p.Status == billing.PaymentPastDue:
		// An invoice that is late: the reminders go on.
		p, _ = p.Declined(dunning(l.merchant).Days, l.now)
		l.payment(p, billing.EventPaymentUpdated)
	default:
		l.stillOpen(p)
	}
}

// stillOpen saves an invoice that was tried by card before it was due, and declined: nothing is late yet, and it falls due when
// it would have.
func (l *ledger) stillOpen(p billing.Payment) {
	p.RetryAt = p.DueAt()
	p.Version++
	p.UpdatedAt = l.now
	l.payment(p, billing.EventPaymentUpdated)
}

// giveUp ends the dunning of a debt.
func (l *ledger) giveUp(p billing.Payment, sub billing.Subscription, d billing.Dunning, facts billing.MailFacts) {
	sub.Version-- // one change: declined and given up
	after, event, kind := sub.GivenUp(d.Then, l.now)
	p.Version--
	l.void(p)
	l.credited(p, p.Totals.Credit)
	l.subscription(after, event)
	l.mail(billing.MailPaymentFailed, payer(p), p.Subscription, p.ID, facts)
	l.mail(kind, scopeOf(after), after.ID, "", billing.MailFacts{})
}

// settleInvoices marks documents that were open as paid: those collected by invoice.
func (e *Engine) settleInvoices(ctx context.Context, l *ledger) error {
	for _, p := range l.payments {
		if p.Status == billing.PaymentCompleted && p.InvoiceID != "" {
			version, err := e.Store.SettleInvoice(ctx, p.Merchant, invoice.ID(p.InvoiceID), invoice.StatusPaid, l.now)
			if err != nil {
				return err
			}
			if version > 0 {
				l.event(billing.EventInvoicePaid, payer(p), p.InvoiceID)
			}
		}
	}
	return nil
}

// knownCode is the gateway's reason if it is one we have a text for.
func knownCode(code billing.ErrorCode) billing.ErrorCode {
	if slices.Contains(billing.ErrorCodes, code) {
		return code
	}
	return billing.ErrorUnknown
}
