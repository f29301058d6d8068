package httpapi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

// archive takes a customer's right to sign in, as an import does.
func archive(t testing.TB, a *foyertest.App, m merchant.Merchant, c billing.Customer) {
	t.Helper()
	c.Archived = true
	c.UpdatedAt = a.Clock.Now()
	a.Save(t, m, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: c}}})
}

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1"
)

// on signs a customer in from a device and an address.
func on(t testing.TB, a *foyertest.App, m merchant.Merchant, email, agent, ip string) *foyertest.Client {
	t.Helper()
	_, mail := mailed(t, a, m, email)
	client := a.Client(t)
	client.Header.Set("User-Agent", agent)
	client.Header.Set("X-Forwarded-For", ip)
	client.Adopt(client.Post("/v1/sign-ins/verify", map[string]any{"token": foyertest.LinkToken(mail)}).Must(http.StatusOK))
	return client
}

func TestSessionsShowDeviceAndCutAddress(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, "mia@mailbox.test")
		desk := on(t, a, m, "mia@mailbox.test", firefox, "203.0.113.77")
		a.Clock.Advance(time.Minute)
		phone := on(t, a, m, "mia@mailbox.test", safari, "2001:db8:1:2:3:4:5:6")
		list := phone.Get("/v1/sessions").Must(http.StatusOK)
		require.Equal(t, []string{phone.Session, desk.Session}, list.IDs(), "newest first")
		assert.Equal(t, "Safari on iPhone", list.At("data.0.device"))
		assert.Equal(t, "2001:db8:1::/48", list.At("data.0.ip"))
		assert.Equal(t, true, list.At("data.0.current"))
		assert.Equal(t, "Firefox on Windows", list.At("data.1.device"))
		assert.Equal(t, "203.0.113.0/24", list.At("data.1.ip"))
		assert.Equal(t, false, list.At("data.1.current"))
		assert.Equal(t, "sign_in", list.At("data.1.kind"))
		assert.Equal(t, list.At("data.1.created_at"), list.At("data.1.last_used_at"))
		assert.NotContains(t, string(list.Body), "203.0.113.77")
		assert.NotContains(t, string(list.Body), "2001:db8:1:2")
		a.Clock.Advance(time.Hour)
		desk.Adopt(refresh(t, a, desk.Refresh).Must(http.StatusOK))
		list = desk.Get("/v1/sessions").Must(http.StatusOK)
		assert.Greater(t, list.Text("data.1.last_used_at"), list.Text("data.1.created_at"))
	}, withProxy("127.0.0.1/32"))
}

func TestSignOutEndsOneSession(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, client := signedIn(t, a)
		other := a.SignIn(t, m, "mia@mailbox.test")
		second := a.Second(t)
		require.True(t, works(t, second, client.Token))
		client.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		assert.False(t, works(t, a, client.Token), "at once in the process that did it")
		refresh(t, a, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		refresh(t, second, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		require.NoError(t, second.Identity.Refreshed(context.Background()))
		assert.False(t, works(t, second, client.Token))
		assert.True(t, works(t, a, other.Token))
		assert.Equal(t, []string{other.Session}, other.Get("/v1/sessions").Must(http.StatusOK).IDs())
	})
}

// Another process knows of a revocation within 60 seconds also when its own looks fail: it asks before it answers.
func TestRevocationReachesAProcessThatMissedItsLooks(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		second := a.Second(t)
		client.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		second.Clock.Advance(46 * time.Second) // as if nothing had been looked up since
		assert.False(t, works(t, second, client.Token))
	})
}

func TestRevokeSession(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, client := signedIn(t, a)
		other := a.SignIn(t, m, "mia@mailbox.test")
		a.Customer(t, m, "ben@mailbox.test")
		ben := a.SignIn(t, m, "ben@mailbox.test")
		elsewhere := a.Merchant(t, "bolt")
		a.Customer(t, elsewhere, "mia@mailbox.test")
		twin := a.SignIn(t, elsewhere, "mia@mailbox.test")

		want := withoutID(t, client.Delete("/v1/sessions/"+a.IDs(foyer.PrefixSession)).Refused(http.StatusNotFound, "not_found"))
		for _, id := range []string{ben.Session, twin.Session, "ses_nonsense", "%00", "pay_01hzy7v8k9m0n1p2q3r4s5t6v7", "CURRENT"} {
			assert.Equal(t, want, withoutID(t, client.Delete("/v1/sessions/"+id).Refused(http.StatusNotFound, "not_found")), id)
		}
		assert.True(t, works(t, a, ben.Token))
		assert.True(t, works(t, a, twin.Token))

		client.Delete("/v1/sessions/" + other.Session).Must(http.StatusNoContent)
		client.Delete("/v1/sessions/" + other.Session).Must(http.StatusNoContent)
		assert.False(t, works(t, a, other.Token))
		refresh(t, a, other.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		assert.True(t, works(t, a, client.Token))
		client.Delete("/v1/sessions/" + client.Session).Must(http.StatusNoContent)
		assert.False(t, works(t, a, client.Token))
	})
}

func TestRevokeAllEndsTheCurrentOneToo(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, client := signedIn(t, a)
		others := []*foyertest.Client{a.SignIn(t, m, "mia@mailbox.test"), a.SignIn(t, m, "mia@mailbox.test")}
		a.Customer(t, m, "ben@mailbox.test")
		ben := a.SignIn(t, m, "ben@mailbox.test")
		client.Delete("/v1/sessions").Must(http.StatusNoContent)
		for _, c := range append(others, client) {
			assert.False(t, works(t, a, c.Token))
			refresh(t, a, c.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		}
		assert.True(t, works(t, a, ben.Token))
		again := a.SignIn(t, m, "mia@mailbox.test")
		assert.Equal(t, []string{again.Session}, again.Get("/v1/sessions").Must(http.StatusOK).IDs())
	})
}

// ASVS 7.4.2: whoever is archived is signed out.
func TestArchivedCustomersSessionsDie(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		client := a.SignIn(t, m, c.Email)
		archive(t, a, m, c)
		refresh(t, a, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		require.NoError(t, a.Identity.Refreshed(context.Background()))
		assert.False(t, works(t, a, client.Token))
		a.Client(t).RequestSignIn(m, c.Email).Must(http.StatusAccepted)
		settle(t, a)
		assert.Len(t, a.Mails(t, c.Email), 1, "the one before")
	})
}
