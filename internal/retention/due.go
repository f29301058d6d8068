package retention

import (
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// pollPending is how much later a scheduled end is looked for that has not come in time: a charge is under way then.
const pollPending = time.Minute

// DueAt is when time alone does something to the cancellation: it is given up, its subscription ends, or it is looked whether
// the subscription is still there. Nil when nothing will.
func (c Cancellation) DueAt() *time.Time {
	var due *time.Time
	earlier := func(t *time.Time) {
		if t != nil && (due == nil || t.Before(*due)) {
			due = t
		}
	}
	earlier(c.ExpiresAt)
	if c.State == Scheduled {
		earlier(c.EffectiveAt)
	}
	if n := len(c.There); n < len(Checkpoints) {
		at := c.CreatedAt.AddDate(0, 0, Checkpoints[n])
		earlier(&at)
	}
	return due
}

// Pass returns the cancellation after what fell due by now, and whether its state changed; sub is its subscription as it is.
func (c Cancellation) Pass(sub billing.Subscription, now time.Time) (next Cancellation, changed bool) {
	next = c
	ended := sub.Status == billing.SubscriptionCanceled
	switch {
	case ended && (c.State == Scheduled || !c.Finished()):
		next, _ = next.Ended(sub, now)
	case c.State == Scheduled && !cancelScheduled(sub):
		next, _ = next.Undone(now)
	case c.State == Scheduled && !c.EffectiveAt.After(now):
		// Later than was said: a charge under way is waited for.
		at := foyer.Micro(now).Add(pollPending)
		if sub.ScheduledChange.EffectiveAt.After(at) {
			at = sub.ScheduledChange.EffectiveAt
		}
		next.EffectiveAt = &at
		next.Version++
	case !c.Finished() && c.ExpiresAt != nil && !c.ExpiresAt.After(now):
		next, _ = next.Lapsed(now)
	}
	changed = next.State != c.State
	for n := len(next.There); n < len(Checkpoints) && !now.Before(c.CreatedAt.AddDate(0, 0, Checkpoints[n])); n++ {
		at := c.CreatedAt.AddDate(0, 0, Checkpoints[n])
		next.There = append(next.There[:n:n], !ended || sub.CanceledAt != nil && sub.CanceledAt.After(at))
	}
	if next.Version == c.Version {
		next.Version++
	}
	return next, changed
}
