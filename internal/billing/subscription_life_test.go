package billing_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func day(s string) time.Time {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return at
}

func monthly() foyer.Cycle { return foyer.Cycle{Interval: foyer.Month, Frequency: 1} }

// R18: the day of the month is kept through short months and leap years.
func TestPeriodsKeepTheirAnchorDay(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		anchor string
		cycle  foyer.Cycle
		want   []string
	}{
		"31st":           {"2026-01-31", monthly(), []string{"2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"}},
		"30th":           {"2026-01-30", monthly(), []string{"2026-02-28", "2026-03-30", "2026-04-30"}},
		"29th":           {"2026-01-29", monthly(), []string{"2026-02-28", "2026-03-29"}},
		"28th":           {"2026-01-28", monthly(), []string{"2026-02-28", "2026-03-28"}},
		"31st, leap":     {"2028-01-31", monthly(), []string{"2028-02-29", "2028-03-31"}},
		"leap day, year": {"2028-02-29", foyer.Cycle{Interval: foyer.Year, Frequency: 1}, []string{"2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"}},
		"quarter":        {"2026-11-30", foyer.Cycle{Interval: foyer.Month, Frequency: 3}, []string{"2027-02-28", "2027-05-30", "2027-08-30"}},
		"two weeks":      {"2026-12-25", foyer.Cycle{Interval: foyer.Week, Frequency: 2}, []string{"2027-01-08", "2027-01-22"}},
	} {
		from := day(row.anchor)
		for _, want := range row.want {
			from = row.cycle.Next(day(row.anchor), from)
			assert.Equal(t, want, from.Format(time.DateOnly), name)
		}
	}
}

// Every start day of four years and every cycle: each period begins where the one before ended, and after n periods it is n
// cycles from the anchor.
func TestPeriodsNeitherOverlapNorLeaveGaps(t *testing.T) {
	t.Parallel()
	for d := day("2027-01-01"); d.Before(day("2031-01-01")); d = d.AddDate(0, 0, 1) {
		for _, cycle := range []foyer.Cycle{{Interval: foyer.Day, Frequency: 10}, {Interval: foyer.Week, Frequency: 1}, monthly(), {Interval: foyer.Month, Frequency: 6}, {Interval: foyer.Year, Frequency: 1}} {
			at := d
			for n := 1; n <= 30; n++ {
				next := cycle.Next(d, at)
				require.True(t, next.After(at), "%s %v", d, cycle)
				require.Equal(t, foyer.Cycle{Interval: cycle.Interval, Frequency: n * cycle.Frequency}.After(d), next, "%s %v", d, cycle)
				require.Equal(t, next, cycle.Next(d, next.Add(-time.Microsecond)), "%s %v", d, cycle)
				at = next
			}
		}
	}
}

func begin(n billing.NewSubscription, now time.Time) billing.Subscription {
	n.Scope = foyer.Scope{Merchant: "mer_1", Customer: "ctm_1"}
	if n.Cycle.Frequency == 0 {
		n.Cycle = monthly()
	}
	if n.Items == nil {
		n.Items = []billing.SubscriptionItem{{ProductName: "Basic", PriceID: "pri_basic", UnitPrice: 1000, Quantity: 1}}
	}
	n.Currency, n.CollectionMode, n.PaymentMethod = "EUR", billing.CollectAutomatic, "paymtd_1"
	s, _, _ := n.Begin(now)
	return s
}

// legal checks what must hold for every subscription at any time.
func legal(t *testing.T, s billing.Subscription) {
	t.Helper()
	switch s.Status {
	case billing.SubscriptionTrialing:
		require.NotNil(t, s.Trial)
	case billing.SubscriptionActive, billing.SubscriptionPastDue:
		require.NotNil(t, s.CurrentPeriod)
		require.True(t, s.CurrentPeriod.End.After(s.CurrentPeriod.Start))
		require.Nil(t, s.PausedAt)
	case billing.SubscriptionPaused:
		require.NotNil(t, s.PausedAt)
		require.Nil(t, s.NextPayment())
	case billing.SubscriptionCanceled:
		require.NotNil(t, s.CanceledAt)
		require.Nil(t, s.ScheduledChange)
		require.Nil(t, s.DueAt(), "nothing falls due any more")
		require.Nil(t, s.NextPayment())
		require.Empty(t, s.Debt)
	default:
		t.Fatalf("no such status: %q", s.Status)
	}
	require.Equal(t, s.Debt != "", s.Status == billing.SubscriptionPastDue, "a debt and past due go together")
	if c := s.ScheduledChange; c != nil {
		require.Equal(t, c.Action == billing.ScheduleChange, s.Pending != nil)
		if c.Action == billing.ScheduleResume {
			require.Equal(t, billing.SubscriptionPaused, s.Status)
		}
	} else {
		require.Nil(t, s.Pending)
	}
	for name, a := range s.Actions(billing.ActionRules{}) {
		require.NotEqual(t, a.Allowed, a.Reason != "", name)
	}
	if s.Status != billing.SubscriptionCanceled && s.ScheduledChange == nil {
		require.True(t, s.Actions(billing.ActionRules{})[billing.ActionCancel].Allowed, "who wants to leave can")
	}
}

// A thousand lives of random commands, payments and time: no sequence reaches an illegal state, what was billed neither overlaps
// nor leaves a gap while the subscription ran, and a refused command changes nothing.
func TestNoSequenceOfCommandsReachesAnIllegalState(t *testing.T) {
	t.Parallel()
	items := func(r *rand.Rand) []billing.SubscriptionItem {
		return []billing.SubscriptionItem{{ProductName: "Plan", PriceID: "pri_other", UnitPrice: 100 * r.Int64N(50), Quantity: 1 + r.Int64N(4)}}
	}
	seen := map[billing.SubscriptionStatus]int{}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 11))
		now := day("2026-01-01").AddDate(0, 0, r.IntN(1000))
		n := billing.NewSubscription{Cycle: []foyer.Cycle{monthly(), {Interval: foyer.Year, Frequency: 1}, {Interval: foyer.Week, Frequency: 1}}[r.IntN(3)]}
		if r.IntN(2) == 0 {
			end := now.AddDate(0, 0, 1+r.IntN(40))
			n.TrialEnd = &end
		}
		s := begin(n, now)
		var open *billing.Payment // being charged
		var last *foyer.Period    // billed last, in one stretch
		charge := func(kind billing.EffectKind, after *billing.Subscription) {
			open = &billing.Payment{ID: "pay_x", Status: billing.PaymentReady, Effect: &billing.Effect{Kind: kind, After: after}}
			s = s.Charging(open.ID, now)
		}
		for range 120 {
			before := s
			var err error
			switch r.IntN(10) {
			case 0:
				in := billing.CancelInput{Effective: []billing.Effective{billing.AtPeriodEnd, billing.Immediately}[r.IntN(2)], Deferred: r.IntN(3) == 0}
				if r.IntN(3) == 0 {
					named := now.AddDate(0, 0, r.IntN(200)-20)
					in.NotBefore = &named
				}
				s, err = s.Cancel(in, now)
				if err == nil && in.Deferred {
					require.NotEqual(t, billing.SubscriptionCanceled, s.Status, "seed %d: never at once", seed)
					require.True(t, s.ScheduledChange.EffectiveAt.After(now), "seed %d: never at once", seed)
				}
				if err == nil && r.IntN(3) > 0 { // mostly thought better of, so that lives are long
					s = before
				}
			case 1:
				s, err = s.Keep(now)
			case 2:
				in := billing.PauseInput{Effective: []billing.Effective{billing.AtPeriodEnd, billing.Immediately}[r.IntN(2)]}
				if r.IntN(2) == 0 {
					at := now.AddDate(0, 0, r.IntN(90))
					in.ResumeAt = &at
				}
				s, err = s.Pause(in, now)
			case 3:
				s, err = s.ContinuePeriod(now)
			case 4:
				var after billing.Subscription
				if after, _, _, err = s.NewPeriod(now); err == nil {
					charge(billing.EffectResume, &after)
				}
			case 5:
				var change billing.PlanChange
				if change, err = s.Change(items(r), s.Cycle, now); err == nil {
					if change.Bill != nil {
						charge(billing.EffectChange, &change.After)
					} else {
						s = change.After
					}
				}
			case 6: // the gateway answers
				switch {
				case open == nil && s.Debt != "":
					open = &billing.Payment{ID: s.Debt, Status: billing.PaymentPastDue, Effect: &billing.Effect{Kind: billing.EffectPeriod}}
					s = s.Charging(open.ID, now)
				case open != nil && r.IntN(3) > 0:
					s, _ = s.Settled(*open, "", now)
					open = nil
				case open != nil:
					s, _, _ = s.Unsettled(*open, now)
					open = nil
				}
			case 7:
				if s.Status == billing.SubscriptionPastDue && s.OpenPayment == "" && r.IntN(4) == 0 {
					s, _, _ = s.GivenUp([]billing.DunningEnd{billing.DunningCancel, billing.DunningPause}[r.IntN(2)], now)
				}
			case 8:
				if r.IntN(2) == 0 {
					s, err = s.Discounted(percentFor("30", 1+r.IntN(3)), now)
				} else {
					s, err = s.TrialExtended(r.IntN(100), now)
				}
			default: // time passes
				now = now.AddDate(0, 0, r.IntN(20)).Add(time.Duration(r.IntN(86400)) * time.Second)
				for {
					step, due := s.Step(now)
					if !due {
						break
					}
					if p := step.Period; p != nil {
						if last != nil && s.Status == billing.SubscriptionActive && s.AnchorAt.Equal(*step.Subscription.AnchorAt) && s.CurrentPeriod.End.Equal(last.End) {
							require.Equal(t, last.End, p.Start, "seed %d: a gap or an overlap", seed)
						}
						require.Equal(t, *p, *step.Subscription.CurrentPeriod)
						last = p
					}
					s = step.Subscription
					legal(t, s)
					if step.Period != nil && r.IntN(2) == 0 {
						charge(billing.EffectPeriod, nil)
						break
					}
				}
			}
			if err != nil {
				require.Equal(t, before, s, "seed %d: a refusal changes nothing", seed)
				_, told := foyer.AsError(err)
				require.True(t, told, "%v", err)
			}
			legal(t, s)
			seen[s.Status]++
		}
	}
	for _, status := range billing.SubscriptionStatuses {
		assert.Greater(t, seen[status], 500, "the walk hardly ever was %s", status)
	}
}

// Canceled while a renewal is charged: paid, it ends with the period just paid; declined, it ends now and nothing is owed.
func TestCancelWhileTheRenewalIsCharged(t *testing.T) {
	t.Parallel()
	now := day("2026-01-31")
	s := begin(billing.NewSubscription{}, now)
	step, due := s.Step(day("2026-02-28"))
	require.True(t, due)
	p := billing.Payment{ID: "pay_1", Effect: &billing.Effect{Kind: billing.EffectPeriod}}
	charged := step.Subscription.Charging(p.ID, day("2026-02-28"))
	canceled, err := charged.Cancel(billing.CancelInput{Effective: billing.Immediately}, day("2026-02-28"))
	require.NoError(t, err)
	require.Equal(t, &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: day("2026-03-31")}, canceled.ScheduledChange)

	kept, _ := canceled.Settled(p, "", day("2026-02-28"))
	assert.Equal(t, billing.SubscriptionActive, kept.Status)
	assert.Nil(t, kept.NextPayment())
	ended, due := kept.Step(day("2026-04-05"))
	require.True(t, due)
	assert.Equal(t, billing.SubscriptionCanceled, ended.Subscription.Status)
	assert.Equal(t, day("2026-03-31"), *ended.Subscription.CanceledAt)

	gone, event, forgiven := canceled.Unsettled(p, day("2026-02-28"))
	assert.Equal(t, billing.SubscriptionCanceled, gone.Status)
	assert.Equal(t, billing.EventSubscriptionCanceled, event)
	assert.True(t, forgiven)
}

func TestDunningFollowsTheSchedule(t *testing.T) {
	t.Parallel()
	p := billing.Payment{ID: "pay_1", Status: billing.PaymentReady}
	at := day("2026-01-10")
	var days []int
	for {
		var last bool
		p, last = p.Declined(billing.DefaultDunning.Days, at)
		if last {
			break
		}
		days = append(days, int(p.RetryAt.Sub(day("2026-01-10")).Hours()/24))
		at = *p.RetryAt
	}
	assert.Equal(t, []int{3, 5, 7, 14, 21, 30}, days)
	assert.Equal(t, billing.PaymentPastDue, p.Status)
}
