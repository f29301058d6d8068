package retention_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/retention"
)

func on(day string) time.Time {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return at
}

// row is a row of sums, as key and numbers say.
func row(day string, change func(k *retention.TallyKey, n *retention.Counts)) retention.TallyEntry {
	e := retention.TallyEntry{Key: retention.TallyKey{Day: day, Currency: "EUR", Group: retention.GroupOffered}, Add: retention.Counts{Started: 1}}
	change(&e.Key, &e.Add)
	return e
}

func TestTheSpanOfAQuestion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, wantFrom, wantTo string }{
		"nothing said":       {"", "", "2026-03-14", "2026-04-13"},
		"the beginning":      {"2026-01-01", "", "2026-01-01", "2026-04-13"},
		"the end":            {"", "2026-02-01", "2026-01-02", "2026-02-01"},
		"one day":            {"2026-04-12", "2026-04-13", "2026-04-12", "2026-04-13"},
		"400 days":           {"2025-01-01", "2026-02-05", "2025-01-01", "2026-02-05"},
		"401 days":           {"2025-01-01", "2026-02-06", "", ""},
		"no day":             {"2026-04-12", "2026-04-12", "", ""},
		"the wrong way":      {"2026-04-12", "2026-04-11", "", ""},
		"begins after today": {"2026-04-13", "", "", ""},
	} {
		var q retention.InsightsQuery
		if c.from != "" {
			q.From = on(c.from)
		}
		if c.to != "" {
			q.To = on(c.to)
		}
		got, err := q.Spanning(start)
		if c.wantFrom == "" {
			refusal, refused := foyer.AsError(err)
			require.True(t, refused, name)
			assert.Equal(t, foyer.Malformed, refusal.Kind, name)
			assert.Equal(t, []foyer.FieldError{{Pointer: "to", Code: "insights.span", Params: map[string]any{"Max": 400}}}, refusal.Fields, name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, []time.Time{on(c.wantFrom), on(c.wantTo)}, []time.Time{got.From, got.To}, name)
	}
}

// Every period of the span has its numbers, also the one nobody left in; a week begins on Monday, a month with its first day.
func TestPeriods(t *testing.T) {
	t.Parallel()
	rows := []retention.TallyEntry{
		row("2026-03-30", func(*retention.TallyKey, *retention.Counts) {}), // a Monday
		row("2026-04-05", func(*retention.TallyKey, *retention.Counts) {}), // the Sunday after
		row("2026-04-06", func(*retention.TallyKey, *retention.Counts) {}),
	}
	for by, want := range map[retention.Grouping][]string{
		retention.GroupByDay:   {"2026-03-30 1", "2026-03-31 0", "2026-04-01 0", "2026-04-02 0", "2026-04-03 0", "2026-04-04 0", "2026-04-05 1", "2026-04-06 1"},
		retention.GroupByWeek:  {"2026-03-30 2", "2026-04-06 1"},
		retention.GroupByMonth: {"2026-03 1", "2026-04 2"},
	} {
		var got []string
		for _, g := range (retention.InsightsQuery{From: on("2026-03-30"), To: on("2026-04-07"), By: by}).Of(rows).Groups {
			got = append(got, fmt.Sprint(g.Key, " ", g.Numbers.Counts.Started))
			assert.False(t, g.Rest)
		}
		assert.Equal(t, want, got, by)
	}
	year := retention.InsightsQuery{From: on("2025-01-01"), To: on("2026-02-05"), By: retention.GroupByDay}.Of(nil)
	assert.Len(t, year.Groups, 400)
}

func TestGroupsAreAtMost200AndTheRest(t *testing.T) {
	t.Parallel()
	var rows []retention.TallyEntry
	for i := range 203 {
		rows = append(rows, row("", func(k *retention.TallyKey, n *retention.Counts) {
			k.Reason, n.Started, n.Saved = fmt.Sprintf("r%03d", i), int64(1+i), 1
		}))
	}
	rows = append(rows, row("", func(k *retention.TallyKey, n *retention.Counts) { k.Reason, n.Started = "all moved away", 0 }))
	got := retention.InsightsQuery{By: retention.GroupByReason}.Of(rows)
	require.Len(t, got.Groups, 201)
	assert.Equal(t, "r202", got.Groups[0].Key)
	assert.Equal(t, int64(203), got.Groups[0].Numbers.Counts.Started)
	last := got.Groups[200]
	assert.Equal(t, []any{"", true, int64(1 + 2 + 3), int64(3)}, []any{last.Key, last.Rest, last.Numbers.Counts.Started, last.Numbers.Counts.Saved})
	assert.Equal(t, int64(203*204/2), got.Total.Counts.Started)
	assert.Empty(t, retention.InsightsQuery{}.Of(rows).Groups, "nothing is divided where nothing is asked for")
}

func TestMoneyOfTwoCurrenciesIsNotAddedUp(t *testing.T) {
	t.Parallel()
	revenue := func(currency foyer.Currency, stake, kept int64) retention.TallyEntry {
		return row("", func(k *retention.TallyKey, n *retention.Counts) {
			k.Currency, n.RevenueAtStake, n.RevenueKept = currency, stake, kept
		})
	}
	got := retention.InsightsQuery{By: retention.GroupByCountry}.Of([]retention.TallyEntry{revenue("USD", 500, 100), revenue("EUR", 2000, 0), revenue("USD", 300, 0)})
	want := []retention.Revenue{{Currency: "EUR", AtStake: 2000}, {Currency: "USD", AtStake: 800, Kept: 100}}
	assert.Equal(t, want, got.Total.Revenue)
	assert.Equal(t, want, got.Groups[0].Numbers.Revenue)
	assert.Zero(t, got.Total.Counts.RevenueAtStake)
}

func TestRatesAreNullWhereThereIsNothingToSay(t *testing.T) {
	t.Parallel()
	none := retention.InsightsQuery{}.Of(nil)
	assert.Nil(t, none.Total.SaveRate())
	assert.Nil(t, none.Total.StillThere(0).Rated())
	assert.Nil(t, none.Holdout.NotCanceled.Uplift)
	some := retention.InsightsQuery{}.Of([]retention.TallyEntry{row("", func(_ *retention.TallyKey, n *retention.Counts) {
		n.Started, n.Saved, n.SavedLooked, n.SavedThere = 263, 81, [3]int64{20, 0, 0}, [3]int64{0, 0, 0}
	})})
	assert.Equal(t, &retention.Rate{Rate: 0.308, Low: 0.2553, High: 0.3662}, some.Total.SaveRate(), "Newcombe 1998, table I")
	assert.Equal(t, &retention.Rate{Rate: 0, Low: 0, High: 0.1611}, some.Total.StillThere(0).Rated())
	assert.Nil(t, some.Total.StillThere(1).Rated())
	assert.Nil(t, some.Holdout.NotCanceled.Uplift, "nobody is in the other group")
}

// The verdict is what the interval says: nobody shall read noise as success.
func TestTheVerdictOnOffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offered, holdout retention.Proportion
		want             retention.Uplift
	}{
		"more stay":                {retention.Proportion{Successes: 56, Trials: 70}, retention.Proportion{Successes: 48, Trials: 80}, retention.Uplift{Difference: 0.2, Low: 0.0524, High: 0.3339, Verdict: retention.VerdictUplift}},
		"fewer stay":               {retention.Proportion{Successes: 48, Trials: 80}, retention.Proportion{Successes: 56, Trials: 70}, retention.Uplift{Difference: -0.2, Low: -0.3339, High: -0.0524, Verdict: retention.VerdictHarm}},
		"more, but it may be luck": {retention.Proportion{Successes: 5, Trials: 56}, retention.Proportion{Successes: 0, Trials: 29}, retention.Uplift{Difference: 0.0893, Low: -0.0381, High: 0.1926, Verdict: retention.VerdictNoDifference}},
		"the same":                 {retention.Proportion{Successes: 0, Trials: 10}, retention.Proportion{Successes: 0, Trials: 10}, retention.Uplift{Difference: 0, Low: -0.2775, High: 0.2775, Verdict: retention.VerdictNoDifference}},
	} {
		arm := func(group retention.Group, p retention.Proportion) retention.TallyEntry {
			return row("", func(k *retention.TallyKey, n *retention.Counts) {
				k.Group = group
				n.Started, n.Canceled = p.Trials, p.Trials-p.Successes
				n.Looked[1], n.There[1] = p.Trials, p.Successes
			})
		}
		got := retention.InsightsQuery{}.Of([]retention.TallyEntry{arm(retention.GroupOffered, c.offered), arm(retention.GroupHoldout, c.holdout)}).Holdout
		assert.Equal(t, retention.Comparison{Offered: c.offered, Holdout: c.holdout, Uplift: &c.want}, got.NotCanceled, name)
		assert.Nil(t, got.There[0].Uplift, name)
		assert.Equal(t, &c.want, got.There[1].Uplift, name)
	}
}
