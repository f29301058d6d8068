package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/retention"
)

func TestSeenTellsACancellationAsItsSubscriptionStands(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 12, 15, 0, 0, 0, time.UTC)
	ends := now.AddDate(0, 0, 20)
	active := billing.Subscription{
		Status: billing.SubscriptionActive, Provider: billing.ProviderNative, Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1},
		CurrentPeriod: &foyer.Period{Start: now.AddDate(0, 0, -10), End: ends},
	}
	ending, ended := active, active
	ending.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: ends}
	ended.Status, ended.CanceledAt = billing.SubscriptionCanceled, &now
	open := retention.Cancellation{State: retention.Open, Step: retention.StepConfirm, Effective: billing.AtPeriodEnd, Version: 1}
	atOnce := open
	atOnce.Effective = billing.Immediately
	scheduled := open.Confirmed(ending, now)
	for name, c := range map[string]struct {
		is    retention.Cancellation
		with  billing.Subscription
		state retention.State
		when  billing.Effective
		at    *time.Time
	}{
		"open":                                  {open, active, retention.Open, billing.AtPeriodEnd, &ends},
		"open, at once":                         {atOnce, active, retention.Open, billing.Immediately, &now},
		"open, left behind":                     {open, ending, retention.Scheduled, billing.AtPeriodEnd, &ends},
		"open, ended by somebody else":          {open, ended, retention.Canceled, billing.Immediately, &now},
		"open, to end sooner than is scheduled": {atOnce, ending, retention.Open, billing.Immediately, &now},
		"scheduled":                             {scheduled, ending, retention.Scheduled, billing.AtPeriodEnd, &ends},
		"scheduled and ended":                   {scheduled, ended, retention.Canceled, billing.AtPeriodEnd, &now},
		"scheduled, kept by somebody else":      {scheduled, active, retention.Undone, billing.AtPeriodEnd, &ends},
		"undone":                                {scheduled.Undone(now), active, retention.Undone, billing.AtPeriodEnd, &ends},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := c.is.Seen(c.with, now)
			assert.Equal(t, c.state, seen.State)
			assert.Equal(t, c.when, seen.Effective)
			assert.Equal(t, c.at, seen.EffectiveAt)
			assert.Equal(t, seen.State != retention.Open, seen.Step == retention.StepDone)
			assert.Equal(t, c.is.Version, seen.Version, "nothing was written down")
		})
	}
}

func TestOnlyAnOpenCancellationCanBeAbandoned(t *testing.T) {
	t.Parallel()
	for _, state := range retention.States {
		next, err := retention.Cancellation{State: state}.Abandoned(time.Now())
		if state == retention.Open {
			assert.NoError(t, err)
			assert.Equal(t, retention.Abandoned, next.State)
			continue
		}
		assert.ErrorIs(t, err, foyer.Conflict, state)
	}
}

func TestEveryStateHasAText(t *testing.T) {
	t.Parallel()
	for _, state := range retention.States {
		assert.True(t, i18n.English.HasText("cancellation.state."+string(state)), state)
	}
}
