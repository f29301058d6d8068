package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/notify"
)

// A sign-in on a device the customer had not signed in on before is told of: not the first of all, not one on a device that is known,
// not a ticket, and each once.
func TestASignInOnANewDeviceIsToldOf(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		other := a.Customer(t, m, "noah@mailbox.test")
		warned := func(email string) (mails []notify.Mail) {
			settleMails(t, a)
			for _, mail := range a.Mails(t, email) {
				if strings.Contains(mail.Subject, "New sign-in") {
					mails = append(mails, mail)
				}
			}
			return mails
		}
		on(t, a, m, c.Email, firefox, "203.0.113.7")
		assert.Empty(t, warned(c.Email), "the first of all")
		on(t, a, m, c.Email, firefox, "198.51.100.9")
		assert.Empty(t, warned(c.Email), "the same device")
		phone := on(t, a, m, c.Email, safari, "2001:db8:1:2::3")
		require.Len(t, warned(c.Email), 1)
		mail := warned(c.Email)[0]
		for _, words := range []string{"Safari on iPhone", "2001:db8:1::/48", "sign out everywhere"} {
			assert.Contains(t, mail.Text, words)
		}
		assert.Empty(t, foyertest.LinkToken(mail))
		activity := phone.Get("/v1/me/activity").Must(http.StatusOK)
		assert.Contains(t, string(activity.Body), "a sign-in on a new device")

		on(t, a, m, c.Email, safari, "2001:db8:1:2::3")
		on(t, a, m, c.Email, firefox, "203.0.113.7")
		assert.Len(t, warned(c.Email), 1, "both are known")
		on(t, a, m, other.Email, safari, "203.0.113.7")
		assert.Empty(t, warned(other.Email), "another's first")

		// Signed out of everywhere, and the session gone: the device stays known, an unknown one is still new.
		phone.Delete("/v1/sessions").Must(http.StatusNoContent)
		on(t, a, m, c.Email, safari, "203.0.113.7")
		assert.Len(t, warned(c.Email), 1)
		on(t, a, m, c.Email, "curl/8.0", "203.0.113.7")
		assert.Len(t, warned(c.Email), 2)

		made := a.Key(t, m).Post("/v1/merchant/portal-sessions", object{"customer_id": other.ID}).Must(http.StatusCreated)
		visitor := a.Client(t)
		visitor.Header.Set("User-Agent", firefox)
		visitor.Post("/v1/portal-sessions/exchange", object{"ticket": made.Text("ticket")}).Must(http.StatusOK)
		assert.Empty(t, warned(other.Email), "a ticket is no sign-in")
	}, withProxy("127.0.0.1/32"))
}
