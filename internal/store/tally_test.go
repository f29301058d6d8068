package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
	"foyer/internal/store"
)

// tallied writes rows of a merchant over some days, each with other keys, and returns the first day.
func (f *fixture) tallied(t testing.TB, merchant foyer.MerchantID, days, rowsADay int) time.Time {
	t.Helper()
	first := start.Truncate(24 * time.Hour)
	for d := range days {
		entries := make([]retention.TallyEntry, rowsADay)
		for i := range entries {
			entries[i] = retention.TallyEntry{
				Key: retention.TallyKey{
					Day: first.AddDate(0, 0, d).Format(time.DateOnly), Product: billing.ProductID(fmt.Sprint("pro_", i%10)), Country: []foyer.Country{"DE", "FR", "US"}[i%3],
					Currency: []foyer.Currency{"EUR", "USD"}[i%2], Reason: retention.DefaultReasons[i%8], Rule: fmt.Sprint("rule-", i),
					OfferType: retention.OfferDiscount, Group: []retention.Group{retention.GroupOffered, retention.GroupHoldout}[i/5%2],
				},
				Add: retention.Counts{Started: 5, Saved: 2, Canceled: 3, RevenueAtStake: 5000, RevenueKept: 1500, Looked: [3]int64{5, 4, 3}, There: [3]int64{3, 2, 1}},
			}
		}
		require.NoError(t, f.Tally(t.Context(), merchant, entries))
	}
	return first
}

// What is read are sums of the rows, whatever they are divided by, of one merchant, and of the days asked for.
func TestTallies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		first := f.tallied(t, f.merchant.ID, 20, 30)
		f.tallied(t, f.stranger.ID, 20, 30)
		span := retention.InsightsQuery{From: first.AddDate(0, 0, 2), To: first.AddDate(0, 0, 12)}
		for by, groups := range map[retention.Grouping]int{
			"": 1, retention.GroupByDay: 10, retention.GroupByWeek: 10, retention.GroupByMonth: 10, retention.GroupByProduct: 10, retention.GroupByReason: 8,
			retention.GroupByOffer: 30, retention.GroupByCountry: 3,
		} {
			q := span
			q.By = by
			rows, err := f.Tallies(t.Context(), f.merchant.ID, q)
			require.NoError(t, err)
			keys := map[retention.TallyKey]bool{}
			var sum retention.Counts
			for _, r := range rows {
				key := r.Key
				key.Currency, key.Group = "", ""
				keys[key] = true
				sum.Started += r.Add.Started
				sum.RevenueKept += r.Add.RevenueKept
				sum.Looked[2] += r.Add.Looked[2]
			}
			assert.Len(t, keys, groups, by)
			assert.Equal(t, retention.Counts{Started: 1500, RevenueKept: 450_000, Looked: [3]int64{0, 0, 900}}, sum, by)
		}
		narrow := span
		narrow.Product, narrow.Country, narrow.Currency, narrow.Reason, narrow.Rule = "pro_4", "DE", "EUR", retention.DefaultReasons[0], "rule-24"
		rows, err := f.Tallies(t.Context(), f.merchant.ID, narrow)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		assert.Equal(t, int64(50), rows[0].Add.Started)
		narrow.Rule = "rule-25"
		rows, err = f.Tallies(t.Context(), f.merchant.ID, narrow)
		require.NoError(t, err)
		assert.Empty(t, rows)
	})
}

// The days asked for are a range of the primary key, and nothing else is read.
func TestTalliesAreReadByTheirIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		first := f.tallied(t, f.merchant.ID, 200, 20)
		f.exec(t, "ANALYZE retention_tallies")
		var statement string
		var args []any
		remember := func(db *gorm.DB) { statement, args = db.Statement.SQL.String(), slices.Clone(db.Statement.Vars) }
		require.NoError(t, f.GORM(t.Context()).Callback().Query().After("gorm:query").Register("test:statement", remember))
		_, err := f.Tallies(t.Context(), f.merchant.ID, retention.InsightsQuery{From: first.AddDate(0, 0, 10), To: first.AddDate(0, 0, 17), By: retention.GroupByReason})
		require.NoError(t, err)
		plan := f.plan(t, statement, args)
		if f.Dialect() == store.Postgres {
			assert.Regexp(t, "Index (Only )?Scan (using|on) retention_tallies_pkey", plan)
			assert.NotContains(t, plan, "Seq Scan")
		} else {
			assert.Contains(t, plan, "(merchant_id=? AND day>? AND day<?)")
		}
	})
}

// BenchmarkInsights reads the numbers of 400 days from 20,000 rows, with another merchant's as many beside them, up to what the API shows.
// Figures: .github/BENCHMARKS.md.
func BenchmarkInsights(b *testing.B) {
	for _, dialect := range dialects {
		f := newFixture(b, dialect)
		first := f.tallied(b, f.merchant.ID, 400, 50)
		f.tallied(b, f.stranger.ID, 400, 50)
		f.exec(b, "ANALYZE retention_tallies")
		for _, by := range []retention.Grouping{"", retention.GroupByDay, retention.GroupByReason} {
			for _, days := range []int{30, 400} {
				q := retention.InsightsQuery{From: first, To: first.AddDate(0, 0, days), By: by}
				b.Run(fmt.Sprintf("%s/%s/%d-days", dialect, cmp.Or(by, "total"), days), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						rows, err := f.Tallies(b.Context(), f.merchant.ID, q)
						if err != nil {
							b.Fatal(err)
						}
						if got := q.Of(rows); got.Total.Counts.Started != int64(days)*250 {
							b.Fatal("not what was written", got.Total.Counts.Started)
						}
					}
				})
			}
		}
	}
}
