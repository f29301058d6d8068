package retention

import (
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// How much later a scheduled end is looked for that has not come in time: soon where the engine only comes a little later, and twice as long
// each time where a charge is under way, which may take days. What is shown does not wait for it.
const (
	soonestPoll = time.Minute
	latestPoll  = time.Hour
)

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
	switch {
	case c.State == Scheduled && c.PollAt != nil:
		earlier(c.PollAt)
	case c.State == Scheduled:
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
	case ended && c.State == Scheduled:
		next, _ = next.Ended(sub, now)
	case ended && !c.Finished():
		next, _ = next.OvertakenBy(OvertakenByEnd, sub, now)
	case c.State == Scheduled && !cancelScheduled(sub):
		next, _ = next.Undone(now)
	case c.State == Scheduled && sub.ScheduledChange.EffectiveAt.After(now):
		at := sub.ScheduledChange.EffectiveAt // a charge has paid for more than was known
		next.EffectiveAt, next.PollAt = &at, nil
	case c.State == Scheduled && !c.EffectiveAt.After(now):
		at := foyer.Micro(now).Add(min(max(now.Sub(*c.EffectiveAt), soonestPoll), latestPoll))
		next.PollAt = &at
	case !c.Finished() && c.ExpiresAt != nil && !c.ExpiresAt.After(now):
		next, _ = next.Lapsed(now)
	}
	changed = next.State != c.State
	for n := len(next.There); n < len(Checkpoints) && !now.Before(c.CreatedAt.AddDate(0, 0, Checkpoints[n])); n++ {
		at := c.CreatedAt.AddDate(0, 0, Checkpoints[n])
		next.There = append(next.There[:n:n], thereAfter(sub, at))
	}
	if next.Version == c.Version {
		next.Version++
	}
	return next, changed
}

// thereAfter tells whether a subscription outlives a moment that has passed. An end that was due before it and is only about to be
// carried out counts: which of two jobs of the same moment runs first must not be seen in the numbers.
func thereAfter(sub billing.Subscription, at time.Time) bool {
	switch {
	case sub.Status == billing.SubscriptionCanceled:
		return sub.CanceledAt != nil && sub.CanceledAt.After(at)
	case cancelScheduled(sub):
		return sub.ScheduledChange.EffectiveAt.After(at)
	}
	return true
}
