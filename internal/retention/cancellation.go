package retention

import (
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// CancellationID is `can_…`.
type CancellationID string

// State is where a cancellation stands; doc.go draws it.
type State string

// The states of a cancellation.
const (
	Open      State = "open"
	Offered   State = "offered"
	Saved     State = "saved"
	Scheduled State = "scheduled"
	Canceled  State = "canceled"
	Undone    State = "undone"
	Abandoned State = "abandoned"
	Expired   State = "expired"
)

// States lists every state.
var States = []State{Open, Offered, Saved, Scheduled, Canceled, Undone, Abandoned, Expired}

// Unfinished are the states a customer can go on from; a subscription has one such cancellation at most.
var Unfinished = []State{Open, Offered}

// Step is what comes next.
type Step string

// The steps of a cancellation.
const (
	StepSurvey  Step = "survey"
	StepOffer   Step = "offer"
	StepConfirm Step = "confirm"
	StepDone    Step = "done"
)

// Origin says who wanted the cancellation.
type Origin string

// Where cancellations come from: a customer who is signed in, and a declaration made without signing in.
const (
	OriginPortal Origin = "portal"
	OriginNotice Origin = "notice"
)

// How long an unfinished cancellation waits for the customer, and how long an offer is good for: what was shown is kept to, but
// not for ever (a link to it must not become a coupon).
const (
	cancellationLife = 24 * time.Hour
	offerLife        = time.Hour
)

// Cancellation is a customer's way out of a subscription.
type Cancellation struct {
	ID           CancellationID
	Merchant     foyer.MerchantID
	Customer     foyer.CustomerID
	Subscription billing.SubscriptionID
	State        State
	Step         Step
	// Effective is what was asked for and, once it is done, what happens.
	Effective billing.Effective
	// EffectiveAt is when the subscription ends or ended.
	EffectiveAt *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
	Course
	// Offers are what was offered, oldest first; kept as rows of their own.
	Offers []Offer
}

// Course is what a cancellation gathers on its way. It is what the insights count.
type Course struct {
	Origin  Origin        `json:"origin,omitempty"`
	Profile ProfileID     `json:"profile,omitempty"`
	Country foyer.Country `json:"country,omitempty"`
	// Group tells whether offers may be shown at all, or the customer is one of those left alone to compare with.
	Group Group `json:"group,omitempty"`
	// Survey and Proposition are the merchant's as they were when it began: what somebody is asked does not change on the way.
	Survey      *Survey      `json:"survey,omitempty"`
	Proposition *Proposition `json:"proposition,omitempty"`
	Answers     Answers      `json:"answers"`
	// Product is the main one of the subscription, Revenue what it brings a month, in minor units of Currency, when it began;
	// Kept is the same once it was saved.
	Product  billing.ProductID `json:"product,omitempty"`
	Currency foyer.Currency    `json:"currency,omitempty"`
	Revenue  int64             `json:"revenue,omitempty"`
	Kept     int64             `json:"kept,omitempty"`
	// Rule and OfferType are those of the offer that was accepted, or else shown last.
	Rule      string    `json:"rule,omitempty"`
	OfferType OfferType `json:"offer_type,omitempty"`
	// ExpiresAt is when an unfinished one is given up.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// ReceivedAt is when the customer declared to cancel.
	ReceivedAt *time.Time `json:"received_at,omitempty"`
	// WithCharge says that a charge was under way then, whose outcome decides whether it ends sooner than EffectiveAt.
	WithCharge bool `json:"with_charge,omitempty"`
	// There tells for each of Checkpoints that has passed whether the subscription was still there.
	There []bool `json:"there,omitempty"`
}

// Group says whether offers may be shown.
type Group string

// The groups. GroupOffered is shown what its rules give, GroupHoldout nothing.
const (
	GroupOffered Group = "offered"
	GroupHoldout Group = "holdout"
)

// Checkpoints are the days after which it is looked whether the subscription is still there.
var Checkpoints = []int{30, 60, 90}

// Scope is whose cancellation it is.
func (c Cancellation) Scope() foyer.Scope {
	return foyer.Scope{Merchant: c.Merchant, Customer: c.Customer}
}

// LegalProfile is that of the customer's place, as the law has it.
func (c Cancellation) LegalProfile() LegalProfile {
	if c.Profile == "" {
		return profile(ProfileElsewhere) // begun before there were profiles
	}
	return profile(c.Profile)
}

// Finished tells whether nothing is left for the customer to decide.
func (c Cancellation) Finished() bool { return !slices.Contains(Unfinished, c.State) }

// errClosed says that the cancellation is over.
func errClosed() error { return foyer.Refuse(foyer.Conflict, "cancellation.closed") }

func (c Cancellation) changed(state State, step Step, now time.Time) Cancellation {
	c.State, c.Step, c.UpdatedAt = state, step, foyer.Micro(now)
	c.Version++
	if c.Finished() {
		c.ExpiresAt = nil
	} else {
		expires := c.UpdatedAt.Add(cancellationLife)
		c.ExpiresAt = &expires
	}
	return c
}

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

// Asking returns the cancellation as it is begun again: what is asked for now counts.
func (c Cancellation) Asking(effective billing.Effective, now time.Time) Cancellation {
	if c.Effective == effective {
		return c
	}
	c.Effective = effective
	return c.changed(c.State, c.Step, now)
}

// Answer returns the cancellation with the answers, past the survey. Answering again changes the answers and nothing else.
//
// Refusals: Conflict (cancellation.closed), Invalid for options there are none of.
func (c Cancellation) Answer(a Answers, now time.Time) (Cancellation, error) {
	if c.Finished() {
		return c, errClosed()
	}
	if err := c.survey().check(a); err != nil {
		return c, err
	}
	c.Answers = c.Answers.with(a)
	step := c.Step
	if step == StepSurvey {
		step = StepConfirm
	}
	return c.changed(c.State, step, now), nil
}

// survey is the one that was shown; where none was, the default one's answers are taken too.
func (c Cancellation) survey() Survey {
	if c.Survey != nil {
		return *c.Survey
	}
	return Survey{}.Complete()
}

// Offer returns the cancellation with an offer on the table.
func (c Cancellation) Offer(o Offer, now time.Time) Cancellation {
	c.Offers = append(slices.Clone(c.Offers), o)
	c.Rule, c.OfferType = o.Rule, o.Type
	return c.changed(Offered, StepOffer, now)
}

// OpenOffer is the offer on the table, nil when there is none or its time is over.
func (c Cancellation) OpenOffer(now time.Time) *Offer {
	if c.State != Offered {
		return nil
	}
	if i := slices.IndexFunc(c.Offers, func(o Offer) bool { return o.State == OfferOpen }); i >= 0 && now.Before(c.Offers[i].ExpiresAt) {
		return &c.Offers[i]
	}
	return nil
}

// Acceptable returns the offer if it can be accepted now.
//
// Refusals: Invalid (input.unknown_reference) for one that was never shown in this cancellation, whoever's it is; Conflict:
// cancellation.closed, offer.closed for one that was answered before, offer.expired.
func (c Cancellation) Acceptable(id OfferID, now time.Time) (Offer, error) {
	i := slices.IndexFunc(c.Offers, func(o Offer) bool { return o.ID == id })
	switch {
	case i < 0:
		return Offer{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/offer_id", Code: "input.unknown_reference"})
	case c.Finished():
		return Offer{}, errClosed()
	case c.Offers[i].State == OfferExpired || c.Offers[i].State == OfferOpen && !now.Before(c.Offers[i].ExpiresAt):
		return Offer{}, foyer.Refuse(foyer.Conflict, "offer.expired")
	case c.Offers[i].State != OfferOpen || c.State != Offered:
		return Offer{}, foyer.Refuse(foyer.Conflict, "offer.closed")
	}
	return c.Offers[i], nil
}

// Accepted returns the cancellation saved by an offer that has been applied; sub is the subscription afterwards.
func (c Cancellation) Accepted(id OfferID, sub billing.Subscription, now time.Time) Cancellation {
	c = c.decided(id, OfferAccepted, now)
	c.Kept = sub.MonthlyRevenue()
	return c.changed(Saved, StepDone, now)
}

// Declined returns the cancellation after the offer on the table was declined, could not be applied or has expired, as outcome says:
// at the confirmation, unless something else is offered.
//
// Refusals: Conflict (cancellation.closed, offer.none).
func (c Cancellation) Declined(outcome OfferState, now time.Time) (Cancellation, error) {
	if c.Finished() {
		return c, errClosed()
	}
	i := slices.IndexFunc(c.Offers, func(o Offer) bool { return o.State == OfferOpen })
	if c.State != Offered || i < 0 {
		return c, foyer.Refuse(foyer.Conflict, "offer.none")
	}
	c = c.decided(c.Offers[i].ID, outcome, now)
	return c.changed(Open, StepConfirm, now), nil
}

// decided writes what became of an offer.
func (c Cancellation) decided(id OfferID, state OfferState, now time.Time) Cancellation {
	c.Offers = slices.Clone(c.Offers)
	for i := range c.Offers {
		if c.Offers[i].ID == id {
			at := foyer.Micro(now)
			c.Offers[i].State, c.Offers[i].DecidedAt = state, &at
			c.Offers[i].Version++
			c.Rule, c.OfferType = c.Offers[i].Rule, c.Offers[i].Type
		}
	}
	return c
}

// settleOffers closes the offer on the table when the cancellation ends another way.
func (c Cancellation) settleOffers(outcome OfferState, now time.Time) Cancellation {
	for _, o := range c.Offers {
		if o.State == OfferOpen {
			c = c.decided(o.ID, outcome, now)
		}
	}
	return c
}

// Confirmed returns the cancellation as the subscription has become: what was asked for is not always what happens (a
// charge under way keeps it to the end of the period, a debt ends it at once). One that has only expired can still be confirmed: who
// wants to leave need not begin again.
//
// Refusals: Conflict (cancellation.closed).
func (c Cancellation) Confirmed(sub billing.Subscription, now time.Time) (Cancellation, error) {
	if c.Finished() && c.State != Expired {
		return c, errClosed()
	}
	if c.ReceivedAt == nil { // a notice was received before it was matched
		at := foyer.Micro(now)
		c.ReceivedAt = &at
	}
	c.WithCharge = sub.OpenPayment != ""
	return c.settleOffers(OfferDeclined, now).changed(Scheduled, StepDone, now).told(sub), nil
}

// told takes state and moment from a subscription that has ended or will.
func (c Cancellation) told(sub billing.Subscription) Cancellation {
	c.Step, c.ExpiresAt = StepDone, nil
	if sub.Status == billing.SubscriptionCanceled {
		if c.State != Scheduled || c.EffectiveAt == nil {
			c.Effective = billing.Immediately
		}
		c.State, c.EffectiveAt = Canceled, sub.CanceledAt
		return c
	}
	c.State, c.Effective = Scheduled, billing.AtPeriodEnd
	if sub.ScheduledChange != nil {
		c.EffectiveAt = &sub.ScheduledChange.EffectiveAt
	}
	return c
}

// Abandoned returns the cancellation ended without canceling, by the customer.
//
// Refusals: Conflict (cancellation.closed).
func (c Cancellation) Abandoned(now time.Time) (Cancellation, error) {
	if c.Finished() {
		return c, errClosed()
	}
	return c.settleOffers(OfferExpired, now).changed(Abandoned, StepDone, now), nil
}

// Lapsed returns the cancellation ended because nobody went on with it.
//
// Refusals: Conflict (cancellation.closed).
func (c Cancellation) Lapsed(now time.Time) (Cancellation, error) {
	if c.Finished() {
		return c, errClosed()
	}
	return c.settleOffers(OfferExpired, now).changed(Expired, StepDone, now), nil
}

// Undone returns a scheduled cancellation whose subscription is kept after all.
//
// Refusals: Conflict (cancellation.not_scheduled).
func (c Cancellation) Undone(now time.Time) (Cancellation, error) {
	if c.State != Scheduled {
		return c, errNotScheduled()
	}
	return c.changed(Undone, StepDone, now), nil
}

// Ended returns a scheduled or unfinished cancellation whose subscription has ended.
//
// Refusals: Conflict (cancellation.not_scheduled).
func (c Cancellation) Ended(sub billing.Subscription, now time.Time) (Cancellation, error) {
	if c.State != Scheduled && c.Finished() {
		return c, errNotScheduled()
	}
	return c.settleOffers(OfferDeclined, now).changed(c.State, StepDone, now).told(sub), nil
}

// errNotScheduled says that the cancellation does not wait for its subscription's end.
func errNotScheduled() error { return foyer.Refuse(foyer.Conflict, "cancellation.not_scheduled") }

// Seen returns the cancellation as it stands with its subscription: an end that came by itself, or was undone by somebody
// else, is told without having been written down; an open one tells when it would take effect.
func (c Cancellation) Seen(sub billing.Subscription, now time.Time) Cancellation {
	ended, ending := sub.Status == billing.SubscriptionCanceled, cancelScheduled(sub)
	switch {
	case !c.Finished() && (ended || ending && c.Effective == billing.AtPeriodEnd):
		return c.told(sub)
	case !c.Finished() && c.ExpiresAt != nil && !now.Before(*c.ExpiresAt):
		c.State, c.Step, c.ExpiresAt = Expired, StepDone, nil
	case !c.Finished():
		if c.State == Offered && c.OpenOffer(now) == nil {
			c.State, c.Step = Open, StepConfirm
		}
		c.EffectiveAt = nil
		if after, err := sub.Cancel(billing.CancelInput{Effective: c.Effective}, now); err == nil {
			c.EffectiveAt = c.told(after).EffectiveAt
		}
	case c.State == Scheduled && ended:
		return c.told(sub)
	case c.State == Scheduled && !ending:
		c.State = Undone
	}
	return c
}

func cancelScheduled(sub billing.Subscription) bool {
	return sub.ScheduledChange != nil && sub.ScheduledChange.Action == billing.ScheduleCancel
}
