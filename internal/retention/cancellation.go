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
	// PollAt is when it is looked again for an end that has not come at EffectiveAt.
	PollAt *time.Time `json:"poll_at,omitempty"`
	// Overtaken says by what the subscription got its end before this one was done; empty where it was this one's doing.
	Overtaken Overtaker `json:"overtaken,omitempty"`
	// There tells for each of Checkpoints that has passed whether the subscription was still there.
	There []bool `json:"there,omitempty"`
}

// Group says whether offers may be shown.
type Group string

// The groups. GroupOffered is shown what its rules give, GroupHoldout nothing. GroupEverybody is shown offers too, but no lots were
// drawn: it can't be compared with anybody.
const (
	GroupOffered   Group = "offered"
	GroupHoldout   Group = "holdout"
	GroupEverybody Group = "everybody"
)

// Overtaker is what ended a subscription before the cancellation did.
type Overtaker string

// What overtakes: another cancellation of the same subscription, the merchant who canceled, or an end that came by itself. What was
// overtaken counts nothing in the insights: nobody decided anything in it that is not counted elsewhere.
const (
	OvertakenByCancellation Overtaker = "cancellation"
	OvertakenByMerchant     Overtaker = "merchant"
	OvertakenByEnd          Overtaker = "end"
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
