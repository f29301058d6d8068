package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx, until := t.Context(), start.Add(time.Minute)
		key := foyer.IdempotencyKey{Merchant: f.merchant.ID, Caller: "ctm_1", Operation: "op", Key: "key", Fingerprint: []byte{0, 1}}
		claim := func(k foyer.IdempotencyKey, now time.Time) ([]byte, error) {
			return f.ClaimIdempotencyKey(ctx, k, now, now.Add(time.Minute))
		}
		answer, err := claim(key, start)
		require.NoError(t, err)
		require.Nil(t, answer)
		_, err = claim(key, until.Add(-time.Microsecond))
		refused(t, foyer.Conflict, err)
		other := key
		other.Fingerprint = []byte{2}
		_, err = claim(other, start)
		refused(t, foyer.Invalid, err)

		// Another merchant, caller or operation means another call.
		for _, change := range []func(*foyer.IdempotencyKey){
			func(k *foyer.IdempotencyKey) { k.Merchant = f.stranger.ID },
			func(k *foyer.IdempotencyKey) { k.Caller = "ctm_2" },
			func(k *foyer.IdempotencyKey) { k.Operation = "op2" },
		} {
			k := key
			change(&k)
			answer, err = claim(k, start)
			require.NoError(t, err)
			require.Nil(t, answer)
			require.NoError(t, f.FinishIdempotencyKey(ctx, k, []byte("another's")))
		}

		// Released, it can be claimed at once.
		require.NoError(t, f.ReleaseIdempotencyKey(ctx, key))
		answer, err = claim(key, start)
		require.NoError(t, err)
		require.Nil(t, answer)

		require.NoError(t, f.FinishIdempotencyKey(ctx, key, []byte(`{"answer":1}`)))
		for range 2 {
			answer, err = claim(key, start.Add(time.Hour))
			require.NoError(t, err)
			require.Equal(t, `{"answer":1}`, string(answer))
			require.NoError(t, f.ReleaseIdempotencyKey(ctx, key), "what is finished is not released")
		}
	})
}

func TestIdempotencyKeyClaimedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		second := open(t, f.url, secret)
		key := foyer.IdempotencyKey{Merchant: f.merchant.ID, Caller: "ctm_1", Operation: "op", Key: "key", Fingerprint: []byte{1}}
		// First a new key, then the lock a dead process left, the moment it has run out.
		for _, now := range []time.Time{start, start.Add(time.Minute)} {
			var claimed atomic.Int32
			together(crowd, func(i int) {
				s := f.Store
				if i%2 == 1 {
					s = second
				}
				answer, err := s.ClaimIdempotencyKey(context.Background(), key, now, now.Add(time.Minute))
				assert.Nil(t, answer)
				if err == nil {
					claimed.Add(1)
				} else {
					assert.ErrorIs(t, err, foyer.Conflict)
				}
			})
			require.EqualValues(t, 1, claimed.Load())
		}
	})
}

// A call that outlives its lock may be made again by somebody else; of the two, the one that finishes first is kept.
func TestAnIdempotencyKeyIsFinishedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		key := foyer.IdempotencyKey{Merchant: f.merchant.ID, Caller: "ctm_1", Operation: "op", Key: "key", Fingerprint: []byte{1}}
		refused(t, foyer.Conflict, f.FinishIdempotencyKey(ctx, key, []byte("never claimed")))
		f.claim(t, "key", start)
		f.claim(t, "key", start.Add(time.Minute))
		require.NoError(t, f.FinishIdempotencyKey(ctx, key, []byte("first")))
		refused(t, foyer.Conflict, f.FinishIdempotencyKey(ctx, key, []byte("second")))
		answer, err := f.ClaimIdempotencyKey(ctx, key, start, start)
		require.NoError(t, err)
		require.Equal(t, "first", string(answer))
	})
}

// claim makes a call that begins at a time.
func (f *fixture) claim(t testing.TB, key string, at time.Time) {
	t.Helper()
	k := foyer.IdempotencyKey{Merchant: f.merchant.ID, Caller: "ctm_1", Operation: "op", Key: key, Fingerprint: []byte{1}}
	_, err := f.ClaimIdempotencyKey(t.Context(), k, at, at.Add(time.Minute))
	require.NoError(t, err)
}
