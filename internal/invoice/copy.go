package invoice

import (
	"foyer/internal/billing"
)

// Copied returns the document another billing system issued for a payment: its number and what it says stay; issuer is
// who issued it, as far as it is known. The ID is the caller's to set.
func Copied(p billing.ImportedPayment, issuer Party) Invoice {
	pay := p.Payment
	issued := pay.ListedAt()
	buyer := Party{
		Name: p.Buyer.Name, Company: p.Buyer.Company, TaxID: p.Buyer.TaxID, RegistrationNumber: p.Buyer.RegistrationNumber,
		Email: p.Buyer.Email, Address: p.Buyer.Address,
	}
	inv := Invoice{
		Merchant: pay.Merchant, Customer: pay.Customer, ExternalID: p.InvoiceExternalID, Number: p.InvoiceNumber, Kind: KindInvoice, Revision: 1,
		Status: statusOf(pay), Payment: pay.ID, Currency: pay.Currency, IssuedAt: issued, DueAt: pay.DueAt(), CreatedAt: issued,
		UpdatedAt: pay.UpdatedAt, Version: 1, ContentVersion: 1, Total: pay.Totals.GrandTotal, Copy: true, Buyer: buyer,
		Document: Document{
			Seller: issuer, Buyer: buyer, BillingPeriod: pay.BillingPeriod, Details: pay.BillingDetails, CollectionMode: pay.CollectionMode,
			Lines: pay.Lines, TaxRates: pay.TaxRates, Totals: pay.Totals,
		},
	}
	// A document is not changed by a refund: what goes back is a document of its own.
	inv.Document.Totals.Refunded = 0
	for _, a := range pay.Attempts {
		if a.Status != billing.AttemptCaptured {
			continue
		}
		inv.Document.PaidAt = a.CapturedAt
		inv.Document.PaidWith = paidWith(a)
		break
	}
	return inv
}

// statusOf says where the document of a payment stands.
func statusOf(p billing.Payment) Status {
	switch p.Status {
	case billing.PaymentPaid, billing.PaymentCompleted:
		return StatusPaid
	case billing.PaymentPastDue:
		return StatusOverdue
	case billing.PaymentCanceled:
		return StatusCanceled
	}
	return StatusOpen
}
