package retention_test

import (
	"context"
	"slices"
	"strconv"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// desk keeps one customer's subscription and everything retention writes, in memory: billing's own rules decide what can be done.
// What it doesn't implement is never called here.
type desk struct {
	retention.Store
	retention.Subscriptions
	now           time.Time
	customer      billing.Customer
	sub           billing.Subscription
	settings      retention.Settings
	cheaper       billing.CatalogPrice
	usage         map[string]retention.Usage
	offers        []retention.Offer
	cancellations []retention.Cancellation
	ids           int
}

func (d *desk) service() *retention.Service {
	clock := func(context.Context, foyer.MerchantID) (time.Time, error) { return d.now, nil }
	return retention.NewService(d, d, nil, func(p foyer.Prefix) string { d.ids++; return string(p) + "_" + strconv.Itoa(d.ids) }, clock)
}

func (d *desk) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (d *desk) Conclude(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }
func (d *desk) LockCustomer(context.Context, foyer.Scope) error                    { return nil }

func (d *desk) Cancellation(_ context.Context, _ foyer.Scope, id retention.CancellationID) (retention.Cancellation, error) {
	for _, c := range d.cancellations {
		if c.ID == id {
			return d.withOffers(c), nil
		}
	}
	return retention.Cancellation{}, foyer.ErrNotFound()
}

func (d *desk) withOffers(c retention.Cancellation) retention.Cancellation {
	c.Offers = nil
	for _, o := range d.offers {
		if o.Cancellation == c.ID {
			c.Offers = append(c.Offers, o)
		}
	}
	return c
}

func (d *desk) OpenCancellation(_ context.Context, _ foyer.Scope, sub billing.SubscriptionID) (retention.Cancellation, error) {
	for _, c := range d.cancellations {
		if c.Subscription == sub && !c.Finished() {
			return d.withOffers(c), nil
		}
	}
	return retention.Cancellation{}, foyer.ErrNotFound()
}

func (d *desk) CreateCancellation(_ context.Context, c retention.Cancellation) (bool, error) {
	d.cancellations = append(d.cancellations, c)
	return true, nil
}

func (d *desk) SaveCancellation(_ context.Context, c retention.Cancellation, _ int64) error {
	i := slices.IndexFunc(d.cancellations, func(o retention.Cancellation) bool { return o.ID == c.ID })
	d.cancellations[i] = c
	return nil
}

func (d *desk) CreateOffer(_ context.Context, o retention.Offer) error {
	d.offers = append(d.offers, o)
	return nil
}

func (d *desk) DecideOffer(_ context.Context, o retention.Offer) error {
	i := slices.IndexFunc(d.offers, func(other retention.Offer) bool { return o.ID == other.ID })
	d.offers[i] = o
	return nil
}

func (d *desk) TakenOffers(context.Context, foyer.Scope) ([]retention.Offer, error) {
	return slices.Clone(d.offers), nil
}

func (d *desk) LockBudgets(context.Context, foyer.MerchantID, []string) error { return nil }

func (d *desk) TakeBudget(_ context.Context, _ foyer.MerchantID, rule string, cost int64, b retention.Budget) (bool, error) {
	u := d.usage[rule]
	if b.Offers != nil && u.Offers >= *b.Offers || b.Amount != nil && u.Amount+cost > b.Amount.Amount {
		return false, nil
	}
	d.usage[rule] = retention.Usage{Offers: u.Offers + 1, Amount: u.Amount + cost}
	return true, nil
}

func (d *desk) GiveBackBudget(_ context.Context, _ foyer.MerchantID, rule string, cost int64) error {
	u := d.usage[rule]
	d.usage[rule] = retention.Usage{Offers: u.Offers - 1, Amount: u.Amount - cost}
	return nil
}

func (d *desk) BudgetUsage(_ context.Context, _ foyer.MerchantID, rules []string) (map[string]retention.Usage, error) {
	found := map[string]retention.Usage{}
	for _, rule := range rules {
		found[rule] = d.usage[rule]
	}
	return found, nil
}

func (d *desk) RetentionSettings(context.Context, foyer.MerchantID) (retention.Settings, error) {
	return d.settings, nil
}

func (d *desk) Prices(context.Context, foyer.MerchantID, []billing.PriceID) (map[billing.PriceID]billing.CatalogPrice, error) {
	return map[billing.PriceID]billing.CatalogPrice{d.cheaper.ID: d.cheaper}, nil
}

func (d *desk) RecordEvidence(context.Context, ...retention.Evidence) error { return nil }

func (d *desk) Tally(context.Context, foyer.MerchantID, []retention.TallyEntry) error { return nil }

func (d *desk) RecordEvents(context.Context, ...foyer.Event) error { return nil }

func (d *desk) Customer(context.Context, foyer.Scope) (billing.Customer, error) {
	return d.customer, nil
}

func (d *desk) Subscription(context.Context, foyer.Scope, billing.SubscriptionID) (billing.Subscription, error) {
	return d.sub, nil
}

func (d *desk) MerchantSubscription(context.Context, foyer.MerchantID, billing.SubscriptionID) (billing.Subscription, error) {
	return d.sub, nil
}

func (d *desk) PreviewChange(_ context.Context, _ foyer.Actor, _ billing.SubscriptionID, items []billing.ItemInput) (billing.ChangePreview, error) {
	bought := []billing.SubscriptionItem{{
		PriceID: d.cheaper.ID, ProductID: d.cheaper.Product, ProductName: d.cheaper.Of.Name, UnitPrice: d.cheaper.UnitPrice.Amount, TaxRate: d.cheaper.TaxRate,
		Quantity: items[0].Quantity,
	}}
	if d.cheaper.UnitPrice.Currency != d.sub.Currency {
		return billing.ChangePreview{}, foyer.Refuse(foyer.Invalid, "price.other_currency")
	}
	change, err := d.sub.Change(bought, *d.cheaper.Cycle, d.now)
	if err != nil {
		return billing.ChangePreview{}, err
	}
	preview := billing.ChangePreview{
		EffectiveAt: change.EffectiveAt, Currency: d.sub.Currency, RecurringTotal: change.After.RecurringTotal, NextPayment: change.After.NextPayment(),
	}
	if change.Scheduled() {
		preview.RecurringTotal = change.After.PendingTotal()
	}
	if change.Bill != nil {
		preview.Immediate = &billing.Payment{}
	}
	return preview, nil
}
