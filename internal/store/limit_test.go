package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/identity"
)

func TestTake(t *testing.T) {
	t.Parallel()
	rules := []identity.LimitRule{{Count: 2, Per: time.Minute}, {Count: 3, Per: time.Hour}}
	each(t, func(t *testing.T, f *fixture) {
		subject := []byte{0, 255, 'a'}
		for _, step := range []struct {
			after, wait time.Duration
			subject     []byte
		}{
			{0, 0, subject},
			{10 * time.Second, 0, subject},
			{20 * time.Second, 40 * time.Second, subject},
			{20 * time.Second, 0, []byte("another")},
			// The minute is over at its very end, and a new one begins; the hour counts on, the refused use too.
			{time.Minute, 59 * time.Minute, subject},
			{time.Hour - time.Microsecond, time.Microsecond, subject},
			{time.Hour, 0, subject},
		} {
			wait, err := f.Take(t.Context(), "test", step.subject, rules, start.Add(step.after))
			require.NoError(t, err)
			require.Equal(t, step.wait, wait, "after %s", step.after)
		}
		wait, err := f.Take(t.Context(), "another", subject, rules, start.Add(time.Hour))
		require.NoError(t, err)
		require.Zero(t, wait)
		wait, err = f.Take(t.Context(), "none", subject, nil, start)
		require.NoError(t, err)
		require.Zero(t, wait)
		require.Equal(t, []identity.LimitRule{{Count: 2, Per: time.Minute}, {Count: 3, Per: time.Hour}}, rules, "the caller's list stays")
	})
}

// Two rules of one period: the stricter decides, and a use counts once.
func TestTakeSamePeriod(t *testing.T) {
	t.Parallel()
	rules := []identity.LimitRule{{Count: 3, Per: time.Minute}, {Count: 2, Per: time.Minute}}
	each(t, func(t *testing.T, f *fixture) {
		for i, want := range []time.Duration{0, 0, time.Minute} {
			wait, err := f.Take(t.Context(), "test", []byte("a"), rules, start)
			require.NoError(t, err)
			require.Equal(t, want, wait, "use %d", i)
		}
	})
}

// A use in a transaction that is rolled back is not counted: whoever wants it counted takes it outside.
func TestTakeJoinsTransaction(t *testing.T) {
	t.Parallel()
	rules := []identity.LimitRule{{Count: 1, Per: time.Minute}}
	each(t, func(t *testing.T, f *fixture) {
		refused(t, foyer.Conflict, f.InTx(t.Context(), func(ctx context.Context) error {
			_, err := f.Take(ctx, "test", []byte("a"), rules, start)
			assert.NoError(t, err)
			return foyer.Conflict
		}))
		wait, err := f.Take(t.Context(), "test", []byte("a"), rules, start)
		require.NoError(t, err)
		require.Zero(t, wait)
	})
}

// Two processes, 200 callers: exactly as many pass as the rules allow.
func TestTakeAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		second := open(t, f.url, secret)
		long := []identity.LimitRule{{Count: 60, Per: time.Hour}, {Count: 200, Per: 24 * time.Hour}}
		turned := []identity.LimitRule{long[1], long[0]} // another order of the rules must not dead-lock
		var passed atomic.Int32
		together(200, func(i int) {
			s, rules := f.Store, long
			if i%2 == 1 {
				s, rules = second, turned
			}
			wait, err := s.Take(context.Background(), "test", []byte("a"), rules, start)
			assert.NoError(t, err)
			if wait == 0 {
				passed.Add(1)
			}
		})
		require.EqualValues(t, 60, passed.Load())
		require.Equal(t, 200, f.count(t, "SELECT max(used) FROM rate_limits"))
		require.Equal(t, 2, f.count(t, "SELECT count(*) FROM rate_limits"))
	})
}
