package retention_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/retention"
)

func TestTheWithdrawalPeriodEndsWhenItsLastDayHasEndedEverywhere(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ concluded, ends string }{
		"14 days after the day of conclusion": {"2026-06-02T08:00:00Z", "2026-06-17T12:00:00Z"}, // Tuesday → Tuesday the 16th
		"already the next day in the Pacific": {"2026-06-02T10:00:00Z", "2026-06-18T12:00:00Z"}, // Wednesday the 3rd in UTC+14
		"a moment before":                     {"2026-06-02T09:59:59Z", "2026-06-17T12:00:00Z"}, // 23:59:59 there
		"a Saturday passes it on to Monday":   {"2026-06-06T08:00:00Z", "2026-06-23T12:00:00Z"}, // the 20th → Monday the 22nd
		"a Sunday does too":                   {"2026-06-07T08:00:00Z", "2026-06-23T12:00:00Z"}, // the 21st → Monday the 22nd
		"a Friday is a Friday":                {"2026-06-05T08:00:00Z", "2026-06-20T12:00:00Z"}, // the 19th
		"over the end of the year":            {"2026-12-22T08:00:00Z", "2027-01-06T12:00:00Z"}, // Tuesday the 5th
		"over the 29th of February":           {"2028-02-15T08:00:00Z", "2028-03-01T12:00:00Z"}, // Tuesday the 29th
		"whatever zone it is written in":      {"2026-06-02T18:00:00+10:00", "2026-06-17T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			concluded, err := time.Parse(time.RFC3339, row.concluded)
			require.NoError(t, err)
			for _, country := range []foyer.Country{"DE", "FR", "AT", "GB"} {
				ends, ok := retention.ProfileOf(country, "").WithdrawalEnds(concluded)
				assert.True(t, ok)
				assert.Equal(t, row.ends, ends.Format(time.RFC3339), country)
			}
			_, ok := retention.ProfileOf("US", "CA").WithdrawalEnds(concluded)
			assert.False(t, ok)
		})
	}
	days := 30
	ends, ok := retention.ProfileOf("JP", "").Tightened(retention.LegalWishes{WithdrawalDays: &days}).
		WithdrawalEnds(time.Date(2026, 6, 2, 8, 0, 0, 0, time.UTC))
	assert.True(t, ok, "a merchant may give what no law demands")
	assert.Equal(t, time.Date(2026, 7, 3, 12, 0, 0, 0, time.UTC), ends)
}

// Wherever the customer was, the window is not shorter than what their own calendar gives, and not much longer.
func TestTheWithdrawalPeriodIsNeverShorterThanTheCustomersOwn(t *testing.T) {
	t.Parallel()
	profile := retention.ProfileOf("DE", "")
	start := time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC)
	for hour := range 24 * 14 {
		concluded := start.Add(time.Duration(hour) * time.Hour)
		ends, _ := profile.WithdrawalEnds(concluded)
		for offset := -12; offset <= 14; offset++ {
			zone := time.FixedZone("", offset*60*60)
			year, month, day := concluded.In(zone).Date()
			last := time.Date(year, month, day+14, 0, 0, 0, 0, zone)
			for last.Weekday() == time.Saturday || last.Weekday() == time.Sunday {
				last = last.AddDate(0, 0, 1)
			}
			own := last.AddDate(0, 0, 1)
			require.False(t, ends.Before(own), "%s at UTC%+d", concluded, offset)
			require.LessOrEqual(t, ends.Sub(own), 98*time.Hour, "%s at UTC%+d", concluded, offset)
		}
	}
}

func TestAWithdrawalPaysBackWhatWasNotDelivered(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	april := foyer.Period{Start: start, End: start.AddDate(0, 1, 0)} // 30 days
	year := foyer.Period{Start: start, End: start.AddDate(1, 0, 0)}  // 365 days
	for name, row := range map[string]struct {
		total  int64
		period foyer.Period
		at     time.Time
		want   int64
	}{
		"ten of thirty days":                    {3000, april, start.AddDate(0, 0, 10), 2000},
		"a third of a cent is the customer's":   {1000, april, start.AddDate(0, 0, 10), 667},
		"yen have no smaller unit":              {1, april, start.AddDate(0, 0, 29), 1},
		"980 yen, half the month":               {980, april, start.AddDate(0, 0, 15), 490},
		"981 yen, half the month":               {981, april, start.AddDate(0, 0, 15), 491},
		"a second before the end":               {3000, april, april.End.Add(-time.Second), 1},
		"a nanosecond after the beginning":      {3000, april, start.Add(1), 3000},
		"at the beginning":                      {3000, april, start, 3000},
		"before the beginning":                  {3000, april, start.AddDate(0, 0, -3), 3000},
		"at the end":                            {3000, april, april.End, 0},
		"after the end":                         {3000, april, april.End.AddDate(1, 0, 0), 0},
		"nothing was paid":                      {0, april, start.AddDate(0, 0, 10), 0},
		"less than nothing":                     {-3000, april, start.AddDate(0, 0, 10), 0},
		"as much as 64 bits hold":               {math.MaxInt64, year, start.AddDate(0, 0, 73), 7378697629483820646}, // 4/5 of 9223372036854775807, rounded up
		"all that 64 bits hold but a moment":    {math.MaxInt64, year, start.Add(1), 9223372036854775515},
		"a period without length, before it":    {3000, foyer.Period{Start: start, End: start}, start.Add(-1), 3000},
		"a period without length, in it":        {3000, foyer.Period{Start: start, End: start}, start, 0},
		"a period that ends before it begins":   {3000, foyer.Period{Start: april.End, End: start}, start.AddDate(0, 0, 10), 0},
		"a moment written in another time zone": {3000, april, start.AddDate(0, 0, 10).In(time.FixedZone("", 7*60*60)), 2000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, retention.ProRataRefund(row.total, row.period, row.at))
		})
	}
}
