package billing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func TestTerritories(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ country, region, want string }{
		{"", "", ""},
		{"DE", "Bayern", "DE"},
		{"GB", "", "GB"},
		{"CA", "CA", "CA"},
		{"US", "CA", "US-CA"},
		{"US", "us-ca", "US-CA"},
		{"US", " California ", "US-CA"},
		{"US", "New York", "US-NY"},
		{"US", "Virginia", "US-VA"},
		{"US", "West Virginia", "US"},
		{"US", "TX", "US"},
		{"US", "", "US"},
		{"DE", "DE", "DE"},
		{"US", "DE", "US-DE"},
	} {
		assert.Equal(t, billing.Territory(row.want), billing.TerritoryOf(billing.Address{Country: foyer.Country(row.country), Region: row.region}), "%+v", row)
	}
}

// Each place's number of days lies in the span its law gives, also when the mail comes some hours late.
func TestEveryRenewalRuleKeepsItsLaw(t *testing.T) {
	t.Parallel()
	last := billing.RenewalRules[len(billing.RenewalRules)-1]
	assert.Nil(t, last.Places, "everybody has one")
	seen := map[billing.Territory]bool{}
	for _, r := range billing.RenewalRules {
		assert.NotEmpty(t, r.Source)
		if r.Earliest != 0 {
			assert.LessOrEqual(t, r.Days, r.Earliest, r.Source)
			assert.Greater(t, r.Days, r.Latest, r.Source)
		}
		for _, place := range r.Places {
			assert.False(t, seen[place], "%s twice", place)
			seen[place] = true
		}
	}
	assert.Len(t, seen, 12+27+1, "twelve states, the EU, the UK")
}

// told lives through the subscription's time and says on which day it is told of what; what is billed is paid at once.
func told(s billing.Subscription, from time.Time, days int) (mails []string) {
	for now := from; !now.After(from.AddDate(0, 0, days)); now = now.Add(12 * time.Hour) {
		for {
			step, due := s.Step(now)
			if !due {
				break
			}
			s = step.Subscription
			if step.Mail != "" {
				mails = append(mails, fmt.Sprintf("%d %s", int(now.Sub(from).Hours()/24), step.Mail))
			}
		}
	}
	return mails
}

func years(n int) foyer.Cycle  { return foyer.Cycle{Interval: foyer.Year, Frequency: n} }
func months(n int) foyer.Cycle { return foyer.Cycle{Interval: foyer.Month, Frequency: n} }
func dayz(n int) foyer.Cycle   { return foyer.Cycle{Interval: foyer.Day, Frequency: n} }

func TestWhenARenewalIsTold(t *testing.T) {
	t.Parallel()
	start := day("2027-03-01")
	for _, row := range []struct {
		places []billing.Territory
		cycle  foyer.Cycle
		before int // days; 0: not told
	}{
		{[]billing.Territory{"", "JP", "US", "US-TX", "US-CA", "US-NY", "US-MA", "DE", "GB"}, months(1), 0},
		{[]billing.Territory{"", "JP", "US", "US-CA", "US-IL", "DE", "FR", "GB"}, months(2), 0},
		{[]billing.Territory{"US-MA"}, months(2), 7},
		{[]billing.Territory{"US-MA"}, dayz(31), 0},
		{[]billing.Territory{"US-MA"}, dayz(32), 7},
		{[]billing.Territory{"US-MA"}, years(1), 7},
		{[]billing.Territory{"", "JP", "US", "US-CA", "US-IL", "US-MA", "DE", "FR", "GB", "CH", "NO"}, months(3), 7},
		{[]billing.Territory{"", "CH", "NO", "US", "JP"}, months(6), 7},
		{[]billing.Territory{"US-CA", "US-IL", "DE", "FR", "GB"}, dayz(179), 7},
		{[]billing.Territory{"US-CA", "US-IL", "DE", "FR", "GB"}, dayz(180), 35},
		{[]billing.Territory{"US-CO", "US-CT", "US-DE", "US-FL", "US-GA", "US-ID", "US-ME", "US-NY", "US-VA", "PL", "SE"}, months(6), 35},
		{[]billing.Territory{"", "CH", "US"}, years(1), 7},
		{[]billing.Territory{"US-CA", "US-NY", "US-IL", "DE", "FR", "IE", "GB"}, years(1), 35},
	} {
		for _, place := range row.places {
			s := begin(billing.NewSubscription{Cycle: row.cycle, Territory: place}, start)
			var at []time.Time
			for _, n := range s.Notices() {
				if n.Kind == billing.MailRenewalComing {
					at = append(at, n.At)
					assert.Equal(t, s.CurrentPeriod.End, n.Of)
				}
			}
			if row.before == 0 {
				assert.Empty(t, at, "%s %+v", place, row.cycle)
				continue
			}
			require.Len(t, at, 1, "%s %+v", place, row.cycle)
			assert.Equal(t, s.CurrentPeriod.End.AddDate(0, 0, -row.before), at[0], "%s %+v", place, row.cycle)
		}
	}
}

func TestWhenTheEndOfATrialIsTold(t *testing.T) {
	t.Parallel()
	start := day("2027-03-01")
	for length, want := range map[int][]string{
		1: nil, 7: nil, 8: nil, // the confirmation told it a week before
		9:  {"1 trial_ending"},
		14: {"6 trial_ending"}, 31: {"23 trial_ending"}, 32: {"24 trial_ending"}, 90: {"82 trial_ending"},
	} {
		end := start.AddDate(0, 0, length)
		for _, place := range []billing.Territory{"", "US-CA", "DE"} {
			assert.Equal(t, want, told(begin(billing.NewSubscription{TrialEnd: &end, Territory: place}, start), start, 100), "%d days, %s", length, place)
		}
	}
}

func TestWhenTheEndOfADiscountIsTold(t *testing.T) {
	t.Parallel()
	start := day("2027-03-01") // a month of 31 days
	for name, row := range map[string]struct {
		cycle   foyer.Cycle
		periods int
		trial   int
		place   billing.Territory
		want    []string
	}{
		"one month":        {cycle: months(1), periods: 1, want: []string{"23 discount_ending"}},
		"three months":     {cycle: months(1), periods: 3, want: []string{"84 discount_ending"}},
		"one week":         {cycle: dayz(7), periods: 1},
		"two weeks":        {cycle: dayz(7), periods: 2, want: []string{"6 discount_ending"}},
		"seven days":       {cycle: dayz(1), periods: 7},
		"eight days":       {cycle: dayz(1), periods: 8, want: []string{"0 discount_ending"}},
		"a quarter":        {cycle: months(3), periods: 1, want: []string{"84 discount_ending", "177 renewal_coming"}},
		"half a year, DE":  {cycle: months(6), periods: 1, place: "DE", want: []string{"149 renewal_coming", "176 discount_ending"}},
		"a month of trial": {cycle: months(1), periods: 1, trial: 31, want: []string{"23 trial_ending", "53 discount_ending"}},
		"for good":         {cycle: months(1), periods: -1},
	} {
		n := billing.NewSubscription{Cycle: row.cycle, Territory: row.place, Discount: &billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "0.5"}}
		if row.periods > 0 {
			n.Discount.PeriodsLeft = &row.periods
		}
		if row.trial > 0 {
			end := start.AddDate(0, 0, row.trial)
			n.TrialEnd = &end
		}
		assert.Equal(t, row.want, told(begin(n, start), start, 180), name)
	}
}

func TestCaliforniaIsRemindedOnceAYear(t *testing.T) {
	t.Parallel()
	start := day("2027-03-01")
	assert.Equal(t, []string{"366 yearly_reminder", "731 yearly_reminder"}, told(begin(billing.NewSubscription{Territory: "US-CA"}, start), start, 1000), "monthly")
	assert.Equal(t, []string{"331 renewal_coming", "366 yearly_reminder", "696 renewal_coming", "731 yearly_reminder"},
		told(begin(billing.NewSubscription{Territory: "US-CA", Cycle: years(1)}, start), start, 1000), "yearly: a leap day in between")
	assert.Empty(t, told(begin(billing.NewSubscription{Territory: "US-NV"}, start), start, 1000))

	free := begin(billing.NewSubscription{Territory: "US-CA", Items: []billing.SubscriptionItem{{ProductName: "Free", Quantity: 1}}}, start)
	assert.Empty(t, told(free, start, 1000), "nothing is charged")

	// Whoever moves there is reminded on the next anniversary, whoever leaves is not any more.
	came := begin(billing.NewSubscription{}, start)
	for came.CurrentPeriod.End.Before(start.AddDate(2, 6, 0)) {
		step, due := came.Step(came.CurrentPeriod.End)
		require.True(t, due)
		came = step.Subscription
	}
	came = came.LivesIn("US-CA", start.AddDate(2, 6, 0))
	var at []time.Time
	for _, n := range came.Notices() {
		at = append(at, n.At)
	}
	assert.Equal(t, []time.Time{day("2030-03-01")}, at)
	assert.Empty(t, came.LivesIn("US", day("2029-09-02")).Notices())
}

// What an engine finds due that was down for long is told if it is still to come, and dropped if not; once a year stays once a year.
func TestALateNoticeIsToldOnlyWhileItIsTrue(t *testing.T) {
	t.Parallel()
	start := day("2027-03-01")
	run := func(s billing.Subscription, now time.Time) (mails []billing.MailKind) {
		for {
			step, due := s.Step(now)
			if !due {
				return mails
			}
			s = step.Subscription
			if step.Mail != "" {
				mails = append(mails, step.Mail)
			}
		}
	}
	yearly := begin(billing.NewSubscription{Territory: "DE", Cycle: years(1)}, start)
	assert.Equal(t, []billing.MailKind{billing.MailRenewalComing}, run(yearly, yearly.CurrentPeriod.End.Add(-time.Second)))
	assert.Empty(t, run(yearly, yearly.CurrentPeriod.End))
	end := start.AddDate(0, 0, 30)
	trial := begin(billing.NewSubscription{TrialEnd: &end}, start)
	assert.Equal(t, []billing.MailKind{billing.MailTrialEnding}, run(trial, end.Add(-time.Second)))
	assert.Empty(t, run(trial, end))
	california := begin(billing.NewSubscription{Territory: "US-CA"}, start)
	assert.Equal(t, []billing.MailKind{billing.MailYearlyReminder}, run(california, start.AddDate(3, 2, 0)), "of the last year only")
}

// Notices follow the facts: they move, vanish and come back with what they tell of, and nothing is told twice.
func TestNoticesFollowTheFacts(t *testing.T) {
	t.Parallel()
	start := day("2027-03-01")
	kinds := func(s billing.Subscription) (out []string) {
		for _, n := range s.Notices() {
			out = append(out, n.At.Format(time.DateOnly)+" "+string(n.Kind))
		}
		return out
	}
	end := start.AddDate(0, 0, 30)
	trial := begin(billing.NewSubscription{TrialEnd: &end}, start)
	require.Equal(t, []string{"2027-03-23 trial_ending"}, kinds(trial))
	longer, err := trial.TrialExtended(30, start.AddDate(0, 0, 5))
	require.NoError(t, err)
	assert.Equal(t, []string{"2027-04-22 trial_ending"}, kinds(longer))
	step, due := trial.Step(day("2027-03-23"))
	require.True(t, due)
	assert.Equal(t, billing.MailTrialEnding, step.Mail)
	assert.Empty(t, kinds(step.Subscription), "told")
	longer, err = step.Subscription.TrialExtended(30, day("2027-03-24"))
	require.NoError(t, err)
	assert.Equal(t, []string{"2027-04-22 trial_ending"}, kinds(longer), "another end, to be told again")
	longer, err = step.Subscription.TrialExtended(1, day("2027-03-24"))
	require.NoError(t, err)
	assert.Empty(t, kinds(longer), "the mail about the longer trial says it")

	canceled, err := trial.Cancel(billing.CancelInput{}, start)
	require.NoError(t, err)
	assert.Empty(t, kinds(canceled))
	kept, err := canceled.Keep(start)
	require.NoError(t, err)
	assert.Equal(t, []string{"2027-03-23 trial_ending"}, kinds(kept))

	year := begin(billing.NewSubscription{Cycle: years(1), Territory: "US-CA"}, start)
	require.Equal(t, []string{"2028-01-26 renewal_coming", "2028-03-01 yearly_reminder"}, kinds(year))
	paused, err := year.Pause(billing.PauseInput{}, start)
	require.NoError(t, err)
	assert.Empty(t, kinds(paused), "nothing renews")
	paused, err = year.Pause(billing.PauseInput{Effective: billing.Immediately}, day("2027-06-01"))
	require.NoError(t, err)
	assert.Empty(t, kinds(paused))
	went, err := paused.ContinuePeriod(day("2027-07-01"))
	require.NoError(t, err)
	assert.Equal(t, []string{"2028-01-26 renewal_coming", "2028-03-01 yearly_reminder"}, kinds(went))
	again, _, _, err := paused.NewPeriod(day("2027-07-01"))
	require.NoError(t, err)
	assert.Equal(t, []string{"2028-05-27 renewal_coming", "2028-03-01 yearly_reminder"}, kinds(again))
	owes := year
	owes.Status, owes.Debt = billing.SubscriptionPastDue, "pay_1"
	assert.Empty(t, kinds(owes))

	// An offer accepted: three lower bills, and told before the first full one.
	three := 3
	lower, err := begin(billing.NewSubscription{}, start).Discounted(billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "0.5", PeriodsLeft: &three}, day("2027-03-10"))
	require.NoError(t, err)
	assert.Equal(t, []string{"2027-06-23 discount_ending"}, kinds(lower))
	assert.Equal(t, []string{"114 discount_ending"}, told(lower, start, 400))
}
