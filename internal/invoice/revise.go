package invoice

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// TaxRefunds is what correcting asks of the engine.
type TaxRefunds interface {
	// RefundTax writes down, in the open transaction, a refund of a payment's whole tax; the gateway is asked after it.
	// Conflict (invoice.tax_not_refundable) for tax that can't go back.
	RefundTax(ctx context.Context, by foyer.Actor, id billing.PaymentID, now time.Time) error
}

// ReviserConfig holds what a Reviser depends on.
type ReviserConfig struct {
	Store     Lineage
	Merchants Merchants
	Refunds   TaxRefunds
	Mails     billing.Mails
	IDs       foyer.IDs
	Now       billing.Clock
}

// Reviser corrects who documents are made out to: never the document, always with another that takes its place.
type Reviser struct{ ReviserConfig }

// NewReviser returns a Reviser.
func NewReviser(c ReviserConfig) *Reviser { return &Reviser{c} }

// Revise corrects the buyer's details on an invoice and returns the document that took its place: its next revision or, where the law of
// the seller's country wants it, an invoice under a number of its own beside the credit note that takes the old one back. The old document
// stays as it was. The customer's details, and future invoices, do too.
//
// Where the merchant wants it, tax that the buyer owes itself now goes back: the refund is written down with the document.
//
// Refusals: NotFound, Forbidden (feature.off), Conflict and Invalid as Correctable and Corrected have them; Conflict
// (invoice.tax_not_refundable).
func (s *Reviser) Revise(ctx context.Context, by foyer.Actor, id ID, correction Correction) (made Invoice, err error) {
	scope := by.Scope
	m, err := s.Merchants.ByID(ctx, scope.Merchant)
	if err != nil {
		return made, err
	}
	settings := m.Portal.Settings
	if settings.Features.RevisionsOff {
		return made, foyer.Refuse(foyer.Forbidden, "feature.off")
	}
	err = s.Store.Conclude(ctx, func(ctx context.Context) error {
		// In the order every command takes its locks: customer, payment, number.
		if err := s.Store.LockCustomer(ctx, scope); err != nil {
			return err
		}
		in, err := s.Store.Invoice(ctx, scope, id, true)
		if err != nil {
			return err
		}
		if _, err := s.Store.PaymentsForUpdate(ctx, scope.Merchant, in.Payment); err != nil {
			return err
		}
		if in, err = s.Store.Invoice(ctx, scope, id, true); err != nil { // again: it may have been paid while we waited
			return err
		}
		p, err := s.Store.Payment(ctx, scope, in.Payment)
		if err != nil {
			return err
		}
		if err := in.Correctable(p, settings.Invoices.RevisionLimit()); err != nil {
			return err
		}
		buyer, err := correction.Corrected(in.Buyer)
		if err != nil {
			return err
		}
		at, err := s.Now(ctx, scope.Merchant)
		if err != nil {
			return err
		}
		now := foyer.Micro(at)
		if settings.Invoices.RefundTax && in.OwesTaxBack(p, buyer) {
			if err := s.Refunds.RefundTax(ctx, by, p.ID, now); err != nil {
				return err
			}
		}
		made, err = s.replace(ctx, in, p, buyer, now)
		return err
	})
	return made, err
}

// replace writes the document that takes an invoice's place, all that belongs to it, and tells everybody.
func (s *Reviser) replace(ctx context.Context, in Invoice, p billing.Payment, buyer Party, now time.Time) (Invoice, error) {
	scope := foyer.Scope{Merchant: in.Merchant, Customer: in.Customer}
	next := in.Revise(buyer, now)
	var issued []Invoice
	var err error
	if Reissues(in.Document.Seller.Address.Country) {
		var note Invoice
		note, next = in.Reissue(buyer, now)
		if note.Number, err = s.number(ctx, in, SeriesCreditNote); err != nil {
			return next, err
		}
		if next.Number, err = s.number(ctx, in, SeriesInvoice); err != nil {
			return next, err
		}
		note.ID = ID(s.IDs(foyer.PrefixInvoice))
		issued = append(issued, note)
	}
	next.ID = ID(s.IDs(foyer.PrefixInvoice))
	next.Hash = next.Fingerprint()
	issued = append(issued, next)
	if err := s.Store.CreateInvoices(ctx, issued...); err != nil {
		return next, err
	}
	replaced, err := s.Store.Replace(ctx, in, next, now)
	if err == nil && !replaced {
		err = foyer.Refuse(foyer.Conflict, "conflict")
	}
	if err != nil {
		return next, err
	}
	event := func(kind foyer.EventType, subject string) foyer.Event {
		return foyer.Event{ID: s.IDs(foyer.PrefixEvent), Scope: scope, Type: kind, Subject: subject, At: now}
	}
	events := []foyer.Event{event(billing.EventInvoiceReplaced, string(in.ID))}
	for _, document := range issued {
		events = append(events, event(billing.EventInvoiceCreated, string(document.ID)))
	}
	if err := s.Store.RecordEvents(ctx, append(events, event(billing.EventPaymentUpdated, string(p.ID)))...); err != nil {
		return next, err
	}
	facts := billing.MailFacts{Amount: &next.Total, Number: next.Number, Replaced: in.Number}
	if len(issued) > 1 {
		facts.CreditNote = string(issued[0].ID)
	}
	return next, s.Mails.EnqueueMails(ctx, []billing.MailOrder{{
		ID: s.IDs(foyer.PrefixMail), Scope: scope, Kind: billing.MailInvoiceRevised, Subscription: p.Subscription, Payment: p.ID, Invoice: string(next.ID),
		Facts: facts, At: now,
	}})
}

// number takes the next number of a series; nobody else gets one until the transaction ends.
func (s *Reviser) number(ctx context.Context, in Invoice, series Series) (string, error) {
	n, err := s.Store.NextNumbers(ctx, in.Merchant, string(series), 1)
	return series.Number(n), err
}
