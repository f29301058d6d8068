package native

import (
	"context"
	"strings"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// draft is what a bill is made of.
type draft struct {
	scope        foyer.Scope
	subscription *billing.Subscription // nil for a payment without one
	currency     foyer.Currency
	mode         billing.CollectionMode
	method       billing.PaymentMethodID
	terms        *billing.Terms
	origin       billing.Origin
	items        []billing.BillItem
	discount     *billing.SubscriptionDiscount
	period       *foyer.Period
	effect       *billing.Effect
	// credit is what the customer has to their credit in the currency.
	credit int64
}

// price makes the payment of a draft: billed now, its credit used as far as it goes.
func (l *ledger) price(d draft) (billing.Payment, error) {
	bill, err := billing.PriceBill(d.items, d.discount, l.engine.IDs)
	if err != nil {
		return billing.Payment{}, err
	}
	used := bill.UseCredit(d.credit)
	if err := bill.Check(); err != nil {
		return billing.Payment{}, err
	}
	if used > 0 {
		l.credits = append(l.credits, billing.Credit{Scope: d.scope, Currency: d.currency, Amount: -used})
	}
	now := l.now
	p := billing.Payment{
		ID: billing.PaymentID(l.engine.IDs(foyer.PrefixPayment)), Merchant: d.scope.Merchant, Customer: d.scope.Customer, Status: billing.PaymentReady,
		Origin: d.origin, CollectionMode: d.mode, Currency: d.currency, Description: description(d.items), BillingPeriod: d.period,
		BillingDetails: d.terms, Totals: bill.Totals, TaxRates: bill.TaxRates, Lines: bill.Lines, CreatedAt: now, UpdatedAt: now, BilledAt: &now,
		Version: 1, PaymentMethod: d.method, Effect: d.effect,
	}
	if d.subscription != nil {
		p.Subscription = d.subscription.ID
	}
	return p, nil
}

// description names what was bought, as lists show it.
func description(items []billing.BillItem) string {
	var names []string
	for _, item := range items {
		if item.Share != nil && item.Share.Sign() < 0 {
			continue
		}
		names = append(names, item.ProductName)
	}
	return strings.Join(names, ", ")
}

// bill writes a new payment down. What costs nothing is completed at once; what is collected by invoice gets its invoice and
// due date; for everything else an attempt is planned, which is returned.
func (l *ledger) bill(p billing.Payment, method billing.PaymentMethod, by caller) *billing.Attempt {
	switch {
	case p.Totals.GrandTotal == 0:
		p.Status, p.Totals.Balance = billing.PaymentCompleted, 0
		l.completed(p, nil, true)
		return nil
	case p.CollectionMode == billing.CollectManual:
		p.Status = billing.PaymentBilled
		p.RetryAt = p.DueAt()
		l.event(billing.EventPaymentBilled, payer(p), string(p.ID))
		l.documents = append(l.documents, document{payment: p, fresh: true, mail: billing.MailInvoiceDue})
		return nil
	}
	p.Tries = 1
	attempt := l.try(p, method, by)
	l.newPayments = append(l.newPayments, p)
	l.event(billing.EventPaymentCreated, payer(p), string(p.ID))
	return attempt
}

// caller says for whom an attempt is made: the customer, who is there, by a call that may have a key; or the engine by itself.
type caller struct {
	command   string
	onSession bool
}

// byTheEngine is nobody's call.
var byTheEngine = caller{}

func present(ctx context.Context) caller {
	return caller{command: foyer.CommandOf(ctx), onSession: true}
}

// try plans an attempt to collect a payment.
func (l *ledger) try(p billing.Payment, method billing.PaymentMethod, by caller) *billing.Attempt {
	attempt := billing.Attempt{
		ID: billing.AttemptID(l.engine.IDs(foyer.PrefixAttempt)), Status: billing.AttemptPending, Amount: p.Totals.Balance, MethodType: method.Type,
		Card: method.Card, Wallet: method.Wallet, Identifier: method.Identifier, CreatedAt: l.now, Payment: p.ID, Merchant: p.Merchant, Gateway: method.Gateway, PaymentMethod: method.ID,
		Command: by.command, OnSession: by.onSession, LeasedUntil: l.engine.leased(),
	}
	l.attempts = append(l.attempts, attempt)
	return &attempt
}
