package billing

import (
	"context"
	"maps"
	"slices"
	"time"

	"foyer/internal/foyer"
)

// importStep is how many records one transaction of an import holds: enough to be fast, and few enough that the embedded
// database's only writer is never kept waiting for long. A crash between two leaves whole records; importing the same
// files again completes the rest. Whoever wants all or nothing calls Import within InTx.
const importStep = 500

// Import brings the merchant's records up to date with the batches, whatever their order: of every record the newest
// counts, and only if it is newer than what the merchant has. A record without a customer that is known is left out and
// named; every other reference that is not known is kept and joined when it arrives. Importing the same again changes
// nothing. The summary says what was done, also when there is an error.
func Import(
	ctx context.Context, store ImportStore, ids foyer.IDs, merchant foyer.MerchantID, batches []ImportBatch, opts ImportOptions,
) (ImportSummary, error) {
	all := newestOf(batches)
	im := &importer{store: store, ids: ids, merchant: merchant, opts: opts, total: all.records()}
	im.summary.Ignored = all.Ignored
	err := im.run(ctx, all)
	return im.summary, err
}

// importer is one run of Import.
type importer struct {
	store       ImportStore
	ids         foyer.IDs
	merchant    foyer.MerchantID
	opts        ImportOptions
	summary     ImportSummary
	done, total int
}

func (im *importer) run(ctx context.Context, all ImportBatch) error {
	customers, err := im.planCustomers(ctx, all.Customers)
	if err != nil {
		return err
	}
	parts := make([]customerPart, 0, len(all.Addresses)+len(all.Businesses))
	for _, a := range all.Addresses {
		parts = append(parts, addressPart(a))
	}
	for _, b := range all.Businesses {
		parts = append(parts, businessPart(b))
	}
	for _, step := range []func() error{
		func() error { return inSteps(ctx, im, customers, im.customers) },
		func() error { return inSteps(ctx, im, parts, im.customerParts) },
		func() error { return inSteps(ctx, im, all.Products, im.products) },
		func() error { return inSteps(ctx, im, all.Prices, im.prices) },
		func() error { return inSteps(ctx, im, all.Discounts, im.discounts) },
		func() error { return inSteps(ctx, im, all.Subscriptions, im.subscriptions) },
		func() error { return inSteps(ctx, im, all.Payments, im.payments) },
		func() error { return inSteps(ctx, im, all.Refunds, im.refunds) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// inSteps hands the records to f in transactions of at most importStep.
func inSteps[T any](
	ctx context.Context, im *importer, records []T, f func(ctx context.Context, sum *ImportSummary, records []T) error,
) error {
	for chunk := range slices.Chunk(records, importStep) {
		var sum ImportSummary
		err := im.store.InTx(ctx, func(ctx context.Context) error {
			sum = ImportSummary{} // f may run again
			return f(ctx, &sum, chunk)
		})
		if err != nil {
			return err
		}
		im.summary.add(sum)
		im.advance(len(chunk))
	}
	return nil
}

func (im *importer) advance(n int) {
	im.done += n
	if im.opts.Progress != nil && n > 0 {
		im.opts.Progress(im.done, im.total)
	}
}

// newestOf puts the batches together, of every record the newest.
func newestOf(batches []ImportBatch) ImportBatch {
	all := ImportBatch{Ignored: map[string]int{}}
	for _, b := range batches {
		all.Customers = append(all.Customers, b.Customers...)
		all.Addresses = append(all.Addresses, b.Addresses...)
		all.Businesses = append(all.Businesses, b.Businesses...)
		all.Products = append(all.Products, b.Products...)
		all.Prices = append(all.Prices, b.Prices...)
		all.Discounts = append(all.Discounts, b.Discounts...)
		all.Subscriptions = append(all.Subscriptions, b.Subscriptions...)
		all.Payments = append(all.Payments, b.Payments...)
		all.Refunds = append(all.Refunds, b.Refunds...)
		for what, n := range b.Ignored {
			all.Ignored[what] += n
		}
	}
	all.Customers = newest(all.Customers, func(c ImportedCustomer) (string, time.Time) { return c.Customer.ExternalID, c.Customer.UpdatedAt })
	all.Addresses = newest(all.Addresses, func(a ImportedAddress) (string, time.Time) { return a.ExternalID, a.UpdatedAt })
	all.Businesses = newest(all.Businesses, func(b ImportedBusiness) (string, time.Time) { return b.ExternalID, b.UpdatedAt })
	all.Products = newest(all.Products, func(p Product) (string, time.Time) { return p.ExternalID, p.UpdatedAt })
	all.Prices = newest(all.Prices, func(p Price) (string, time.Time) { return p.ExternalID, p.UpdatedAt })
	all.Discounts = newest(all.Discounts, func(d Discount) (string, time.Time) { return d.ExternalID, d.UpdatedAt })
	all.Subscriptions = newest(all.Subscriptions, func(s ImportedSubscription) (string, time.Time) {
		return s.Subscription.ExternalID, s.Subscription.UpdatedAt
	})
	all.Payments = newest(all.Payments, func(p ImportedPayment) (string, time.Time) { return p.Payment.ExternalID, p.Payment.UpdatedAt })
	all.Refunds = newest(all.Refunds, func(r ImportedRefund) (string, time.Time) { return r.Refund.ExternalID, r.Refund.UpdatedAt })
	return all
}

// newest keeps of every id the record with the latest time, the first of equals, in the order the ids came.
func newest[T any](records []T, key func(T) (string, time.Time)) []T {
	place := make(map[string]int, len(records))
	out := records[:0:0]
	for _, r := range records {
		id, at := key(r)
		i, known := place[id]
		if !known {
			place[id] = len(out)
			out = append(out, r)
		} else if _, have := key(out[i]); at.After(have) {
			out[i] = r
		}
	}
	return out
}

func (b ImportBatch) records() int {
	return len(b.Customers) + len(b.Addresses) + len(b.Businesses) + len(b.Products) + len(b.Prices) + len(b.Discounts) +
		len(b.Subscriptions) + len(b.Payments) + len(b.Refunds)
}

// load asks the store for the records with the ids, each asked for once, or for none without asking.
func (im *importer) load(ctx context.Context, kind ImportKind, externalIDs []string) (ImportBatch, error) {
	set := map[string]bool{}
	for _, id := range externalIDs {
		if id != "" {
			set[id] = true
		}
	}
	if len(set) == 0 {
		return ImportBatch{}, nil
	}
	return im.store.Load(ctx, im.merchant, kind, slices.Sorted(maps.Keys(set)))
}

// loadCustomers returns the customers with the ids, by external id.
func (im *importer) loadCustomers(ctx context.Context, externalIDs []string) (map[string]*ImportedCustomer, error) {
	batch, err := im.load(ctx, ImportCustomer, externalIDs)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*ImportedCustomer, len(batch.Customers))
	for i := range batch.Customers {
		out[batch.Customers[i].Customer.ExternalID] = &batch.Customers[i]
	}
	return out, nil
}

// owner returns the customer a record belongs to, or names the record as skipped.
func owner(sum *ImportSummary, customers map[string]*ImportedCustomer, externalCustomerID string, record ImportRef) *ImportedCustomer {
	if externalCustomerID == "" {
		sum.skip(record.Kind, record.ExternalID, SkipNoCustomer)
		return nil
	}
	c := customers[externalCustomerID]
	if c == nil {
		sum.skip(record.Kind, record.ExternalID, SkipUnknownCustomer)
	}
	return c
}

// save writes the batch unless it is empty.
func (im *importer) save(ctx context.Context, batch ImportBatch) error {
	if batch.records() == 0 {
		return nil
	}
	return im.store.Save(ctx, im.merchant, batch)
}

// idOr returns the id there is, or a new one.
func idOr[T ~string](ids foyer.IDs, prefix foyer.Prefix, have T) T {
	if have != "" {
		return have
	}
	return T(ids(prefix))
}

// mapOf indexes records by external id.
func mapOf[T any](records []T, key func(T) string) map[string]T {
	out := make(map[string]T, len(records))
	for _, r := range records {
		out[key(r)] = r
	}
	return out
}

// collect returns one string of each record.
func collect[T any](records []T, f func(T) string) []string {
	out := make([]string, 0, len(records))
	for _, r := range records {
		out = append(out, f(r))
	}
	return out
}
