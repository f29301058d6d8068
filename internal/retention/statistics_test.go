package retention_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/retention"
)

// R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, 1998, p. 857, table I,
// method 3 (score without continuity correction).
func TestTheIntervalOfAProportionIsWilsons(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		of        retention.Proportion
		low, high float64
	}{
		{retention.Proportion{Successes: 81, Trials: 263}, 0.2553, 0.3662},
		{retention.Proportion{Successes: 15, Trials: 148}, 0.0624, 0.1605},
		{retention.Proportion{Successes: 0, Trials: 20}, 0, 0.1611},
		{retention.Proportion{Successes: 1, Trials: 29}, 0.0061, 0.1718},
		{retention.Proportion{Successes: 20, Trials: 20}, 0.8389, 1},
	} {
		got, ok := row.of.Interval()
		require.True(t, ok, row)
		assert.InDelta(t, row.low, got.Low, 0.00005, row)
		assert.InDelta(t, row.high, got.High, 0.00005, row)
	}
}

// The ends of Wilson's interval are the rates the observed one lies exactly 1.96 standard errors away from: computed the other
// way round, that must come out again.
func TestTheEndsOfAnIntervalAreWhereTheTestTurns(t *testing.T) {
	t.Parallel()
	for trials := int64(1); trials <= 60; trials++ {
		for successes := int64(0); successes <= trials; successes++ {
			p := retention.Proportion{Successes: successes, Trials: trials}
			rate, _ := p.Rate()
			got, ok := p.Interval()
			require.True(t, ok)
			require.True(t, 0 <= got.Low && got.Low <= rate && rate <= got.High && got.High <= 1, "%v %v", p, got)
			for _, end := range []float64{got.Low, got.High} {
				if end == 0 || end == 1 {
					continue
				}
				assert.InDelta(t, 1.959963984540054, math.Abs(rate-end)/math.Sqrt(end*(1-end)/float64(trials)), 1e-9, p)
			}
		}
	}
}

// R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17, 1998,
// p. 873, table II, method 10.
func TestTheIntervalOfADifferenceIsNewcombes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		a, b                retention.Proportion
		estimate, low, high float64
	}{
		{retention.Proportion{Successes: 56, Trials: 70}, retention.Proportion{Successes: 48, Trials: 80}, 0.2, 0.0524, 0.3339},
		{retention.Proportion{Successes: 9, Trials: 10}, retention.Proportion{Successes: 3, Trials: 10}, 0.6, 0.1705, 0.8090},
		{retention.Proportion{Successes: 6, Trials: 7}, retention.Proportion{Successes: 2, Trials: 7}, 4.0 / 7, 0.0582, 0.8062},
		{retention.Proportion{Successes: 5, Trials: 56}, retention.Proportion{Successes: 0, Trials: 29}, 5.0 / 56, -0.0381, 0.1926},
		{retention.Proportion{Successes: 0, Trials: 10}, retention.Proportion{Successes: 0, Trials: 20}, 0, -0.1611, 0.2775},
		{retention.Proportion{Successes: 0, Trials: 10}, retention.Proportion{Successes: 0, Trials: 10}, 0, -0.2775, 0.2775},
		{retention.Proportion{Successes: 10, Trials: 10}, retention.Proportion{Successes: 0, Trials: 20}, 1, 0.6791, 1},
		{retention.Proportion{Successes: 10, Trials: 10}, retention.Proportion{Successes: 0, Trials: 10}, 1, 0.6075, 1},
	} {
		estimate, got, ok := retention.Difference(row.a, row.b)
		require.True(t, ok, row)
		assert.InDelta(t, row.estimate, estimate, 1e-12, row)
		assert.InDelta(t, row.low, got.Low, 0.00005, row)
		assert.InDelta(t, row.high, got.High, 0.00005, row)
		back, other, _ := retention.Difference(row.b, row.a)
		assert.InDelta(t, -estimate, back, 1e-12)
		assert.InDelta(t, -got.High, other.Low, 1e-12, "the other way round it is the mirror image")
		assert.InDelta(t, -got.Low, other.High, 1e-12)
	}
}

func TestWithoutTrialsThereIsNothingToSay(t *testing.T) {
	t.Parallel()
	some := retention.Proportion{Successes: 1, Trials: 2}
	for _, none := range []retention.Proportion{{}, {Successes: 1}, {Successes: -1, Trials: 2}, {Successes: 3, Trials: 2}, {Successes: -3, Trials: -2}} {
		_, ok := none.Rate()
		assert.False(t, ok, none)
		_, ok = none.Interval()
		assert.False(t, ok, none)
		_, _, ok = retention.Difference(some, none)
		assert.False(t, ok, none)
		_, _, ok = retention.Difference(none, some)
		assert.False(t, ok, none)
	}
}
