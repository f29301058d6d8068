package paddle

import (
	"math"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

var subscriptionStatuses = map[string]billing.SubscriptionStatus{
	"trialing": billing.SubscriptionTrialing, "active": billing.SubscriptionActive, "past_due": billing.SubscriptionPastDue,
	"paused": billing.SubscriptionPaused, "canceled": billing.SubscriptionCanceled,
}

var scheduledActions = map[string]billing.ScheduledAction{
	"cancel": billing.ScheduleCancel, "pause": billing.SchedulePause, "resume": billing.ScheduleResume,
}

// subscription reads a subscription (sub_) and the previews it was asked to include.
func (r *reader) subscription(n *node, occurred time.Time) {
	created, updated := stamps(n, occurred)
	s := billing.Subscription{
		ExternalID:      n.at("id").reference("sub"),
		Status:          oneOf(n.at("status"), subscriptionStatuses),
		Currency:        n.at("currency_code").currency(),
		CollectionMode:  oneOf(n.at("collection_mode"), collectionModes),
		CurrentPeriod:   n.at("current_billing_period").period(),
		Trial:           trial(n),
		NextBilledAt:    n.at("next_billed_at").optionalTime(),
		ScheduledChange: scheduledChange(n),
		Discount:        subscriptionDiscount(n),
		StartedAt:       n.at("started_at").optionalTime(),
		PausedAt:        n.at("paused_at").optionalTime(),
		CanceledAt:      n.at("canceled_at").optionalTime(),
		CreatedAt:       created,
		UpdatedAt:       updated,
	}
	if cycle := n.object("billing_cycle").cycle(1); cycle != nil {
		s.Cycle = *cycle
	}
	subscriptionAmounts(n, &s)
	r.batch.Subscriptions = append(r.batch.Subscriptions, billing.ImportedSubscription{
		ExternalCustomerID: n.at("customer_id").optionalReference("ctm"),
		Subscription:       s,
	})
	for _, item := range n.items("items") {
		r.catalog(item.at("price"))
		r.catalog(item.at("product"))
	}
}

// subscriptionAmounts reads the items and what they come to. With Paddle's preview of the recurring transaction the total
// is exact, with tax and discount; without it, it is the sum of the items. A price in another currency than the
// subscription's says nothing about what is charged: then the amounts are unknown, not converted.
func subscriptionAmounts(n *node, s *billing.Subscription) {
	recurring, previewed := n.optionalObject("recurring_transaction_details")
	sum := foyer.Money{Currency: s.Currency}
	items := n.items("items")
	for place, item := range items {
		if !item.at("recurring").boolean(true) {
			continue
		}
		it, priced := subscriptionItem(item, s.Currency, previewOf(recurring, item, place, len(items)))
		s.Items = append(s.Items, it)
		s.AmountsUnknown = s.AmountsUnknown || !priced
		total, err := foyer.Money{Amount: it.UnitPrice, Currency: s.Currency}.Times(it.Quantity)
		if err == nil {
			sum, err = sum.Plus(total)
		}
		if err != nil {
			item.fail("comes to more than 64 bits hold")
			return
		}
	}
	s.RecurringTotal = sum.Amount
	if s.AmountsUnknown {
		s.RecurringTotal = 0
	}
	if previewed {
		totals := recurring.object("totals")
		totals.at("currency_code").sameCurrency(s.Currency)
		s.RecurringTotal = totals.at("total").amount()
	}
	if next, ok := n.optionalObject("next_transaction"); ok {
		totals := next.object("details").object("totals")
		totals.at("currency_code").sameCurrency(s.Currency)
		total := totals.at("grand_total").amount()
		s.NextTotal = &total
	}
}

// subscriptionItem reads one item as it was named and priced when it was added, and whether its price is known.
// preview is its line in the recurring transaction, nil when there is none.
func subscriptionItem(item *node, currency foyer.Currency, preview *node) (billing.SubscriptionItem, bool) {
	price, product := item.object("price"), item.at("product")
	it := billing.SubscriptionItem{
		ExternalPriceID:   price.at("id").optionalReference("pri"),
		ExternalProductID: price.at("product_id").optionalReference("pro"),
		ProductName:       product.at("name").optionalLine(),
		PriceName:         price.at("name").optionalLine(),
		Quantity:          item.at("quantity").integer(0, math.MaxInt64),
		TaxBehavior:       string(billing.TaxExclusive),
	}
	if it.ExternalProductID == "" {
		it.ExternalProductID = product.at("id").optionalReference("pro")
	}
	if mode := price.at("tax_mode"); !mode.absent() && mode.word() == "internal" {
		it.TaxBehavior = string(billing.TaxInclusive)
	}
	if preview != nil {
		it.TaxRate = preview.at("tax_rate").rate()
	}
	unit, known := unitPrice(price, currency)
	if !known && preview != nil {
		unit, known = preview.object("unit_totals").at("subtotal").amount(), true
		it.TaxBehavior = string(billing.TaxExclusive)
	}
	it.UnitPrice = unit
	return it, known
}

// previewOf returns the line of a preview made from the item: the one with its price, else, when there are as many lines
// as items, the one at its place.
func previewOf(details, item *node, place, items int) *node {
	lines := details.items("line_items")
	for _, line := range lines {
		if id := item.at("price").at("id").text; id != "" && line.at("price_id").text == id {
			return line
		}
	}
	if len(lines) == items {
		return lines[place]
	}
	return nil
}

// unitPrice returns what a price costs in the currency: its own amount, or that of the only override in that currency.
func unitPrice(price *node, currency foyer.Currency) (int64, bool) {
	base := price.object("unit_price")
	amount := base.at("amount").amount()
	if base.at("currency_code").currency() == currency {
		return amount, true
	}
	found := map[int64]bool{}
	for _, override := range price.items("unit_price_overrides") {
		unit := override.object("unit_price")
		if unit.at("currency_code").currency() == currency {
			amount = unit.at("amount").amount()
			found[amount] = true
		}
	}
	if len(found) == 1 {
		return amount, true
	}
	return 0, false
}

// trial returns the span in which any of the items is on trial; nil when none ever was.
func trial(n *node) *foyer.Period {
	var out *foyer.Period
	for _, item := range n.items("items") {
		dates := item.at("trial_dates").period()
		switch {
		case dates == nil:
		case out == nil:
			out = dates
		default:
			if dates.Start.Before(out.Start) {
				out.Start = dates.Start
			}
			if dates.End.After(out.End) {
				out.End = dates.End
			}
		}
	}
	return out
}

func scheduledChange(n *node) *billing.ScheduledChange {
	c, ok := n.optionalObject("scheduled_change")
	if !ok {
		return nil
	}
	return &billing.ScheduledChange{
		Action:      oneOf(c.at("action"), scheduledActions),
		EffectiveAt: c.at("effective_at").time(),
		ResumeAt:    c.at("resume_at").optionalTime(),
	}
}

// subscriptionDiscount reads which discount there is and for how long; how much it takes off is joined from the discount.
func subscriptionDiscount(n *node) *billing.SubscriptionDiscount {
	d, ok := n.optionalObject("discount")
	if !ok {
		return nil
	}
	return &billing.SubscriptionDiscount{
		ExternalID: d.at("id").reference("dsc"),
		StartsAt:   d.at("starts_at").optionalTime(),
		EndsAt:     d.at("ends_at").optionalTime(),
	}
}
