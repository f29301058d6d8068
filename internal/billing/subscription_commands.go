package billing

import (
	"time"

	"foyer/internal/foyer"
)

// longestPause is how far away a resume may be scheduled.
const longestPause = 731 * 24 * time.Hour

// Cancel returns the subscription canceled, or with its end scheduled. A cancel is accepted in every state but canceled:
// what is paused or past due ends at once (a debt is forgiven, nothing more was used than was withheld), a trial and a paid
// period are kept to their end unless it shall be at once. While a charge is under way nobody knows yet what is paid: it
// ends with the period being charged, or at once when the charge fails.
//
// Who was not signed in when they declared it (Deferred) never ends anything at once: what is past due ends with its period, what is
// paused with the one it keeps or after two weeks. NotBefore ends it with the first period that ends then or later.
func (s Subscription) Cancel(in CancelInput, now time.Time) (Subscription, error) {
	why := s.refuseCancel()
	if why != "" && why != "subscription.cancel_scheduled" {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	next := s.changed(now)
	next.Pending = nil
	atOnce := in.Effective == Immediately || s.Status == SubscriptionPaused || s.Status == SubscriptionPastDue
	if s.OpenPayment == "" && atOnce && !in.Deferred {
		if why != "" && in.Effective != Immediately {
			return s, foyer.Refuse(foyer.Conflict, why)
		}
		next.end(foyer.Micro(now))
		return next, nil
	}
	until, err := s.endAfter(in.NotBefore, now)
	if err != nil {
		return s, err
	}
	if why != "" && !until.Before(s.ScheduledChange.EffectiveAt) {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	next.ScheduledChange = &ScheduledChange{Action: ScheduleCancel, EffectiveAt: until}
	next.reprice()
	return next, nil
}

// pausedNotice is how long a pause without a paid period goes on after somebody declared its end who was not signed in: whoever knows a
// name and an address could do that, and the customer must have the time to read the mail and undo it.
const pausedNotice = 14 * 24 * time.Hour

// endAfter is the end of a period at which the subscription can end: the present one, or the first that ends at the moment named or
// after it.
//
// Refusal: Invalid for a moment too far away.
func (s Subscription) endAfter(named *time.Time, now time.Time) (time.Time, error) {
	var until time.Time
	switch {
	case s.CurrentPeriod != nil && (s.CurrentPeriod.End.After(now) || s.OpenPayment == "" && s.Status != SubscriptionPaused):
		until = s.CurrentPeriod.End // even if the engine has not come to it yet: it ends before the next one is billed
	case s.Status == SubscriptionPaused:
		until = foyer.Micro(now).Add(pausedNotice)
	default:
		until = s.Cycle.Next(now, now)
	}
	if named == nil {
		return until, nil
	}
	if named.After(now.Add(longestPause)) {
		return until, foyer.InvalidFields(foyer.FieldError{Pointer: "/end_at", Code: "input.end_at"})
	}
	anchor := until
	if s.AnchorAt != nil && s.Status != SubscriptionTrialing {
		anchor = *s.AnchorAt
	}
	for until.Before(*named) {
		until = s.Cycle.Next(anchor, until)
	}
	return until, nil
}

// endsBy tells whether the subscription is canceled to end at the moment or before: one that names a later end lets it renew until then.
func (s Subscription) endsBy(at time.Time) bool {
	return s.scheduled(ScheduleCancel) && !s.ScheduledChange.EffectiveAt.After(at)
}

// Keep undoes what is scheduled. A paused one then stays paused until it is resumed.
func (s Subscription) Keep(now time.Time) (Subscription, error) {
	if why := s.refuseKeep(); why != "" {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	next := s.changed(now)
	next.ScheduledChange, next.Pending = nil, nil
	next.reprice()
	return next, nil
}

// Pause returns the subscription paused, or with the pause scheduled for the end of the period.
//
// Refusals: Conflict, Invalid for a resume date that is not after the pause begins or too far away.
func (s Subscription) Pause(in PauseInput, now time.Time) (Subscription, error) {
	if why := s.refusePause(); why != "" {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	from := s.CurrentPeriod.End
	if in.Effective == Immediately {
		from = foyer.Micro(now)
	}
	var resume *time.Time
	if in.ResumeAt != nil {
		at := foyer.Micro(*in.ResumeAt)
		if !at.After(from) || at.After(from.Add(longestPause)) {
			return s, foyer.InvalidFields(foyer.FieldError{Pointer: "/resume_at", Code: "input.resume_at"})
		}
		resume = &at
	}
	next := s.changed(now)
	if in.Effective == Immediately {
		next.pause(from, resume)
		return next, nil
	}
	next.ScheduledChange = &ScheduledChange{Action: SchedulePause, EffectiveAt: from, ResumeAt: resume}
	return next, nil
}

// ContinuePeriod resumes within the period that was paid before the pause. Conflict (subscription.period_over) when it
// has ended.
func (s Subscription) ContinuePeriod(now time.Time) (Subscription, error) {
	if why := s.refuseResume(); why != "" {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	if s.CurrentPeriod == nil || !s.CurrentPeriod.End.After(now) {
		return s, foyer.Refuse(foyer.Conflict, "subscription.period_over")
	}
	next := s.changed(now)
	next.Status, next.PausedAt, next.ScheduledChange, next.NextBilledAt = SubscriptionActive, nil, nil, &s.CurrentPeriod.End
	return next, nil
}

// NewPeriod returns what a resume would make of the subscription: active, in a period that starts now and is to be billed.
func (s Subscription) NewPeriod(now time.Time) (Subscription, *foyer.Period, *SubscriptionDiscount, error) {
	if why := s.refuseResume(); why != "" {
		return s, nil, nil, foyer.Refuse(foyer.Conflict, why)
	}
	at := foyer.Micro(now)
	next := s.changed(now)
	next.AnchorAt, next.PausedAt, next.ScheduledChange = &at, nil, nil
	period, discount := next.begin(at)
	return next, period, discount, nil
}

// PayWith says what is charged from now on.
func (s Subscription) PayWith(method PaymentMethodID, now time.Time) Subscription {
	next := s.changed(now)
	next.PaymentMethod = method
	return next
}

// Charging says that a payment is under way whose outcome decides what the subscription becomes.
func (s Subscription) Charging(payment PaymentID, now time.Time) Subscription {
	next := s.changed(now)
	next.OpenPayment = payment
	return next
}
