package invoice

import (
	"time"

	"foyer/internal/billing"
	"foyer/internal/merchant"
)

// Issue returns the invoice of a payment: a snapshot of what was billed, by whom and to whom, as it is now. paidBy is what
// paid it, nil while it is to be paid or when credit paid it. ID and Number are the caller's to set, in the transaction that
// completes the payment.
func Issue(p billing.Payment, paidBy *billing.Attempt, customer billing.Customer, settings merchant.Settings, now time.Time) Invoice {
	buyer := Party{Name: customer.Name, Company: customer.Company, TaxID: customer.TaxID, Email: customer.Email, Address: customer.Address}
	in := Invoice{
		Merchant: p.Merchant, Customer: p.Customer, Kind: KindInvoice, Revision: 1, Status: statusOf(p), Payment: p.ID, Currency: p.Currency,
		IssuedAt: now, DueAt: p.DueAt(), CreatedAt: now, UpdatedAt: now, Version: 1, ContentVersion: 1, Total: p.Totals.GrandTotal, Buyer: buyer,
		Document: Document{
			Seller: SellerParty(settings.Seller), Buyer: buyer, BillingPeriod: p.BillingPeriod, Details: p.BillingDetails, CollectionMode: p.CollectionMode,
			Lines: p.Lines, TaxRates: p.TaxRates, Totals: p.Totals,
			Footers: settings.Invoices.Footers, Notes: settings.Invoices.Notes, Bilingual: settings.Invoices.Bilingual,
		},
	}
	if paidBy != nil {
		in.Document.PaidAt = paidBy.CapturedAt
		in.Document.PaidWith = paidWith(*paidBy)
	}
	return in
}

// CreditNote returns the document of a refund: the part of the invoice that is taken back and no earlier note stands for, in positive
// amounts. It names the invoice it belongs to. ID and Number are the caller's to set.
func CreditNote(p billing.Payment, r billing.Refund, customer billing.Customer, settings merchant.Settings, now time.Time) Invoice {
	bill := p.Credited(r.Noted)
	note := Issue(p, nil, customer, settings, now)
	note.Kind, note.Status, note.DueAt, note.Total = KindCreditNote, StatusPaid, nil, bill.Totals.Total
	note.Document.Lines, note.Document.TaxRates, note.Document.Totals = bill.Lines, bill.TaxRates, bill.Totals
	note.Credits = ID(p.InvoiceID)
	note.Document.InvoiceNumber, note.Document.Details = p.InvoiceNumber, nil
	return note
}
