package retention

import (
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// The bounds of settings: a merchant's rules are read whenever somebody cancels.
const (
	maxRules      = 50
	maxListed     = 100
	maxPeriods    = 36
	maxPause      = 12
	maxExtension  = 90
	maxPriority   = 1000
	maxDays       = 3650
	maxHoldout    = 90
	maxURLLength  = 2048
	maxExperiment = 64
)

// Catalog is what of a merchant's catalog its rules name: prices by id, and those of the products they name.
type Catalog struct {
	Prices   map[billing.PriceID]billing.CatalogPrice
	Products map[billing.ProductID][]billing.Price
}

// Named returns the prices and products the rules name.
func (s Settings) Named() (prices []billing.PriceID, products []billing.ProductID) {
	for _, r := range s.Offers {
		prices = append(prices, r.When.Prices...)
		products = append(products, r.When.Products...)
		if r.PlanChange != nil {
			prices = append(prices, r.PlanChange.Price)
			if r.PlanChange.From != "" {
				prices = append(prices, r.PlanChange.From)
			}
		}
	}
	return prices, products
}

// Validate reports everything that is wrong with the settings at once: what breaks a rule, contradicts itself, names what the catalog
// doesn't have, or could make a price negative.
func (s Settings) Validate(catalog Catalog) error {
	v := &faults{}
	s.Survey.validate(v)
	s.Proposition.validate(v)
	v.most("/offers", len(s.Offers), maxRules)
	survey := s.Survey.Complete()
	for i, r := range s.Offers {
		at := "/offers/" + strconv.Itoa(i)
		if slices.IndexFunc(s.Offers, func(o Rule) bool { return o.Key == r.Key }) != i {
			v.add(at+"/key", "input.duplicate", nil)
		}
		r.validate(v, at)
		r.When.validate(v, at+"/when", survey)
		r.validateLimits(v, at)
		r.contradictions(v, at, s)
		r.validateCatalog(v, at, catalog)
	}
	if p := s.Holdout.Percent; p < 0 || p > maxHoldout {
		v.add("/holdout/percent", "input.invalid", nil)
	}
	v.text("/holdout/experiment", s.Holdout.Experiment, maxExperiment, false)
	if n := s.Legal.MaxOffers; n != nil && (*n < 0 || *n > maxListed) {
		v.add("/legal/max_offers", "input.invalid", nil)
	}
	if n := s.Legal.WithdrawalDays; n != nil && (*n < 0 || *n > maxDays) {
		v.add("/legal/withdrawal_days", "input.invalid", nil)
	}
	if r := s.Withdrawal.Refund; r != "" && r != RefundFull && r != RefundProRata {
		v.add("/withdrawal/refund", "input.enum", nil)
	}
	return foyer.InvalidFields(v.found...)
}

// hundred is the most a percentage may take off: more would pay the customer.
var hundred = big.NewRat(100, 1)

// validate names what is wrong with what a rule gives and says.
func (r Rule) validate(v *faults, at string) {
	if !validKey(r.Key) {
		v.add(at+"/key", "input.key", nil)
	}
	if r.Priority < -maxPriority || r.Priority > maxPriority {
		v.add(at+"/priority", "input.invalid", nil)
	}
	v.texts(at+"/headline", r.Headline, maxHeadline, false)
	v.texts(at+"/body", r.Body, maxBody, true)
	given := map[OfferType]bool{
		OfferDiscount: r.Discount != nil, OfferPause: r.Pause != nil, OfferPlanChange: r.PlanChange != nil,
		OfferTrialExtension: r.TrialExtension != nil, OfferContact: r.Contact != nil,
	}
	if !slices.Contains(OfferTypes, r.Type) {
		v.add(at+"/type", "input.enum", nil)
		return
	}
	for _, t := range OfferTypes {
		switch {
		case t == r.Type && t != OfferCustom && !given[t]:
			v.add(at+"/"+string(t), "input.required", nil)
		case t != r.Type && given[t]:
			v.add(at+"/"+string(t), "retention.other_type", map[string]any{"Type": string(r.Type)})
		}
	}
	leads := r.Type == OfferContact || r.Type == OfferCustom
	switch {
	case r.URL != "" && !leads:
		v.add(at+"/url", "retention.other_type", map[string]any{"Type": string(r.Type)})
	case r.URL != "" && !validLink(r.URL):
		v.add(at+"/url", "input.url", nil)
	case r.URL == "" && r.Type == OfferContact:
		v.add(at+"/url", "input.required", nil)
	}
	if r.Type == OfferCustom && len(r.Headline) == 0 {
		v.add(at+"/headline", "input.required", nil)
	}
	if d := r.Discount; d != nil {
		d.validate(v, at+"/discount")
	}
	if p := r.Pause; p != nil && (p.Periods < 1 || p.Periods > maxPause) {
		v.add(at+"/pause/periods", "input.invalid", nil)
	}
	if p := r.PlanChange; p != nil && p.From == p.Price {
		v.add(at+"/plan_change/price_id", "retention.same_price", nil)
	}
	if e := r.TrialExtension; e != nil && (e.Days < 1 || e.Days > maxExtension) {
		v.add(at+"/trial_extension/days", "input.invalid", nil)
	}
	if c := r.Contact; c != nil && c.Kind != ContactLink && c.Kind != ContactMeeting {
		v.add(at+"/contact/kind", "input.enum", nil)
	}
}

func (d DiscountTerms) validate(v *faults, at string) {
	if d.Periods != nil && (*d.Periods < 1 || *d.Periods > maxPeriods) {
		v.add(at+"/periods", "input.invalid", nil)
	}
	switch d.Type {
	case billing.DiscountPercent:
		if percent, ok := d.Percent.Rat(); !ok || percent.Sign() <= 0 || percent.Cmp(hundred) > 0 {
			v.add(at+"/percent", "input.percent", nil)
		}
		if d.Amount != nil {
			v.add(at+"/amount", "retention.other_type", map[string]any{"Type": string(d.Type)})
		}
	case billing.DiscountFixed:
		switch {
		case d.Amount == nil:
			v.add(at+"/amount", "input.required", nil)
		case d.Amount.Amount < 1 || d.Amount.Amount > billing.MaxAmount:
			v.add(at+"/amount/amount", "input.invalid", nil)
		case !d.Amount.Currency.Valid():
			v.add(at+"/amount/currency", "input.currency", nil)
		}
		if d.Percent != "" {
			v.add(at+"/percent", "retention.other_type", map[string]any{"Type": string(d.Type)})
		}
	default:
		v.add(at+"/type", "input.enum", nil)
	}
}

// validate names what is wrong with conditions; survey is the one whose answers they ask for.
func (w Conditions) validate(v *faults, at string, survey Survey) {
	answers := func(pointer string, ids []string, options []Option) {
		v.most(pointer, len(ids), maxListed)
		for i, id := range ids {
			if !slices.ContainsFunc(options, func(o Option) bool { return o.ID == id }) {
				v.add(pointer+"/"+strconv.Itoa(i), "retention.not_in_survey", nil)
			}
		}
	}
	answers(at+"/reasons", w.Reasons, survey.Reasons)
	answers(at+"/liked", w.Liked, survey.Liked)
	v.most(at+"/products", len(w.Products), maxListed)
	v.most(at+"/prices", len(w.Prices), maxListed)
	v.most(at+"/countries", len(w.Countries), 300)
	for i, c := range w.Countries {
		if !c.Valid() {
			v.add(at+"/countries/"+strconv.Itoa(i), "input.country", nil)
		}
	}
	for i, s := range w.Statuses {
		if !slices.Contains(billing.SubscriptionStatuses, s) || s == billing.SubscriptionCanceled {
			v.add(at+"/statuses/"+strconv.Itoa(i), "input.enum", nil)
		}
	}
	v.bounds(at+"/tenure_days", w.TenureDays)
	v.bounds(at+"/accepted_before", w.AcceptedBefore)
	if a := w.Amount; a != nil {
		if !a.Currency.Valid() {
			v.add(at+"/amount/currency", "input.currency", nil)
		}
		v.bounds(at+"/amount", &a.Range)
	}
}

func (r Rule) validateLimits(v *faults, at string) {
	if d := r.Limits.CooldownDays; d < 0 || d > maxDays {
		v.add(at+"/limits/cooldown_days", "input.invalid", nil)
	}
	if n := r.Limits.PerCustomer; n < 0 || n > maxListed {
		v.add(at+"/limits/per_customer", "input.invalid", nil)
	}
	b := r.Limits.Budget
	if b == nil {
		return
	}
	if b.Offers == nil && b.Amount == nil {
		v.add(at+"/limits/budget", "input.required", nil)
	}
	if b.Offers != nil && *b.Offers < 0 {
		v.add(at+"/limits/budget/offers", "input.invalid", nil)
	}
	if b.Amount == nil {
		return
	}
	if !b.Amount.Currency.Valid() || b.Amount.Amount < 0 {
		v.add(at+"/limits/budget/amount", "input.invalid", nil)
	}
	if r.Discount == nil || r.Discount.Periods == nil {
		v.add(at+"/limits/budget/amount", "retention.budget_without_end", nil)
	}
}

// contradictions names conditions that can't hold together: a rule that is never offered is a slip.
func (r Rule) contradictions(v *faults, at string, s Settings) {
	if r.StartsAt != nil && r.EndsAt != nil && !r.EndsAt.After(*r.StartsAt) {
		v.add(at+"/ends_at", "retention.contradiction", nil)
	}
	can := r.Type.statuses()
	if r.Discount != nil {
		can = append(slices.Clone(can), billing.SubscriptionTrialing)
	}
	if r.Type == OfferContact || r.Type == OfferCustom || r.Type == OfferPlanChange {
		can = append(slices.Clone(can), billing.SubscriptionTrialing)
	}
	for i, status := range r.When.Statuses {
		if !slices.Contains(can, status) {
			v.add(at+"/when/statuses/"+strconv.Itoa(i), "retention.contradiction", nil)
		}
	}
	if d, a := r.Discount, r.When.Amount; d != nil && d.Amount != nil && a != nil && a.Currency != d.Amount.Currency {
		v.add(at+"/when/amount/currency", "retention.contradiction", nil)
	}
	if d, b := r.Discount, r.Limits.Budget; d != nil && b != nil && b.Amount != nil {
		if d.Amount != nil && d.Amount.Currency != b.Amount.Currency || d.Amount == nil && (r.When.Amount == nil || r.When.Amount.Currency != b.Amount.Currency) {
			v.add(at+"/limits/budget/amount/currency", "retention.contradiction", nil)
		}
	}
	if s.Survey.Off && (len(r.When.Reasons) > 0 || len(r.When.Liked) > 0) {
		v.add(at+"/when/reasons", "retention.contradiction", nil)
	}
	for i, key := range r.When.Declined {
		if _, known := s.rule(key); !known {
			v.add(at+"/when/declined/"+strconv.Itoa(i), "input.unknown_reference", nil)
		} else if key == r.Key {
			v.add(at+"/when/declined/"+strconv.Itoa(i), "retention.contradiction", nil)
		}
	}
}

// validateCatalog checks a rule against the prices it is about.
func (r Rule) validateCatalog(v *faults, at string, catalog Catalog) {
	for i, id := range r.When.Prices {
		if _, known := catalog.Prices[id]; !known {
			v.add(at+"/when/prices/"+strconv.Itoa(i), "input.unknown_reference", nil)
		}
	}
	for i, id := range r.When.Products {
		if _, known := catalog.Products[id]; !known {
			v.add(at+"/when/products/"+strconv.Itoa(i), "input.unknown_reference", nil)
		}
	}
	if p := r.PlanChange; p != nil {
		to, known := catalog.Prices[p.Price]
		switch {
		case !known:
			v.add(at+"/plan_change/price_id", "input.unknown_reference", nil)
		case to.Archived || to.Of.Archived:
			v.add(at+"/plan_change/price_id", "price.archived", nil)
		case to.Cycle == nil:
			v.add(at+"/plan_change/price_id", "price.one_time", nil)
		}
		if p.From == "" {
			return
		}
		from, fromKnown := catalog.Prices[p.From]
		switch {
		case !fromKnown:
			v.add(at+"/plan_change/from_price_id", "input.unknown_reference", nil)
		case known && !cheaper(from, to):
			v.add(at+"/plan_change/price_id", "retention.not_cheaper", nil)
		}
	}
	if d := r.Discount; d != nil && d.Amount != nil {
		prices := r.named(catalog)
		in := slices.ContainsFunc(prices, func(p billing.Price) bool { return p.UnitPrice.Currency == d.Amount.Currency })
		switch {
		case len(prices) > 0 && !in:
			v.add(at+"/discount/amount/currency", "retention.contradiction", nil)
		case !r.coversDiscount(*d.Amount, prices):
			v.add(at+"/discount/amount/amount", "retention.negative_price", nil)
		}
	}
}

// cheaper tells whether a change from one price to another can be a downgrade: to a longer cycle, or to more money for the same, is none.
func cheaper(from, to billing.CatalogPrice) bool {
	switch {
	case from.UnitPrice.Currency != to.UnitPrice.Currency:
		return false
	case from.Cycle == nil || to.Cycle == nil:
		return true // said elsewhere
	case *from.Cycle == *to.Cycle:
		return to.UnitPrice.Amount < from.UnitPrice.Amount
	}
	return to.Cycle.Days() <= from.Cycle.Days()
}

// named are the prices a rule is about, by the prices or the products it names.
func (r Rule) named(catalog Catalog) []billing.Price {
	var prices []billing.Price
	for _, id := range r.When.Prices {
		if p, known := catalog.Prices[id]; known {
			prices = append(prices, p.Price)
		}
	}
	if len(r.When.Prices) == 0 {
		for _, id := range r.When.Products {
			prices = append(prices, catalog.Products[id]...)
		}
	}
	return prices
}

// coversDiscount tells whether everything the rule can be about costs more than it takes off: by the prices or the products it names,
// or by the least amount it is for.
func (r Rule) coversDiscount(off foyer.Money, prices []billing.Price) bool {
	if a := r.When.Amount; a != nil && a.Currency == off.Currency && a.Min != nil && *a.Min >= off.Amount {
		return true
	}
	for _, p := range prices {
		if p.UnitPrice.Currency == off.Currency && p.UnitPrice.Amount < off.Amount {
			return false
		}
	}
	return len(prices) > 0
}

// faults gathers what is wrong.
type faults struct{ found []foyer.FieldError }

func (v *faults) add(pointer, code string, params map[string]any) {
	v.found = append(v.found, foyer.FieldError{Pointer: pointer, Code: code, Params: params})
}

func (v *faults) most(pointer string, n, limit int) {
	if n > limit {
		v.add(pointer, "input.too_many", map[string]any{"Max": limit})
	}
}

func (v *faults) text(pointer, text string, limit int, multiline bool) {
	switch {
	case !foyer.CleanText(text, multiline):
		v.add(pointer, "input.text_characters", nil)
	case utf8.RuneCountInString(text) > limit:
		v.add(pointer, "input.too_long", map[string]any{"Max": limit})
	}
}

func (v *faults) texts(pointer string, texts Texts, limit int, multiline bool) {
	for tag, text := range texts {
		if _, known := i18n.Find(tag); !known {
			v.add(pointer+"/"+tag, "input.locale", nil)
			continue
		}
		v.text(pointer+"/"+tag, text, limit, multiline)
		if text == "" {
			v.add(pointer+"/"+tag, "input.required", nil)
		}
	}
}

func (v *faults) bounds(pointer string, r *Range) {
	if r == nil {
		return
	}
	if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
		v.add(pointer, "retention.contradiction", nil)
	}
	if r.Min != nil && *r.Min < 0 || r.Max != nil && *r.Max < 0 {
		v.add(pointer, "input.invalid", nil)
	}
}

var key = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func validKey(s string) bool { return key.MatchString(s) }

// validLink tells whether s can be shown as a link: https, nothing hidden in it.
func validLink(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURLLength || !foyer.CleanText(s, false) {
		return false
	}
	return u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}
