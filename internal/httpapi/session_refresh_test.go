package httpapi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
	"foyer/internal/store"
)

func refresh(t testing.TB, a *foyertest.App, token string) *foyertest.Answer {
	t.Helper()
	return a.Client(t).Post("/v1/sessions/refresh", map[string]any{"refresh_token": token})
}

// works tells whether an access token is accepted.
func works(t testing.TB, a *foyertest.App, token string) bool {
	t.Helper()
	answer := a.Client(t).Get("/v1/me", "Authorization", "Bearer "+token)
	if answer.Status == http.StatusOK {
		return true
	}
	answer.Refused(http.StatusUnauthorized, "auth.invalid")
	return false
}

// signedIn returns an app with a merchant and one customer, signed in.
func signedIn(t testing.TB, a *foyertest.App) (merchant.Merchant, *foyertest.Client) {
	t.Helper()
	m := a.Merchant(t, "acme")
	a.Customer(t, m, "mia@mailbox.test")
	return m, a.SignIn(t, m, "mia@mailbox.test")
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		seen := map[string]bool{client.Refresh: true}
		for range 5 {
			answer := refresh(t, a, client.Refresh).Must(http.StatusOK)
			assert.Equal(t, client.Session, answer.Text("session_id"))
			assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
			assert.EqualValues(t, 600, answer.At("expires_in"))
			assert.EqualValues(t, 7*24*3600, answer.At("refresh_expires_in"))
			client.Adopt(answer)
			assert.False(t, seen[client.Refresh], "a token came twice")
			seen[client.Refresh] = true
			assert.True(t, works(t, a, client.Token))
			a.Clock.Advance(time.Minute)
		}
	})
}

// A tab race must sign nobody out (OpenRisk#700, nocturne#391), and must not make two chains (bike4mind#1801): 50 calls
// with one token get one successor, which works.
//
// Mutant: UseRefreshToken without `used_at IS NULL` makes the first round answer 409 (the successor's hash is there).
func TestConcurrentRefreshHasOneSuccessor(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		rounds, at := 100, 10
		if a.Store.Dialect() == store.Postgres {
			rounds = 30
		}
		for round := range rounds {
			if round == 0 {
				at = 50
			}
			answers := make([]*foyertest.Answer, at)
			atOnce(at, func(n int) { answers[n] = refresh(t, a, client.Refresh) })
			for _, answer := range answers {
				answer.Must(http.StatusOK)
				require.Equal(t, answers[0].Text("refresh_token"), answer.Text("refresh_token"), "round %d", round)
				require.Equal(t, client.Session, answer.Text("session_id"))
			}
			client.Adopt(answers[0])
			at = 10
		}
		assert.True(t, works(t, a, client.Token))
		assert.Equal(t, 1, client.Get("/v1/sessions").Must(http.StatusOK).Len("data"))
	})
}

// Two tabs share storage badly: one goes on while the other still holds the token before. Within ten seconds both end up
// with the same chain.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		r0 := client.Refresh
		r1 := refresh(t, a, r0).Must(http.StatusOK).Text("refresh_token")
		a.Clock.Advance(3 * time.Second)
		r2 := refresh(t, a, r1).Must(http.StatusOK).Text("refresh_token")
		a.Clock.Advance(3 * time.Second)
		assert.Equal(t, r1, refresh(t, a, r0).Must(http.StatusOK).Text("refresh_token"), "the answer was lost: the same again")
		assert.Equal(t, r2, refresh(t, a, r1).Must(http.StatusOK).Text("refresh_token"))
		a.Clock.Advance(5 * time.Second) // 11 s after r0 was used, 8 s after r1 was
		assert.Equal(t, r2, refresh(t, a, r1).Must(http.StatusOK).Text("refresh_token"))
		assert.True(t, works(t, a, refresh(t, a, r2).Must(http.StatusOK).Text("access_token")))
	})
}

// Reuse after the grace means that two have the token: the family dies, in the database before the 401 is written, and
// nobody else's session does (RFC 9700 §4.14.2).
func TestReuseRevokesTheFamilyOnly(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, client := signedIn(t, a)
		other := a.SignIn(t, m, "mia@mailbox.test")
		a.Customer(t, m, "ben@mailbox.test")
		ben := a.SignIn(t, m, "ben@mailbox.test")
		second := a.Second(t)
		require.True(t, works(t, second, client.Token))

		r0 := client.Refresh
		r1 := refresh(t, a, r0).Must(http.StatusOK)
		a.Clock.Advance(10*time.Second + time.Millisecond)
		r2 := refresh(t, a, r1.Text("refresh_token")).Must(http.StatusOK)

		reused := refresh(t, a, r0).Refused(http.StatusUnauthorized, "session.invalid")
		for _, token := range []string{r2.Text("refresh_token"), r1.Text("refresh_token"), r0} {
			answer := refresh(t, a, token).Refused(http.StatusUnauthorized, "session.invalid")
			assert.Equal(t, withoutID(t, reused), withoutID(t, answer))
			delete(reused.JSON.(map[string]any), "request_id")
			reused.JSON.(map[string]any)["request_id"] = "again"
		}
		assert.False(t, works(t, a, client.Token))
		assert.False(t, works(t, a, r2.Text("access_token")))
		// It is in the database and not in this process's memory only: another process and a new one know it.
		require.NoError(t, second.Identity.Refreshed(context.Background()))
		assert.False(t, works(t, second, client.Token))
		assert.False(t, works(t, a.Second(t), r2.Text("access_token")))

		assert.True(t, works(t, a, other.Token))
		assert.True(t, works(t, a, ben.Token))
		refresh(t, a, other.Refresh).Must(http.StatusOK)
		refresh(t, a, ben.Refresh).Must(http.StatusOK)

		other.Adopt(refresh(t, a, other.Refresh).Must(http.StatusOK))
		assert.Equal(t, 1, other.Get("/v1/sessions").Must(http.StatusOK).Len("data"))
		activity := other.Get("/v1/me/activity").Must(http.StatusOK)
		assert.Contains(t, string(activity.Body), "reuse", "the customer is told")
	})
}

func TestReuseByManyAtOnceStillRevokes(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		r1 := refresh(t, a, client.Refresh).Must(http.StatusOK)
		a.Clock.Advance(11 * time.Second)
		atOnce(20, func(int) { refresh(t, a, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid") })
		refresh(t, a, r1.Text("refresh_token")).Refused(http.StatusUnauthorized, "session.invalid")
	})
}

func TestRefreshTokensOfNobodyAnswerAlike(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, client := signedIn(t, a)
		out := a.SignIn(t, m, "mia@mailbox.test")
		out.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		want := withoutID(t, refresh(t, a, "frt_unknown").Refused(http.StatusUnauthorized, "session.invalid"))
		for _, token := range []string{out.Refresh, client.Session, "x", "frt_" + client.Refresh, client.Refresh[:len(client.Refresh)-1], client.Refresh + "=", "fr\u212A_"} {
			answer := refresh(t, a, token)
			if !assert.Equal(t, http.StatusUnauthorized, answer.Status, "%q: %s", token, answer.Body) {
				continue
			}
			assert.Equal(t, want, withoutID(t, answer), "%q", token)
			assert.Equal(t, `Bearer realm="foyer", error="invalid_token"`, answer.Header.Get("WWW-Authenticate"))
		}
		assert.GreaterOrEqual(t, refresh(t, a, client.Token).Status, http.StatusUnauthorized, "an access token is none")
		refresh(t, a, client.Refresh).Must(http.StatusOK)
	})
}

func TestSessionEndsWhenIdle(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		for range 3 { // used in time it goes on
			a.Clock.Advance(7*24*time.Hour - time.Minute)
			client.Adopt(refresh(t, a, client.Refresh).Must(http.StatusOK))
		}
		a.Clock.Advance(7*24*time.Hour + time.Second)
		refresh(t, a, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
	})
}

// However often it is used, a session ends after 30 days, and no token of it says otherwise.
func TestSessionEndsAbsolutely(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		ends := time.Now().Add(30 * 24 * time.Hour)
		offset := time.Duration(0)
		advance := func(d time.Duration) { a.Clock.Advance(d); offset += d }
		left := func() float64 { return ends.Sub(time.Now().Add(offset)).Seconds() }
		for range 4 {
			advance(6 * 24 * time.Hour)
			answer := refresh(t, a, client.Refresh).Must(http.StatusOK)
			client.Adopt(answer)
			assert.LessOrEqual(t, answer.At("refresh_expires_in"), left()+1)
		}
		advance(6*24*time.Hour - 5*time.Minute)
		answer := refresh(t, a, client.Refresh).Must(http.StatusOK)
		client.Adopt(answer)
		assert.LessOrEqual(t, answer.At("expires_in"), left()+1)
		assert.Greater(t, answer.At("expires_in"), left()-10)
		assert.LessOrEqual(t, answer.At("refresh_expires_in"), left()+1)
		assert.True(t, works(t, a, client.Token))
		advance(5 * time.Minute)
		assert.False(t, works(t, a, client.Token), "the access token ends with its session")
		refresh(t, a, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
	})
}

func TestLifetimesCanBeSet(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, store.SQLite, foyertest.WithLifetimes(func(l *identity.Lifetimes) {
		l.MagicLink, l.Access, l.RefreshIdle, l.RefreshAbsolute, l.RefreshGrace = time.Minute, 30*time.Second, time.Hour, 90*time.Minute, 2*time.Second
	}))
	_, client := signedIn(t, a)
	a.Clock.Advance(31 * time.Second)
	assert.False(t, works(t, a, client.Token))
	r1 := refresh(t, a, client.Refresh).Must(http.StatusOK)
	assert.EqualValues(t, 30, r1.At("expires_in"))
	assert.EqualValues(t, 3600, r1.At("refresh_expires_in"))
	a.Clock.Advance(3 * time.Second)
	refresh(t, a, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
}
