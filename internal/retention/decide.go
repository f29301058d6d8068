package retention

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Facts are all that decides which offer is made: the same facts, the same decision.
type Facts struct {
	Now          time.Time
	Subscription billing.Subscription
	Country      foyer.Country
	Profile      LegalProfile
	Answers      Answers
	Group        Group
	// Shown are the offers of this cancellation; Earlier the customer's others that were accepted or are on the table.
	Shown   []Offer
	Earlier []Offer
	// Usage is what is used of the rules' budgets, Switches what billing says of their plan changes, both by key.
	Usage    map[string]Usage
	Switches map[string]Switch
}

// CheckName names a condition.
type CheckName string

// The conditions that hold for every rule, then those of each.
const (
	CheckGroup      CheckName = "group"
	CheckPaid       CheckName = "paid_subscription"
	CheckGoesOn     CheckName = "goes_on" // an end that is scheduled is not undone by an offer
	CheckOffersLeft CheckName = "offers_left"

	CheckOn             CheckName = "on"
	CheckSchedule       CheckName = "schedule"
	CheckNotShown       CheckName = "not_shown"
	CheckReasons        CheckName = "reasons"
	CheckLiked          CheckName = "liked"
	CheckProducts       CheckName = "products"
	CheckPrices         CheckName = "prices"
	CheckCountries      CheckName = "countries"
	CheckStatuses       CheckName = "statuses"
	CheckTenure         CheckName = "tenure_days"
	CheckAmount         CheckName = "amount"
	CheckAcceptedBefore CheckName = "accepted_before"
	CheckDeclined       CheckName = "declined"
	CheckCooldown       CheckName = "cooldown_days"
	CheckPerCustomer    CheckName = "per_customer"
	CheckApplicable     CheckName = "applicable"
	CheckBudget         CheckName = "budget"
)

// Check is one condition and whether it holds: what was wanted and what was found, for the merchant to read.
type Check struct {
	Name   CheckName `json:"name"`
	Passed bool      `json:"passed"`
	Wanted string    `json:"wanted,omitempty"`
	Found  string    `json:"found,omitempty"`
}

// Verdict is what became of one rule.
type Verdict struct {
	Key      string    `json:"key"`
	Type     OfferType `json:"type"`
	Priority int       `json:"priority"`
	Passed   bool      `json:"passed"`
	Chosen   bool      `json:"chosen"`
	Checks   []Check   `json:"checks"`
	// Outcome is what it would give; only where it can be applied.
	Outcome Outcome `json:"-"`
}

// Decision is which offer is made and why: the gates every offer must pass, and the rules in the order they were asked.
type Decision struct {
	Gates []Check   `json:"gates"`
	Rules []Verdict `json:"rules"`
	// Chosen is the key of the rule whose offer is made; empty when none is.
	Chosen string `json:"chosen,omitempty"`
}

// Decide chooses the offer: the first rule, by priority and then as they stand, all of whose conditions hold. Every rule is asked
// though one before it was chosen, so that the merchant sees the whole. It decides in the real flow and explains: there is no other way.
func (s Settings) Decide(f Facts) Decision {
	d := Decision{Gates: f.gates(s)}
	open := allPassed(d.Gates)
	for _, r := range s.ordered() {
		v := Verdict{Key: r.Key, Type: r.Type, Priority: r.Priority, Checks: f.checks(r)}
		var plan *Switch
		if found, known := f.Switches[r.Key]; known {
			plan = &found
		}
		v.Outcome = r.Outcome(f.Subscription, plan, f.Now)
		v.Checks = append(v.Checks, Check{Name: CheckApplicable, Passed: v.Outcome.Refusal == "", Found: v.Outcome.Refusal})
		if b := r.Limits.Budget; b != nil && v.Outcome.Refusal == "" {
			used := f.Usage[r.Key]
			v.Checks = append(v.Checks, Check{
				Name: CheckBudget, Passed: b.allows(used, v.Outcome.Cost), Wanted: b.String(),
				Found: strconv.FormatInt(used.Offers, 10) + " offers, " + strconv.FormatInt(used.Amount, 10) + " given",
			})
		}
		v.Passed = allPassed(v.Checks)
		if open && v.Passed && d.Chosen == "" {
			v.Chosen, d.Chosen = true, r.Key
		}
		d.Rules = append(d.Rules, v)
	}
	return d
}

// String writes the budget as the merchant set it.
func (b Budget) String() string {
	var parts []string
	if b.Offers != nil {
		parts = append(parts, strconv.FormatInt(*b.Offers, 10)+" offers")
	}
	if b.Amount != nil {
		parts = append(parts, strconv.FormatInt(b.Amount.Amount, 10)+" "+string(b.Amount.Currency))
	}
	return strings.Join(parts, ", ")
}

// ordered are the rules as they are asked.
func (s Settings) ordered() []Rule {
	return slices.SortedStableFunc(slices.Values(s.Offers), func(a, b Rule) int { return cmp.Compare(b.Priority, a.Priority) })
}

func allPassed(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return !c.Passed })
}

// gates are the conditions of making any offer at all.
func (f Facts) gates(s Settings) []Check {
	most := s.MaxOffers(f.Profile)
	shown := 0
	for _, o := range f.Shown {
		if o.State != OfferExpired && o.State != OfferFailed { // what nobody could take was no offer
			shown++
		}
	}
	return []Check{
		{Name: CheckGroup, Passed: f.Group != GroupHoldout, Wanted: "not " + string(GroupHoldout), Found: string(f.Group)},
		{Name: CheckPaid, Passed: !free(f.Subscription), Found: strconv.FormatInt(f.Subscription.RecurringTotal, 10) + " " + string(f.Subscription.Currency)},
		{Name: CheckGoesOn, Passed: !cancelScheduled(f.Subscription)},
		{Name: CheckOffersLeft, Passed: shown < most, Wanted: "fewer than " + strconv.Itoa(most), Found: strconv.Itoa(shown)},
	}
}

// checks are a rule's own conditions; what it leaves open is not listed.
func (f Facts) checks(r Rule) []Check {
	list := []Check{
		{Name: CheckOn, Passed: !r.Off},
		f.status(r),
		{Name: CheckNotShown, Passed: !slices.ContainsFunc(f.Shown, func(o Offer) bool { return o.Rule == r.Key && o.State != OfferExpired })},
	}
	add := func(set bool, name CheckName, passed bool, wanted, found string) {
		if set {
			list = append(list, Check{Name: name, Passed: passed, Wanted: wanted, Found: found})
		}
	}
	w, sub := r.When, f.Subscription
	add(r.StartsAt != nil || r.EndsAt != nil, CheckSchedule, (r.StartsAt == nil || !f.Now.Before(*r.StartsAt)) && (r.EndsAt == nil || f.Now.Before(*r.EndsAt)),
		span(r.StartsAt, r.EndsAt), f.Now.UTC().Format(time.RFC3339))
	add(len(w.Reasons) > 0, CheckReasons, slices.Contains(w.Reasons, f.Answers.Reason), strings.Join(w.Reasons, ", "), f.Answers.Reason)
	add(len(w.Liked) > 0, CheckLiked, slices.Contains(w.Liked, f.Answers.Liked), strings.Join(w.Liked, ", "), f.Answers.Liked)
	products, prices := []billing.ProductID{}, []billing.PriceID{}
	for _, item := range sub.Items {
		products, prices = append(products, item.ProductID), append(prices, item.PriceID)
	}
	add(len(w.Products) > 0, CheckProducts, meet(w.Products, products), joined(w.Products), joined(products))
	add(len(w.Prices) > 0, CheckPrices, meet(w.Prices, prices), joined(w.Prices), joined(prices))
	add(len(w.Countries) > 0, CheckCountries, slices.Contains(w.Countries, f.Country), joined(w.Countries), string(f.Country))
	if w.TenureDays != nil {
		days := f.tenureDays()
		add(true, CheckTenure, w.TenureDays.holds(days), w.TenureDays.String(), strconv.FormatInt(days, 10))
	}
	if w.Amount != nil {
		add(true, CheckAmount, w.Amount.Currency == sub.Currency && w.Amount.holds(sub.RecurringTotal), w.Amount.String()+" "+string(w.Amount.Currency),
			strconv.FormatInt(sub.RecurringTotal, 10)+" "+string(sub.Currency))
	}
	if w.AcceptedBefore != nil {
		n := f.accepted(func(Offer) bool { return true })
		add(true, CheckAcceptedBefore, w.AcceptedBefore.holds(n), w.AcceptedBefore.String(), strconv.FormatInt(n, 10))
	}
	if len(w.Declined) > 0 {
		var declined []string
		for _, o := range f.Shown {
			if o.State == OfferDeclined {
				declined = append(declined, o.Rule)
			}
		}
		missing := slices.ContainsFunc(w.Declined, func(key string) bool { return !slices.Contains(declined, key) })
		add(true, CheckDeclined, !missing, strings.Join(w.Declined, ", "), strings.Join(declined, ", "))
	}
	if days := r.Limits.CooldownDays; days > 0 {
		recent := f.taken(func(o Offer) bool { return o.DecidedAt == nil || o.DecidedAt.AddDate(0, 0, days).After(f.Now) })
		add(true, CheckCooldown, recent == 0, "none accepted within "+strconv.Itoa(days)+" days", strconv.FormatInt(recent, 10))
	}
	if most := r.Limits.PerCustomer; most > 0 {
		n := f.taken(func(o Offer) bool { return o.Rule == r.Key })
		add(true, CheckPerCustomer, n < int64(most), "fewer than "+strconv.Itoa(most), strconv.FormatInt(n, 10))
	}
	return list
}

// status checks the subscription's state. A trial is only ever offered to be made longer, unless a rule names trials.
func (f Facts) status(r Rule) Check {
	wanted := r.When.Statuses
	if len(wanted) == 0 {
		wanted = r.Type.statuses()
	}
	return Check{Name: CheckStatuses, Passed: slices.Contains(wanted, f.Subscription.Status), Wanted: joined(wanted), Found: string(f.Subscription.Status)}
}

// statuses are the states of subscriptions an offer of the type is for where its rule doesn't say.
func (t OfferType) statuses() []billing.SubscriptionStatus {
	switch t {
	case OfferTrialExtension:
		return []billing.SubscriptionStatus{billing.SubscriptionTrialing}
	case OfferContact, OfferCustom:
		return []billing.SubscriptionStatus{billing.SubscriptionActive, billing.SubscriptionPastDue, billing.SubscriptionPaused}
	}
	return []billing.SubscriptionStatus{billing.SubscriptionActive}
}

// tenureDays is how long the customer has had the subscription.
func (f Facts) tenureDays() int64 {
	since := f.Subscription.CreatedAt
	if f.Subscription.StartedAt != nil {
		since = *f.Subscription.StartedAt
	}
	return int64(f.Now.Sub(since) / (24 * time.Hour))
}

// accepted counts offers the customer has accepted, ever.
func (f Facts) accepted(which func(Offer) bool) (n int64) {
	for _, o := range f.Earlier {
		if o.State == OfferAccepted && which(o) {
			n++
		}
	}
	return n
}

// taken counts offers the customer has accepted, and those that still can be on the way out of another subscription: two on the
// table at once must not both come under one limit.
func (f Facts) taken(which func(Offer) bool) int64 {
	n := f.accepted(which)
	for _, o := range f.Earlier {
		if o.State == OfferOpen && f.Now.Before(o.ExpiresAt) && which(o) {
			n++
		}
	}
	return n
}

func meet[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(v T) bool { return slices.Contains(b, v) })
}

func joined[T ~string](all []T) string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return strings.Join(out, ", ")
}

func span(from, to *time.Time) string {
	end := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return end(from) + ".." + end(to)
}
