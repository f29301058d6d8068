package billing

import (
	"time"

	"foyer/internal/foyer"
)

// longestNotice is how far ahead a subscription's end may be declared.
const longestNotice = 731 * 24 * time.Hour

// deferredNotice is how long a subscription without a paid period goes on after somebody declared its end who was not signed in: whoever
// knows a name and an address could do that, and the customer must have the time to read the mail and undo it.
const deferredNotice = 14 * 24 * time.Hour

// Cancel returns the subscription canceled, or with its end scheduled. A cancel is accepted in every state but canceled:
// what is paused or past due ends at once (a debt is forgiven, nothing more was used than was withheld), a trial and a paid
// period are kept to their end unless it shall be at once. While a charge is under way nobody knows yet what is paid: it
// ends with the period being charged, or at once when the charge fails.
//
// A date that is named, and the end of what somebody canceled who was not signed in (Deferred), are kept to whatever becomes of the
// bills until then; only another cancel brings them forward. What else was scheduled, a resume too, gives way to it.
//
// Refusals: Conflict; Invalid for a date more than 731 days ahead.
func (s Subscription) Cancel(in CancelInput, now time.Time) (Subscription, error) {
	if why := s.inert(); why != "" {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	if in.NotBefore != nil && in.NotBefore.After(now.Add(longestNotice)) {
		return s, foyer.InvalidFields(foyer.FieldError{Pointer: "/end_at", Code: "input.end_at"})
	}
	end := s.endFor(in, now)
	if s.scheduled(ScheduleCancel) && end != nil && !s.sooner(*end) {
		return s, foyer.Refuse(foyer.Conflict, "subscription.cancel_scheduled")
	}
	next := s.changed(now)
	next.Pending = nil
	if end == nil {
		next.end(foyer.Micro(now))
		return next, nil
	}
	next.ScheduledChange = end
	next.reprice()
	return next, nil
}

// endFor is the end a cancel schedules; nil for one at once.
func (s Subscription) endFor(in CancelInput, now time.Time) *ScheduledChange {
	ends := func(at time.Time, firm bool) *ScheduledChange {
		return &ScheduledChange{Action: ScheduleCancel, EffectiveAt: foyer.Micro(at), Firm: firm}
	}
	runs := s.CurrentPeriod != nil && s.CurrentPeriod.End.After(now)
	idle := s.Status == SubscriptionPaused || s.Status == SubscriptionPastDue
	named := in.NotBefore != nil && in.NotBefore.After(now)
	switch {
	case in.Deferred && idle && !runs:
		at := now.Add(deferredNotice)
		if named && in.NotBefore.After(at) {
			at = *in.NotBefore
		}
		return ends(at, true)
	case named && idle && !runs:
		return ends(*in.NotBefore, true)
	case named:
		return ends(s.periodEnd(*in.NotBefore), true)
	case in.Deferred:
		return ends(s.periodEnd(now.Add(time.Microsecond)), true) // one that is over was its last only by an engine that is late
	case s.OpenPayment != "" && runs:
		return ends(s.CurrentPeriod.End, false)
	case s.OpenPayment != "":
		return ends(s.Cycle.Next(now, now), false)
	case in.Effective == Immediately || idle:
		return nil
	}
	return ends(s.CurrentPeriod.End, false)
}

// periodEnd is the first end of a period at or after the moment, from the present one on, counted as renewals are.
func (s Subscription) periodEnd(from time.Time) time.Time {
	end := s.CurrentPeriod.End
	if !end.Before(from) {
		return end
	}
	anchor := end
	if s.AnchorAt != nil && s.Status != SubscriptionTrialing {
		anchor = *s.AnchorAt
	}
	return s.Cycle.Next(anchor, from.Add(-time.Microsecond))
}

// sooner tells whether an end is earlier than the one that is scheduled, or may become so: with the charge under way.
func (s Subscription) sooner(end ScheduledChange) bool {
	if end.EffectiveAt.Before(s.ScheduledChange.EffectiveAt) {
		return true
	}
	return s.OpenPayment != "" && s.firmEnd() && !end.Firm
}

// endsEarlier tells whether a cancel at the end of what is paid would bring forward the end that is scheduled.
func (s Subscription) endsEarlier() bool {
	switch {
	case !s.firmEnd():
		return false
	case s.OpenPayment == "" && (s.Status == SubscriptionPaused || s.Status == SubscriptionPastDue):
		return true
	}
	return s.OpenPayment != "" || s.CurrentPeriod != nil && s.ScheduledChange.EffectiveAt.After(s.CurrentPeriod.End)
}

// firmEnd tells whether the end is declared for a moment of its own.
func (s Subscription) firmEnd() bool { return s.scheduled(ScheduleCancel) && s.ScheduledChange.Firm }

// endsBy tells whether the scheduled end comes before what falls due at the moment. One that is not for a moment of its own comes
// with whatever falls due: whoever canceled while a late debt was charged is not billed for another period.
func (s Subscription) endsBy(at time.Time) bool {
	return !s.ScheduledChange.Firm || !s.ScheduledChange.EffectiveAt.After(at)
}
