package retention

import (
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// NewCancellation is what a cancellation begins with.
type NewCancellation struct {
	ID           CancellationID
	Subscription billing.Subscription
	Effective    billing.Effective
	Origin       Origin
	Profile      ProfileID
	Country      foyer.Country
	Settings     Settings
}

// Begin returns the cancellation at its first step: the survey, or the confirmation where nothing is asked. A trial or a free
// subscription is never asked: there is little to win and less to ask for.
func (n NewCancellation) Begin(now time.Time) Cancellation {
	now = foyer.Micro(now)
	sub := n.Subscription
	c := Cancellation{
		ID: n.ID, Merchant: sub.Merchant, Customer: sub.Customer, Subscription: sub.ID, Effective: n.Effective, CreatedAt: now,
		Course: Course{
			Origin: n.Origin, Profile: n.Profile, Country: n.Country, Group: n.Settings.GroupOf(sub.Customer), Currency: sub.Currency,
			Product: mainProduct(sub), Revenue: sub.MonthlyRevenue(),
		},
	}
	step := StepConfirm
	if n.Origin == OriginPortal {
		c.Proposition = n.Settings.Proposition.orNil()
		if !n.Settings.Survey.Off && worthAsking(sub) {
			survey := n.Settings.Survey.Complete()
			c.Survey, step = &survey, StepSurvey
		}
	}
	return c.changed(Open, step, now)
}

// worthAsking tells whether a subscription gets the whole flow: one that is paid for, and does not end already.
func worthAsking(sub billing.Subscription) bool {
	return sub.Status != billing.SubscriptionTrialing && !free(sub) && !cancelScheduled(sub)
}

func free(sub billing.Subscription) bool { return sub.RecurringTotal == 0 && !sub.AmountsUnknown }

// mainProduct is the product that costs most, the first among equals.
func mainProduct(sub billing.Subscription) (id billing.ProductID) {
	var most int64 = -1
	for _, item := range sub.Items {
		if cost := item.UnitPrice * item.Quantity; cost > most {
			id, most = item.ProductID, cost
		}
	}
	return id
}
