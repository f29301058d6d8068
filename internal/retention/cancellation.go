package retention

import (
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
	Scheduled State = "scheduled"
	Canceled  State = "canceled"
	Undone    State = "undone"
	Abandoned State = "abandoned"
)

// States lists every state.
var States = []State{Open, Scheduled, Canceled, Undone, Abandoned}

// Step is what comes next.
type Step string

// The steps of a cancellation.
const (
	StepConfirm Step = "confirm"
	StepDone    Step = "done"
)

// ProfileDefault is the legal profile of a place that demands nothing of its own.
const ProfileDefault = "default"

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
}

// Scope is whose cancellation it is.
func (c Cancellation) Scope() foyer.Scope {
	return foyer.Scope{Merchant: c.Merchant, Customer: c.Customer}
}

// errClosed says that the cancellation is over.
func errClosed() error { return foyer.Refuse(foyer.Conflict, "cancellation.closed") }

func (c Cancellation) changed(state State, step Step, now time.Time) Cancellation {
	c.State, c.Step, c.UpdatedAt = state, step, foyer.Micro(now)
	c.Version++
	return c
}

// Confirmed returns the cancellation as the subscription has become: what was asked for is not always what happens (a
// charge under way keeps it to the end of the period, a debt ends it at once).
func (c Cancellation) Confirmed(sub billing.Subscription, now time.Time) Cancellation {
	return c.changed(Scheduled, StepDone, now).told(sub)
}

// told takes state and moment from a subscription that has ended or will.
func (c Cancellation) told(sub billing.Subscription) Cancellation {
	c.Step = StepDone
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

// Abandoned returns the cancellation ended without canceling.
//
// Refusals: Conflict (cancellation.closed).
func (c Cancellation) Abandoned(now time.Time) (Cancellation, error) {
	if c.State != Open {
		return c, errClosed()
	}
	return c.changed(Abandoned, StepDone, now), nil
}

// Undone returns a scheduled cancellation whose subscription is kept after all.
func (c Cancellation) Undone(now time.Time) Cancellation { return c.changed(Undone, StepDone, now) }

// Seen returns the cancellation as it stands with its subscription: an end that came by itself, or was undone by somebody
// else, is told without having been written down; an open one tells when it would take effect.
func (c Cancellation) Seen(sub billing.Subscription, now time.Time) Cancellation {
	ended, ending := sub.Status == billing.SubscriptionCanceled, cancelScheduled(sub)
	switch {
	case c.State == Open && (ended || ending && c.Effective == billing.AtPeriodEnd):
		return c.told(sub)
	case c.State == Open:
		c.EffectiveAt = nil
		if after, err := sub.Cancel(c.Effective, now); err == nil {
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
