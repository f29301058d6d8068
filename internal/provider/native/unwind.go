package native

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

// VoidBills implements billing.Unwinder. Unlike a debt that is forgiven, what was billed by invoice is not owed any more either:
// its document is canceled.
func (e *Engine) VoidBills(ctx context.Context, by foyer.Actor, ids ...billing.PaymentID) error {
	return e.unwind(ctx, by, func(ctx context.Context, l *ledger) error {
		bills, err := e.Store.PaymentsForUpdate(ctx, by.Scope.Merchant, ids...)
		if err != nil {
			return err
		}
		for _, p := range bills {
			if payer(p) != by.Scope || p.Status != billing.PaymentBilled && p.Status != billing.PaymentPastDue {
				continue
			}
			l.void(p)
			if p.InvoiceID == "" {
				continue
			}
			version, err := e.Store.SettleInvoice(ctx, p.Merchant, invoice.ID(p.InvoiceID), invoice.StatusCanceled, l.now)
			if err != nil {
				return err
			}
			if version > 0 {
				l.event(billing.EventInvoiceCanceled, payer(p), p.InvoiceID)
				l.mails = append(l.mails, billing.MailOrder{
					ID: e.IDs(foyer.PrefixMail), Scope: payer(p), Kind: billing.MailInvoiceCanceled, Subscription: p.Subscription, Payment: p.ID,
					Invoice: p.InvoiceID, Facts: billing.MailFacts{Number: p.InvoiceNumber, Amount: &p.Totals.Balance}, At: l.now,
				})
			}
		}
		return nil
	})
}

// ReturnCredit implements billing.Unwinder.
func (e *Engine) ReturnCredit(ctx context.Context, by foyer.Actor, id billing.PaymentID, amount int64, reason string) error {
	return e.unwind(ctx, by, func(ctx context.Context, l *ledger) error {
		if _, err := e.Store.PaymentsForUpdate(ctx, by.Scope.Merchant, id); err != nil {
			return err
		}
		p, err := e.Store.Payment(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		refund, err := p.ReturnCredit(amount)
		if err != nil {
			return err
		}
		refund.ID, refund.Status, refund.Reason = billing.RefundID(e.IDs(foyer.PrefixRefund)), billing.RefundApproved, reason
		refund.CreatedAt, refund.UpdatedAt = l.now, l.now
		back := billing.PendingRefund{Refund: refund, Payment: id, Scope: by.Scope, Currency: p.Currency}
		if err := e.Store.CreateRefund(ctx, back); err != nil {
			return err
		}
		l.credits = append(l.credits, billing.Credit{Scope: by.Scope, Currency: p.Currency, Amount: amount})
		p.Version++
		p.UpdatedAt = l.now
		l.payment(p, billing.EventPaymentUpdated)
		_, err = l.creditNote(ctx, p, back.Refund)
		return err
	})
}

// TakeBackCredit implements billing.Unwinder.
func (e *Engine) TakeBackCredit(ctx context.Context, by foyer.Actor, amount foyer.Money) (taken int64, err error) {
	err = e.unwind(ctx, by, func(ctx context.Context, l *ledger) error {
		credits, err := l.creditsOf(ctx, []foyer.CustomerID{by.Scope.Customer})
		if err != nil {
			return err
		}
		taken = min(amount.Amount, credits[purse{by.Scope.Customer, amount.Currency}])
		l.credits = append(l.credits, billing.Credit{Scope: by.Scope, Currency: amount.Currency, Amount: -taken})
		return nil
	})
	return taken, err
}

// unwind runs one customer's command about several bills of theirs in a transaction, after every other command of theirs.
func (e *Engine) unwind(ctx context.Context, by foyer.Actor, act func(ctx context.Context, l *ledger) error) error {
	return e.Store.Conclude(ctx, func(ctx context.Context) error {
		if err := e.Store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		l, err := e.ledger(ctx, by.Scope.Merchant)
		if err != nil {
			return err
		}
		if err := act(ctx, l); err != nil {
			return err
		}
		return l.write(ctx)
	})
}

// creditNote issues the document of what goes back of a payment and returns its id; none when earlier notes stand for all of it.
func (l *ledger) creditNote(ctx context.Context, p billing.Payment, r billing.Refund) (invoice.ID, error) {
	if len(r.Noted) == 0 {
		return "", nil
	}
	e := l.engine
	buyers, err := e.Store.Customers(ctx, p.Merchant, []foyer.CustomerID{p.Customer})
	if err != nil {
		return "", err
	}
	number, err := e.Store.NextNumbers(ctx, p.Merchant, string(invoice.SeriesCreditNote), 1)
	if err != nil {
		return "", err
	}
	note := invoice.CreditNote(p, r, buyers[p.Customer], l.merchant.Portal.Settings, l.now)
	// It is made out to whom the invoice is, which may have been corrected since.
	of, err := e.Store.Invoice(ctx, payer(p), invoice.ID(p.InvoiceID), false)
	switch {
	case err == nil:
		note.Buyer, note.Document.Buyer = of.Buyer, of.Buyer
	case !errors.Is(err, foyer.NotFound):
		return "", err
	}
	note.ID, note.Number = invoice.ID(e.IDs(foyer.PrefixInvoice)), invoice.SeriesCreditNote.Number(number)
	l.event(billing.EventInvoiceCreated, payer(p), string(note.ID))
	return note.ID, e.Store.CreateInvoices(ctx, note)
}
