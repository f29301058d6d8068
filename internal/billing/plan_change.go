package billing

import (
	"math/big"
	"reflect"
	"time"

	"foyer/internal/foyer"
)

// PlanChange is what becomes of a subscription when its items change. It is reckoned once, for the preview and for the
// change itself.
type PlanChange struct {
	EffectiveAt time.Time
	// After is the subscription once the change has taken effect, or with it scheduled.
	After Subscription
	// Bill is to be paid for it now; nil when nothing is. A total below zero becomes credit.
	Bill []BillItem
	// Discount is what lowers the bill.
	Discount *SubscriptionDiscount
	// Period is what the bill is for.
	Period foyer.Period
}

// Scheduled tells whether the change waits for the end of the period.
func (c PlanChange) Scheduled() bool { return c.After.scheduled(ScheduleChange) }

// Change reckons another set of items. More money for the same cycle is an upgrade and takes effect now: the unused part of
// what was paid is given back, the same part of the new items is charged. Less takes effect at the end of the period. A longer
// cycle begins now, with a whole new period; a shorter one at the end of the present one. In a trial everything changes at once and nothing is charged.
//
// Refusals: Conflict, Invalid (subscription.not_changed, payment.too_large).
func (s Subscription) Change(items []SubscriptionItem, cycle foyer.Cycle, now time.Time) (PlanChange, error) {
	if why := s.refuseChange(); why != "" {
		return PlanChange{}, foyer.Refuse(foyer.Conflict, why)
	}
	if _, err := PriceBill(wholeItems(items), s.Discount, func(foyer.Prefix) string { return "" }); err != nil {
		return PlanChange{}, err
	}
	same := cycle == s.Cycle && reflect.DeepEqual(items, s.Items)
	if same && s.Pending == nil {
		return PlanChange{}, foyer.Refuse(foyer.Invalid, "subscription.not_changed")
	}
	at := foyer.Micro(now)
	after := s.changed(now)
	after.ScheduledChange, after.Pending = nil, nil
	change := PlanChange{EffectiveAt: at}
	switch {
	case same:
		// Back to what is billed now: the scheduled change is undone.
	case s.Status == SubscriptionTrialing:
		after.Items, after.Cycle = items, cycle
	case !s.upgradedBy(items, cycle):
		change.EffectiveAt = s.CurrentPeriod.End
		after.Pending = &Plan{Items: items, Cycle: cycle}
		after.ScheduledChange = &ScheduledChange{Action: ScheduleChange, EffectiveAt: s.CurrentPeriod.End}
	default:
		change.upgrade(s, &after, items, cycle, at)
	}
	after.reprice()
	change.After = after
	return change, nil
}

func (c *PlanChange) upgrade(before Subscription, after *Subscription, items []SubscriptionItem, cycle foyer.Cycle, at time.Time) {
	left := foyer.Period{Start: at, End: before.CurrentPeriod.End}
	share := big.NewRat(left.End.Sub(left.Start).Microseconds(), max(before.CurrentPeriod.End.Sub(before.CurrentPeriod.Start).Microseconds(), 1))
	for _, item := range before.Items {
		c.Bill = append(c.Bill, BillItem{SubscriptionItem: item, Share: new(big.Rat).Neg(share), Period: left})
	}
	after.Items = items
	c.Period, c.Discount = left, before.Discount
	if cycle != before.Cycle {
		after.Cycle, after.AnchorAt = cycle, &at
		period, discount := after.begin(at)
		c.Period, c.Discount = *period, discount
		for _, item := range items {
			c.Bill = append(c.Bill, BillItem{SubscriptionItem: item})
		}
		return
	}
	for _, item := range items {
		c.Bill = append(c.Bill, BillItem{SubscriptionItem: item, Share: share, Period: left})
	}
}

// upgradedBy tells whether the items are more than what is subscribed to: billed over a longer cycle or, with the same one,
// for more money, before tax and discount. (Reference: paddle.md §3.4, suggested mapping.)
func (s Subscription) upgradedBy(items []SubscriptionItem, cycle foyer.Cycle) bool {
	if now, then := s.Cycle.Days(), cycle.Days(); now != then {
		return then > now
	}
	return sumOf(items) > sumOf(s.Items)
}

func sumOf(items []SubscriptionItem) (sum int64) {
	for _, item := range items {
		sum += item.UnitPrice * item.Quantity
	}
	return sum
}

// OtherPrices tells whether there would be something else among the items, or something less, however many there are of each.
func (s Subscription) OtherPrices(items []SubscriptionItem) bool {
	now := map[PriceID]bool{}
	for _, item := range s.Items {
		now[item.PriceID] = true
	}
	for _, item := range items {
		if !now[item.PriceID] {
			return true
		}
	}
	return len(items) != len(s.Items)
}

// OtherQuantity tells whether there would be another number of anything: what is subscribed to already keeps its number, and what
// takes the place of something else has that one's.
func (s Subscription) OtherQuantity(items []SubscriptionItem) bool {
	now := map[PriceID]int64{}
	var before, after int64
	for _, item := range s.Items {
		now[item.PriceID] = item.Quantity
		before += item.Quantity
	}
	for _, item := range items {
		if n, has := now[item.PriceID]; has && n != item.Quantity {
			return true
		}
		after += item.Quantity
	}
	return after != before
}
