package retention

import (
	"strconv"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Rule says what is offered to whom. Of its terms exactly those of its type are set.
type Rule struct {
	// Key is the merchant's name of it: what offers made by it and the insights are called.
	Key  string    `json:"key"`
	Type OfferType `json:"type"`
	Off  bool      `json:"off,omitempty"`
	// Priority: the higher one is offered first; among equals the one that stands first.
	Priority int `json:"priority,omitempty"`
	// Headline and Body are the merchant's words; empty for Foyer's own, which a custom offer has none of.
	Headline Texts `json:"headline,omitempty"`
	Body     Texts `json:"body,omitempty"`
	// URL is where a contact or custom offer leads.
	URL            string          `json:"url,omitempty"`
	Discount       *DiscountTerms  `json:"discount,omitempty"`
	Pause          *PauseTerms     `json:"pause,omitempty"`
	PlanChange     *PlanTerms      `json:"plan_change,omitempty"`
	TrialExtension *ExtensionTerms `json:"trial_extension,omitempty"`
	Contact        *ContactTerms   `json:"contact,omitempty"`
	When           Conditions      `json:"when"`
	Limits         RuleLimits      `json:"limits"`
	// StartsAt (inclusive) and EndsAt (exclusive) are when it is offered; nil is open.
	StartsAt *time.Time `json:"starts_at,omitempty"`
	EndsAt   *time.Time `json:"ends_at,omitempty"`
}

// Conditions say for whom a rule is. All that are set must hold; of a list one must fit.
type Conditions struct {
	Reasons    []string                     `json:"reasons,omitempty"`
	Liked      []string                     `json:"liked,omitempty"`
	Products   []billing.ProductID          `json:"products,omitempty"`
	Prices     []billing.PriceID            `json:"prices,omitempty"`
	Countries  []foyer.Country              `json:"countries,omitempty"`
	Statuses   []billing.SubscriptionStatus `json:"statuses,omitempty"`
	TenureDays *Range                       `json:"tenure_days,omitempty"`
	// Amount is what a period costs, with tax.
	Amount *AmountRange `json:"amount,omitempty"`
	// AcceptedBefore bounds how many offers the customer has ever accepted.
	AcceptedBefore *Range `json:"accepted_before,omitempty"`
	// Declined are rules whose offers must have been declined in this cancellation: an offer as the last resort.
	Declined []string `json:"declined,omitempty"`
}

// Range bounds a number, both ends inclusive; nil is open.
type Range struct {
	Min *int64 `json:"min,omitempty"`
	Max *int64 `json:"max,omitempty"`
}

func (r Range) holds(n int64) bool {
	return (r.Min == nil || n >= *r.Min) && (r.Max == nil || n <= *r.Max)
}

func (r Range) String() string {
	end := func(n *int64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatInt(*n, 10)
	}
	return end(r.Min) + ".." + end(r.Max)
}

// AmountRange bounds an amount of one currency, in minor units; in another currency it does not hold.
type AmountRange struct {
	Currency foyer.Currency `json:"currency"`
	Range
}

// RuleLimits bound how often a rule gives something away.
type RuleLimits struct {
	// CooldownDays is how long after an accepted offer, any rule's, this one is not made to the same customer.
	CooldownDays int `json:"cooldown_days,omitempty"`
	// PerCustomer is how often one customer may accept it, ever; 0 is any number.
	PerCustomer int `json:"per_customer,omitempty"`
	// Budget bounds it over all customers; nil is without bounds.
	Budget *Budget `json:"budget,omitempty"`
}

// Budget is how many offers may be accepted, and how much may be given away by discounts. What is shown counts while it is open:
// nobody is offered what is used up.
type Budget struct {
	Offers *int64       `json:"offers,omitempty"`
	Amount *foyer.Money `json:"amount,omitempty"`
}

// Usage is how much of a rule's budget is used, by offers that are open or were accepted.
type Usage struct {
	Offers int64
	Amount int64
}

// allows tells whether one more offer of a cost fits.
func (b Budget) allows(u Usage, cost int64) bool {
	if b.Offers != nil && u.Offers >= *b.Offers {
		return false
	}
	return b.Amount == nil || u.Amount+cost <= b.Amount.Amount
}
