package native

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// RunDue does everything of a merchant that is due by its clock, and looks up what was left unfinished. Any number of
// processes may run it at once: they share the work.
func (e *Engine) RunDue(ctx context.Context, merchant foyer.MerchantID) error {
	return e.runDue(ctx, merchant, func() bool { return false })
}

// runDue is RunDue until enough says so; what is left is left due.
func (e *Engine) runDue(ctx context.Context, merchant foyer.MerchantID, enough func() bool) error {
	for _, work := range []func(context.Context, foyer.MerchantID) (bool, error){
		e.recoverAttempts, e.lookAtUnanswered, e.recoverUnanswered, e.recoverRefunds, e.runSubscriptions, e.runPayments, e.runExpiring, e.runAlso,
	} {
		if err := e.inLanes(ctx, merchant, work, enough); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) runAlso(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	if e.Also == nil {
		return false, nil
	}
	return e.Also(ctx, merchant)
}

// inLanes does work until there is no more: in several lanes, so that one waits for the gateway while another plans or books.
func (e *Engine) inLanes(ctx context.Context, merchant foyer.MerchantID, work func(context.Context, foyer.MerchantID) (bool, error), enough func() bool) error {
	more, err := work(ctx, merchant)
	if err != nil || !more {
		return err
	}
	var wait sync.WaitGroup
	errs := make([]error, lanes)
	for i := range errs {
		wait.Go(func() {
			for more := true; more && errs[i] == nil && !enough(); {
				more, errs[i] = work(ctx, merchant)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// runSubscriptions takes a batch of due subscriptions one step further, and collects what they are billed. More tells
// whether there was anything.
func (e *Engine) runSubscriptions(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	var charges []*charge
	err = e.Store.InTx(ctx, func(ctx context.Context) error {
		l, err := e.ledger(ctx, merchant)
		if err != nil {
			return err
		}
		due, err := e.Store.DueSubscriptions(ctx, merchant, l.now, batch)
		if err != nil || len(due) == 0 {
			return err
		}
		more = true
		if charges, err = l.planSteps(ctx, due); err != nil {
			return err
		}
		return l.write(ctx)
	})
	if err != nil || len(charges) == 0 {
		return more, err
	}
	return more, e.collect(ctx, merchant, charges, e.ask)
}

// collect asks the gateway about the charges and books what it answers.
func (e *Engine) collect(ctx context.Context, merchant foyer.MerchantID, charges []*charge, ask func(context.Context, *charge) error) error {
	e.askAll(ctx, charges, ask)
	return e.Store.InTx(ctx, func(ctx context.Context) error { return e.book(ctx, merchant, charges) })
}

// planSteps takes each due subscription one step further and plans the charges.
func (l *ledger) planSteps(ctx context.Context, due []billing.Subscription) ([]*charge, error) {
	if err := l.locate(ctx, due); err != nil {
		return nil, err
	}
	var steps []billing.Step
	var payers []foyer.CustomerID
	var methods []billing.PaymentMethodID
	var forgiven []billing.PaymentID
	for _, sub := range due {
		step, is := sub.Step(l.now)
		if !is {
			// Its row says due and its rules don't: saved again, the row follows the rules.
			l.subscriptions = append(l.subscriptions, sub.Charging(sub.OpenPayment, l.now))
			continue
		}
		steps = append(steps, step)
		if step.Forgiven != "" {
			forgiven = append(forgiven, step.Forgiven)
		}
		if step.Period != nil {
			payers = append(payers, sub.Customer)
			methods = append(methods, step.Subscription.PaymentMethod)
		}
	}
	if len(forgiven) > 0 {
		if err := l.forgive(ctx, forgiven...); err != nil {
			return nil, err
		}
	}
	credits, err := l.creditsOf(ctx, payers)
	if err != nil {
		return nil, err
	}
	chargeable, err := l.engine.Store.ChargeableMethods(ctx, l.merchant.ID, methods)
	if err != nil {
		return nil, err
	}
	var charges []*charge
	for _, step := range steps {
		sub := step.Subscription
		l.mail(step.Mail, scopeOf(sub), sub.ID, "", step.Facts)
		if step.Period != nil {
			purse := purse{sub.Customer, sub.Currency}
			p, err := l.price(draft{
				scope: scopeOf(sub), subscription: &sub, currency: sub.Currency, mode: sub.CollectionMode, method: sub.PaymentMethod,
				terms: sub.BillingDetails, origin: billing.OriginRenewal, items: whole(sub.Items), discount: step.Discount, period: step.Period,
				effect: &billing.Effect{Kind: billing.EffectPeriod}, credit: credits[purse],
			})
			if err != nil {
				return nil, err
			}
			credits[purse] -= p.Totals.Credit
			if attempt := l.bill(p, methodOr(chargeable, sub.PaymentMethod), byTheEngine); attempt != nil {
				sub.OpenPayment = p.ID
				charges = append(charges, &charge{attempt: *attempt, subscription: sub.ID, currency: sub.Currency, token: chargeable[sub.PaymentMethod].Token})
				if step.Event == billing.EventSubscriptionUpdated {
					step.Event = "" // told once it is known how the period begins
				}
			}
		}
		l.subscription(sub, step.Event)
	}
	return charges, nil
}

// locate finds out where the customers of subscriptions live that were made before anybody asked.
func (l *ledger) locate(ctx context.Context, due []billing.Subscription) error {
	var ids []foyer.CustomerID
	for _, sub := range due {
		if sub.Territory == billing.TerritoryUnread {
			ids = append(ids, sub.Customer)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	customers, err := l.engine.Store.Customers(ctx, l.merchant.ID, ids)
	for i, sub := range due {
		if sub.Territory == billing.TerritoryUnread {
			due[i] = sub.LivesIn(billing.TerritoryOf(customers[sub.Customer].Address), l.now)
			due[i].Version = sub.Version // one change: of what is due now
		}
	}
	return err
}

// purse is one customer's credit in one currency.
type purse struct {
	customer foyer.CustomerID
	currency foyer.Currency
}

func (l *ledger) creditsOf(ctx context.Context, customers []foyer.CustomerID) (map[purse]int64, error) {
	found, err := l.engine.Store.CreditsForUpdate(ctx, l.merchant.ID, customers)
	out := map[purse]int64{}
	for _, c := range found {
		out[purse{c.Scope.Customer, c.Currency}] = c.Amount
	}
	return out, err
}

// methodOr is the method, or one that only has its id when it was deleted: the attempt then fails by itself.
func methodOr(methods map[billing.PaymentMethodID]billing.PaymentMethod, id billing.PaymentMethodID) billing.PaymentMethod {
	if m, known := methods[id]; known {
		return m
	}
	return billing.PaymentMethod{ID: id}
}

func whole(items []billing.SubscriptionItem) []billing.BillItem {
	out := make([]billing.BillItem, len(items))
	for i, item := range items {
		out[i] = billing.BillItem{SubscriptionItem: item}
	}
	return out
}

// runPayments tries due debts again, as far as that is not in vain, and makes bills whose due date has passed past due.
func (e *Engine) runPayments(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	var charges []*charge
	err = e.Store.InTx(ctx, func(ctx context.Context) error {
		l, err := e.ledger(ctx, merchant)
		if err != nil {
			return err
		}
		due, err := e.Store.DuePayments(ctx, merchant, l.now, batch)
		if err != nil || len(due) == 0 {
			return err
		}
		more = true
		planned := make([]*charge, len(due))
		for i, p := range due {
			planned[i] = &charge{attempt: billing.Attempt{Payment: p.ID}, subscription: p.Subscription}
		}
		subs, payments, err := e.lockFor(ctx, merchant, planned)
		if err != nil {
			return err
		}
		last, err := e.Store.LastAttempts(ctx, merchant, slices.Collect(maps.Keys(payments)))
		if err != nil {
			return err
		}
		var methods []billing.PaymentMethodID
		for _, p := range payments {
			methods = append(methods, p.PaymentMethod)
			if sub := subs[p.Subscription]; sub != nil {
				methods = append(methods, sub.PaymentMethod)
			}
		}
		chargeable, err := e.Store.ChargeableMethods(ctx, merchant, methods)
		if err != nil {
			return err
		}
		for _, listed := range due {
			p, known := payments[listed.ID]
			if !known || p.RetryAt == nil || p.RetryAt.After(l.now) {
				continue // another worker was first
			}
			sub := subs[p.Subscription]
			if p.CollectionMode == billing.CollectManual {
				l.overdue(p, sub)
				continue
			}
			method := p.PaymentMethod
			if sub != nil {
				method = sub.PaymentMethod
			}
			m := methodOr(chargeable, method)
			if a := last[p.ID]; a.RetriesInVain(m) {
				// The day passes as declined for the same reason: nobody is asked, and no attempt is written that never was.
				a.OnSession = false
				p.Tries++
				l.declined(p, a, subs)
				continue
			}
			charges = append(charges, l.retry(p, sub, m, byTheEngine))
		}
		return l.write(ctx)
	})
	if err != nil || len(charges) == 0 {
		return more, err
	}
	return more, e.collect(ctx, merchant, charges, e.ask)
}

// retry plans another attempt to collect a payment.
func (l *ledger) retry(p billing.Payment, sub *billing.Subscription, method billing.PaymentMethod, by caller) *charge {
	p.Tries++
	p.RetryAt = nil
	p.Version++
	p.UpdatedAt = l.now
	attempt := l.try(p, method, by)
	l.payment(p, "")
	c := &charge{attempt: *attempt, subscription: p.Subscription, currency: p.Currency, token: method.Token}
	if sub != nil && p.Effect != nil {
		l.subscription(sub.Charging(p.ID, l.now), "")
	}
	return c
}

// overdue makes a bill that was not paid in time past due, and goes through the schedule with reminders instead of charges.
func (l *ledger) overdue(p billing.Payment, sub *billing.Subscription) {
	d := dunning(l.merchant)
	p.Tries++
	late, last := p.Declined(d.Days, l.now)
	facts := billing.MailFacts{EffectiveAt: late.RetryAt, Amount: &late.Totals.Balance, Attempt: late.Tries, Last: last, Then: string(d.Then)}
	if sub == nil || p.Effect == nil {
		l.payment(late, pastDue(p))
		l.mail(billing.MailInvoiceDue, payer(p), p.Subscription, p.ID, facts)
		return
	}
	after, event, _ := sub.Unsettled(p, l.now)
	switch {
	case after.Status == billing.SubscriptionCanceled:
		// Canceled, and the last bill is late: it is still owed.
		l.payment(late, pastDue(p))
	case last:
		l.giveUp(late, after, d, facts)
		return
	default:
		l.payment(late, pastDue(p))
	}
	l.subscription(after, event)
	l.mail(billing.MailInvoiceDue, payer(p), p.Subscription, p.ID, facts)
}

// runExpiring tells customers that a card they use expires soon.
func (e *Engine) runExpiring(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	err = e.Store.InTx(ctx, func(ctx context.Context) error {
		l, err := e.ledger(ctx, merchant)
		if err != nil {
			return err
		}
		methods, err := e.Store.ExpiringMethods(ctx, merchant, l.now, batch)
		if err != nil || len(methods) == 0 {
			return err
		}
		more = true
		for _, m := range methods {
			scope := foyer.Scope{Merchant: m.Merchant, Customer: m.Customer}
			used, err := e.Store.PaymentMethod(ctx, scope, m.ID)
			if err != nil {
				return err
			}
			if len(used.UsedBy) == 0 || m.Card == nil {
				continue // nothing will be charged to it
			}
			expires := time.Date(m.Card.ExpiryYear, time.Month(m.Card.ExpiryMonth)+1, 1, 0, 0, 0, 0, time.UTC)
			l.mail(billing.MailCardExpiring, scope, used.UsedBy[0], "", billing.MailFacts{EffectiveAt: &expires}.Named(m.Name()))
		}
		return l.write(ctx)
	})
	return more, err
}
