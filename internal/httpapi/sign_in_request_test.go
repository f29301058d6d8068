package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
	"foyer/internal/store"
)

// timed sends a POST and tells how long the answer took, without what the test client does with it.
func timed(t testing.TB, url string, body any) (time.Duration, *http.Response, []byte) {
	t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	started := time.Now()
	res, err := http.Post(url, "application/json", bytes.NewReader(raw))
	require.NoError(t, err)
	answer, err := io.ReadAll(res.Body)
	took := time.Since(started)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return took, res, answer
}

// share is how often a time of x is longer than one of y (Mann–Whitney): 0.5 when nothing tells them apart, 0 or 1 when
// everything does. It knows no absolute time, so a slow or busy machine does not matter.
func share(x, y []time.Duration) float64 {
	var longer float64
	for _, a := range x {
		for _, b := range y {
			switch {
			case a > b:
				longer++
			case a == b:
				longer += 0.5
			}
		}
	}
	return longer / float64(len(x)*len(y))
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

// visible is everything of an answer that could tell one address from another, less what differs in every answer.
func visible(t testing.TB, res *http.Response, body []byte) string {
	t.Helper()
	var answer map[string]any
	require.NoError(t, json.Unmarshal(body, &answer))
	length := len(body)
	for _, name := range []string{"sign_in_id", "expires_at"} {
		if answer[name] != nil {
			answer[name] = fmt.Sprintf("%d characters", len(answer[name].(string)))
		}
	}
	delete(answer, "request_id")
	header := res.Header.Clone()
	header.Del("X-Request-Id")
	header.Del("Date")
	seen, err := json.Marshal([]any{res.StatusCode, header, answer, length})
	require.NoError(t, err)
	return string(seen)
}

// Address kinds an attacker would like to tell apart.
var addressKinds = []string{"known", "unknown", "archived", "over the limit"}

// 300 requests for known, unknown, archived and over-the-limit addresses in random order: equal in everything seen, and
// in time as far as ranks tell. It fails only when each of four series tells a kind apart.
//
// Mutants seen to fail: returning before the insert when nobody has the address (shares 0.67 to 0.96 on a busy machine),
// and leaving out the job of a silent sign-in (0.66 to 0.75).
func TestEnumerationByAnswerAndTime(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		url := a.URL + "/v1/portals/" + string(m.Portal.ID) + "/sign-ins"
		const each = 75
		var shares map[string]float64
		seen := map[string]bool{}
		for series := range 4 {
			var addresses [4][]string
			for kind := range addressKinds {
				for i := range each {
					email := fmt.Sprintf("c%d.%d.%03d@mailbox.test", series, kind, i)
					addresses[kind] = append(addresses[kind], email)
					switch addressKinds[kind] {
					case "known":
						a.Customer(t, m, email)
					case "archived":
						a.Customer(t, m, email, func(c *billing.Customer) { c.Archived = true })
					case "over the limit": // its one mail was asked for with another challenge
						_, challenge := proof()
						a.Client(t).RequestSignIn(m, email, bound(challenge)).Must(http.StatusAccepted)
					}
				}
			}
			settle(t, a)
			var times [4][]time.Duration
			for _, n := range rand.Perm(4 * each) {
				kind, i := n%4, n/4
				took, res, body := timed(t, url, map[string]any{"email": addresses[kind][i]})
				times[kind] = append(times[kind], took)
				seen[visible(t, res, body)] = true
			}
			require.Len(t, seen, 1, "answers differ: %v", seen)
			settle(t, a)
			for _, email := range addresses[0] {
				require.Len(t, a.Mails(t, email), 1)
			}
			for kind := 1; kind < 4; kind++ {
				for _, email := range addresses[kind] {
					require.Empty(t, a.Mails(t, email), "%s address", addressKinds[kind])
				}
			}
			shares = map[string]float64{}
			apart := false
			for kind := 1; kind < 4; kind++ {
				auc := share(times[0], times[kind])
				shares[addressKinds[kind]] = auc
				apart = apart || auc < 0.35 || auc > 0.65
			}
			t.Logf("shares %v, medians %v %v %v %v", shares, median(times[0]), median(times[1]), median(times[2]), median(times[3]))
			if !apart {
				return
			}
		}
		t.Errorf("time tells addresses apart: %v", shares)
	}, foyertest.WithLimits(identity.Limits{identity.LimitSignInAddress: {{Count: 1, Per: time.Hour}}}))
}

// Guessing a code must not tell either: whoever asked for the mail has the id and the verifier, and a wrong code for a
// customer's sign-in costs what one for nobody's does. The times say so roughly (when only a customer's tries are counted
// their share is 0.60); that the tries of both are counted says it surely.
func TestEnumerationByAWrongCode(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		const each, tries = 20, 7
		seen := map[string]bool{}
		var auc float64
		for series := range 4 {
			var guesses [2][]map[string]any
			for i := range each {
				for kind := range 2 {
					email := fmt.Sprintf("c%d.%d.%03d@mailbox.test", series, kind, i)
					if kind == 0 {
						a.Customer(t, m, email)
					}
					verifier, challenge := proof()
					id := a.Client(t).RequestSignIn(m, email, bound(challenge)).Must(http.StatusAccepted).Text("sign_in_id")
					for range tries {
						guesses[kind] = append(guesses[kind], map[string]any{"sign_in_id": id, "code": "AAAA-AAAA", "code_verifier": verifier})
					}
				}
			}
			settle(t, a)
			var times [2][]time.Duration
			for i := range each * tries {
				for _, kind := range rand.Perm(2) {
					took, res, body := timed(t, a.URL+"/v1/sign-ins/verify", guesses[kind][i])
					times[kind] = append(times[kind], took)
					seen[visible(t, res, body)] = true
				}
			}
			require.Len(t, seen, 1, "answers differ: %v", seen)
			for _, guess := range slices.Concat(guesses[0], guesses[1]) {
				found, err := a.Store.SignInByID(t.Context(), identity.SignInID(guess["sign_in_id"].(string)))
				require.NoError(t, err)
				require.Equal(t, identity.MaxCodeTries, found.CodeTries)
			}
			auc = share(times[0], times[1])
			t.Logf("share %.3f, medians %v %v", auc, median(times[0]), median(times[1]))
			if auc >= 0.35 && auc <= 0.65 {
				return
			}
		}
		t.Errorf("the time of a wrong code tells addresses apart: %v", auc)
	})
}

// A double click, or 20 at once: one sign-in, one mail. Another challenge is another device, and a sign-in of its own.
func TestSendingAgainWithinAMinute(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, "mia@mailbox.test")
		_, challenge := proof()
		for _, email := range []string{"mia@mailbox.test", "nobody@mailbox.test"} {
			ids := make([]string, 20)
			atOnce(len(ids), func(i int) {
				ids[i] = a.Client(t).RequestSignIn(m, email, bound(challenge)).Must(http.StatusAccepted).Text("sign_in_id")
			})
			slices.Sort(ids)
			assert.Len(t, slices.Compact(ids), 1, email)
		}
		settle(t, a)
		assert.Len(t, a.Mails(t, "mia@mailbox.test"), 1)
		assert.Empty(t, a.Mails(t, "nobody@mailbox.test"))

		client := a.Client(t)
		first := client.RequestSignIn(m, "mia@mailbox.test", bound(challenge)).Must(http.StatusAccepted)
		assert.EqualValues(t, 60, first.At("resend_after"))
		_, others := proof()
		other := client.RequestSignIn(m, "mia@mailbox.test", bound(others)).Must(http.StatusAccepted).Text("sign_in_id")
		assert.NotEqual(t, first.Text("sign_in_id"), other)
		assert.NotEqual(t, first.Text("sign_in_id"), client.RequestSignIn(m, "mia@mailbox.test").Must(http.StatusAccepted).Text("sign_in_id"))
		a.AwaitMails(t, "mia@mailbox.test", 3)
		a.Clock.Advance(61 * time.Second)
		assert.NotEqual(t, first.Text("sign_in_id"), client.RequestSignIn(m, "mia@mailbox.test", bound(challenge)).Must(http.StatusAccepted).Text("sign_in_id"))
		a.AwaitMails(t, "mia@mailbox.test", 4)
	})
}

// What is not one plain address is refused with one body, and nothing is mailed (CVE-2022-35924, CVE-2025-59937).
func TestAddressListsAndGroupsAreRefused(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, "mia@mailbox.test")
		a.Customer(t, m, "evil@evil.test")
		client := a.Client(t)
		var body map[string]any
		for _, email := range []string{
			"mia@mailbox.test,evil@evil.test", "mia@mailbox.test, evil@evil.test", "mia@mailbox.test;evil@evil.test", "mia@mailbox.test evil@evil.test",
			"<mia@mailbox.test>", "Mia <mia@mailbox.test>", "mia@mailbox.test<evil@evil.test>", "friends:mia@mailbox.test;", ":;",
			`"mia@mailbox.test"@evil.test`, `"mia"@mailbox.test`, "mia@mailbox.test(comment)", "(comment)mia@mailbox.test", "mia@[127.0.0.1]",
			"mia@mailbox.test\r\nBcc: evil@evil.test", "mia@mailbox.test\n", " mia@mailbox.test", "mia@mailbox.test ",
			"mia@mailbox.test\t", "mia@mailbox.test\u2028evil@evil.test", "mia@mailbox.test\u202e", "mia@mailbox..test", "mia@.test", "@mailbox.test",
			"mia@", "mia", "mia@localhost", "mia@@mailbox.test", "mia@evil.test@mailbox.test", "mia%evil.test@", "mia@-mailbox.test", "mia@mailbox_.test",
			".mia@mailbox.test", "mia.@mailbox.test", "mia..x@mailbox.test", "=?utf-8?q?mia=40evil.test?=@", "=?utf-8?q?mia?= <mia@mailbox.test>",
			strings.Repeat("a", 65) + "@mailbox.test", strings.Repeat("a", 60) + "@" + strings.Repeat("a.", 120) + "test",
			`mia\@mailbox.test`, "mia@mailbox.test/../", "mia@mailbox.test?subject=x", "mailto:mia@mailbox.test",
		} {
			answer := client.RequestSignIn(m, email)
			if !assert.Equal(t, http.StatusUnprocessableEntity, answer.Status, "%q", email) {
				continue
			}
			assert.Equal(t, "input.email", answer.Text("errors.0.code"), "%q", email)
			assert.Equal(t, "/email", answer.Text("errors.0.pointer"), "%q", email)
			got := withoutID(t, answer)
			if body == nil {
				body = got
			}
			assert.Equal(t, body, got, "%q", email)
		}
		// NUL and what is longer than the schema allows are refused before anybody looks at what it says.
		for _, email := range []string{
			"mia@mailbox.test\x00", "mia\x00@mailbox.test", "mia@mailbox.test\x00@evil.test", strings.Repeat("a", 321-len("@mailbox.test")) + "@mailbox.test", "",
		} {
			answer := client.RequestSignIn(m, email).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "/email", answer.Text("errors.0.pointer"), "%q", email)
		}
		settle(t, a)
		assert.Empty(t, a.Mails(t, ""), "nobody got a mail")
	})
}

func TestUnusualAddressesCanSignIn(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		for _, email := range []string{
			"mia+shop@mailbox.test", "m.i.a@mailbox.test", "o'brien@mailbox.test", "mia@müller.test", "mia@xn--mller-kva.test", "mia@例え.test", "a@b.co", "mia!#$%&*/=?^_`{|}~@mailbox.test",
			"1234@mailbox.test", "josé@mailbox.test", "mia@a-b.c-d.test", strings.Repeat("a", 64) + "@mailbox.test",
		} {
			a.Customer(t, m, email)
			client := a.SignIn(t, m, email)
			assert.Equal(t, email, client.Get("/v1/me").Must(http.StatusOK).Text("email"))
		}
	})
}

// Letter case does not count, and the mail goes to the address the customer has: two spellings that fold to one must not
// bring the link to whoever owns the other (GitHub's password reset, 2019: U+212A folds to k).
func TestLookAlikeAddressGetsNobodysLink(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		kate := a.Customer(t, m, "Kate@Mailbox.test")
		for _, email := range []string{"kate@mailbox.test", "KATE@MAILBOX.TEST", "\u212Aate@mailbox.test", "kate@mailbo\u0445.test", "k\u0430te@mailbox.test", "ｋate@mailbox.test", "kate+x@mailbox.test"} {
			a.Client(t).RequestSignIn(m, email).Must(http.StatusAccepted)
			a.Clock.Advance(61 * time.Second)
		}
		settle(t, a)
		mails := a.Mails(t, "")
		require.GreaterOrEqual(t, len(mails), 2, "letter case does not count")
		for _, mail := range mails {
			assert.Equal(t, kate.Email, mail.To)
		}
	})
}

// Links are built from settings; nothing a request says about hosts changes them (CVE-2025-70948).
func TestHostHeaderPoisonsNoLink(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		bare := a.Merchant(t, "bare", func(s *merchant.Settings) { s.FrontendURL = "" })
		n := 0
		for _, to := range []merchant.Merchant{m, bare} {
			want := "https://acme.test/portal/sign-in#token="
			if to.ID == bare.ID {
				want = "https://billing.test/sign-in#token="
			}
			for _, poison := range []func(*http.Request){
				func(r *http.Request) { r.Host = "evil.test" },
				func(r *http.Request) { r.Host = "evil.test:443" },
				func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "evil.test") },
				func(r *http.Request) {
					r.Header.Set("X-Forwarded-Proto", "http")
					r.Header.Set("X-Forwarded-Port", "1234")
					r.Header.Set("X-Forwarded-Server", "evil.test")
				},
				func(r *http.Request) { r.Header.Set("Forwarded", "host=evil.test;proto=http") },
				func(r *http.Request) { r.Header.Set("X-Original-URL", "https://evil.test/") },
				func(r *http.Request) { r.URL.Opaque = "http://evil.test" + r.URL.Path }, // absolute-form
				func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") },
				func(r *http.Request) { r.Header.Set("Referer", "https://evil.test/") },
			} {
				email := foyertest.Email(n)
				n++
				a.Customer(t, to, email)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/v1/portals/"+string(to.Portal.ID)+"/sign-ins",
					strings.NewReader(fmt.Sprintf(`{"email":%q}`, email)))
				require.NoError(t, err)
				req.Header.Set("Content-Type", "application/json")
				poison(req)
				res, err := http.DefaultTransport.RoundTrip(req)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				require.Equal(t, http.StatusAccepted, res.StatusCode)
				mail := a.AwaitMails(t, email, 1)[0]
				assert.Contains(t, mail.Text, want)
				assert.Contains(t, mail.HTML, `href="`+want)
				assert.NotContains(t, mail.Text+mail.HTML, "evil.test")
			}
		}
	})
}

// The target a client asks for comes back with the tokens; it never is an address.
func TestTargetIsKept(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, store.SQLite)
	m := a.Merchant(t, "acme")
	c := a.Customer(t, m, "mia@mailbox.test")
	sub := a.Subscription(t, c)
	target := map[string]any{"kind": "cancel_subscription", "id": string(sub.ID)}
	_, mail := mailed(t, a, m, c.Email, map[string]any{"target": target})
	answer := verify(t, a, map[string]any{"token": foyertest.LinkToken(mail)}).Must(http.StatusOK)
	assert.Equal(t, target, answer.At("target"))
	for _, wrong := range []map[string]any{
		{"kind": "https://evil.test"}, {"kind": "payment", "id": "//evil.test"}, {"kind": "overview", "id": string(sub.ID)}, {"kind": "subscription"},
	} {
		a.Client(t).RequestSignIn(m, c.Email, map[string]any{"target": wrong}).Refused(http.StatusUnprocessableEntity, "input.invalid")
	}
}
