package httpapi_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
	"foyer/internal/notify"
	"foyer/internal/store"
)

// atOnce calls f n times at the same moment, each with its number, and waits for all.
func atOnce(n int, f func(i int)) {
	var done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	done.Wait()
}

// proof makes a code verifier and its S256 challenge (RFC 7636).
func proof() (verifier, challenge string) {
	verifier = base64.RawURLEncoding.EncodeToString([]byte(rand.Text() + "-verifier"))
	sum := sha256.Sum256([]byte(verifier))
	return verifier, base64.RawURLEncoding.EncodeToString(sum[:])
}

// bound is the part of a sign-in request that binds it to the device.
func bound(challenge string) map[string]any {
	return map[string]any{"code_challenge": challenge, "code_challenge_method": "S256"}
}

// settle waits until no mail waits to be made, so that a test can say there is none.
func settle(t testing.TB, a *foyertest.App) {
	t.Helper()
	require.Eventually(t, func() bool {
		var waiting int
		err := a.Store.SQL().QueryRowContext(context.Background(),
			"SELECT count(*) FROM river_job WHERE kind = 'sign_in_mail' AND state NOT IN ('completed', 'discarded', 'cancelled')").Scan(&waiting)
		return err == nil && waiting == 0
	}, 30*time.Second, 10*time.Millisecond)
}

// mailed asks for a sign-in and returns its id and the mail.
func mailed(t testing.TB, a *foyertest.App, m merchant.Merchant, email string, extra ...map[string]any) (id string, mail notify.Mail) {
	t.Helper()
	links := func() (mails []notify.Mail) { // other mails may come at the same time
		for _, mail := range a.Mails(t, email) {
			if foyertest.LinkToken(mail) != "" {
				mails = append(mails, mail)
			}
		}
		return mails
	}
	before := len(links())
	id = a.Client(t).RequestSignIn(m, email, extra...).Must(http.StatusAccepted).Text("sign_in_id")
	require.Eventually(t, func() bool { return len(links()) > before }, 10*time.Second, 25*time.Millisecond, "no mail came")
	return id, links()[0]
}

func verify(t testing.TB, a *foyertest.App, body map[string]any) *foyertest.Answer {
	t.Helper()
	return a.Client(t).Post("/v1/sign-ins/verify", body)
}

func openSessions(t testing.TB, a *foyertest.App, m merchant.Merchant, c foyer.CustomerID) int {
	t.Helper()
	sessions, err := a.Identity.Sessions(context.Background(), foyertest.Scope(m.ID, c), foyer.PageRequest{Limit: 100})
	require.NoError(t, err)
	return len(sessions)
}

// withoutID is a problem document without what differs in every answer.
func withoutID(t testing.TB, a *foyertest.Answer) map[string]any {
	t.Helper()
	body, ok := a.JSON.(map[string]any)
	require.True(t, ok, "%s", a.Body)
	assert.NotEmpty(t, body["request_id"])
	delete(body, "request_id")
	return body
}

// oneWinner checks the answers of a race for one sign-in and returns the winner's.
func oneWinner(t testing.TB, answers []*foyertest.Answer) *foyertest.Answer {
	t.Helper()
	var winner *foyertest.Answer
	var loser map[string]any
	first := 0
	for _, answer := range answers {
		if answer.Status == http.StatusOK {
			winner = answer
			first++
			continue
		}
		answer.Refused(http.StatusUnauthorized, "sign_in.invalid")
		body := withoutID(t, answer)
		if loser == nil {
			loser = body
		}
		require.Equal(t, loser, body)
	}
	require.Equal(t, 1, first, "were first")
	return winner
}

// The threat is CVE-2026-3590: two calls that both read "unused". With UseSignIn made unguarded (no `used_at IS NULL` in
// the UPDATE) the first round fails here, on both databases, because several were first; cmd/foyer has the same race with two
// processes.
func TestConcurrentReuseOfALink(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		const at = 50
		rounds := 100
		if a.Store.Dialect() == store.Postgres {
			rounds = 15 // cmd/foyer runs 100 there, with two processes
		}
		m := a.Merchant(t, "acme")
		customers := make([]foyer.CustomerID, rounds)
		for i := range rounds {
			customers[i] = a.Customer(t, m, foyertest.Email(i)).ID
			a.Client(t).RequestSignIn(m, foyertest.Email(i)).Must(http.StatusAccepted)
		}
		for i := range rounds {
			token := foyertest.LinkToken(a.AwaitMails(t, foyertest.Email(i), 1)[0])
			answers := make([]*foyertest.Answer, at)
			atOnce(at, func(n int) { answers[n] = verify(t, a, map[string]any{"token": token}) })
			oneWinner(t, answers)
			require.Equal(t, 1, openSessions(t, a, m, customers[i]), "round %d", i)
			verify(t, a, map[string]any{"token": token}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		}
	})
}

// Link and code of one sign-in share one use.
func TestConcurrentReuseOfLinkAndCode(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		for i := range 20 {
			c := a.Customer(t, m, foyertest.Email(i))
			id, mail := mailed(t, a, m, c.Email)
			proofs := []map[string]any{{"token": foyertest.LinkToken(mail)}, {"sign_in_id": id, "code": foyertest.Code(mail)}}
			answers := make([]*foyertest.Answer, 2*identity.MaxCodeTries)
			atOnce(len(answers), func(n int) { answers[n] = verify(t, a, proofs[n%2]) })
			oneWinner(t, answers)
			require.Equal(t, 1, openSessions(t, a, m, c.ID), "round %d", i)
		}
	})
}

// Mail scanners and previews open links; nothing they can do uses a sign-in up (supabase#1214, Ghost#12347).
func TestScannerOpeningLinkUsesNothingUp(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme", func(s *merchant.Settings) { s.FrontendURL = "" })
		c := a.Customer(t, m, "mia@mailbox.test")
		verifier, challenge := proof()
		_, mail := mailed(t, a, m, c.Email, bound(challenge))
		token := foyertest.LinkToken(mail)
		assert.Contains(t, mail.Text, "https://billing.test/sign-in#token="+token)
		scanner := a.Client(t)
		for _, agent := range []string{"Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)", "Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1", ""} {
			for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodOptions} {
				for _, path := range []string{"/sign-in", "/sign-in?token=" + token, "/v1/sign-ins/verify", "/v1/sign-ins/verify?token=" + token} {
					answer := scanner.Call(method, path, nil, "User-Agent", agent)
					assert.NotEqual(t, http.StatusOK, answer.Status, "%s %s", method, path)
				}
			}
		}
		scanner.Post("/v1/sign-ins/verify", map[string]any{"token": token}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		require.Zero(t, openSessions(t, a, m, c.ID))
		verify(t, a, map[string]any{"token": token, "code_verifier": verifier}).Must(http.StatusOK)
	})
}

func TestDeviceBinding(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		verifier, challenge := proof()
		attackers, attackersChallenge := proof()
		id, mail := mailed(t, a, m, c.Email, bound(challenge))
		attackersID, attackersMail := mailed(t, a, m, c.Email, bound(attackersChallenge))
		require.NotEqual(t, id, attackersID)

		token, code := foyertest.LinkToken(mail), foyertest.Code(mail)
		for range 2 * identity.MaxCodeTries { // more than there are tries: a wrong verifier uses none
			for _, wrong := range []map[string]any{
				{"token": token},
				{"token": token, "code_verifier": attackers},
				{"token": token, "code_verifier": challenge}, // the method plain
				{"sign_in_id": id, "code": code},
				{"sign_in_id": id, "code": code, "code_verifier": attackers},
				{"sign_in_id": id, "code": code, "code_verifier": challenge},
			} {
				verify(t, a, wrong).Refused(http.StatusUnauthorized, "sign_in.invalid")
			}
		}
		// The attacker's own request unlocks nothing of the customer's, nor does its mail without the attacker's verifier.
		verify(t, a, map[string]any{"token": foyertest.LinkToken(attackersMail), "code_verifier": verifier}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verify(t, a, map[string]any{"sign_in_id": attackersID, "code": code, "code_verifier": attackers}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		require.Zero(t, openSessions(t, a, m, c.ID))
		verify(t, a, map[string]any{"sign_in_id": id, "code": code, "code_verifier": verifier}).Must(http.StatusOK)
		require.Equal(t, 1, openSessions(t, a, m, c.ID))
	})
}

func TestPlainChallengeIsNotAccepted(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, store.SQLite)
	m := a.Merchant(t, "acme")
	strict := a.Merchant(t, "strict", func(s *merchant.Settings) { s.RequireDeviceBinding = true })
	a.Customer(t, strict, "mia@mailbox.test")
	verifier, challenge := proof()
	client := a.Client(t)
	for _, extra := range []map[string]any{
		{"code_challenge": challenge, "code_challenge_method": "plain"},
		{"code_challenge": challenge, "code_challenge_method": "s256"},
		{"code_challenge_method": "S256"},
		{"code_challenge": "short", "code_challenge_method": "S256"},
		{"code_challenge": challenge + "=", "code_challenge_method": "S256"},
	} {
		client.RequestSignIn(m, "mia@mailbox.test", extra).Refused(http.StatusUnprocessableEntity, "input.invalid")
	}
	missing := client.RequestSignIn(strict, "mia@mailbox.test").Refused(http.StatusUnprocessableEntity, "input.invalid")
	assert.Equal(t, "/code_challenge", missing.Text("errors.0.pointer"))
	settle(t, a)
	assert.Empty(t, a.Mails(t, "mia@mailbox.test"))
	_, mail := mailed(t, a, strict, "mia@mailbox.test", bound(challenge))
	verify(t, a, map[string]any{"token": foyertest.LinkToken(mail), "code_verifier": verifier}).Must(http.StatusOK)
}

// 50 wrong guesses at once: at most five are compared, then the right code is refused too while the link lives.
func TestCodeGuessing(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		id, mail := mailed(t, a, m, c.Email)
		code := foyertest.Code(mail)
		wrong := flip(code)
		atOnce(50, func(int) {
			verify(t, a, map[string]any{"sign_in_id": id, "code": wrong}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		})
		found, err := a.Store.SignInByID(context.Background(), identity.SignInID(id))
		require.NoError(t, err)
		assert.Equal(t, identity.MaxCodeTries, found.CodeTries)
		verify(t, a, map[string]any{"sign_in_id": id, "code": code}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verify(t, a, map[string]any{"token": foyertest.LinkToken(mail)}).Must(http.StatusOK)
	})
}

// Of 50 guesses at once, one of them right, the right one succeeds only if it is among the first five.
func TestCodeGuessingWithTheRightOneAmongThem(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		for i := range 10 {
			c := a.Customer(t, m, foyertest.Email(i))
			id, mail := mailed(t, a, m, c.Email)
			right, wrong := foyertest.Code(mail), flip(foyertest.Code(mail))
			var succeeded atomic.Int64
			atOnce(50, func(n int) {
				code := wrong
				if n == 17 {
					code = right
				}
				if verify(t, a, map[string]any{"sign_in_id": id, "code": code}).Status == http.StatusOK {
					succeeded.Add(1)
				}
			})
			assert.LessOrEqual(t, succeeded.Load(), int64(1))
			assert.EqualValues(t, succeeded.Load(), openSessions(t, a, m, c.ID))
		}
	})
}

// flip changes a code's first character.
func flip(code string) string {
	if code[0] == 'A' {
		return "B" + code[1:]
	}
	return "A" + code[1:]
}

func TestCodeIsBoundToItsSignIn(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		mia, ben := a.Customer(t, m, "mia@mailbox.test"), a.Customer(t, m, "ben@mailbox.test")
		miasID, miasMail := mailed(t, a, m, mia.Email)
		bensID, bensMail := mailed(t, a, m, ben.Email)
		refused := func(body map[string]any) {
			t.Helper()
			verify(t, a, body).Refused(http.StatusUnauthorized, "sign_in.invalid")
		}
		refused(map[string]any{"sign_in_id": miasID, "code": foyertest.Code(bensMail)})
		refused(map[string]any{"sign_in_id": bensID, "code": foyertest.Code(miasMail)})
		refused(map[string]any{"sign_in_id": a.IDs(foyer.PrefixSignIn), "code": foyertest.Code(miasMail)})
		refused(map[string]any{"sign_in_id": "sgn_nonsense", "code": foyertest.Code(miasMail)})
		refused(map[string]any{"token": foyertest.Code(miasMail)})
		refused(map[string]any{"token": miasID})
		answer := verify(t, a, map[string]any{"sign_in_id": miasID, "code": foyertest.Code(miasMail)}).Must(http.StatusOK)
		assert.Equal(t, string(mia.ID), answer.Text("customer_id"))
	})
}

func TestCodeAsItIsTyped(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, store.SQLite)
	m := a.Merchant(t, "acme")
	for i, typed := range []func(string) string{
		func(s string) string { return s },
		strings.ToLower,
		func(s string) string { return strings.ReplaceAll(s, "-", "") },
		func(s string) string { return strings.ReplaceAll(s, "-", " ") },
		func(s string) string { return " " + strings.ToLower(strings.ReplaceAll(s, "-", "")) + " " },
	} {
		c := a.Customer(t, m, foyertest.Email(i))
		id, mail := mailed(t, a, m, c.Email)
		require.Regexp(t, `^[A-HJKMNP-TV-Z2-9]{4}-[A-HJKMNP-TV-Z2-9]{4}$`, foyertest.Code(mail))
		verify(t, a, map[string]any{"sign_in_id": id, "code": typed(foyertest.Code(mail))}).Must(http.StatusOK)
	}
}

func TestSignInExpires(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		_, first := mailed(t, a, m, c.Email)
		a.Clock.Advance(9 * time.Minute)
		id, second := mailed(t, a, m, c.Email)
		a.Clock.Advance(time.Minute + time.Second)
		verify(t, a, map[string]any{"token": foyertest.LinkToken(first)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		a.Clock.Advance(9*time.Minute - 30*time.Second)
		verify(t, a, map[string]any{"sign_in_id": id, "code": flip(foyertest.Code(second))}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		a.Clock.Advance(30 * time.Second)
		verify(t, a, map[string]any{"sign_in_id": id, "code": foyertest.Code(second)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verify(t, a, map[string]any{"token": foyertest.LinkToken(second)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		_, third := mailed(t, a, m, c.Email)
		a.Clock.Advance(10*time.Minute - 10*time.Second)
		verify(t, a, map[string]any{"token": foyertest.LinkToken(third)}).Must(http.StatusOK)
	})
}

// A new request ends none that is open; a successful sign-in ends the customer's others, at this merchant only.
func TestSignInEndsItsSiblings(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, other := a.Merchant(t, "acme"), a.Merchant(t, "bolt")
		c := a.Customer(t, m, "mia@mailbox.test")
		a.Customer(t, other, "mia@mailbox.test")
		ben := a.Customer(t, m, "ben@mailbox.test")
		_, first := mailed(t, a, m, c.Email)
		a.Clock.Advance(61 * time.Second)
		secondID, second := mailed(t, a, m, c.Email)
		_, elsewhere := mailed(t, a, other, c.Email)
		_, bens := mailed(t, a, m, ben.Email)

		answer := verify(t, a, map[string]any{"token": foyertest.LinkToken(first)}).Must(http.StatusOK)
		assert.Equal(t, string(c.ID), answer.Text("customer_id"), "the older one was not ended by the newer")
		verify(t, a, map[string]any{"token": foyertest.LinkToken(second)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verify(t, a, map[string]any{"sign_in_id": secondID, "code": foyertest.Code(second)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verify(t, a, map[string]any{"token": foyertest.LinkToken(elsewhere)}).Must(http.StatusOK)
		verify(t, a, map[string]any{"token": foyertest.LinkToken(bens)}).Must(http.StatusOK)
	})
}

// One address at two merchants is two customers: each link leads to its own.
func TestSameAddressAtTwoMerchants(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		for i, m := range []merchant.Merchant{a.Merchant(t, "acme"), a.Merchant(t, "bolt")} {
			c := a.Customer(t, m, "mia@mailbox.test", func(c *billing.Customer) { c.Name = fmt.Sprintf("Mia %d", i) })
			client := a.SignIn(t, m, c.Email)
			me := client.Get("/v1/me").Must(http.StatusOK)
			assert.Equal(t, string(c.ID), me.Text("id"))
			assert.Equal(t, c.Name, me.Text("name"))
		}
	})
}

// Whoever was archived between mail and click does not get in, and the answer is the usual one.
func TestArchivedCustomerCanNotUseAnOpenLink(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		id, mail := mailed(t, a, m, c.Email)
		archive(t, a, m, c)
		verify(t, a, map[string]any{"token": foyertest.LinkToken(mail)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verify(t, a, map[string]any{"sign_in_id": id, "code": foyertest.Code(mail)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		assert.Zero(t, openSessions(t, a, m, c.ID))
	})
}
