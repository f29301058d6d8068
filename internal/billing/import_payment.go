package billing

import (
	"context"
	"math"
	"slices"

	"foyer/internal/foyer"
)

func externalSubscription(s ImportedSubscription) string { return s.Subscription.ExternalID }
func externalPayment(p ImportedPayment) string           { return p.Payment.ExternalID }
func externalRefund(r ImportedRefund) string             { return r.Refund.ExternalID }

func (im *importer) subscriptions(ctx context.Context, sum *ImportSummary, records []ImportedSubscription) error {
	have, err := im.load(ctx, ImportSubscription, collect(records, externalSubscription))
	if err != nil {
		return err
	}
	customers, err := im.loadCustomers(ctx, collect(records, func(s ImportedSubscription) string { return s.ExternalCustomerID }))
	if err != nil {
		return err
	}
	k, err := im.knownTo(ctx, records)
	if err != nil {
		return err
	}
	existing := mapOf(have.Subscriptions, externalSubscription)
	var save ImportBatch
	var arrived []string
	for _, r := range records {
		s := r.Subscription
		c := owner(sum, customers, r.ExternalCustomerID, ImportRef{ImportSubscription, s.ExternalID})
		if c == nil {
			continue
		}
		old, there := existing[s.ExternalID]
		newer := s.UpdatedAt.After(old.Subscription.UpdatedAt)
		sum.count(ImportSubscription, there, newer)
		if s.AmountsUnknown {
			sum.AmountsUnknown = append(sum.AmountsUnknown, s.ExternalID)
		}
		if there && !newer {
			continue
		}
		s.ID = idOr(im.ids, foyer.PrefixSubscription, old.Subscription.ID)
		s.Merchant, s.Customer = im.merchant, c.Customer.ID
		s.PaymentMethod = old.Subscription.PaymentMethod
		s.Version = old.Subscription.Version + 1
		k.joinSubscription(&s)
		save.Subscriptions = append(save.Subscriptions, ImportedSubscription{Subscription: s})
		k.subscriptions[s.ExternalID] = s
		if !there {
			arrived = append(arrived, s.ExternalID)
		}
	}
	if err := im.joinWaiting(ctx, sum, ImportSubscription, arrived, k, &save); err != nil {
		return err
	}
	return im.save(ctx, save)
}

// knownTo loads what the subscriptions refer to.
func (im *importer) knownTo(ctx context.Context, records []ImportedSubscription) (known, error) {
	wanted := map[ImportKind][]string{}
	for _, r := range records {
		for _, ref := range r.Subscription.Waits() {
			wanted[ref.Kind] = append(wanted[ref.Kind], ref.ExternalID)
		}
	}
	k := known{subscriptions: map[string]Subscription{}}
	products, err := im.load(ctx, ImportProduct, wanted[ImportProduct])
	if err != nil {
		return k, err
	}
	prices, err := im.load(ctx, ImportPrice, wanted[ImportPrice])
	if err != nil {
		return k, err
	}
	discounts, err := im.load(ctx, ImportDiscount, wanted[ImportDiscount])
	if err != nil {
		return k, err
	}
	k.products = mapOf(products.Products, externalProduct)
	k.prices = mapOf(prices.Prices, externalPrice)
	k.discounts = mapOf(discounts.Discounts, externalDiscount)
	return k, nil
}

func (im *importer) payments(ctx context.Context, sum *ImportSummary, records []ImportedPayment) error {
	have, err := im.load(ctx, ImportPayment, collect(records, externalPayment))
	if err != nil {
		return err
	}
	customers, err := im.loadCustomers(ctx, collect(records, func(p ImportedPayment) string { return p.ExternalCustomerID }))
	if err != nil {
		return err
	}
	loaded, err := im.load(ctx, ImportSubscription, collect(records, func(p ImportedPayment) string { return p.Payment.ExternalSubscriptionID }))
	if err != nil {
		return err
	}
	k := known{subscriptions: map[string]Subscription{}}
	for _, s := range loaded.Subscriptions {
		k.subscriptions[s.Subscription.ExternalID] = s.Subscription
	}
	existing := mapOf(have.Payments, externalPayment)
	var arriving []string // refunds can only wait for these
	for _, r := range records {
		if _, there := existing[r.Payment.ExternalID]; !there {
			arriving = append(arriving, r.Payment.ExternalID)
		}
	}
	var waiting ImportBatch
	if len(arriving) > 0 {
		if waiting, err = im.store.Waiting(ctx, im.merchant, ImportPayment, arriving); err != nil {
			return err
		}
	}
	var save ImportBatch
	for _, r := range records {
		c := owner(sum, customers, r.ExternalCustomerID, ImportRef{ImportPayment, r.Payment.ExternalID})
		if c == nil {
			continue
		}
		old, there := existing[r.Payment.ExternalID]
		if there && !old.Payment.Imported {
			sum.skip(ImportPayment, r.Payment.ExternalID, SkipNameTaken) // what was charged here is never another system's to change
			continue
		}
		newer := r.Payment.UpdatedAt.After(old.Payment.UpdatedAt)
		sum.count(ImportPayment, there, newer)
		if differ := r.Payment.LinesMismatch(); len(differ) > 0 {
			sum.Mismatches = append(sum.Mismatches, ImportMismatch{r.Payment.ExternalID, differ})
		}
		if there && !newer {
			continue
		}
		p := im.payment(r, old, c)
		k.joinPayment(&p.Payment)
		for _, refund := range waiting.Refunds {
			if joinRefund(&refund, p.Payment) {
				p.Payment.putRefund(refund.Refund)
				save.Refunds = append(save.Refunds, refund)
				sum.Joined++
			}
		}
		p.Payment.Totals.Refunded = wentBack(p.Adjusted, p.Payment.Refunds)
		save.Payments = append(save.Payments, p)
	}
	return im.save(ctx, save)
}

// payment returns the record as the customer's payment: lines and attempts seen before keep their ids, and a document
// that exists keeps its buyer unless the record tells who that was.
func (im *importer) payment(r, old ImportedPayment, c *ImportedCustomer) ImportedPayment {
	told := r.Buyer != Buyer{}
	if old.HasInvoice() && !told {
		r.Buyer, r.ExternalAddressID, r.ExternalBusinessID = old.Buyer, old.ExternalAddressID, old.ExternalBusinessID
	} else {
		r.resolveBuyer(c)
	}
	r.ExternalCustomerID = ""
	p := &r.Payment
	p.ID = idOr(im.ids, foyer.PrefixPayment, old.Payment.ID)
	p.Merchant, p.Customer = im.merchant, c.Customer.ID
	p.InvoiceID, p.InvoiceNumber = old.Payment.InvoiceID, old.Payment.InvoiceNumber
	p.Version, p.Imported = old.Payment.Version+1, true
	p.Refunds = old.Payment.Refunds

	lineIDs := map[string]LineID{}
	for _, l := range old.Payment.Lines {
		lineIDs[l.ExternalID] = l.ID
	}
	p.Lines = slices.Clone(p.Lines)
	for i, l := range p.Lines {
		have := lineIDs[l.ExternalID]
		delete(lineIDs, l.ExternalID) // a second line without an external id is another line
		p.Lines[i].ID = idOr(im.ids, foyer.PrefixPaymentLine, have)
	}
	attemptIDs := map[string]AttemptID{}
	for _, a := range old.Payment.Attempts {
		attemptIDs[a.ExternalID] = a.ID
	}
	p.Attempts = slices.Clone(p.Attempts)
	for i, a := range p.Attempts {
		p.Attempts[i].ID = idOr(im.ids, foyer.PrefixAttempt, attemptIDs[a.ExternalID])
	}
	return r
}

// resolveBuyer fills in whom the invoice names, as far as the record did not tell: the address and business it refers to,
// or, until they are known, the customer's own. A payment that refers to no business was made by a person.
func (p *ImportedPayment) resolveBuyer(c *ImportedCustomer) {
	if p.Buyer.Email == "" {
		p.Buyer.Name, p.Buyer.Email = c.Customer.Name, c.Customer.Email
	}
	if p.Buyer.Address.Empty() {
		p.Buyer.Address = c.Customer.Address
		for _, a := range c.Addresses {
			addressPart(a).fill(p)
		}
	}
	if p.ExternalBusinessID != "" {
		p.Buyer.Company, p.Buyer.TaxID = c.Customer.Company, c.Customer.TaxID
		for _, b := range c.Businesses {
			businessPart(b).fill(p)
		}
	}
}

// joinRefund gives the refund its payment, and its lines the payment's, and tells whether it belongs to it.
func joinRefund(r *ImportedRefund, p Payment) bool {
	if !p.Imported || r.ExternalPaymentID != p.ExternalID || r.Customer != p.Customer {
		return false
	}
	r.Payment = p.ID
	r.Refund.Lines = slices.Clone(r.Refund.Lines)
	for i, rl := range r.Refund.Lines {
		for _, l := range p.Lines {
			if l.ExternalID == rl.LineID && rl.LineID != "" {
				r.Refund.Lines[i].LineID = string(l.ID)
			}
		}
	}
	return true
}

// putRefund adds the refund to the payment's, or replaces an older state of it.
func (p *Payment) putRefund(r Refund) {
	p.Refunds = slices.Clone(p.Refunds)
	if i := slices.IndexFunc(p.Refunds, func(o Refund) bool { return o.ID == r.ID }); i >= 0 {
		p.Refunds[i] = r
		return
	}
	p.Refunds = append(p.Refunds, r)
}

// wentBack returns how much of a payment went back to the customer, from two witnesses: the payment's adjusted totals,
// which hold refunds, chargebacks and credits in one sum, and the refunds as far as they are known. Credits pay nothing
// back. A reversal that is known is later news than any total.
func wentBack(adjusted int64, refunds []Refund) int64 {
	sums := map[RefundAction]int64{}
	reversed := false
	for _, r := range refunds {
		reversed = reversed || r.Status == RefundReversed || r.Total < 0
		if r.Status == RefundApproved {
			sums[r.Action] = plus(sums[r.Action], r.Total)
		}
	}
	// A chargeback taken back may be marked itself, be followed by a negative one, or both: it never counts below nothing.
	sum := plus(sums[ActionRefund], max(0, sums[ActionChargeback]))
	if reversed {
		return sum
	}
	return max(sum, plus(adjusted, -max(0, sums[ActionCredit])))
}

// plus adds amounts and stays at the end of the 64 bits instead of going round.
func plus(a, b int64) int64 {
	sum, err := foyer.Money{Amount: a}.Plus(foyer.Money{Amount: b})
	switch {
	case err == nil:
		return sum.Amount
	case b > 0:
		return math.MaxInt64
	default:
		return math.MinInt64
	}
}

func (im *importer) refunds(ctx context.Context, sum *ImportSummary, records []ImportedRefund) error {
	have, err := im.load(ctx, ImportRefund, collect(records, externalRefund))
	if err != nil {
		return err
	}
	customers, err := im.loadCustomers(ctx, collect(records, func(r ImportedRefund) string { return r.ExternalCustomerID }))
	if err != nil {
		return err
	}
	loaded, err := im.load(ctx, ImportPayment, collect(records, func(r ImportedRefund) string { return r.ExternalPaymentID }))
	if err != nil {
		return err
	}
	existing := mapOf(have.Refunds, externalRefund)
	payments := mapOf(loaded.Payments, externalPayment)
	before := make(map[string]int64, len(payments))
	for id, p := range payments {
		before[id] = p.Payment.Totals.Refunded
	}
	var save ImportBatch
	for _, r := range records {
		c := owner(sum, customers, r.ExternalCustomerID, ImportRef{ImportRefund, r.Refund.ExternalID})
		if c == nil {
			continue
		}
		old, there := existing[r.Refund.ExternalID]
		newer := r.Refund.UpdatedAt.After(old.Refund.UpdatedAt)
		sum.count(ImportRefund, there, newer)
		if there && !newer {
			continue
		}
		r.ExternalCustomerID, r.Customer = "", c.Customer.ID
		r.Refund.ID = idOr(im.ids, foyer.PrefixRefund, old.Refund.ID)
		if p, ok := payments[r.ExternalPaymentID]; ok && joinRefund(&r, p.Payment) {
			p.Payment.putRefund(r.Refund)
			p.Payment.Totals.Refunded = wentBack(p.Adjusted, p.Payment.Refunds)
			payments[r.ExternalPaymentID] = p
		}
		save.Refunds = append(save.Refunds, r)
	}
	for _, p := range loaded.Payments {
		p = payments[p.Payment.ExternalID]
		if p.Payment.Totals.Refunded != before[p.Payment.ExternalID] {
			p.Payment.Version++
			save.Payments = append(save.Payments, p)
		}
	}
	return im.save(ctx, save)
}
