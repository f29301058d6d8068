package billing

import (
	"context"
	"slices"

	"foyer/internal/foyer"
)

// known is what a step of an import knows of the records others refer to, by external id.
type known struct {
	products      map[string]Product
	prices        map[string]Price
	discounts     map[string]Discount
	subscriptions map[string]Subscription
}

// joinPrice gives the price its product and tells whether that is news.
func (k known) joinPrice(p *Price) bool {
	product, ok := k.products[p.ExternalProductID]
	if p.Product != "" || !ok {
		return false
	}
	p.Product = product.ID
	return true
}

// joinSubscription gives the items their prices and products and the discount its terms, and tells whether that is news.
// Names and prices stay as they were when the item was added; a name nobody told is taken from the product.
func (k known) joinSubscription(s *Subscription) bool {
	news := false
	s.Items = slices.Clone(s.Items)
	for i := range s.Items {
		item := &s.Items[i]
		if price, ok := k.prices[item.ExternalPriceID]; ok && item.PriceID == "" {
			item.PriceID, news = price.ID, true
		}
		if product, ok := k.products[item.ExternalProductID]; ok && item.ProductID == "" {
			item.ProductID, news = product.ID, true
			if item.ProductName == "" {
				item.ProductName = product.Name
			}
		}
	}
	if s.Discount == nil || s.Discount.ID != "" {
		return news
	}
	d, ok := k.discounts[s.Discount.ExternalID]
	if !ok {
		return news
	}
	joined := *s.Discount
	joined.ID, joined.Type, joined.Percent = d.ID, d.Type, d.Percent
	if d.Amount != nil && d.Amount.Currency == s.Currency {
		amount := d.Amount.Amount
		joined.Amount = &amount
	}
	s.Discount = &joined
	return true
}

// joinPayment gives the payment its subscription and tells whether that is news. A subscription that went to another
// customer is none of this one's business.
func (k known) joinPayment(p *Payment) bool {
	s, ok := k.subscriptions[p.ExternalSubscriptionID]
	if p.Subscription != "" || !ok || s.Customer != p.Customer {
		return false
	}
	p.Subscription = s.ID
	return true
}

// joinWaiting adds to the batch the stored records that waited for the ones that arrived, joined.
func (im *importer) joinWaiting(
	ctx context.Context, sum *ImportSummary, kind ImportKind, arrived []string, k known, save *ImportBatch,
) error {
	if len(arrived) == 0 {
		return nil
	}
	waiting, err := im.store.Waiting(ctx, im.merchant, kind, arrived)
	if err != nil {
		return err
	}
	for _, p := range waiting.Prices {
		if k.joinPrice(&p) {
			p.Version++
			save.Prices = append(save.Prices, p)
			sum.Joined++
		}
	}
	for _, s := range waiting.Subscriptions {
		if k.joinSubscription(&s.Subscription) {
			s.Subscription.Version++
			save.Subscriptions = append(save.Subscriptions, s)
			sum.Joined++
		}
	}
	for _, p := range waiting.Payments {
		if k.joinPayment(&p.Payment) {
			p.Payment.Version++
			save.Payments = append(save.Payments, p)
			sum.Joined++
		}
	}
	return nil
}

func externalProduct(p Product) string   { return p.ExternalID }
func externalPrice(p Price) string       { return p.ExternalID }
func externalDiscount(d Discount) string { return d.ExternalID }

func (im *importer) products(ctx context.Context, sum *ImportSummary, records []Product) error {
	have, err := im.load(ctx, ImportProduct, collect(records, externalProduct))
	if err != nil {
		return err
	}
	existing := mapOf(have.Products, externalProduct)
	var save ImportBatch
	var arrived []string
	for _, p := range records {
		old, there := existing[p.ExternalID]
		newer := p.UpdatedAt.After(old.UpdatedAt)
		sum.count(ImportProduct, there, newer)
		if there && !newer {
			continue
		}
		p.ID, p.Merchant = idOr(im.ids, foyer.PrefixProduct, old.ID), im.merchant
		p.Metadata, p.Version = old.Metadata, old.Version+1
		save.Products = append(save.Products, p)
		if !there {
			arrived = append(arrived, p.ExternalID)
		}
	}
	k := known{products: mapOf(save.Products, externalProduct)}
	if err := im.joinWaiting(ctx, sum, ImportProduct, arrived, k, &save); err != nil {
		return err
	}
	return im.save(ctx, save)
}

func (im *importer) prices(ctx context.Context, sum *ImportSummary, records []Price) error {
	have, err := im.load(ctx, ImportPrice, collect(records, externalPrice))
	if err != nil {
		return err
	}
	products, err := im.load(ctx, ImportProduct, collect(records, func(p Price) string { return p.ExternalProductID }))
	if err != nil {
		return err
	}
	existing := mapOf(have.Prices, externalPrice)
	k := known{products: mapOf(products.Products, externalProduct), prices: map[string]Price{}}
	var save ImportBatch
	var arrived []string
	for _, p := range records {
		old, there := existing[p.ExternalID]
		newer := p.UpdatedAt.After(old.UpdatedAt)
		sum.count(ImportPrice, there, newer)
		if there && !newer {
			continue
		}
		p.ID, p.Merchant = idOr(im.ids, foyer.PrefixPrice, old.ID), im.merchant
		p.Metadata, p.Version = old.Metadata, old.Version+1
		k.joinPrice(&p)
		save.Prices = append(save.Prices, p)
		k.prices[p.ExternalID] = p
		if !there {
			arrived = append(arrived, p.ExternalID)
		}
	}
	if err := im.joinWaiting(ctx, sum, ImportPrice, arrived, k, &save); err != nil {
		return err
	}
	return im.save(ctx, save)
}

func (im *importer) discounts(ctx context.Context, sum *ImportSummary, records []Discount) error {
	have, err := im.load(ctx, ImportDiscount, collect(records, externalDiscount))
	if err != nil {
		return err
	}
	existing := mapOf(have.Discounts, externalDiscount)
	var save ImportBatch
	var arrived []string
	for _, d := range records {
		old, there := existing[d.ExternalID]
		newer := d.UpdatedAt.After(old.UpdatedAt)
		sum.count(ImportDiscount, there, newer)
		if there && !newer {
			continue
		}
		d.ID, d.Merchant = idOr(im.ids, foyer.PrefixDiscount, old.ID), im.merchant
		d.Metadata, d.Version = old.Metadata, old.Version+1
		save.Discounts = append(save.Discounts, d)
		if !there {
			arrived = append(arrived, d.ExternalID)
		}
	}
	k := known{discounts: mapOf(save.Discounts, externalDiscount)}
	if err := im.joinWaiting(ctx, sum, ImportDiscount, arrived, k, &save); err != nil {
		return err
	}
	return im.save(ctx, save)
}
