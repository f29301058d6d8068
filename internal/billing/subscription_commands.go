package billing

import (
	"time"

	"foyer/internal/foyer"
)

// longestPause is how far away a resume may be scheduled.
const longestPause = 731 * 24 * time.Hour

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
