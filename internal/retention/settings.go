package retention

import (
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Settings are what a merchant has decided about leaving. The zero value is a flow that works: Foyer's survey, and no offers.
// There is nothing in it that could keep anybody from canceling.
type Settings struct {
	Survey      Survey      `json:"survey"`
	Proposition Proposition `json:"value_proposition"`
	Offers      []Rule      `json:"offers,omitempty"`
	Holdout     Holdout     `json:"holdout"`
	// ImmediateOff lets customers cancel to the end of what is paid only.
	ImmediateOff bool `json:"immediate_off,omitempty"`
	// Legal is where the merchant is stricter than the law at the customer's place.
	Legal      LegalWishes      `json:"legal"`
	Withdrawal WithdrawalPolicy `json:"withdrawal"`
	// Version counts the changes, from 0 for settings nobody has touched.
	Version int64 `json:"-"`
}

// Holdout is the share of customers who are shown no offers, so that it is known what offers do.
type Holdout struct {
	// Percent is 0 to 90, in steps of a hundredth.
	Percent float64 `json:"percent,omitempty"`
	// Experiment names the drawing of lots: another name draws anew.
	Experiment string `json:"experiment,omitempty"`
}

// WithdrawalPolicy is what a merchant gives back to somebody who withdraws from the contract.
type WithdrawalPolicy struct {
	Refund RefundPolicy `json:"refund,omitempty"`
}

// RefundPolicy says how much is given back.
type RefundPolicy string

// The policies: everything, which is the default; or what of the period is not used yet, where the customer asked for the service to
// begin at once and was told (Art. 14(3) of Directive 2011/83/EU).
const (
	RefundFull    RefundPolicy = "full"
	RefundProRata RefundPolicy = "pro_rata"
)

// Policy is the policy, the default one where none is set.
func (w WithdrawalPolicy) Policy() RefundPolicy {
	if w.Refund == "" {
		return RefundFull
	}
	return w.Refund
}

// GroupOf draws the lot of a customer: always the same one. Without a holdout nothing is drawn.
func (s Settings) GroupOf(customer foyer.CustomerID) Group {
	if s.Holdout.Percent <= 0 {
		return GroupEverybody
	}
	if InHoldout(s.Holdout.Experiment, string(customer), s.Holdout.Percent/100) {
		return GroupHoldout
	}
	return GroupOffered
}

// MaxOffers is how many offers a flow may show: what the law allows, or fewer.
func (s Settings) MaxOffers(p LegalProfile) int { return p.Tightened(s.Legal).MaxOffers }

// Moments are when a customer may let a cancellation take effect.
func (s Settings) Moments() []billing.Effective {
	if s.ImmediateOff {
		return []billing.Effective{billing.AtPeriodEnd}
	}
	return []billing.Effective{billing.AtPeriodEnd, billing.Immediately}
}

// Nearest is the moment asked for, or the end of the period where that is not to be had any more: to cancel always is.
func (s Settings) Nearest(asked billing.Effective) billing.Effective {
	if slices.Contains(s.Moments(), asked) {
		return asked
	}
	return billing.AtPeriodEnd
}

// allow refuses a moment the merchant doesn't let customers choose.
func (s Settings) allow(asked billing.Effective) error {
	if s.Nearest(asked) != asked {
		return foyer.Refuse(foyer.Forbidden, "feature.off")
	}
	return nil
}

// rule returns the rule with the key.
func (s Settings) rule(key string) (Rule, bool) {
	for _, r := range s.Offers {
		if r.Key == key {
			return r, true
		}
	}
	return Rule{}, false
}

// Grant is what the rule gives, as an offer keeps it.
func (r Rule) Grant(o Outcome) Grant {
	return Grant{
		Terms: o.Terms, Discount: r.Discount, Pause: r.Pause, PlanChange: r.PlanChange, TrialExtension: r.TrialExtension, Contact: r.Contact,
		URL: r.URL, Headline: r.Headline, Body: r.Body, Items: o.Items, Plan: o.Plan, Cost: o.Cost, Budgeted: r.Limits.Budget != nil,
	}
}

// Offer makes the offer of a rule.
func (r Rule) Offer(id OfferID, c Cancellation, o Outcome, now time.Time) Offer {
	now = foyer.Micro(now)
	return Offer{
		ID: id, Merchant: c.Merchant, Customer: c.Customer, Subscription: c.Subscription, Cancellation: c.ID, Rule: r.Key, Type: r.Type, State: OfferOpen,
		CreatedAt: now, ExpiresAt: now.Add(offerLife), Version: 1, Grant: r.Grant(o),
	}
}

// budgets are the keys of the rules that have one.
func (s Settings) budgets() (keys []string) {
	for _, r := range s.Offers {
		if r.Limits.Budget != nil {
			keys = append(keys, r.Key)
		}
	}
	return keys
}
