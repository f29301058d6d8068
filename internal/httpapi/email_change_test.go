package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
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
)

const (
	oldAddress = "mia@mailbox.test"
	newAddress = "mia@new.test"
)

func changeEmail(c *foyertest.Client, email string, headers ...string) *foyertest.Answer {
	return c.Post("/v1/me/email-changes", map[string]any{"email": email}, headers...)
}

func verifyChange(t testing.TB, a *foyertest.App, token string) *foyertest.Answer {
	t.Helper()
	return a.Client(t).Post("/v1/email-changes/verify", map[string]any{"token": token})
}

// about returns the mails to an address whose text holds the words, newest first.
func about(t testing.TB, a *foyertest.App, to, words string) []notify.Mail {
	t.Helper()
	return slices.DeleteFunc(a.Mails(t, to), func(m notify.Mail) bool { return !strings.Contains(m.Text, words) })
}

// changeToken waits for the link to a new address and returns its token.
func changeToken(t testing.TB, a *foyertest.App, to string) string {
	t.Helper()
	var token string
	require.Eventually(t, func() bool {
		for _, m := range a.Mails(t, to) {
			if strings.Contains(m.Text, "/email-change#token=") {
				token = foyertest.LinkToken(m)
				return true
			}
		}
		return false
	}, 10*time.Second, 20*time.Millisecond, "no link came")
	return token
}

// settleMails waits until no mail of any kind waits to be made.
func settleMails(t testing.TB, a *foyertest.App) {
	t.Helper()
	require.Eventually(t, func() bool {
		var waiting int
		err := a.Store.SQL().QueryRowContext(context.Background(),
			"SELECT count(*) FROM river_job WHERE kind LIKE '%_mail' AND state NOT IN ('completed', 'discarded', 'cancelled')").Scan(&waiting)
		return err == nil && waiting == 0
	}, 30*time.Second, 10*time.Millisecond)
}

// Threats #88 and ASVS 7.4.3: a new address acts only once it is confirmed there; the old one is told before and after; and what
// could still be used by whoever reads the old mailbox ends.
func TestEmailChange(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme", func(s *merchant.Settings) { s.Legal.SupportURL = "https://help.acme.test/" })
		c := a.Customer(t, m, oldAddress)
		client, other := a.SignIn(t, m, oldAddress), a.SignIn(t, m, oldAddress)
		sub := a.Subscription(t, c).ID
		mailTicket := ticket(t, a, c, identity.TargetCancelSubscription, sub, identity.ScopeCancel(string(sub)))
		_, open := mailed(t, a, m, oldAddress)
		before := client.Get("/v1/me").Must(http.StatusOK).Header.Get("ETag")

		asked := changeEmail(client, newAddress).Must(http.StatusAccepted)
		assert.True(t, foyer.ValidID(foyer.PrefixEmailChange, asked.Text("email_change_id")))
		changeEmail(client, "another@new.test").Must(http.StatusAccepted)
		token, second := changeToken(t, a, newAddress), changeToken(t, a, "another@new.test")
		settleMails(t, a)
		link := about(t, a, newAddress, "/email-change#token=")[0]
		assert.Contains(t, link.Text, "https://acme.test/portal/email-change#token="+token)
		assert.NotContains(t, link.Text, c.Name, "a stranger's mailbox learns no name")
		notice := about(t, a, oldAddress, newAddress)
		require.Len(t, notice, 1)
		assert.Contains(t, notice[0].Text, "https://help.acme.test/")
		assert.NotContains(t, notice[0].Text, token)
		assert.Equal(t, oldAddress, client.Get("/v1/me").Text("email"), "nothing changes before it is confirmed")

		done := verifyChange(t, a, token).Must(http.StatusOK)
		assert.Equal(t, map[string]any{"customer_id": string(c.ID), "email": newAddress}, done.JSON)
		me := client.Get("/v1/me").Must(http.StatusOK)
		assert.Equal(t, newAddress, me.Text("email"))
		assert.NotEqual(t, before, me.Header.Get("ETag"))
		settleMails(t, a)
		confirmed := about(t, a, oldAddress, "From now on")
		require.Len(t, confirmed, 1)
		assert.Contains(t, confirmed[0].Text, newAddress)

		other.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
		refresh(t, a, other.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		verify(t, a, map[string]any{"token": foyertest.LinkToken(open)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verifyChange(t, a, second).Refused(http.StatusUnauthorized, "email_change.invalid")
		a.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": mailTicket}).Refused(http.StatusUnauthorized, "ticket.invalid")

		a.Client(t).RequestSignIn(m, oldAddress).Must(http.StatusAccepted)
		mails := len(a.Mails(t, oldAddress))
		again := a.SignIn(t, m, newAddress)
		assert.Equal(t, string(c.ID), again.Get("/v1/me").Text("id"))
		settleMails(t, a)
		assert.Len(t, a.Mails(t, oldAddress), mails, "the old address is nobody's now")
		var kinds []string
		list := again.Get("/v1/me/activity?limit=100").Must(http.StatusOK)
		for i := range list.Len("data") {
			kinds = append(kinds, list.Text(fmt.Sprintf("data.%d.type", i)))
			assert.NotContains(t, list.Text(fmt.Sprintf("data.%d.text", i)), "email_change")
		}
		assert.Contains(t, kinds, "email_change.requested")
		assert.Contains(t, kinds, "email_change.completed")
		assert.NotContains(t, a.Log.String(), token)
	})
}

// Threat #33: whether the address is free, another customer's, an archived one's or over its limit shows in nothing but the mail
// that goes there.
func TestEmailChangeTellsNobodyWhoIsACustomer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, oldAddress)
		taken, gone := a.Customer(t, m, "ben@mailbox.test"), a.Customer(t, m, "gone@mailbox.test")
		archive(t, a, m, gone)
		a.Customer(t, a.Merchant(t, "bolt"), "elsewhere@mailbox.test")
		client := a.SignIn(t, m, oldAddress)
		var want []string
		for _, email := range []string{"free@new.test", "free@new.test", taken.Email, strings.ToUpper(taken.Email), gone.Email, "elsewhere@mailbox.test"} {
			answer := changeEmail(client, email).Must(http.StatusAccepted)
			var got []string
			for name := range answer.Header {
				got = append(got, name)
			}
			slices.Sort(got)
			got = append(got, fmt.Sprint(len(answer.Body)))
			if want == nil {
				want = got
			}
			assert.Equal(t, want, got, email)
		}
		settleMails(t, a)
		assert.Len(t, about(t, a, "free@new.test", "#token="), 1, "over the limit there is no second one")
		assert.Len(t, about(t, a, "elsewhere@mailbox.test", "#token="), 1, "another merchant's customer is nobody here")
		for _, email := range []string{taken.Email, gone.Email} {
			mails := a.Mails(t, email)
			require.Len(t, mails, 1)
			assert.NotContains(t, mails[0].Text, "#token=", email)
			assert.Contains(t, mails[0].Text, "There already is an account")
			assert.NotContains(t, mails[0].Text, oldAddress)
		}
		list := client.Get("/v1/me/activity?limit=100").Must(http.StatusOK)
		assert.NotContains(t, string(list.Body), taken.Email)
	}, foyertest.WithLimits(identity.Limits{identity.LimitSignInAddress: {{Count: 1, Per: time.Minute}}}))
}

// The address may become somebody's between the mail and the click; then, and whenever it can't be made true, there is one answer.
func TestEmailChangeIsRefusedWithOneAnswer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, oldAddress)
		client := a.SignIn(t, m, oldAddress)
		changeEmail(client, newAddress).Must(http.StatusAccepted)
		token := changeToken(t, a, newAddress)
		rival := a.Customer(t, m, newAddress)
		want := withoutID(t, verifyChange(t, a, token).Refused(http.StatusUnauthorized, "email_change.invalid"))
		assert.Equal(t, oldAddress, client.Get("/v1/me").Must(http.StatusOK).Text("email"), "the session lives")
		for _, wrong := range []string{"nothing", token + "x", token[:42], string(c.ID)} {
			assert.Equal(t, want, withoutID(t, verifyChange(t, a, wrong).Refused(http.StatusUnauthorized, "email_change.invalid")), wrong)
		}
		rival.Email = "moved@mailbox.test"
		a.Save(t, m, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: rival}}})
		verifyChange(t, a, token).Must(http.StatusOK)
		assert.Equal(t, want, withoutID(t, verifyChange(t, a, token).Must(http.StatusUnauthorized)), "used")

		changeEmail(client, "late@new.test").Must(http.StatusAccepted)
		late := changeToken(t, a, "late@new.test")
		a.Clock.Advance(10 * time.Minute)
		assert.Equal(t, want, withoutID(t, verifyChange(t, a, late).Must(http.StatusUnauthorized)), "expired")
		verify(t, a, map[string]any{"token": late}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		a.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": late}).Refused(http.StatusUnauthorized, "ticket.invalid")
	})
}

// However many click at once, in two processes, one changes it.
//
// Mutant: UseEmailChange without `used_at IS NULL` lets several in.
func TestEmailChangeIsMadeOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		second := a.Second(t)
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, oldAddress)
		client := a.SignIn(t, m, oldAddress)
		changeEmail(client, newAddress).Must(http.StatusAccepted)
		token := changeToken(t, a, newAddress)
		statuses := together(50, func(i int) int {
			by := a
			if i%2 == 1 {
				by = second
			}
			return verifyChange(t, by, token).Status
		})
		assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusUnauthorized: 49}, statuses)
		kept, err := a.Billing.Customer(context.Background(), foyertest.Scope(m.ID, c.ID))
		require.NoError(t, err)
		assert.Equal(t, newAddress, kept.Email)
		assert.EqualValues(t, 2, kept.Version)
		settleMails(t, a)
		assert.Len(t, about(t, a, oldAddress, "From now on"), 1)
	})
}

func TestWhoMayAskForAnotherAddress(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		off := a.Merchant(t, "off", func(s *merchant.Settings) { s.Features.EmailChangeOff = true })
		a.Customer(t, off, oldAddress)
		changeEmail(a.SignIn(t, off, oldAddress), newAddress).Refused(http.StatusForbidden, "feature.off")

		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, oldAddress)
		client := a.SignIn(t, m, oldAddress)
		for _, wrong := range []string{"no", "a@x.test,b@x.test", "Mia <mia@x.test>", `"a@evil.test"@x.test`, "a@x", "mia@new.test\r\nBcc: v@x.test", "mia@new.test "} {
			refused := changeEmail(client, wrong).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "/email", refused.Text("errors.0.pointer"), wrong)
		}
		changeEmail(client, oldAddress).Refused(http.StatusUnprocessableEntity, "input.invalid")
		client.Post("/v1/me/email-changes", map[string]any{"email": newAddress, "customer_id": c.ID}).Refused(http.StatusBadRequest, "json.unknown_field")
		client.Patch("/v1/me", map[string]any{"email": newAddress}).Refused(http.StatusBadRequest, "json.unknown_field")

		minted := a.Client(t)
		minted.Adopt(minted.Post("/v1/portal-sessions/exchange", map[string]any{
			"ticket": ticket(t, a, c, identity.TargetOverview, "", identity.FullScope...),
		}).Must(http.StatusOK))
		changeEmail(minted, newAddress).Refused(http.StatusForbidden, "auth.scope")

		// A repeat with the same key is the same change, and the same mail.
		first := changeEmail(client, newAddress, idempotencyKey, "k").Must(http.StatusAccepted)
		repeated := changeEmail(client, newAddress, idempotencyKey, "k").Must(http.StatusAccepted)
		assert.Equal(t, string(first.Body), string(repeated.Body))
		changeEmail(client, strings.ToUpper(oldAddress)).Must(http.StatusAccepted) // another spelling of the same
		verifyChange(t, a, changeToken(t, a, strings.ToUpper(oldAddress))).Must(http.StatusOK)
		assert.Equal(t, strings.ToUpper(oldAddress), client.Get("/v1/me").Text("email"))
		settleMails(t, a)
		assert.Len(t, about(t, a, newAddress, "#token="), 1)

		// A quarter of an hour after signing in the customer is asked again, however often the session was refreshed.
		a.Clock.Advance(9 * time.Minute)
		client.Adopt(refresh(t, a, client.Refresh).Must(http.StatusOK))
		changeEmail(client, "fresh@new.test").Must(http.StatusAccepted)
		a.Clock.Advance(7 * time.Minute)
		client.Adopt(refresh(t, a, client.Refresh).Must(http.StatusOK))
		changeEmail(client, "stale@new.test").Refused(http.StatusForbidden, "auth.fresh_sign_in_required")
		settleMails(t, a)
		assert.Empty(t, a.Mails(t, "stale@new.test"))
	})
}

func TestEmailChangesAreLimited(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, oldAddress)
		client := a.SignIn(t, m, oldAddress)
		for i := range 5 {
			changeEmail(client, foyertest.Email(i)).Must(http.StatusAccepted)
		}
		answer := changeEmail(client, foyertest.Email(5)).Refused(http.StatusTooManyRequests, "rate_limited")
		assert.NotEmpty(t, answer.Header.Get("Retry-After"))
	}, only(identity.LimitEmailChange))
}

// The customer's language is the mails', wherever they go.
func TestEmailChangeSpeaksTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, oldAddress, func(c *billing.Customer) { c.Locale = "de" })
		client := a.SignIn(t, m, oldAddress)
		changeEmail(client, newAddress).Must(http.StatusAccepted)
		verifyChange(t, a, changeToken(t, a, newAddress)).Must(http.StatusOK)
		settleMails(t, a)
		assert.Equal(t, "Bestätigen Sie Ihre E-Mail-Adresse für acme", about(t, a, newAddress, "#token=")[0].Subject)
		assert.Len(t, about(t, a, oldAddress, "Ab jetzt melden Sie sich"), 1)
		for _, to := range []string{oldAddress, newAddress} {
			for _, mail := range a.Mails(t, to) {
				assert.Equal(t, "de", mail.Language)
				assert.NotContains(t, mail.Text, "mail.")
				assert.NotContains(t, mail.Text, "{{")
			}
		}
	})
}
