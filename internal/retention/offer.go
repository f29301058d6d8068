package retention

import (
	"math/big"
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// OfferID is `ofr_…`.
type OfferID string

// OfferType is what an offer gives.
type OfferType string

// The types of offers.
const (
	OfferDiscount       OfferType = "discount"
	OfferPause          OfferType = "pause"
	OfferPlanChange     OfferType = "plan_change"
	OfferTrialExtension OfferType = "trial_extension"
	OfferContact        OfferType = "contact"
	OfferCustom         OfferType = "custom"
)

// OfferTypes lists every type.
var OfferTypes = []OfferType{OfferDiscount, OfferPause, OfferPlanChange, OfferTrialExtension, OfferContact, OfferCustom}

// OfferState is what has become of an offer.
type OfferState string

// The states of an offer. It is open from when it is shown; failed is one that could not be applied.
const (
	OfferOpen     OfferState = "open"
	OfferAccepted OfferState = "accepted"
	OfferDeclined OfferState = "declined"
	OfferExpired  OfferState = "expired"
	OfferFailed   OfferState = "failed"
)

// Offer is one offer made to one customer for one subscription, once: nobody else can use it, and not twice.
type Offer struct {
	ID           OfferID
	Merchant     foyer.MerchantID
	Customer     foyer.CustomerID
	Subscription billing.SubscriptionID
	Cancellation CancellationID
	// Rule is the key of the merchant's rule that gave it.
	Rule      string
	Type      OfferType
	State     OfferState
	CreatedAt time.Time
	ExpiresAt time.Time
	DecidedAt *time.Time
	Version   int64
	Grant
}

// Scope is whose offer it is.
func (o Offer) Scope() foyer.Scope { return foyer.Scope{Merchant: o.Merchant, Customer: o.Customer} }

// Grant is what an offer gives and says, as it was when it was shown.
type Grant struct {
	Terms          Terms           `json:"terms"`
	Discount       *DiscountTerms  `json:"discount,omitempty"`
	Pause          *PauseTerms     `json:"pause,omitempty"`
	PlanChange     *PlanTerms      `json:"plan_change,omitempty"`
	TrialExtension *ExtensionTerms `json:"trial_extension,omitempty"`
	Contact        *ContactTerms   `json:"contact,omitempty"`
	URL            string          `json:"url,omitempty"`
	Headline       Texts           `json:"headline,omitempty"`
	Body           Texts           `json:"body,omitempty"`
	// Items are what a plan change leads to, Plan how they are called.
	Items []billing.ItemInput `json:"items,omitempty"`
	Plan  string              `json:"plan,omitempty"`
	// Cost is what the merchant forgoes, in minor units of the subscription's currency; 0 where that can't be said.
	Cost int64 `json:"cost,omitempty"`
	// Budgeted says that a budget counted it: that is what gets it back.
	Budgeted bool `json:"budgeted,omitempty"`
}

// Terms are the money of an offer: the next payments come to PriceNow, in minor units with tax, and from Until on to PriceLater.
// Until is nil when it stays at PriceNow.
type Terms struct {
	Currency   foyer.Currency `json:"currency"`
	PriceNow   int64          `json:"price_now"`
	PriceLater int64          `json:"price_later"`
	// From is when PriceNow begins, nil for the next payment.
	From  *time.Time `json:"from,omitempty"`
	Until *time.Time `json:"until,omitempty"`
}

// Same tells whether two terms promise the same.
func (t Terms) Same(o Terms) bool {
	same := func(a, b *time.Time) bool { return a == nil && b == nil || a != nil && b != nil && a.Equal(*b) }
	return t.Currency == o.Currency && t.PriceNow == o.PriceNow && t.PriceLater == o.PriceLater && same(t.From, o.From) && same(t.Until, o.Until)
}

// DiscountTerms lower the next bills: by a percentage, or by an amount in minor units. Periods is how many; nil for all to come.
type DiscountTerms struct {
	Type    billing.DiscountType `json:"type"`
	Percent foyer.Rate           `json:"percent,omitempty"`
	Amount  *foyer.Money         `json:"amount,omitempty"`
	Periods *int                 `json:"periods,omitempty"`
}

// discount is the discount as a subscription keeps it.
func (d DiscountTerms) discount(now time.Time) billing.SubscriptionDiscount {
	at := foyer.Micro(now)
	given := billing.SubscriptionDiscount{Type: d.Type, Percent: d.Percent, StartsAt: &at, PeriodsLeft: d.Periods}
	if d.Amount != nil {
		given.Amount = &d.Amount.Amount
	}
	return given
}

// share is the percentage as a share: 30 is 0.3.
func (d DiscountTerms) share() foyer.Rate {
	percent, ok := d.Percent.Rat()
	if !ok {
		return d.Percent
	}
	return foyer.Rate(new(big.Rat).Quo(percent, hundred).FloatString(8))
}

// PauseTerms stop billing for a number of periods, from the end of the one that is paid.
type PauseTerms struct {
	Periods int `json:"periods"`
}

// PlanTerms put Price in the place of From, or of the only price there is where From is empty, in the same quantity.
type PlanTerms struct {
	From  billing.PriceID `json:"from_price_id,omitempty"`
	Price billing.PriceID `json:"price_id"`
}

// items are what a subscription would have with the change; false when it doesn't have what is to be replaced.
func (p PlanTerms) items(sub billing.Subscription) ([]billing.ItemInput, bool) {
	from := p.From
	if from == "" && len(sub.Items) == 1 {
		from = sub.Items[0].PriceID
	}
	var items []billing.ItemInput
	replaced := false
	for _, item := range sub.Items {
		if item.PriceID == p.Price {
			return nil, false // it has that already
		}
		price := item.PriceID
		if price == from && price != "" {
			price, replaced = p.Price, true
		}
		items = append(items, billing.ItemInput{Price: price, Quantity: item.Quantity})
	}
	return items, replaced
}

// name is what a subscription is called with the change: everything it would have, the new price by its own name where the product alone
// would not tell it from what is replaced.
func (p PlanTerms) name(sub billing.Subscription, to billing.CatalogPrice) string {
	after := sub
	after.Items = slices.Clone(sub.Items)
	for i, item := range after.Items {
		if item.PriceID != p.From && (p.From != "" || len(sub.Items) > 1) {
			continue
		}
		after.Items[i].ProductName = to.Of.Name
		if item.ProductName == to.Of.Name && to.Name != "" {
			after.Items[i].ProductName += " (" + to.Name + ")"
		}
	}
	return planName(after)
}

// ExtensionTerms make a trial longer.
type ExtensionTerms struct {
	Days int `json:"days"`
}

// ContactKind is how somebody can be talked to.
type ContactKind string

// The kinds of contact.
const (
	ContactLink    ContactKind = "link"
	ContactMeeting ContactKind = "meeting"
)

// ContactTerms lead to somebody to talk to.
type ContactTerms struct {
	Kind ContactKind `json:"kind"`
}

// Outcome is what a grant would make of a subscription.
type Outcome struct {
	Terms Terms
	Items []billing.ItemInput
	Plan  string
	Cost  int64
	// Refusal is the code of why it can't be applied; empty when it can.
	Refusal string
}

// Switch is what billing says of a plan change: what a rule alone can't know, because it needs the catalog.
type Switch struct {
	Refusal     string
	EffectiveAt time.Time
	// FirstTotal is what the first bills come to, while a discount lasts; NewTotal those from Until on, or all where it is nil.
	FirstTotal int64
	NewTotal   int64
	Until      *time.Time
	Plan       string
}

// switchTo puts what billing previews of a change to another price, with its cycle, into the terms of an offer.
func switchTo(sub billing.Subscription, cycle foyer.Cycle, change billing.ChangePreview, plan string) Switch {
	s := Switch{EffectiveAt: change.EffectiveAt, FirstTotal: change.RecurringTotal, NewTotal: change.RecurringTotal, Plan: plan}
	d := sub.Discount
	if next := change.NextPayment; next == nil || next.Total == nil || *next.Total == s.NewTotal || d == nil || d.PeriodsLeft == nil {
		return s
	}
	s.FirstTotal = *change.NextPayment.Total
	sub.Pending = &billing.Plan{Cycle: cycle}
	s.Until = sub.BillAfter(*d.PeriodsLeft + 1)
	return s
}

// Outcome reckons what a rule would give the subscription now; plan is billing's answer for plan changes.
func (r Rule) Outcome(sub billing.Subscription, plan *Switch, now time.Time) Outcome {
	standing := Terms{Currency: sub.Currency, PriceNow: sub.RecurringTotal, PriceLater: sub.RecurringTotal}
	switch {
	case r.Discount != nil:
		return discountOutcome(*r.Discount, sub, now)
	case r.Pause != nil:
		return pauseOutcome(*r.Pause, sub, now)
	case r.TrialExtension != nil:
		after, err := sub.TrialExtended(r.TrialExtension.Days, now)
		if err != nil {
			return Outcome{Refusal: codeOf(err)}
		}
		terms := Terms{Currency: sub.Currency, PriceLater: nextTotal(after), Until: &after.Trial.End}
		return Outcome{Terms: terms}
	case r.PlanChange != nil:
		items, fits := r.PlanChange.items(sub)
		switch {
		case !fits:
			return Outcome{Refusal: "offer.other_plan"}
		case plan == nil:
			return Outcome{Refusal: "offer.unknown_plan"}
		case plan.Refusal != "":
			return Outcome{Refusal: plan.Refusal}
		}
		at := plan.EffectiveAt
		return Outcome{Items: items, Plan: plan.Plan, Terms: Terms{
			Currency: sub.Currency, PriceNow: plan.FirstTotal, PriceLater: plan.NewTotal, From: &at, Until: plan.Until,
		}}
	}
	return Outcome{Terms: standing}
}

func discountOutcome(d DiscountTerms, sub billing.Subscription, now time.Time) Outcome {
	if d.Amount != nil && d.Amount.Currency != sub.Currency {
		return Outcome{Refusal: "offer.other_currency"}
	}
	after, err := sub.Discounted(d.discount(now), now)
	if err != nil {
		return Outcome{Refusal: codeOf(err)}
	}
	next := after.NextPayment()
	if next == nil || next.Total == nil {
		return Outcome{Refusal: "offer.nothing_to_lower"}
	}
	before := nextTotal(sub)
	if *next.Total >= before {
		return Outcome{Refusal: "offer.nothing_to_lower"}
	}
	out := Outcome{Terms: Terms{Currency: sub.Currency, PriceNow: *next.Total, PriceLater: *next.Total}}
	if d.Periods != nil {
		out.Terms.PriceLater, out.Terms.Until = before, sub.BillAfter(*d.Periods+1)
		out.Cost = (before - *next.Total) * int64(*d.Periods)
	}
	return out
}

func pauseOutcome(p PauseTerms, sub billing.Subscription, now time.Time) Outcome {
	in, ok := p.input(sub)
	if !ok {
		return Outcome{Refusal: "subscription.not_paid"}
	}
	if _, err := sub.Pause(in, now); err != nil {
		return Outcome{Refusal: codeOf(err)}
	}
	return Outcome{Terms: Terms{Currency: sub.Currency, PriceLater: nextTotal(sub), From: &sub.CurrentPeriod.End, Until: in.ResumeAt}}
}

// input is the pause of a subscription: from the end of its period, for the number of periods.
func (p PauseTerms) input(sub billing.Subscription) (billing.PauseInput, bool) {
	if sub.CurrentPeriod == nil {
		return billing.PauseInput{}, false
	}
	resume := sub.BillAfter(p.Periods + 1)
	if resume == nil {
		return billing.PauseInput{}, false
	}
	return billing.PauseInput{Effective: billing.AtPeriodEnd, ResumeAt: resume}, true
}

// nextTotal is what the next payment comes to.
func nextTotal(sub billing.Subscription) int64 {
	if next := sub.NextPayment(); next != nil && next.Total != nil {
		return *next.Total
	}
	return sub.RecurringTotal
}

// codeOf is the code of a refusal.
func codeOf(err error) string {
	if refusal, ok := foyer.AsError(err); ok {
		return refusal.Code
	}
	return "unavailable"
}
