package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/notify"
)

func (f *fixture) mail(t testing.TB, id, to string, at time.Time) notify.Mail {
	t.Helper()
	m := notify.Mail{
		ID: id, Merchant: f.merchant.ID, To: to, FromName: "Acme", Language: "de", Subject: "Grüße 🎉", Text: "text " + id, HTML: "<b>html</b>", At: at,
	}
	require.NoError(t, f.Send(t.Context(), m))
	return m
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		first := f.mail(t, "eml_1", "Ann@Mailbox.test", start)
		second := f.mail(t, "eml_2", "ann@mailbox.test", start.Add(time.Microsecond))
		other := f.mail(t, "eml_3", "ben@mailbox.test", start)
		again := first
		again.Text = "a second run does not change what was sent"
		require.NoError(t, f.Send(t.Context(), again))
		for to, want := range map[string][]notify.Mail{
			"ANN@mailbox.test": {second, first}, "ben@mailbox.test": {other}, "": {second, other, first}, "nobody@mailbox.test": {},
		} {
			got, err := f.Outbox(t.Context(), to)
			require.NoError(t, err)
			require.Equal(t, want, got, to)
		}
		for i := range 120 {
			f.mail(t, fmt.Sprintf("eml_x%03d", i), "many@mailbox.test", start)
		}
		got, err := f.Outbox(t.Context(), "many@mailbox.test")
		require.NoError(t, err)
		require.Len(t, got, 100)
	})
}

// Put the new secret in front of the old one: everything is still read, and what is written is read by both processes
// that know the new one.
func TestSecretRotation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		sent := f.mail(t, "eml_1", "ann@mailbox.test", start)
		signing := newKey(t, "k1", start)
		require.NoError(t, f.ReplaceSigningKey(ctx, signing))
		finished := foyer.IdempotencyKey{Merchant: f.merchant.ID, Caller: "c", Operation: "op", Key: "finished", Fingerprint: []byte{1}}
		working := finished
		working.Key = "working"
		for _, k := range []foyer.IdempotencyKey{finished, working} {
			_, err := f.ClaimIdempotencyKey(ctx, k, start, start.Add(time.Minute))
			require.NoError(t, err)
		}
		require.NoError(t, f.FinishIdempotencyKey(ctx, finished, []byte("answer")))

		rotated := open(t, f.url, newSecret+","+secret)
		mails, err := rotated.Outbox(ctx, "ann@mailbox.test")
		require.NoError(t, err)
		require.Equal(t, []notify.Mail{sent}, mails)
		keys, err := rotated.SigningKeys(ctx)
		require.NoError(t, err)
		require.Equal(t, signing.Private, keys[0].Private)
		answer, err := rotated.ClaimIdempotencyKey(ctx, finished, start, start.Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, "answer", string(answer), "a repeated call is still known")
		_, err = rotated.ClaimIdempotencyKey(ctx, working, start, start.Add(time.Minute))
		refused(t, foyer.Conflict, err)
		answer, err = rotated.ClaimIdempotencyKey(ctx, working, start.Add(time.Minute), start.Add(2*time.Minute))
		require.NoError(t, err)
		require.Nil(t, answer)
		require.NoError(t, rotated.FinishIdempotencyKey(ctx, working, []byte("taken over")))
		answer, err = rotated.ClaimIdempotencyKey(ctx, working, start, start)
		require.NoError(t, err)
		require.Equal(t, "taken over", string(answer))
		fresh := finished
		fresh.Key = "fresh"
		for i := range 2 {
			_, err = rotated.ClaimIdempotencyKey(ctx, fresh, start, start.Add(time.Minute))
			if i == 0 {
				require.NoError(t, err)
			} else {
				refused(t, foyer.Conflict, err)
			}
		}

		// With another secret alone nothing is read, and the error says what to do.
		wrong := open(t, f.url, newSecret)
		_, err = wrong.SigningKeys(ctx)
		require.ErrorContains(t, err, "FOYER_SECRET")
		_, err = wrong.Outbox(ctx, "")
		require.ErrorContains(t, err, "put the old one behind the new one")
		mails, err = wrong.Outbox(ctx, "ann@mailbox.test")
		require.NoError(t, err)
		require.Empty(t, mails)
	})
}
