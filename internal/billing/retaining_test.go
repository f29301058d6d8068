package billing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// paying is a subscription of 19.99 EUR and 19 % a month, in the period from 10 March to 10 April 2026.
func paying() billing.Subscription {
	start, end := day("2026-03-10"), day("2026-04-10")
	return billing.Subscription{
		ID: "sub_1", Status: billing.SubscriptionActive, Provider: billing.ProviderNative, Currency: "EUR", Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1},
		CurrentPeriod: &foyer.Period{Start: start, End: end}, NextBilledAt: &end, AnchorAt: &start, StartedAt: &start, RecurringTotal: 2379, Version: 1,
		Items: []billing.SubscriptionItem{{ProductName: "Plan", Quantity: 1, UnitPrice: 1999, TaxRate: "0.19", TaxBehavior: "exclusive"}},
	}
}

func percentFor(p foyer.Rate, periods int) billing.SubscriptionDiscount {
	d := billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: p}
	if periods > 0 {
		d.PeriodsLeft = &periods
	}
	return d
}

// bills are what the next n bills come to, and when they fall.
func bills(t *testing.T, sub billing.Subscription, n int) (totals []int64, days []string) {
	t.Helper()
	for range n {
		next := sub.NextPayment()
		require.NotNil(t, next)
		step, due := sub.Step(next.At)
		require.True(t, due)
		bill, err := billing.PriceBill([]billing.BillItem{{SubscriptionItem: step.Subscription.Items[0]}}, step.Discount, func(foyer.Prefix) string { return "" })
		require.NoError(t, err)
		assert.Equal(t, *next.Total, bill.Totals.Total, "what was announced is what is billed")
		totals, days = append(totals, bill.Totals.Total), append(days, next.At.Format(time.DateOnly))
		sub = step.Subscription
	}
	return totals, days
}

func TestADiscountLowersItsBillsAndNoOther(t *testing.T) {
	t.Parallel()
	sub, err := paying().Discounted(percentFor("30", 3), day("2026-03-20"))
	require.NoError(t, err)
	totals, days := bills(t, sub, 5)
	// 19.99 less 30 % (6.00) is 13.99, and 19 % of that 2.66.
	assert.Equal(t, []int64{1665, 1665, 1665, 2379, 2379}, totals)
	assert.Equal(t, "2026-07-10", days[3])
	assert.Equal(t, "2026-07-10", paying().BillAfter(4).Format(time.DateOnly), "until when was known before")

	off := int64(500)
	two := 2
	sub, err = paying().Discounted(billing.SubscriptionDiscount{Type: billing.DiscountFixed, Amount: &off, PeriodsLeft: &two}, day("2026-03-20"))
	require.NoError(t, err)
	totals, _ = bills(t, sub, 3)
	assert.Equal(t, []int64{1784, 1784, 2379}, totals)

	sub, err = paying().Discounted(percentFor("100", 0), day("2026-03-20"))
	require.NoError(t, err)
	assert.Equal(t, int64(0), *sub.NextPayment().Total)
	assert.Equal(t, int64(0), sub.RecurringTotal, "for good")
}

func TestWhatCannotBeDiscounted(t *testing.T) {
	t.Parallel()
	now := day("2026-03-20")
	discounted := percentFor("10", 1)
	over := percentFor("10", 0)
	over.EndsAt = &now
	for name, c := range map[string]struct {
		change func(*billing.Subscription)
		code   string
	}{
		"active":   {func(*billing.Subscription) {}, ""},
		"trialing": {func(s *billing.Subscription) { s.Status, s.Trial = billing.SubscriptionTrialing, s.CurrentPeriod }, ""},
		"past due": {func(s *billing.Subscription) { s.Status = billing.SubscriptionPastDue }, "subscription.past_due"},
		"paused":   {func(s *billing.Subscription) { s.Status = billing.SubscriptionPaused }, "subscription.paused"},
		"canceled": {func(s *billing.Subscription) { s.Status = billing.SubscriptionCanceled }, "subscription.canceled"},
		"ending": {func(s *billing.Subscription) {
			s.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: s.CurrentPeriod.End}
		}, "subscription.cancel_scheduled"},
		"charged now":     {func(s *billing.Subscription) { s.OpenPayment = "pay_1" }, "subscription.payment_in_progress"},
		"discounted":      {func(s *billing.Subscription) { s.Discount = &discounted }, "subscription.discounted"},
		"discounted once": {func(s *billing.Subscription) { s.Discount = &over }, ""},
		"kept elsewhere":  {func(s *billing.Subscription) { s.Provider = "" }, "subscription.kept_elsewhere"},
	} {
		sub := paying()
		c.change(&sub)
		_, err := sub.Discounted(percentFor("30", 3), now)
		assert.Equal(t, c.code, codeOf(err), name)
	}
}

func codeOf(err error) string {
	if refusal, ok := foyer.AsError(err); ok {
		return refusal.Code
	}
	return ""
}

func TestATrialMadeLonger(t *testing.T) {
	t.Parallel()
	now := day("2026-03-20")
	trial := paying()
	trial.Status, trial.Trial = billing.SubscriptionTrialing, trial.CurrentPeriod
	longer, err := trial.TrialExtended(14, now)
	require.NoError(t, err)
	assert.Equal(t, day("2026-04-24"), longer.Trial.End)
	assert.Equal(t, day("2026-04-24"), longer.NextPayment().At)
	assert.Equal(t, day("2026-04-16"), *longer.DueAt())
	_, days := bills(t, func() billing.Subscription {
		longer.Told = map[billing.MailKind]time.Time{billing.MailTrialEnding: longer.Trial.End}
		return longer
	}(), 2)
	assert.Equal(t, []string{"2026-04-24", "2026-05-24"}, days)
	_, err = paying().TrialExtended(14, now)
	assert.Equal(t, "subscription.not_trialing", codeOf(err))
	_, err = trial.TrialExtended(91, now)
	assert.Equal(t, "input.invalid", codeOf(err))
}

// A later end that was named lets the subscription renew until then, and ends it with the period.
func TestACancelToALaterDate(t *testing.T) {
	t.Parallel()
	now, named := day("2026-03-20"), day("2026-05-20")
	sub, err := paying().Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd, NotBefore: &named}, now)
	require.NoError(t, err)
	assert.Equal(t, day("2026-06-10"), sub.ScheduledChange.EffectiveAt, "the first period that ends on or after it")
	for _, want := range []string{"2026-04-10", "2026-05-10"} {
		assert.Equal(t, day(want), sub.NextPayment().At, "it is billed until then")
		step, due := sub.Step(day(want))
		require.True(t, due)
		require.NotNil(t, step.Period)
		sub = step.Subscription
		assert.NotNil(t, sub.ScheduledChange)
	}
	assert.Nil(t, sub.NextPayment(), "nothing more after the last")
	step, due := sub.Step(day("2026-06-10"))
	require.True(t, due)
	assert.Equal(t, billing.SubscriptionCanceled, step.Subscription.Status)
	assert.Equal(t, day("2026-06-10"), *step.Subscription.CanceledAt)

	sooner, err := sub.Cancel(billing.CancelInput{Effective: billing.Immediately}, day("2026-05-15"))
	require.NoError(t, err)
	assert.Equal(t, billing.SubscriptionCanceled, sooner.Status)
	later, _ := paying().Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd, NotBefore: &named}, now)
	earlier, err := later.Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd}, now)
	require.NoError(t, err, "an end that is scheduled can be brought forward")
	assert.Equal(t, day("2026-04-10"), earlier.ScheduledChange.EffectiveAt)
	_, err = earlier.Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd, NotBefore: &named}, now)
	assert.Equal(t, "subscription.cancel_scheduled", codeOf(err), "and not put off")
	far := now.AddDate(3, 0, 0)
	_, err = paying().Cancel(billing.CancelInput{NotBefore: &far}, now)
	assert.Equal(t, "input.invalid", codeOf(err))
	// A renewal that is declined on the way is a debt like any other, not the end.
	step, _ = later.Step(day("2026-04-10"))
	renewing := step.Subscription.Charging("pay_1", now)
	due1, event, forgiven := renewing.Unsettled(billing.Payment{ID: "pay_1", Effect: &billing.Effect{Kind: billing.EffectPeriod}}, day("2026-04-10"))
	assert.Equal(t, billing.EventSubscriptionPastDue, event)
	assert.False(t, forgiven)
	assert.Equal(t, billing.SubscriptionPastDue, due1.Status)
	assert.Equal(t, day("2026-06-10"), *due1.DueAt(), "it still ends when it was to")
}

// Whoever was not signed in ends nothing at once: the customer gets a mail and the time to undo it.
func TestADeferredCancelNeverEndsAtOnce(t *testing.T) {
	t.Parallel()
	now := day("2026-03-20")
	input := billing.CancelInput{Effective: billing.AtPeriodEnd, Deferred: true}
	pastDue, paused, long := paying(), paying(), paying()
	pastDue.Status, pastDue.Debt = billing.SubscriptionPastDue, "pay_1"
	paused.Status = billing.SubscriptionPaused
	long.Status, long.CurrentPeriod = billing.SubscriptionPaused, nil
	for name, c := range map[string]struct {
		sub  billing.Subscription
		ends time.Time
		debt billing.PaymentID
	}{
		"active":                  {paying(), day("2026-04-10"), ""},
		"past due":                {pastDue, day("2026-04-10"), "pay_1"},
		"paused in a paid period": {paused, day("2026-04-10"), ""},
		"paused for long":         {long, now.AddDate(0, 0, 14), ""},
	} {
		sub, err := c.sub.Cancel(input, now)
		require.NoError(t, err, name)
		assert.Equal(t, c.sub.Status, sub.Status, name)
		assert.Equal(t, c.ends, sub.ScheduledChange.EffectiveAt, name)
		assert.Equal(t, c.ends, *sub.DueAt(), name)
		step, due := sub.Step(c.ends)
		require.True(t, due, name)
		assert.Equal(t, billing.SubscriptionCanceled, step.Subscription.Status, name)
		assert.Equal(t, c.debt, step.Forgiven, name)
		kept, err := sub.Keep(now)
		require.NoError(t, err, name)
		assert.Nil(t, kept.ScheduledChange, name)
	}
}

func TestMonthlyRevenue(t *testing.T) {
	t.Parallel()
	for cycle, want := range map[foyer.Cycle]int64{
		{Interval: foyer.Month, Frequency: 1}: 2379, {Interval: foyer.Month, Frequency: 3}: 793, {Interval: foyer.Year, Frequency: 1}: 198,
		{Interval: foyer.Week, Frequency: 1}: 10309, {Interval: foyer.Day, Frequency: 1}: 72361,
	} {
		sub := paying()
		sub.Cycle = cycle
		assert.Equal(t, want, sub.MonthlyRevenue(), "%+v", cycle)
	}
	discounted, err := paying().Discounted(percentFor("30", 3), day("2026-03-20"))
	require.NoError(t, err)
	assert.Equal(t, int64(1665), discounted.MonthlyRevenue(), "with the discount there is")
	paused := paying()
	paused.Status = billing.SubscriptionPaused
	assert.Equal(t, int64(0), paused.MonthlyRevenue())
}

func TestWhenTheNextBillsFall(t *testing.T) {
	t.Parallel()
	now := day("2026-01-31")
	active := begin(billing.NewSubscription{}, now)
	trial := begin(billing.NewSubscription{TrialEnd: at("2026-02-14")}, now)
	named, err := active.Cancel(billing.CancelInput{NotBefore: at("2026-04-10")}, now)
	require.NoError(t, err)
	ending, err := active.Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd}, now)
	require.NoError(t, err)
	shorter := active
	shorter.Pending = &billing.Plan{Items: active.Items, Cycle: weekly()}
	shorter.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleChange, EffectiveAt: day("2026-02-28")}
	for name, row := range map[string]struct {
		sub  billing.Subscription
		want []string
	}{
		"active":                 {active, []string{"2026-02-28", "2026-03-31", "2026-04-30"}},
		"trialing":               {trial, []string{"2026-02-14", "2026-03-14", "2026-04-14"}},
		"to end later":           {named, []string{"2026-02-28", "2026-03-31", ""}},
		"to end with the period": {ending, []string{"", "", ""}},
		"paused":                 {paused(t, "2026-01-31", "2026-02-05", nil), []string{"", ""}},
		"to be billed weekly":    {shorter, []string{"2026-02-28", "2026-03-07", "2026-03-14"}},
	} {
		for i, want := range row.want {
			got := ""
			if bill := row.sub.BillAfter(i + 1); bill != nil {
				got = bill.Format(time.DateOnly)
			}
			assert.Equal(t, want, got, "%s, bill %d", name, i+1)
		}
		assert.Nil(t, row.sub.BillAfter(0), name)
	}
}
