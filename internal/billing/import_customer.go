package billing

import (
	"context"
	"slices"
	"time"

	"foyer/internal/foyer"
)

// planCustomers returns the customers to write, in an order in which no two ever have the same e-mail address: whoever
// gives an address up comes before whoever takes it. Those whose address stays another's are named as skipped; those that
// are no news are counted.
func (im *importer) planCustomers(ctx context.Context, records []ImportedCustomer) ([]ImportedCustomer, error) {
	var pending []ImportedCustomer
	have := map[string]Customer{}           // the customers to update, by external id
	owners := map[string]foyer.CustomerID{} // who has the addresses in question
	for chunk := range slices.Chunk(records, importStep) {
		existing, err := im.loadCustomers(ctx, collect(chunk, externalCustomer))
		if err != nil {
			return nil, err
		}
		var keys []string
		for _, r := range chunk {
			old, known := existing[r.Customer.ExternalID]
			if known && !r.Customer.UpdatedAt.After(old.Customer.UpdatedAt) {
				im.summary.count(ImportCustomer, true, false)
				im.advance(1)
				continue
			}
			if known {
				have[r.Customer.ExternalID] = old.Customer
			}
			pending = append(pending, r)
			keys = append(keys, EmailKey(r.Customer.Email))
		}
		found, err := im.store.EmailOwners(ctx, im.merchant, keys)
		if err != nil {
			return nil, err
		}
		for key, id := range found {
			owners[key] = id
		}
	}
	var plan []ImportedCustomer
	for again := true; again; {
		again = false
		var blocked []ImportedCustomer
		for _, r := range pending {
			old, known := have[r.Customer.ExternalID]
			self, key := foyer.CustomerID("new "+r.Customer.ExternalID), EmailKey(r.Customer.Email)
			if known {
				self = old.ID
			}
			if holder, taken := owners[key]; taken && holder != self {
				blocked = append(blocked, r)
				continue
			}
			if former := EmailKey(old.Email); known && former != key && owners[former] == self {
				delete(owners, former)
			}
			owners[key] = self
			plan = append(plan, r)
			again = true
		}
		pending = blocked
	}
	for _, r := range pending {
		im.summary.skip(ImportCustomer, r.Customer.ExternalID, SkipEmailTaken)
		im.advance(1)
	}
	return plan, nil
}

func externalCustomer(c ImportedCustomer) string { return c.Customer.ExternalID }

func (im *importer) customers(ctx context.Context, sum *ImportSummary, records []ImportedCustomer) error {
	existing, err := im.loadCustomers(ctx, collect(records, externalCustomer))
	if err != nil {
		return err
	}
	var save ImportBatch
	for _, r := range records {
		c := ImportedCustomer{Customer: Customer{Merchant: im.merchant, ExternalID: r.Customer.ExternalID}}
		old, known := existing[r.Customer.ExternalID]
		if known {
			c = *old
		}
		newer := r.Customer.UpdatedAt.After(c.Customer.UpdatedAt)
		sum.count(ImportCustomer, known, newer)
		if known && !newer {
			continue
		}
		c.Customer.ID = idOr(im.ids, foyer.PrefixCustomer, c.Customer.ID)
		c.Customer.Email = r.Customer.Email
		c.Customer.Name = r.Customer.Name
		c.Customer.Locale = r.Customer.Locale
		c.Customer.Archived = r.Customer.Archived
		c.Customer.CreatedAt = r.Customer.CreatedAt
		c.Customer.UpdatedAt = r.Customer.UpdatedAt
		c.Customer.Version++
		save.Customers = append(save.Customers, c)
	}
	return im.save(ctx, save)
}

// customerPart is an address or a business on its way to its customer.
type customerPart struct {
	ref      ImportRef
	customer string
	// put adds the part to the customer, or replaces an older one.
	put func(c *ImportedCustomer) (known, newer bool)
	// fill gives it to a buyer that waited for it.
	fill func(p *ImportedPayment)
}

func addressPart(a ImportedAddress) customerPart {
	return customerPart{
		ref:      ImportRef{ImportAddress, a.ExternalID},
		customer: a.ExternalCustomerID,
		put: func(c *ImportedCustomer) (bool, bool) {
			i := slices.IndexFunc(c.Addresses, func(o ImportedAddress) bool { return o.ExternalID == a.ExternalID })
			if i < 0 {
				c.Addresses = append(c.Addresses, a)
				return false, false
			}
			newer := a.UpdatedAt.After(c.Addresses[i].UpdatedAt)
			if newer {
				c.Addresses[i] = a
			}
			return true, newer
		},
		fill: func(p *ImportedPayment) {
			if p.ExternalAddressID == a.ExternalID {
				p.Buyer.Address, p.ExternalAddressID = a.Address, ""
			}
		},
	}
}

func businessPart(b ImportedBusiness) customerPart {
	return customerPart{
		ref:      ImportRef{ImportBusiness, b.ExternalID},
		customer: b.ExternalCustomerID,
		put: func(c *ImportedCustomer) (bool, bool) {
			i := slices.IndexFunc(c.Businesses, func(o ImportedBusiness) bool { return o.ExternalID == b.ExternalID })
			if i < 0 {
				c.Businesses = append(c.Businesses, b)
				return false, false
			}
			newer := b.UpdatedAt.After(c.Businesses[i].UpdatedAt)
			if newer {
				c.Businesses[i] = b
			}
			return true, newer
		},
		fill: func(p *ImportedPayment) {
			if p.ExternalBusinessID == b.ExternalID {
				p.Buyer.setBusiness(b)
				p.ExternalBusinessID = ""
			}
		},
	}
}

func (b *Buyer) setBusiness(from ImportedBusiness) {
	b.Company, b.TaxID, b.RegistrationNumber = from.Name, from.TaxID, from.RegistrationNumber
}

// customerParts puts addresses and businesses to their customers and to the buyers that waited for them.
func (im *importer) customerParts(ctx context.Context, sum *ImportSummary, records []customerPart) error {
	customers, err := im.loadCustomers(ctx, collect(records, func(p customerPart) string { return p.customer }))
	if err != nil {
		return err
	}
	changed := map[string]bool{}
	arrived := map[ImportKind][]string{}
	fills := map[ImportRef]func(*ImportedPayment){}
	var save ImportBatch
	for _, part := range records {
		c := owner(sum, customers, part.customer, part.ref)
		if c == nil {
			continue
		}
		known, newer := part.put(c)
		sum.count(part.ref.Kind, known, newer)
		if !known {
			arrived[part.ref.Kind] = append(arrived[part.ref.Kind], part.ref.ExternalID)
			fills[part.ref] = part.fill
		}
		if (!known || newer) && !changed[part.customer] {
			changed[part.customer] = true
			save.Customers = append(save.Customers, ImportedCustomer{Customer: Customer{ExternalID: part.customer}})
		}
	}
	for i, c := range save.Customers {
		whole := customers[c.Customer.ExternalID]
		whole.takeDetails()
		save.Customers[i] = *whole
	}
	place := map[PaymentID]int{}
	for _, kind := range []ImportKind{ImportAddress, ImportBusiness} {
		if len(arrived[kind]) == 0 {
			continue
		}
		waiting, err := im.store.Waiting(ctx, im.merchant, kind, arrived[kind])
		if err != nil {
			return err
		}
		for _, p := range waiting.Payments {
			i, twice := place[p.Payment.ID]
			if !twice {
				i = len(save.Payments)
				place[p.Payment.ID] = i
				p.Payment.Version++
				save.Payments = append(save.Payments, p)
				sum.Joined++
			}
			for _, ref := range p.Waits() {
				if fill, here := fills[ref]; here {
					fill(&save.Payments[i])
				}
			}
		}
	}
	return im.save(ctx, save)
}

// takeDetails makes the customer's address and company those of the latest active address and business. What was changed
// in Foyer after that stays; when the last one was archived, nothing is left.
func (c *ImportedCustomer) takeDetails() {
	before := c.Customer
	if a, at, ok := latest(c.Addresses, func(a ImportedAddress) (bool, time.Time) { return a.Archived, a.UpdatedAt }); ok {
		if at.After(c.EditedAt) || c.Customer.Address.Empty() {
			c.Customer.Address = a.Address
		}
	}
	if b, at, ok := latest(c.Businesses, func(b ImportedBusiness) (bool, time.Time) { return b.Archived, b.UpdatedAt }); ok {
		if at.After(c.EditedAt) || c.Customer.Company == "" && c.Customer.TaxID == "" {
			c.Customer.Company, c.Customer.TaxID = b.Name, b.TaxID
		}
	}
	if !c.Customer.same(before) {
		c.Customer.Version++
	}
}

// latest returns the active part with the latest time and that time; an empty part and the time of the last change when
// there are only archived ones; false when there are none at all.
func latest[T any](parts []T, key func(T) (archived bool, at time.Time)) (T, time.Time, bool) {
	var part T
	var activeAt, archivedAt time.Time
	active := false
	for _, p := range parts {
		switch archived, at := key(p); {
		case archived:
			if at.After(archivedAt) {
				archivedAt = at
			}
		case !active || at.After(activeAt):
			part, activeAt, active = p, at, true
		}
	}
	if active {
		return part, activeAt, true
	}
	return part, archivedAt, len(parts) > 0
}
