package billing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func weekly() foyer.Cycle { return foyer.Cycle{Interval: foyer.Week, Frequency: 1} }

func at(s string) *time.Time {
	moment := day(s)
	return &moment
}

// indebted is a subscription whose first renewal was declined, and the debt.
func indebted(t *testing.T, cycle foyer.Cycle, from string, mode billing.CollectionMode) (billing.Subscription, billing.Payment) {
	t.Helper()
	s := begin(billing.NewSubscription{Cycle: cycle}, day(from))
	s.CollectionMode = mode
	due := s.CurrentPeriod.End
	step, is := s.Step(due)
	require.True(t, is)
	p := billing.Payment{ID: "pay_1", Status: billing.PaymentPastDue, Effect: &billing.Effect{Kind: billing.EffectPeriod}}
	s, _, _ = step.Subscription.Charging(p.ID, due).Unsettled(p, due)
	require.Equal(t, billing.SubscriptionPastDue, s.Status)
	return s, p
}

func paused(t *testing.T, from, on string, resume *time.Time) billing.Subscription {
	t.Helper()
	s, err := begin(billing.NewSubscription{}, day(from)).Pause(billing.PauseInput{Effective: billing.Immediately, ResumeAt: resume}, day(on))
	require.NoError(t, err)
	return s
}

// When a cancel takes effect, from every state; an empty end is at once.
func TestWhenACancelTakesEffect(t *testing.T) {
	t.Parallel()
	active := begin(billing.NewSubscription{}, day("2026-01-31"))
	trial := begin(billing.NewSubscription{TrialEnd: at("2026-02-14")}, day("2026-01-31"))
	owes, _ := indebted(t, monthly(), "2026-01-31", billing.CollectAutomatic)
	late, _ := indebted(t, weekly(), "2026-01-05", billing.CollectAutomatic)
	resuming := paused(t, "2026-01-31", "2026-02-05", at("2026-02-10"))
	deferred, named := billing.CancelInput{Deferred: true}, func(s string) billing.CancelInput { return billing.CancelInput{NotBefore: at(s)} }
	for name, row := range map[string]struct {
		sub  billing.Subscription
		in   billing.CancelInput
		now  string
		want string
	}{
		"active":                                   {active, billing.CancelInput{Effective: billing.AtPeriodEnd}, "2026-02-01", "2026-02-28"},
		"active, named":                            {active, named("2026-03-20"), "2026-02-01", "2026-03-31"},
		"active, named on a boundary":              {active, named("2026-03-31"), "2026-02-01", "2026-03-31"},
		"active, named in this period":             {active, named("2026-02-10"), "2026-02-01", "2026-02-28"},
		"active, named in the past":                {active, named("2026-01-01"), "2026-02-01", "2026-02-28"},
		"active, deferred":                         {active, deferred, "2026-02-01", "2026-02-28"},
		"active, deferred, the engine is late":     {active, deferred, "2026-03-01", "2026-03-31"},
		"trialing, named":                          {trial, named("2026-03-20"), "2026-02-01", "2026-04-14"},
		"past due":                                 {owes, billing.CancelInput{Effective: billing.AtPeriodEnd}, "2026-03-01", ""},
		"past due, deferred":                       {owes, deferred, "2026-03-01", "2026-03-31"},
		"past due, named":                          {owes, named("2026-04-05"), "2026-03-01", "2026-04-30"},
		"past due for longer than a period":        {late, deferred, "2026-01-21", "2026-02-04"},
		"past due for longer than a period, named": {late, billing.CancelInput{Deferred: true, NotBefore: at("2026-03-01")}, "2026-01-21", "2026-03-01"},
		"paused":                           {resuming, billing.CancelInput{Effective: billing.AtPeriodEnd}, "2026-02-06", ""},
		"paused, deferred, keeps a period": {resuming, deferred, "2026-02-06", "2026-02-28"},
		"paused, deferred, keeps nothing":  {paused(t, "2026-01-31", "2026-02-05", nil), deferred, "2026-03-05", "2026-03-19"},
	} {
		after, err := row.sub.Cancel(row.in, day(row.now))
		require.NoError(t, err, name)
		legal(t, after)
		if row.want == "" {
			assert.Equal(t, billing.SubscriptionCanceled, after.Status, name)
			continue
		}
		require.NotNil(t, after.ScheduledChange, name)
		assert.Equal(t, row.sub.Status, after.Status, name)
		assert.Equal(t, billing.ScheduleCancel, after.ScheduledChange.Action, name)
		assert.Equal(t, row.want, after.ScheduledChange.EffectiveAt.Format(time.DateOnly), name)
		assert.Nil(t, after.ScheduledChange.ResumeAt, name)
		kept, err := after.Keep(day(row.now))
		require.NoError(t, err, name)
		assert.Nil(t, kept.ScheduledChange, name)
		assert.Equal(t, row.sub.Status, kept.Status, name)
	}
	_, err := active.Cancel(named("2028-02-03"), day("2026-02-01"))
	assert.ErrorIs(t, err, foyer.Invalid, "more than 731 days ahead")
}

func TestACancelOnlyBringsAnEndForward(t *testing.T) {
	t.Parallel()
	now := day("2026-02-01")
	named := func(s billing.Subscription, date string) (billing.Subscription, error) {
		return s.Cancel(billing.CancelInput{NotBefore: at(date)}, now)
	}
	s, err := named(begin(billing.NewSubscription{}, day("2026-01-31")), "2026-05-01")
	require.NoError(t, err)
	for _, later := range []string{"2026-05-01", "2026-05-31", "2026-08-01"} {
		_, err = named(s, later)
		assert.ErrorIs(t, err, foyer.Conflict, later)
	}
	assert.True(t, s.Actions(billing.ActionRules{})[billing.ActionCancel].Allowed, "it can still end with this period")
	assert.Equal(t, "2026-02-28", s.NextPayment().At.Format(time.DateOnly), "it renews until then")
	s, err = named(s, "2026-03-10")
	require.NoError(t, err)
	assert.Equal(t, "2026-03-31", s.ScheduledChange.EffectiveAt.Format(time.DateOnly))
	s, err = s.Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd}, now)
	require.NoError(t, err)
	assert.Equal(t, "2026-02-28", s.ScheduledChange.EffectiveAt.Format(time.DateOnly))
	assert.Nil(t, s.NextPayment())
	assert.Equal(t, "subscription.cancel_scheduled", s.Actions(billing.ActionRules{})[billing.ActionCancel].Reason)
	s, err = s.Cancel(billing.CancelInput{Effective: billing.Immediately}, now)
	require.NoError(t, err)
	assert.Equal(t, billing.SubscriptionCanceled, s.Status)

	owes, _ := indebted(t, monthly(), "2026-01-31", billing.CollectAutomatic)
	owes, err = owes.Cancel(billing.CancelInput{Deferred: true}, day("2026-03-01"))
	require.NoError(t, err)
	owes, err = owes.Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd}, day("2026-03-01"))
	require.NoError(t, err, "who is signed in leaves at once")
	assert.Equal(t, billing.SubscriptionCanceled, owes.Status)
}

// What a stranger can declare by name and address ends nothing at once, whatever becomes of the charges meanwhile.
func TestADeclinedChargeBringsNoDeclaredEndForward(t *testing.T) {
	t.Parallel()
	s, p := indebted(t, monthly(), "2026-01-31", billing.CollectAutomatic)
	s, err := s.Cancel(billing.CancelInput{Deferred: true}, day("2026-03-01"))
	require.NoError(t, err)
	declined, _, forgiven := s.Charging(p.ID, day("2026-03-03")).Unsettled(p, day("2026-03-03"))
	assert.Equal(t, billing.SubscriptionPastDue, declined.Status, "dunning goes on")
	assert.False(t, forgiven)
	paid, _ := declined.Settled(p, "", day("2026-03-05"))
	assert.Equal(t, billing.SubscriptionActive, paid.Status)
	assert.Equal(t, s.ScheduledChange, paid.ScheduledChange)
	given, _, _ := declined.GivenUp(billing.DunningPause, day("2026-03-30"))
	legal(t, given)
	assert.Equal(t, s.ScheduledChange, given.ScheduledChange, "paused, and it still ends")
	step, due := declined.Step(day("2026-03-31"))
	require.True(t, due)
	assert.Equal(t, billing.SubscriptionCanceled, step.Subscription.Status)
	assert.Equal(t, p.ID, step.Forgiven)

	// The charge of the last period of a later end, declined.
	last, err := begin(billing.NewSubscription{}, day("2026-01-31")).Cancel(billing.CancelInput{NotBefore: at("2026-03-20")}, day("2026-02-01"))
	require.NoError(t, err)
	renewed, due := last.Step(day("2026-02-28"))
	require.True(t, due)
	require.NotNil(t, renewed.Period)
	assert.Nil(t, renewed.Subscription.NextPayment())
	unpaid, _, _ := renewed.Subscription.Charging(p.ID, day("2026-02-28")).Unsettled(p, day("2026-02-28"))
	assert.Equal(t, billing.SubscriptionPastDue, unpaid.Status)
}

// A pause that was about to end by itself ends with the subscription, and nobody goes on with it by the way.
func TestAPausedSubscriptionThatIsCanceledIsNotResumed(t *testing.T) {
	t.Parallel()
	s, err := paused(t, "2026-01-31", "2026-02-05", at("2026-02-10")).Cancel(billing.CancelInput{Deferred: true}, day("2026-02-06"))
	require.NoError(t, err)
	_, err = s.ContinuePeriod(day("2026-02-07"))
	require.ErrorIs(t, err, foyer.Conflict)
	_, _, _, err = s.NewPeriod(day("2026-02-07"))
	require.ErrorIs(t, err, foyer.Conflict)
	_, due := s.Step(day("2026-02-20"))
	assert.False(t, due)
	step, due := s.Step(day("2026-03-02"))
	require.True(t, due)
	assert.Equal(t, day("2026-02-28"), *step.Subscription.CanceledAt)
	assert.Nil(t, step.Period)
}

// Canceled while a debt of a period that is over is charged: paid or not, no other period is billed.
func TestCancelWhileALateDebtIsCharged(t *testing.T) {
	t.Parallel()
	s, p := indebted(t, weekly(), "2026-01-05", billing.CollectAutomatic)
	now := day("2026-01-21")
	canceled, err := s.Charging(p.ID, now).Cancel(billing.CancelInput{Effective: billing.Immediately}, now)
	require.NoError(t, err)
	paid, _ := canceled.Settled(p, "", now)
	step, due := paid.Step(now)
	require.True(t, due)
	assert.Nil(t, step.Period)
	assert.Equal(t, billing.SubscriptionCanceled, step.Subscription.Status)
	unpaid, _, forgiven := canceled.Unsettled(p, now)
	assert.Equal(t, billing.SubscriptionCanceled, unpaid.Status)
	assert.True(t, forgiven)
}

// An invoice that falls due after its subscription ended is still owed, and does not bring the subscription back.
func TestALateInvoiceBringsNothingBack(t *testing.T) {
	t.Parallel()
	s, p := indebted(t, monthly(), "2026-01-31", billing.CollectManual)
	s, err := s.Cancel(billing.CancelInput{Effective: billing.Immediately}, day("2026-03-01"))
	require.NoError(t, err)
	after, _, forgiven := s.Unsettled(p, day("2026-03-05"))
	assert.Equal(t, billing.SubscriptionCanceled, after.Status)
	assert.False(t, forgiven)
	legal(t, after)
}
