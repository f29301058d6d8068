package paddle

import (
	"math"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// product reads a product (pro_) and the prices it was asked to include.
func (r *reader) product(n *node, occurred time.Time) {
	created, updated := stamps(n, occurred)
	r.batch.Products = append(r.batch.Products, billing.Product{
		ExternalID:  n.at("id").reference("pro"),
		Name:        n.at("name").line(),
		Description: n.at("description").optionalProse(),
		ImageURL:    n.at("image_url").optionalLine(),
		Archived:    archived(n),
		CreatedAt:   created,
		UpdatedAt:   updated,
	})
	for _, price := range n.items("prices") {
		r.catalog(price)
	}
}

// price reads a price (pri_) and the product it was asked to include.
func (r *reader) price(n *node, occurred time.Time) {
	created, updated := stamps(n, occurred)
	unit := n.object("unit_price")
	p := billing.Price{
		ExternalID:        n.at("id").reference("pri"),
		ExternalProductID: n.at("product_id").optionalReference("pro"),
		Name:              n.at("name").optionalLine(),
		Description:       n.at("description").optionalProse(),
		UnitPrice:         foyer.Money{Amount: unit.at("amount").amount(), Currency: unit.at("currency_code").currency()},
		Cycle:             n.at("billing_cycle").cycle(1),
		Trial:             n.at("trial_period").cycle(1),
		TaxRate:           "0",
		TaxBehavior:       billing.TaxExclusive,
		Archived:          archived(n),
		CreatedAt:         created,
		UpdatedAt:         updated,
	}
	// Paddle's other modes (account_setting, external, location) leave the tax to be added or to Paddle.
	if mode := n.at("tax_mode"); !mode.absent() && mode.word() == "internal" {
		p.TaxBehavior = billing.TaxInclusive
	}
	if q, ok := n.optionalObject("quantity"); ok {
		p.QuantityMin = q.at("minimum").optionalInteger(math.MaxInt64)
		p.QuantityMax = q.at("maximum").optionalInteger(math.MaxInt64)
	}
	r.batch.Prices = append(r.batch.Prices, p)
	r.catalog(n.at("product"))
}

// catalog takes a product or price that stands inside another entity. Paddle keeps one-off ("custom") ones out of the
// catalog, and so do we: they live on in the lines and items that were sold.
func (r *reader) catalog(n *node) {
	if n.absent() || !n.must(objectNode) || !dated(n) {
		return
	}
	if kind := n.at("type"); !kind.absent() && kind.word() == "custom" {
		return
	}
	switch id := n.at("id"); prefixOf(id.word()) {
	case "pro":
		r.product(n, time.Time{})
	case "pri":
		r.price(n, time.Time{})
	default:
		id.fail("must be the id of a product or a price")
	}
}

// readDiscount reads a discount (dsc_).
func readDiscount(n *node, occurred time.Time) billing.Discount {
	created, updated := stamps(n, occurred)
	d := billing.Discount{
		ExternalID:  n.at("id").reference("dsc"),
		Code:        n.at("code").optionalLine(),
		Description: n.at("description").optionalProse(),
		CreatedAt:   created,
		UpdatedAt:   updated,
	}
	if status := n.at("status"); !status.absent() {
		// An expired or used-up discount can be redeemed no more, like an archived one.
		d.Archived = oneOf(status, map[string]bool{"active": false, "archived": true, "expired": true, "used": true})
	}
	d.Type = oneOf(n.at("type"), map[string]billing.DiscountType{
		"percentage": billing.DiscountPercent, "flat": billing.DiscountFixed, "flat_per_seat": billing.DiscountFixed,
	})
	if d.Type == billing.DiscountPercent {
		d.Percent = n.at("amount").rate()
	} else {
		d.Amount = &foyer.Money{Amount: n.at("amount").amount(), Currency: n.at("currency_code").currency()}
	}
	if once := 1; !n.at("recur").boolean(false) {
		d.Periods = &once
	} else if limit := n.at("maximum_recurring_intervals"); !limit.absent() {
		periods := int(limit.integer(1, 10_000))
		d.Periods = &periods
	}
	return d
}
