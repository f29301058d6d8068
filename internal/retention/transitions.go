package retention

import (
	"slices"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

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
	a.Comment = strings.ReplaceAll(a.Comment, "\r\n", "\n") // as browsers send the lines of a form
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

// acceptedOffer is the offer that saved the subscription; nil where none did.
func (c Cancellation) acceptedOffer() *Offer {
	if i := slices.IndexFunc(c.Offers, func(o Offer) bool { return o.State == OfferAccepted }); c.State == Saved && i >= 0 {
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
	switch c.OfferType {
	case OfferContact, OfferCustom, OfferPause:
		c.Kept = 0 // a talk has decided nothing yet, and a paused subscription brings nothing
	default:
		c.Kept = sub.MonthlyRevenue()
	}
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
	c.WithCharge = sub.OpenPayment != "" && sub.Status != billing.SubscriptionCanceled
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

// OvertakenBy returns the cancellation whose subscription got its end by something else; empty for one that stays the customer's doing.
func (c Cancellation) OvertakenBy(what Overtaker, sub billing.Subscription, now time.Time) (Cancellation, error) {
	next, err := c.Ended(sub, now)
	if err == nil && what != "" {
		next.Overtaken = what
	}
	return next, err
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
