package native

import (
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantMails enqueues mails to the merchant itself, in the open transaction. The same id is the same mail.
type MerchantMails interface {
	// EnqueueDisputeMail is about the dispute at its version Told.
	EnqueueDisputeMail(ctx context.Context, merchant foyer.MerchantID, d billing.Dispute, mail string) error
	EnqueueRefundMail(ctx context.Context, merchant foyer.MerchantID, id billing.RefundID, mail string) error
}

const (
	// refundsFollowed is how long after a refund the customer's bank may send it back: networks give it weeks.
	refundsFollowed = 60 * 24 * time.Hour
	// followTries is how often the gateway is asked again because others booked meanwhile what was just read.
	followTries = 5
)

// follow asks the gateway what happened to a charge after it was captured: whether the customer's bank takes it back, and whether
// refunds of it came back. What is booked is what was read, once.
func (e *Engine) follow(ctx context.Context, a billing.Attempt) error {
	gateway, err := e.Gateways.GatewayOf(ctx, a.Merchant)
	if err != nil {
		return err
	}
	if reader, can := gateway.(billing.DisputeReader); can {
		if err := e.followDisputes(ctx, a, reader); err != nil {
			return err
		}
	}
	if reader, can := gateway.(billing.RefundReader); can {
		return e.followRefunds(ctx, a, reader)
	}
	return nil
}

// followDisputes books the disputes of a charge. Of two that ask at once, one may have read what is not so any more: who finds that
// something was booked since they began to ask, asks again. So what is booked last was read last, in whatever order it was told of.
func (e *Engine) followDisputes(ctx context.Context, a billing.Attempt, reader billing.DisputeReader) error {
	for range followTries {
		seen, err := e.Store.Disputes(ctx, a.Merchant, a.Payment)
		if err != nil {
			return err
		}
		told, err := reader.Disputes(ctx, a.Merchant, string(a.ID))
		if errors.Is(err, foyer.NotFound) || err == nil && len(told) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		booked := false
		err = e.Store.InTx(ctx, func(ctx context.Context) error {
			booked, err = e.bookDisputes(ctx, a, seen, told)
			return err
		})
		if err != nil || booked {
			return err
		}
	}
	return foyer.Refuse(foyer.Unavailable, "unavailable") // the job runs again
}

// bookDisputes writes down what the gateway told of a charge's disputes; false when others have written since seen was read.
func (e *Engine) bookDisputes(ctx context.Context, a billing.Attempt, seen []billing.Dispute, told []billing.GatewayDispute) (bool, error) {
	locked, err := e.Store.PaymentsForUpdate(ctx, a.Merchant, a.Payment)
	if err != nil || len(locked) == 0 {
		return true, err
	}
	p, err := e.Store.Payment(ctx, payer(locked[0]), a.Payment)
	if err != nil {
		return false, err
	}
	same := slices.EqualFunc(p.Disputes, seen, func(x, y billing.Dispute) bool { return x.ID == y.ID && x.Version == y.Version })
	if !same {
		return false, nil
	}
	l, err := e.ledger(ctx, a.Merchant)
	if err != nil {
		return false, err
	}
	changed, before := false, p
	for _, d := range told {
		c, is := p.Disputed(d, a.ID, e.IDs, l.now)
		if !is {
			continue
		}
		if err := e.Store.SaveDispute(ctx, payer(p), c); err != nil {
			return false, err
		}
		if c.Tell {
			if err := e.MerchantMails.EnqueueDisputeMail(ctx, a.Merchant, c.Dispute, e.IDs(foyer.PrefixMail)); err != nil {
				return false, err
			}
		}
		for _, event := range c.Events {
			l.event(event, payer(p), string(p.ID))
		}
		p, changed = c.Payment, true
	}
	if !changed {
		return true, nil
	}
	if refund, owed := p.OwedSince(before); owed {
		if err := e.MerchantMails.EnqueueRefundMail(ctx, p.Merchant, refund.ID, e.IDs(foyer.PrefixMail)); err != nil {
			return false, err
		}
	}
	p.Version++ // one change, however many disputes
	p.UpdatedAt = l.now
	l.payment(p, "")
	return true, l.write(ctx)
}

// followRefunds finds refunds that the gateway took on and the customer's bank sent back.
func (e *Engine) followRefunds(ctx context.Context, a billing.Attempt, reader billing.RefundReader) error {
	now, err := e.now(ctx, a.Merchant)
	if err != nil {
		return err
	}
	made, err := e.Store.RefundsOfCharge(ctx, a.Merchant, string(a.ID), now.Add(-refundsFollowed))
	if err != nil {
		return err
	}
	for _, r := range made {
		result, err := reader.RefundByKey(ctx, a.Merchant, r.Charge, string(r.ID))
		if errors.Is(err, foyer.NotFound) || err == nil && result.Refunded {
			continue
		}
		if err == nil {
			err = e.Store.InTx(ctx, func(ctx context.Context) error { return e.bookRefundFailed(ctx, r) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bookRefundFailed writes down that a refund came back; only who writes it draws the consequences. The credit note stays, and the
// merchant is told what the customer is owed, unless a bank has it.
func (e *Engine) bookRefundFailed(ctx context.Context, r billing.PendingRefund) error {
	l, err := e.ledger(ctx, r.Scope.Merchant)
	if err != nil {
		return err
	}
	p, err := e.wholePaymentForUpdate(ctx, r)
	if err != nil {
		return err
	}
	reversed, err := e.Store.ReverseRefund(ctx, r.Scope.Merchant, r.ID, l.now)
	if err != nil || !reversed {
		return err
	}
	if p, err = e.refundFailed(ctx, l, p, r, billing.RefundReversed); err != nil {
		return err
	}
	if p.Owed() > 0 {
		if err := e.MerchantMails.EnqueueRefundMail(ctx, r.Scope.Merchant, r.ID, e.IDs(foyer.PrefixMail)); err != nil {
			return err
		}
	}
	return l.write(ctx)
}

// refundFailed saves what a refund the customer does not have makes of its payment and the payment's disputes.
func (e *Engine) refundFailed(ctx context.Context, l *ledger, p billing.Payment, r billing.PendingRefund, status billing.RefundStatus) (billing.Payment, error) {
	p, disputes := p.RefundFailed(r.ID, status, e.IDs, l.now)
	for _, c := range disputes {
		if err := e.Store.SaveDispute(ctx, r.Scope, c); err != nil {
			return p, err
		}
		l.event(billing.EventDisputeUpdated, r.Scope, string(p.ID))
	}
	l.payment(p, billing.EventPaymentUpdated)
	return p, nil
}

// wholePaymentForUpdate is the payment of a refund with all that belongs to it, kept from being changed by others.
func (e *Engine) wholePaymentForUpdate(ctx context.Context, r billing.PendingRefund) (billing.Payment, error) {
	locked, err := e.Store.PaymentsForUpdate(ctx, r.Scope.Merchant, r.Payment)
	if err != nil || len(locked) == 0 {
		return billing.Payment{}, errors.Join(err, foyer.ErrNotFound())
	}
	return e.Store.Payment(ctx, r.Scope, r.Payment)
}
