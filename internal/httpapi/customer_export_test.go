package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
)

// Everything held about the customer, and nothing held about anybody else.
func TestExportMe(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		changeEmail(s.asMia, newAddress).Must(http.StatusAccepted)
		settleMails(t, a)
		sub := s.own["subscription_id"]
		ticket(t, a, s.mia, identity.TargetCancelSubscription, billing.SubscriptionID(sub), identity.ScopeCancel(sub))
		ended := a.SignIn(t, s.acme, s.mia.Email)
		ended.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		settleMails(t, a)
		a.Key(t, s.acme).Post("/v1/merchant/customers/"+string(s.mia.ID)+"/addresses", map[string]any{"line1": "2 Other Street", "country": "IE", "description": "not for them"}).Must(http.StatusCreated)
		whole := s.asMia.Get("/v1/me/export").Must(http.StatusOK)
		assert.Contains(t, string(whole.Body), "2 Other Street")
		assert.NotContains(t, string(whole.Body), "not for them")
		assert.Equal(t, `attachment; filename="export-`+string(s.mia.ID)+`.json"`, whole.Header.Get("Content-Disposition"))
		assert.Equal(t, "application/json", whole.Header.Get("Content-Type"))
		assert.Contains(t, whole.Header.Get("Cache-Control"), "no-store")
		assert.Equal(t, s.mia.Email, whole.Text("me.email"))
		for section, id := range map[string]string{
			"subscriptions": sub, "payments": s.own["payment_id"], "invoices": s.own["invoice_id"], "payment_methods": s.own["payment_method_id"],
			"cancellations": s.own["cancellation_id"], "withdrawals": s.own["withdrawal_id"],
		} {
			require.Equal(t, 1, whole.Len(section), section)
			assert.Equal(t, id, whole.Text(section+".0.id"), section)
		}
		assert.Equal(t, 1, whole.Len("payments.0.attempts"), "itemised")
		assert.Equal(t, 1, whole.Len("payments.0.lines"))
		assert.Equal(t, whole.At("payments.0"), s.asMia.Get("/v1/payments/"+s.own["payment_id"]).JSON, "as the API shows it")
		assert.Equal(t, 3, whole.Len("sessions"))
		assert.NotNil(t, whole.At("sessions.0.revoked_at"), "ended ones too")
		assert.Equal(t, 1, whole.Len("portal_sessions"))
		assert.Equal(t, newAddress, whole.Text("email_changes.0.email"))
		assert.GreaterOrEqual(t, whole.Len("mails"), 4, "three sign-ins and a notice")
		assert.NotEmpty(t, whole.Text("mails.0.kind"))
		assert.Greater(t, whole.Len("activity"), whole.Len("mails"))
		for _, other := range [][]string{s.elsewhere[s.asNoah], s.elsewhere[s.asTwin]} {
			for _, id := range other {
				if id != string(s.mia.ID) && id != s.own["payment_id"] && id != s.own["invoice_id"] {
					assert.NotContains(t, string(whole.Body), id)
				}
			}
		}
		german := s.asMia.Get("/v1/me/export?locale=de").Must(http.StatusOK)
		assert.Equal(t, "de", german.Header.Get("Content-Language"))
		assert.NotEqual(t, whole.Text("activity.0.text"), german.Text("activity.0.text"))
	})
}

// A customer who has nothing yet, and one with more than a page of everything.
func TestExportIsWholeHoweverLong(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, "new@mailbox.test")
		empty := a.SignIn(t, m, "new@mailbox.test").Get("/v1/me/export").Must(http.StatusOK)
		assert.Equal(t, []any{}, empty.At("payments"))

		c := a.Customer(t, m, "mia@mailbox.test")
		at := a.Clock.Now().Add(-time.Hour)
		const n = 250
		for i := range n {
			a.Payment(t, c, at.Add(time.Duration(i%7)*time.Second), int64(i), "EUR", "") // zero-value ones too, and many at one moment
		}
		whole := a.SignIn(t, m, c.Email).Get("/v1/me/export").Must(http.StatusOK)
		require.Equal(t, n, whole.Len("payments"))
		seen := map[string]bool{}
		for i := range n {
			seen[whole.Text(fmt.Sprintf("payments.%d.id", i))] = true
		}
		assert.Len(t, seen, n)
		var sum int64
		for i := range n {
			amount, _ := whole.At(fmt.Sprintf("payments.%d.totals.subtotal.amount", i)).(float64)
			sum += int64(amount)
		}
		assert.EqualValues(t, n*(n-1)/2, sum)
		assert.True(t, json.Valid(whole.Body))
	})
}

// Contract §3: a link is not enough, however wide.
func TestLinksDecideNothingAboutWhoGetsIn(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		own := a.SignIn(t, r.acme, r.mia.Email)
		minted := r.entered(t, r.mint(nil).Text("ticket"))
		for _, c := range [][2]string{
			{http.MethodGet, "/v1/me/export"}, {http.MethodGet, "/v1/sessions"}, {http.MethodDelete, "/v1/sessions"}, {http.MethodDelete, "/v1/sessions/" + own.Session},
		} {
			minted.Call(c[0], c[1], nil).Refused(http.StatusForbidden, "auth.scope")
		}
		changeEmail(minted, newAddress).Refused(http.StatusForbidden, "auth.scope")
		assert.True(t, works(t, a, own.Token))
		minted.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		assert.False(t, works(t, a, minted.Token))
	})
}
