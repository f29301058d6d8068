package invoice

import (
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Correction is what a customer wants changed of their details on an invoice; nil leaves a detail as it is, empty takes it away.
type Correction struct {
	Name, Company, TaxID, Line1, Line2, City, Region *string
}

// reissuing are the sellers' countries where an invoice that is wrong is not revised: it is taken back by a credit note and issued anew
// under the next number. An engineer's reading, not legal advice:
//   - ES: a factura rectificativa is a document of its own series (Real Decreto 1619/2012, arts. 6.1 and 15)
//   - FR: a number is given once (CGI, annexe II, art. 242 nonies A, I 7°), so what corrects an invoice has one of its own
//   - IT: an invoice sent through the exchange system is changed by a nota di variazione only (DPR 633/1972, art. 26)
//   - PT: certified programs may not change a document that was issued (Portaria 363/2010, art. 3; Decreto-Lei 28/2019, art. 7)
//   - RO: what was sent to the buyer is corrected by a new document and one with the amounts taken back (Legea 227/2015, art. 330 (1) b)
//
// Everywhere else the invoice is revised: a document that amends an invoice and refers to it unambiguously counts as one (Directive
// 2006/112/EC, art. 219; in Germany § 31 (5) UStDV).
var reissuing = map[foyer.Country]bool{"ES": true, "FR": true, "IT": true, "PT": true, "RO": true}

// Reissues tells whether documents of a seller in the country are corrected by a credit note and a new invoice.
func Reissues(seller foyer.Country) bool { return reissuing[seller] }

// Correctable refuses an invoice whose details can't be corrected by its customer: limit is how often each may be, p its payment.
//
// Refusals, all Conflict: invoice.credit_note, invoice.copy, invoice.replaced, invoice.canceled, invoice.adjusted, invoice.revision_limit.
func (in Invoice) Correctable(p billing.Payment, limit int) error {
	var code string
	switch {
	case in.Kind == KindCreditNote:
		code = "invoice.credit_note"
	case in.Copy:
		code = "invoice.copy"
	case in.Status == StatusReplaced:
		code = "invoice.replaced"
	case in.Status == StatusCanceled:
		code = "invoice.canceled"
	case adjusted(p):
		code = "invoice.adjusted"
	case in.Corrections >= limit:
		code = "invoice.revision_limit"
	default:
		return nil
	}
	return foyer.Refuse(foyer.Conflict, code)
}

// OwesTaxBack tells whether correcting the buyer of a paid invoice means that its tax goes back: a business of another member state of the EU
// gave its tax id where there was none, and owes the tax itself (Directive 2006/112/EC, art. 196).
func (in Invoice) OwesTaxBack(p billing.Payment, buyer Party) bool {
	return in.Buyer.TaxID == "" && p.Status == billing.PaymentCompleted && p.Totals.Tax != 0 &&
		billing.OwesTaxItself(in.Document.Seller.Address.Country, buyer.Address.Country, buyer.TaxID)
}

// adjusted tells whether money of the payment went back, or is on its way: there is a credit note then that names the invoice.
func adjusted(p billing.Payment) bool {
	for _, r := range p.Refunds {
		if r.Status != billing.RefundRejected && r.Action != billing.ActionChargeback { // what a bank took has no credit note
			return true
		}
	}
	return false
}

// The bounds of details, as customers have them.
const (
	maxDetail = 200
	maxTaxID  = 64
)

// Corrected returns the buyer with the correction made.
//
// Refusals: Invalid, with a fault for each detail: a tax id can be replaced, never removed, and belongs to a company; city and region
// can be filled in, not changed; country and postal code stay, because tax was reckoned by them. invoice.nothing_to_revise when it is the
// same as before.
func (c Correction) Corrected(buyer Party) (Party, error) {
	after := buyer
	var faults []foyer.FieldError
	fault := func(pointer, code string, params map[string]any) {
		faults = append(faults, foyer.FieldError{Pointer: "/" + pointer, Code: code, Params: params})
	}
	for _, detail := range []struct {
		pointer string
		wanted  *string
		at      *string
		limit   int
		// kept says that it can be filled in and not changed, needed that it can't be taken away.
		kept, needed bool
	}{
		{"name", c.Name, &after.Name, maxDetail, false, false},
		{"company", c.Company, &after.Company, maxDetail, false, false},
		{"tax_id", c.TaxID, &after.TaxID, maxTaxID, false, false},
		{"line1", c.Line1, &after.Address.Line1, maxDetail, false, true},
		{"line2", c.Line2, &after.Address.Line2, maxDetail, false, false},
		{"city", c.City, &after.Address.City, maxDetail, true, true},
		{"region", c.Region, &after.Address.Region, maxDetail, true, true},
	} {
		if detail.wanted == nil {
			continue
		}
		before, wanted := *detail.at, visible(*detail.wanted)
		switch {
		case !foyer.CleanText(wanted, false):
			fault(detail.pointer, "input.text_characters", nil)
		case utf8.RuneCountInString(wanted) > detail.limit:
			fault(detail.pointer, "input.too_long", map[string]any{"Max": detail.limit})
		case detail.kept && before != "" && wanted != before:
			fault(detail.pointer, "invoice.place_kept", nil)
		case detail.needed && before != "" && wanted == "":
			fault(detail.pointer, "input.required", nil)
		}
		*detail.at = wanted
	}
	if billing.SameTaxID(after.TaxID, buyer.TaxID) {
		after.TaxID = buyer.TaxID // written in another way only
	}
	switch {
	case buyer.TaxID != "" && after.TaxID == "":
		fault("tax_id", "invoice.tax_id_kept", nil)
	case after.TaxID != buyer.TaxID && !billing.ValidTaxID(after.Address.Country, after.TaxID):
		fault("tax_id", "input.tax_id", nil)
	}
	if after.TaxID != "" && after.Company == "" && (c.TaxID != nil || c.Company != nil) {
		fault("company", "invoice.company_needed", nil)
	}
	if after.Name == "" && after.Company == "" {
		fault("name", "input.required", nil)
	}
	if len(faults) == 0 && after == buyer {
		return after, foyer.Refuse(foyer.Invalid, "invoice.nothing_to_revise")
	}
	return after, foyer.InvalidFields(faults...)
}

// visible is a detail without what nobody sees: space around it, and characters that only steer others. Joiners stay, they spell words.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\u200b' || r == '\u2060' || r == '\ufeff' || r == '\u00ad' || r == '\u200e' || r == '\u200f' || r == '\u061c' {
			return -1
		}
		return r
	}, s))
}

// succeed returns a document that takes the place of in: the same content, for another buyer, made now. Its id and number are the caller's.
func (in Invoice) succeed(buyer Party, now time.Time) Invoice {
	next := in
	next.Replaces, next.ReplacedBy, next.Corrections = in.ID, "", in.Corrections+1
	next.CreatedAt, next.UpdatedAt, next.Version, next.ContentVersion = now, now, 1, 1
	next.Buyer, next.Document.Buyer = buyer, buyer
	next.Document.Replaces = &Reference{Number: in.Number, IssuedAt: in.IssuedAt}
	return next
}

// Revise returns the next revision of an invoice, under its number and the day it was issued: its terms run from then. When it was corrected
// stands beside.
func (in Invoice) Revise(buyer Party, now time.Time) Invoice {
	next := in.succeed(buyer, now)
	next.Revision++
	next.Document.CorrectedAt = &now
	return next
}

// Reissue returns the credit note that takes an invoice back whole, and the invoice that is issued instead. No money moves by either.
func (in Invoice) Reissue(buyer Party, now time.Time) (note, next Invoice) {
	next = in.succeed(buyer, now)
	next.Revision, next.IssuedAt, next.Document.CorrectedAt = 1, now, nil
	note = in
	note.Credits, note.Document.CorrectedAt = in.ID, nil
	note.Kind, note.Status, note.DueAt, note.Revision, note.Corrections = KindCreditNote, StatusPaid, nil, 1, 0
	note.Replaces, note.ReplacedBy, note.Document.Replaces = "", "", nil
	note.IssuedAt, note.CreatedAt, note.UpdatedAt, note.Version, note.ContentVersion = now, now, now, 1, 1
	totals := in.Document.Totals
	totals.Credit, totals.GrandTotal, totals.Balance, totals.Refunded = 0, totals.Total, 0, 0
	note.Total = totals.Total
	note.Document.Totals, note.Document.InvoiceNumber, note.Document.Details = totals, in.Number, nil
	note.Document.PaidWith, note.Document.PaidAt, note.Document.Reissued = nil, nil, true
	return note, next
}
