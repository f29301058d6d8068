package httpapi_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// withProxy makes a network trusted.
func withProxy(network string) foyertest.Option {
	return func(c *app.Config) { c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(network)) }
}

// only is the options of an app with the shipped rules for some limits.
func only(names ...identity.LimitName) foyertest.Option {
	return func(c *app.Config) {
		for _, name := range names {
			c.Limits[name] = identity.DefaultLimits()[name]
		}
	}
}

var asked atomic.Int64

// asks sends a sign-in request for an address nobody asked for before.
func asks(t testing.TB, a *foyertest.App, m merchant.Merchant, headers ...string) *foyertest.Answer {
	t.Helper()
	email := fmt.Sprintf("asked%d@mailbox.test", asked.Add(1))
	return a.Client(t).Post("/v1/portals/"+string(m.Portal.ID)+"/sign-ins", map[string]any{"email": email}, headers...)
}

// wait checks a 429 and returns how many seconds it asks for.
func wait(t testing.TB, answer *foyertest.Answer) int {
	t.Helper()
	answer.Refused(http.StatusTooManyRequests, "rate_limited")
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, seconds)
	return seconds
}

// Two processes share the count: of 40 requests at once to both, ten get in, and it is the same in a third process.
func TestLimitPerIPIsSharedByProcesses(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		second := a.Second(t, only(identity.LimitSignInIP))
		apps := []*foyertest.App{a, second}
		var accepted atomic.Int64
		atOnce(40, func(i int) {
			answer := asks(t, apps[i%2], m)
			if answer.Status == http.StatusAccepted {
				accepted.Add(1)
				return
			}
			assert.LessOrEqual(t, wait(t, answer), 60)
		})
		assert.EqualValues(t, 10, accepted.Load())
		wait(t, asks(t, a.Second(t, only(identity.LimitSignInIP)), m))
		for _, app := range apps {
			app.Clock.Advance(61 * time.Second)
		}
		asks(t, second, m).Must(http.StatusAccepted)
	}, only(identity.LimitSignInIP))
}

// Ten a minute and sixty an hour, refused ones counted: whoever keeps on knocking waits for the hour.
func TestLimitPerIPCountsByTheHourToo(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		for minute := range 6 {
			for i := range 10 {
				require.Equal(t, http.StatusAccepted, asks(t, a, m).Status, "minute %d, request %d", minute, i)
			}
			a.Clock.Advance(61 * time.Second)
		}
		assert.Greater(t, wait(t, asks(t, a, m)), 60, "the hour's rule")
		a.Clock.Advance(time.Hour)
		asks(t, a, m).Must(http.StatusAccepted)
	}, only(identity.LimitSignInIP))
}

// One subscriber has a /64 at least, so a /64 counts as one.
func TestLimitPerIPv6Subscriber(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		for i := range 10 {
			asks(t, a, m, "X-Forwarded-For", fmt.Sprintf("2001:db8:1:2:%x::%x", i, i)).Must(http.StatusAccepted)
		}
		wait(t, asks(t, a, m, "X-Forwarded-For", "2001:db8:1:2:ffff::1"))
		asks(t, a, m, "X-Forwarded-For", "2001:db8:1:3::1").Must(http.StatusAccepted)
		asks(t, a, m, "X-Forwarded-For", "192.0.2.1").Must(http.StatusAccepted)
	}, only(identity.LimitSignInIP), withProxy("127.0.0.1/32"))
}

func TestLimitPerMerchant(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, other := a.Merchant(t, "acme"), a.Merchant(t, "bolt")
		for i := range 7 {
			require.Equal(t, http.StatusAccepted, asks(t, a, m).Status, "request %d", i)
		}
		assert.Greater(t, wait(t, asks(t, a, m)), 3500)
		asks(t, a, other).Must(http.StatusAccepted)
	}, foyertest.WithLimits(identity.Limits{identity.LimitSignInMerchant: {{Count: 7, Per: time.Hour}}}))
}

func TestLimitOfVerifying(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, "mia@mailbox.test")
		_, mail := mailed(t, a, m, "mia@mailbox.test")
		second := a.Second(t, only(identity.LimitVerifyIP))
		for i := range 30 {
			verify(t, []*foyertest.App{a, second}[i%2], map[string]any{"token": fmt.Sprint(i)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		}
		assert.LessOrEqual(t, wait(t, verify(t, a, map[string]any{"token": foyertest.LinkToken(mail)})), 300)
		wait(t, verify(t, second, map[string]any{"token": "x"}))
		a.Clock.Advance(5*time.Minute + time.Second)
		verify(t, a, map[string]any{"token": foyertest.LinkToken(mail)}).Must(http.StatusOK)
	}, only(identity.LimitVerifyIP))
}

// All that a client may say of its own address.
var spoofed = []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Fastly-Client-Ip", "X-Forwarded"}

func spoof(i int) []string {
	var headers []string
	for _, name := range spoofed {
		value := fmt.Sprintf("203.0.113.%d", i)
		if name == "Forwarded" {
			value = "for=" + value
		}
		headers = append(headers, name, value)
	}
	return headers
}

func TestSpoofedAddressDoesNotHelp(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]foyertest.Option{
		"no proxy is trusted":      {only(identity.LimitSignInIP)},
		"another proxy is trusted": {only(identity.LimitSignInIP), withProxy("10.0.0.0/8"), withProxy("203.0.113.0/24")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
				m := a.Merchant(t, "acme")
				for i := range 10 {
					asks(t, a, m, spoof(i)...).Must(http.StatusAccepted)
				}
				for i := range 10 {
					wait(t, asks(t, a, m, spoof(100+i)...))
				}
				c := a.Customer(t, m, "mia@mailbox.test")
				a.Clock.Advance(61 * time.Second)
				_, mail := mailed(t, a, m, c.Email)
				client := a.Client(t)
				client.Adopt(client.Post("/v1/sign-ins/verify", map[string]any{"token": foyertest.LinkToken(mail)}, spoof(1)...).Must(http.StatusOK))
				assert.Equal(t, "127.0.0.0/24", client.Get("/v1/sessions").Must(http.StatusOK).At("data.0.ip"), "the log shows the peer")
			}, options...)
		})
	}
}

// Behind trusted proxies the right-most address that is not one of theirs counts; what stands left of it anybody wrote.
func TestRightmostUntrustedAddressCounts(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		for i := range 10 {
			asks(t, a, m, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d, 198.51.100.7, 10.1.2.3", i)).Must(http.StatusAccepted)
		}
		wait(t, asks(t, a, m, "X-Forwarded-For", "198.51.100.7"))
		wait(t, asks(t, a, m, "X-Forwarded-For", "1.1.1.1, 198.51.100.7, 10.9.9.9, 10.1.2.3"))
		asks(t, a, m, "X-Forwarded-For", "198.51.100.7, 198.51.100.8").Must(http.StatusAccepted)
		for i := range 10 { // rubbish, and other headers, count as the proxy itself
			asks(t, a, m, "X-Forwarded-For", fmt.Sprintf("rubbish%d", i), "X-Real-Ip", fmt.Sprintf("203.0.113.%d", i)).Must(http.StatusAccepted)
		}
		wait(t, asks(t, a, m, "X-Forwarded-For", "'; DROP TABLE rate_limits;--"))
	}, only(identity.LimitSignInIP), withProxy("127.0.0.1/32"), withProxy("10.0.0.0/8"))
}

// 1 a minute, 5 an hour, 10 a day to one inbox over all merchants; nobody sees it in an answer.
func TestMailBombing(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		const victim = "mia@mailbox.test"
		var merchants []merchant.Merchant
		for _, name := range []string{"acme", "bolt", "cord"} {
			m := a.Merchant(t, name)
			a.Customer(t, m, victim)
			merchants = append(merchants, m)
		}
		bomb := func() {
			for i := range 12 {
				_, challenge := proof()
				a.Client(t).RequestSignIn(merchants[i%3], victim, bound(challenge)).Must(http.StatusAccepted)
			}
			settle(t, a)
		}
		bomb()
		assert.Len(t, a.Mails(t, victim), 1, "one a minute")
		for range 9 {
			a.Clock.Advance(61 * time.Second)
			bomb()
		}
		assert.LessOrEqual(t, len(a.Mails(t, victim)), 5, "five an hour")
		for range 4 {
			a.Clock.Advance(time.Hour + time.Second)
			bomb()
		}
		assert.LessOrEqual(t, len(a.Mails(t, victim)), 10, "ten a day")
		a.Clock.Advance(24*time.Hour + time.Second)
		before := len(a.Mails(t, victim))
		bomb()
		assert.Len(t, a.Mails(t, victim), before+1)
	}, only(identity.LimitSignInAddress))
}

// Plus, dots and letter case reach one inbox and count once; who somebody is they do not decide.
func TestAddressVariantsCountOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		variants := []string{"mia.k@gmail.com", "miak@gmail.com", "m.i.a.k@googlemail.com", "miak+shop@gmail.com"}
		for _, email := range variants {
			a.Customer(t, m, email)
		}
		for _, email := range append([]string{"MIA.K@Gmail.com"}, variants...) {
			a.Client(t).RequestSignIn(m, email).Must(http.StatusAccepted)
		}
		settle(t, a)
		assert.Len(t, a.Mails(t, ""), 1)
		for _, email := range variants {
			a.Clock.Advance(time.Hour + time.Minute)
			before := len(a.Mails(t, email))
			a.Client(t).RequestSignIn(m, email).Must(http.StatusAccepted)
			mails := a.AwaitMails(t, email, before+1)
			client := a.Client(t)
			client.Adopt(verify(t, a, map[string]any{"token": foyertest.LinkToken(mails[0])}).Must(http.StatusOK))
			assert.Equal(t, email, client.Get("/v1/me").Must(http.StatusOK).Text("email"), "identities are never merged")
		}
	}, only(identity.LimitSignInAddress))
}
