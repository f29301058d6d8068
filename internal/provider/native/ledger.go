package native

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
)

// ledger gathers what one transaction changes and writes it at its end: many rows in few statements, locks in one order, the
// numbers last.
type ledger struct {
	engine   *Engine
	merchant merchant.Merchant
	now      time.Time
	// forgotten are methods that were deleted while they paid.
	forgotten map[billing.PaymentMethodID]bool

	newSubscriptions []billing.Subscription
	subscriptions    []billing.Subscription
	newPayments      []billing.Payment
	payments         []billing.Payment
	attempts         []billing.Attempt
	credits          []billing.Credit
	documents        []document
	events           []foyer.Event
	mails            []billing.MailOrder
	// follow are whose stored methods are to be looked at.
	follow []foyer.Scope
}

// document is an invoice to be numbered and written; receipt says that the customer gets it by mail.
type document struct {
	payment billing.Payment
	attempt *billing.Attempt
	fresh   bool // the payment is made in this transaction
	mail    billing.MailKind
}

func (e *Engine) ledger(ctx context.Context, id foyer.MerchantID) (*ledger, error) {
	m, err := e.Merchants.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	now, err := e.now(ctx, id)
	return &ledger{engine: e, merchant: m, now: now}, err
}

func (l *ledger) event(kind foyer.EventType, scope foyer.Scope, subject string) {
	if kind == "" {
		return
	}
	l.events = append(l.events, foyer.Event{
		ID: l.engine.IDs(foyer.PrefixEvent), Scope: scope, Type: kind, Subject: subject, At: l.now,
	})
}

func (l *ledger) mail(kind billing.MailKind, scope foyer.Scope, sub billing.SubscriptionID, payment billing.PaymentID, facts billing.MailFacts) {
	if kind == "" {
		return
	}
	l.mails = append(l.mails, billing.MailOrder{
		ID: l.engine.IDs(foyer.PrefixMail), Scope: scope, Kind: kind, Subscription: sub, Payment: payment, Facts: facts, At: l.now,
	})
}

func scopeOf(s billing.Subscription) foyer.Scope {
	return foyer.Scope{Merchant: s.Merchant, Customer: s.Customer}
}

func payer(p billing.Payment) foyer.Scope {
	return foyer.Scope{Merchant: p.Merchant, Customer: p.Customer}
}

// subscription saves a changed subscription; event is empty when the answer to the charge under way will tell.
func (l *ledger) subscription(s billing.Subscription, event foyer.EventType) {
	l.subscriptions = append(l.subscriptions, s)
	l.event(event, scopeOf(s), string(s.ID))
}

// begun makes a new subscription and confirms it to its customer.
func (l *ledger) begun(s billing.Subscription) {
	l.newSubscriptions = append(l.newSubscriptions, s)
	l.event(billing.EventSubscriptionCreated, scopeOf(s), string(s.ID))
	facts := billing.MailFacts{}
	if next := s.NextPayment(); next != nil {
		facts.EffectiveAt, facts.Amount = &next.At, next.Total
	}
	l.mail(billing.MailWelcome, scopeOf(s), s.ID, "", facts)
}

// payment saves a changed payment.
func (l *ledger) payment(p billing.Payment, event foyer.EventType) {
	l.payments = append(l.payments, p)
	l.event(event, payer(p), string(p.ID))
}

// completed saves a paid payment and, if it has a price, gives it its invoice.
func (l *ledger) completed(p billing.Payment, attempt *billing.Attempt, fresh bool) {
	if p.Totals.CreditToBalance > 0 {
		l.credits = append(l.credits, billing.Credit{Scope: payer(p), Currency: p.Currency, Amount: p.Totals.CreditToBalance})
	}
	l.credited(p, p.Totals.CreditToBalance)
	l.event(billing.EventPaymentCompleted, payer(p), string(p.ID))
	if p.Totals.Total > 0 && p.InvoiceID == "" {
		l.documents = append(l.documents, document{payment: p, attempt: attempt, fresh: fresh, mail: billing.MailReceipt})
		return
	}
	if p.InvoiceID != "" {
		l.mails = append(l.mails, billing.MailOrder{
			ID: l.engine.IDs(foyer.PrefixMail), Scope: payer(p), Kind: billing.MailReceipt, Subscription: p.Subscription, Payment: p.ID,
			Invoice: p.InvoiceID, At: l.now,
		})
	}
	l.keep(p, fresh)
}

// credited tells a customer of more credit, if it is more.
func (l *ledger) credited(p billing.Payment, amount int64) {
	if amount <= 0 {
		return
	}
	l.mail(billing.MailCredited, payer(p), p.Subscription, p.ID, billing.MailFacts{Amount: &amount})
}

func (l *ledger) keep(p billing.Payment, fresh bool) {
	if fresh {
		l.newPayments = append(l.newPayments, p)
	} else {
		l.payments = append(l.payments, p)
	}
}

// void saves a payment that is not collected any more; its credit is the customer's again.
func (l *ledger) void(p billing.Payment) {
	if p.Totals.Credit > 0 {
		l.credits = append(l.credits, billing.Credit{Scope: payer(p), Currency: p.Currency, Amount: p.Totals.Credit})
	}
	l.payment(p.Void(l.now), billing.EventPaymentCanceled)
}

// write writes everything down, inside the transaction.
func (l *ledger) write(ctx context.Context) error {
	store := l.engine.Store
	steps := []func() error{
		func() error { return store.CreateSubscriptions(ctx, l.newSubscriptions...) },
		func() error { return store.SaveSubscriptions(ctx, l.subscriptions...) },
		func() error {
			for _, c := range l.credits {
				if err := store.AddCredit(ctx, c); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return l.issue(ctx) },
		func() error { return store.CreatePayments(ctx, l.newPayments...) },
		func() error { return store.SavePayments(ctx, l.payments...) },
		func() error { return store.CreateAttempts(ctx, l.attempts...) },
		func() error { return store.RecordEvents(ctx, l.events...) },
		func() error {
			if len(l.mails) == 0 {
				return nil
			}
			return l.engine.Mails.EnqueueMails(ctx, l.mails)
		},
		func() error {
			for _, scope := range l.follow {
				if err := l.engine.Methods.EnqueueFollowMethods(ctx, scope); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// issue numbers the documents and writes them with their payments.
func (l *ledger) issue(ctx context.Context) error {
	if len(l.documents) == 0 {
		return nil
	}
	customers := make([]foyer.CustomerID, len(l.documents))
	for i, d := range l.documents {
		customers[i] = d.payment.Customer
	}
	buyers, err := l.engine.Store.Customers(ctx, l.merchant.ID, customers)
	if err != nil {
		return err
	}
	first, err := l.engine.Store.NextNumbers(ctx, l.merchant.ID, string(invoice.SeriesInvoice), len(l.documents))
	if err != nil {
		return err
	}
	var fresh, changed []billing.Payment
	invoices := make([]invoice.Invoice, len(l.documents))
	for i, d := range l.documents {
		in := invoice.Issue(d.payment, d.attempt, buyers[d.payment.Customer], l.merchant.Portal.Settings, l.now)
		in.ID, in.Number = invoice.ID(l.engine.IDs(foyer.PrefixInvoice)), invoice.SeriesInvoice.Number(first+int64(i))
		invoices[i] = in
		p := d.payment
		p.InvoiceID, p.InvoiceNumber = string(in.ID), in.Number
		if d.fresh {
			fresh = append(fresh, p)
		} else {
			changed = append(changed, p)
		}
		l.event(billing.EventInvoiceCreated, payer(p), string(in.ID))
		l.mails = append(l.mails, billing.MailOrder{
			ID: l.engine.IDs(foyer.PrefixMail), Scope: payer(p), Kind: d.mail, Subscription: p.Subscription, Payment: p.ID,
			Invoice: string(in.ID), Facts: billing.MailFacts{EffectiveAt: in.DueAt}, At: l.now,
		})
	}
	// Invoices refer to payments: those made here first.
	if err := l.engine.Store.CreatePayments(ctx, fresh...); err != nil {
		return err
	}
	if err := l.engine.Store.SavePayments(ctx, changed...); err != nil {
		return err
	}
	return l.engine.Store.CreateInvoices(ctx, invoices...)
}
