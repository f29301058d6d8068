package httpapi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// A job runs at least once: a second run sends no second mail and no other link, and records nothing twice.
func TestMailJobRunTwiceSendsTheSame(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		id, mail := mailed(t, a, m, c.Email)
		settle(t, a)
		a.Clock.Advance(time.Minute)
		for range 3 {
			require.NoError(t, a.Notify.SendSignIn(context.Background(), m.ID, identity.SignInID(id)))
		}
		assert.Equal(t, mail, a.Mails(t, c.Email)[0])
		assert.Len(t, a.Mails(t, c.Email), 1)
		client := a.Client(t)
		client.Adopt(verify(t, a, map[string]any{"token": foyertest.LinkToken(mail)}).Must(http.StatusOK))
		assert.Equal(t, 2, client.Get("/v1/me/activity").Must(http.StatusOK).Len("data"), "one mail, one sign-in")
		// Used, expired, somebody else's or gone: nothing to send, and nothing to try again.
		require.NoError(t, a.Notify.SendSignIn(context.Background(), m.ID, identity.SignInID(id)))
		require.NoError(t, a.Notify.SendSignIn(context.Background(), a.Merchant(t, "bolt").ID, identity.SignInID(id)))
		require.NoError(t, a.Notify.SendSignIn(context.Background(), m.ID, identity.SignInID(a.IDs("sgn"))))
		assert.Len(t, a.Mails(t, ""), 1)
	})
}

// The customer's language, else the request's, else the portal's.
func TestMailSpeaksTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		german := a.Merchant(t, "bolt", func(s *merchant.Settings) { s.DefaultLocale = "de" })
		for i, c := range []struct {
			merchant merchant.Merchant
			customer string
			request  map[string]any
			want     string
		}{
			{m, "", nil, "en"},
			{m, "de", nil, "de"},
			{m, "de-AT", map[string]any{"locale": "en"}, "de"},
			{m, "fr", nil, "fr"},
			{m, "tlh", nil, "en"},
			{m, "", map[string]any{"locale": "de"}, "de"},
			{m, "en", map[string]any{"locale": "de"}, "en"},
			{german, "", nil, "de"},
			{german, "en", nil, "en"},
		} {
			email := foyertest.Email(i)
			a.Customer(t, c.merchant, email, func(in *billing.Customer) { in.Locale = c.customer })
			_, mail := mailed(t, a, c.merchant, email, c.request)
			assert.Equal(t, c.want, mail.Language, "%d", i)
			says := map[string]string{"en": "10 minutes", "de": "10 Minuten", "fr": "10 minutes"}[c.want]
			assert.Contains(t, mail.Text, says)
			assert.Contains(t, mail.HTML, says)
		}
	})
}

// What stands in names reaches the mail as text.
func TestMailWithHostileNames(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		const hostile = `<img src=//evil.test>{{.Link}}" onload="x`
		m := a.Merchant(t, "acme", func(s *merchant.Settings) { s.Name = hostile })
		a.Customer(t, m, "mia@mailbox.test", func(c *billing.Customer) { c.Name = hostile + "\r\nBcc: evil@evil.test" })
		_, mail := mailed(t, a, m, "mia@mailbox.test")
		assert.Equal(t, "mia@mailbox.test", mail.To)
		assert.Equal(t, hostile, mail.FromName)
		assert.NotContains(t, mail.HTML, "<img")
		assert.Contains(t, mail.Text, hostile)
		assert.NotContains(t, mail.Text, "\nBcc:")
		assert.NotContains(t, mail.Subject, "\n")
	})
}
