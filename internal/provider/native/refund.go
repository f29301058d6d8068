package native

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Refund implements billing.Seller. The refund and its key are committed before the gateway is asked; what nobody heard the answer
// of is asked again, with the same key: by the engine, or by the same call made again.
//
// Refusals: Conflict (refund.not_refundable), Invalid (refund.too_large), Declined.
func (e *Engine) Refund(ctx context.Context, by foyer.Actor, id billing.PaymentID, in billing.RefundInput) (after billing.Payment, made billing.Refund, err error) {
	pending, err := e.commandRefund(ctx, by, id)
	if errors.Is(err, foyer.NotFound) {
		if err := e.followPayment(ctx, by, id); err != nil {
			return after, made, err
		}
		err = e.Store.Conclude(ctx, func(ctx context.Context) error {
			pending, err = e.planRefund(ctx, by, id, in)
			return err
		})
	}
	if err != nil {
		return after, made, err
	}
	if err := e.Store.Proceed(ctx); err != nil {
		return after, made, err
	}
	result := billing.RefundResult{Refunded: pending.Status == billing.RefundApproved}
	if pending.Status == billing.RefundPending {
		if result, err = e.giveBack(ctx, pending); err != nil {
			return after, made, &foyer.Error{Kind: foyer.Unavailable, Code: "gateway.unavailable", Err: err}
		}
	}
	err = e.Store.Conclude(ctx, func(ctx context.Context) error {
		if err := e.bookRefund(ctx, pending, result); err != nil {
			return err
		}
		after, err = e.Store.Payment(ctx, by.Scope, id)
		return err
	})
	if err == nil && !result.Refunded {
		err = billing.DeclinedWith(knownCode(result.ErrorCode))
	}
	return after, refundOf(after, pending.ID), err
}

// followPayment reads what became of a payment's charge before money of it is given back. A bank that has the money already, and whose
// message is late or was lost, would otherwise be found out by a refusal, and the customer be paid twice by a merchant told of that.
func (e *Engine) followPayment(ctx context.Context, by foyer.Actor, id billing.PaymentID) error {
	p, err := e.Store.Payment(ctx, by.Scope, id)
	if err != nil {
		return err
	}
	charge := chargeOf(p)
	if charge == "" {
		return nil
	}
	a, err := e.Store.Attempt(ctx, by.Scope.Merchant, billing.AttemptID(charge))
	if err != nil {
		return err
	}
	if err := e.follow(ctx, a); err != nil {
		return &foyer.Error{Kind: foyer.Unavailable, Code: "gateway.unavailable", Err: err}
	}
	return nil
}

// commandRefund finds the refund this very call made before the process died or the gateway did not answer; foyer.NotFound when
// there is none.
func (e *Engine) commandRefund(ctx context.Context, by foyer.Actor, id billing.PaymentID) (billing.PendingRefund, error) {
	command := foyer.CommandOf(ctx)
	if command == "" {
		return billing.PendingRefund{}, foyer.ErrNotFound()
	}
	found, err := e.Store.RefundByCommand(ctx, by.Scope.Merchant, command)
	if err == nil && (found.Payment != id || found.Scope != by.Scope) {
		return found, foyer.ErrNotFound()
	}
	return found, err
}

// planRefund reckons a refund and writes it down.
func (e *Engine) planRefund(ctx context.Context, by foyer.Actor, id billing.PaymentID, in billing.RefundInput) (pending billing.PendingRefund, err error) {
	if err := e.Store.LockCustomer(ctx, by.Scope); err != nil {
		return pending, err
	}
	// Two workers may make the same call at once: the second one finds what the first has written.
	if pending, err = e.commandRefund(ctx, by, id); !errors.Is(err, foyer.NotFound) {
		return pending, err
	}
	if _, err := e.Store.PaymentsForUpdate(ctx, by.Scope.Merchant, id); err != nil {
		return pending, err
	}
	p, err := e.Store.Payment(ctx, by.Scope, id)
	if err != nil {
		return pending, err
	}
	now, err := e.now(ctx, by.Scope.Merchant)
	if err != nil {
		return pending, err
	}
	refund, err := p.Refund(in)
	if err != nil {
		return pending, err
	}
	charge := chargeOf(p)
	if charge == "" {
		return pending, foyer.Refuse(foyer.Conflict, "refund.not_refundable") // credit paid it: there is no money to give back
	}
	refund.ID, refund.Status, refund.Reason = billing.RefundID(e.IDs(foyer.PrefixRefund)), billing.RefundPending, in.Reason
	refund.CreatedAt, refund.UpdatedAt = now, now
	pending = billing.PendingRefund{
		Refund: refund, Payment: id, Scope: by.Scope, Currency: p.Currency, Charge: charge, LeasedUntil: e.leased(), Command: foyer.CommandOf(ctx),
	}
	return pending, e.Store.CreateRefund(ctx, pending)
}

// RefundTax implements invoice.TaxRefunds: in the transaction that corrects a document, a refund that nobody has asked the gateway
// about. Its lease has run out, so the next round takes it up like one whose worker died, with its key.
func (e *Engine) RefundTax(ctx context.Context, by foyer.Actor, id billing.PaymentID, now time.Time) error {
	p, err := e.Store.Payment(ctx, by.Scope, id)
	if err != nil {
		return err
	}
	refund, err := p.RefundTax()
	if err != nil {
		return err
	}
	charge := chargeOf(p)
	if charge == "" {
		return foyer.Refuse(foyer.Conflict, "invoice.tax_not_refundable")
	}
	due := foyer.Micro(e.Real())
	refund.ID, refund.Status, refund.Reason = billing.RefundID(e.IDs(foyer.PrefixRefund)), billing.RefundPending, reasonTaxID
	refund.CreatedAt, refund.UpdatedAt = now, now
	return e.Store.CreateRefund(ctx, billing.PendingRefund{
		Refund: refund, Payment: id, Scope: by.Scope, Currency: p.Currency, Charge: charge, LeasedUntil: &due,
	})
}

// reasonTaxID is why tax goes back by itself.
const reasonTaxID = "tax_id_added"

// chargeOf is the key of the charge that paid a payment.
func chargeOf(p billing.Payment) string {
	for _, a := range p.Attempts {
		if a.Status == billing.AttemptCaptured {
			return string(a.ID)
		}
	}
	return ""
}

func (e *Engine) giveBack(ctx context.Context, r billing.PendingRefund) (billing.RefundResult, error) {
	gateway, err := e.Gateways.GatewayOf(ctx, r.Scope.Merchant)
	if err != nil {
		return billing.RefundResult{}, err
	}
	return gateway.Refund(ctx, billing.RefundRequest{
		Key: string(r.ID), Merchant: r.Scope.Merchant, Charge: r.Charge, Amount: foyer.Money{Amount: r.Total, Currency: r.Currency},
	})
}

// bookRefund writes down what the gateway answered; only who finishes the refund draws the consequences.
func (e *Engine) bookRefund(ctx context.Context, r billing.PendingRefund, result billing.RefundResult) error {
	l, err := e.ledger(ctx, r.Scope.Merchant)
	if err != nil {
		return err
	}
	p, err := e.wholePaymentForUpdate(ctx, r)
	if err != nil {
		return err
	}
	r.Status, r.UpdatedAt = billing.RefundRejected, l.now
	if result.Refunded {
		r.Status = billing.RefundApproved
	}
	finished, err := e.Store.FinishRefund(ctx, r)
	if err != nil || !finished {
		return err
	}
	if !result.Refunded {
		if _, err := e.refundFailed(ctx, l, p, r, billing.RefundRejected); err != nil {
			return err
		}
		return l.write(ctx)
	}
	p.Totals.Refunded += r.Total
	p.Version++
	p.UpdatedAt = l.now
	l.payment(p, billing.EventPaymentUpdated)
	note, err := l.creditNote(ctx, p, r.Refund)
	if err != nil {
		return err
	}
	l.mails = append(l.mails, billing.MailOrder{
		ID: e.IDs(foyer.PrefixMail), Scope: r.Scope, Kind: billing.MailRefunded, Subscription: p.Subscription, Payment: p.ID,
		Invoice: string(note), Facts: billing.MailFacts{Amount: &r.Total, Full: p.Totals.Refunded >= p.Totals.GrandTotal}, At: l.now,
	})
	return l.write(ctx)
}

// recoverRefunds asks again about refunds whose worker died or did not hear the answer.
func (e *Engine) recoverRefunds(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	left, err := e.Store.AbandonedRefunds(ctx, merchant, foyer.Micro(e.Real()), *e.leased(), batch)
	if err != nil {
		return false, err
	}
	for _, r := range left {
		result, err := e.giveBack(ctx, r)
		if err != nil {
			e.Log.WarnContext(ctx, "refund not known yet", "merchant", merchant, "refund", r.ID, "error", err)
			continue
		}
		if err := e.Store.InTx(ctx, func(ctx context.Context) error { return e.bookRefund(ctx, r, result) }); err != nil {
			return false, err
		}
	}
	return len(left) > 0, nil
}
