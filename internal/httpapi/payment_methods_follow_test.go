package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/sandbox"
	"foyer/internal/notify"
)

// tokenOf is what charges a stored method, as only the gateway and we know it.
func tokenOf(t *testing.T, a *foyertest.App, c billing.Customer, id string) string {
	t.Helper()
	methods, err := a.Store.ChargeableMethods(t.Context(), c.Merchant, []billing.PaymentMethodID{billing.PaymentMethodID(id)})
	require.NoError(t, err)
	return methods[billing.PaymentMethodID(id)].Token
}

// replaceAtGateway plays the card's network.
func replaceAtGateway(t *testing.T, a *foyertest.App, token string, r sandbox.Replacement) {
	t.Helper()
	body, err := json.Marshal(r)
	require.NoError(t, err)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sandbox-gateway/methods/"+token+"/replace", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	a.Admin.ServeHTTP(recorder, request)
	require.Equal(t, http.StatusNoContent, recorder.Code, recorder.Body)
}

// happenedTo are the types of what happened to a subject.
func happenedTo(t *testing.T, a *foyertest.App, c billing.Customer, subject string) (types []string) {
	t.Helper()
	events, err := a.Store.Events(t.Context(), c.Merchant, notify.EventFilter{Customer: c.ID}, foyer.PageRequest{Limit: 1000})
	require.NoError(t, err)
	for _, e := range events {
		if e.Subject == subject {
			types = append(types, string(e.Type))
		}
	}
	return types
}

func TestACardReplacedByItsNetworkIsFollowedOnce(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-the-gateway-shares-with-foyer"
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		mia := a.Customer(t, m, "mia@mailbox.test")
		sub := a.Subscribe(t, mia, a.Price(t, m, "Basic", 1000), "tok_4242")
		method := string(sub.PaymentMethod)
		asMia := a.SignIn(t, m, mia.Email)
		path := "/v1/payment-methods/" + method
		before := asMia.Get(path).Must(http.StatusOK)
		expires, ok := before.At("card.expiry_year").(float64)
		require.True(t, ok)
		replaceAtGateway(t, a, tokenOf(t, a, mia, method), sandbox.Replacement{Last4: "0077", ExpiryMonth: 6, ExpiryYear: int(expires) + 4})
		body := []byte(fmt.Sprintf(`{"id":"msg_1","type":"method.updated","merchant":%q,"customer":%q,"created_at":"2026-01-01T00:00:00Z"}`, m.ID, mia.ID))
		atOnce(20, func(int) {
			a.Client(t).Raw(http.MethodPost, "/v1/gateways/sandbox/webhooks", body, "Content-Type", "application/json",
				"Sandbox-Signature", sandbox.Sign(secret, body, a.Clock.Now())).Must(http.StatusNoContent)
		})
		require.Eventually(t, func() bool { return asMia.Get(path).Text("card.last4") == "0077" }, 20*time.Second, 20*time.Millisecond)
		for range 3 { // whatever is still under way
			require.NoError(t, a.Billing.FollowMethods(t.Context(), foyertest.As(mia).Scope))
		}
		require.Eventually(t, func() bool { return idle(t, a, "follow_methods") }, 20*time.Second, 20*time.Millisecond)
		after := asMia.Get(path).Must(http.StatusOK)
		assert.InDelta(t, expires+4, after.At("card.expiry_year"), 0)
		assert.InDelta(t, 6, after.At("card.expiry_month"), 0)
		assert.Equal(t, "valid", after.Text("status"))
		assert.NotEqual(t, before.Header.Get("ETag"), after.Header.Get("ETag"))
		assert.Equal(t, []string{"payment_method.updated", "payment_method.created"}, happenedTo(t, a, mia, method))

		// Nobody is told that the old date comes near; the new card pays; the new date is told of in time, once.
		a.Until(t, m, time.Date(int(expires)+1, 3, 1, 0, 0, 0, 0, time.UTC))
		assert.NotContains(t, strings.Join(calendar(t, a, mia), "\n"), string(billing.MailCardExpiring))
		assert.Equal(t, "0077", asMia.Get("/v1/payments/"+asMia.Get("/v1/payments").Must(http.StatusOK).IDs()[0]).Text("attempts.0.payment_method.last4"))
		a.Until(t, m, time.Date(int(expires)+4, 6, 29, 0, 0, 0, 0, time.UTC))
		assert.Equal(t, 1, strings.Count(strings.Join(calendar(t, a, mia), "\n"), string(billing.MailCardExpiring)))

		// About somebody unknown, and another merchant's: nothing to do.
		stranger := []byte(fmt.Sprintf(`{"id":"msg_2","type":"method.updated","merchant":%q,"customer":"ctm_01kb3v5q8r9s0t1v2w3x4y5z6a"}`, m.ID))
		a.Client(t).Raw(http.MethodPost, "/v1/gateways/sandbox/webhooks", stranger, "Content-Type", "application/json",
			"Sandbox-Signature", sandbox.Sign(secret, stranger, a.Clock.Now())).Must(http.StatusNoContent)
		require.NoError(t, a.Billing.FollowMethods(t.Context(), foyer.Scope{Merchant: a.Merchant(t, "other").ID, Customer: mia.ID}))
	}, func(c *app.Config) { c.SandboxGatewaySecret = secret })
}

// idle tells whether no job of the kind waits, runs or is to be tried again.
func idle(t *testing.T, a *foyertest.App, kind string) bool {
	t.Helper()
	var n int
	require.NoError(t, a.Store.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM river_job WHERE kind = '"+kind+"' AND state <> 'completed'").Scan(&n))
	return n == 0
}

func TestAMethodRemovedAtTheGateway(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		mia := a.Customer(t, m, "mia@mailbox.test")
		sub := a.Subscribe(t, mia, a.Price(t, m, "Basic", 1000), "tok_4242")
		used := string(sub.PaymentMethod)
		asMia := a.SignIn(t, m, mia.Email)
		free := asMia.Post("/v1/payment-methods", map[string]any{"setup_id": asMia.Setup(foyertest.Card3DSecure)}, foyertest.Keyed("free")...).Must(http.StatusCreated).Text("id")
		gateway := sandbox.NewLocal(a.Store.SQL(), sandbox.Options{}) // of the same books, as its own operator
		for _, id := range []string{used, free} {
			require.NoError(t, gateway.RemoveMethod(t.Context(), tokenOf(t, a, mia, id)))
		}
		for range 3 {
			require.NoError(t, a.Billing.FollowMethods(t.Context(), foyertest.As(mia).Scope))
		}
		kept := asMia.Get("/v1/payment-methods/" + used).Must(http.StatusOK)
		assert.Equal(t, "expired", kept.Text("status"), "the customer is asked for another")
		assert.Equal(t, []any{string(sub.ID)}, kept.At("used_by"))
		asMia.Get("/v1/payment-methods/"+free).Refused(http.StatusNotFound, "not_found")
		assert.Equal(t, []string{"payment_method.updated", "payment_method.created"}, happenedTo(t, a, mia, used))
		assert.Equal(t, []string{"payment_method.deleted", "payment_method.created"}, happenedTo(t, a, mia, free))
		assert.Equal(t, 1, strings.Count(strings.Join(calendar(t, a, mia), "\n"), string(billing.MailMethodRemoved)))

		asMia.Post("/v1/payment-methods", map[string]any{"setup_id": asMia.Setup(foyertest.CardGood), "replaces": used}, foyertest.Keyed("new")...).Must(http.StatusCreated)
		asMia.Get("/v1/payment-methods/"+used).Refused(http.StatusNotFound, "not_found")
	})
}

func TestAnAccountPaysAndIsNamed(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		for locale, name := range map[string]string{"en": "SEPA Direct Debit •••• 3000", "de": "SEPA-Lastschrift •••• 3000"} {
			customer := a.Customer(t, m, locale+"@mailbox.test", func(c *billing.Customer) { c.Locale = locale })
			client := a.SignIn(t, m, customer.Email)
			started := client.Post("/v1/payment-methods/setups", nil).Must(http.StatusCreated)
			client.AtGateway("/setups/"+started.Text("setup_id")+"/confirm", map[string]any{
				"client_secret": started.Text("client_secret"), "sepa_debit": map[string]any{"iban": "DE89370400440532013000"},
			})
			added := client.Post("/v1/payment-methods", map[string]any{"setup_id": started.Text("setup_id")}, foyertest.Keyed(locale)...).Must(http.StatusCreated)
			assert.Equal(t, []any{"sepa_debit", "•••• 3000", "valid", nil, nil},
				[]any{added.At("type"), added.At("identifier"), added.At("status"), added.At("card"), added.At("wallet")})
			_, next, err := a.Engine.CreateSubscription(t.Context(), foyertest.As(customer), billing.SubscribeInput{
				Items: []billing.ItemInput{{Price: a.Price(t, m, "Basic "+locale, 1000).ID, Quantity: 1}}, PaymentMethod: billing.PaymentMethodID(added.Text("id")),
			})
			require.NoError(t, err)
			require.Nil(t, next)
			payment := client.Get("/v1/payments/" + client.Get("/v1/payments").Must(http.StatusOK).IDs()[0]).Must(http.StatusOK)
			assert.Equal(t, "completed", payment.Text("status"))
			assert.Equal(t, map[string]any{"type": "sepa_debit", "brand": nil, "last4": "3000", "wallet": nil, "identifier": "•••• 3000"}, payment.At("attempts.0.payment_method"))
			exported := client.Get("/v1/me/export").Must(http.StatusOK)
			assert.Equal(t, "•••• 3000", exported.At("payment_methods.0.identifier"))
			assert.Equal(t, "•••• 3000", exported.At("payments.0.attempts.0.payment_method.identifier"))

			receipt := ""
			require.Eventually(t, func() bool {
				for _, mail := range a.Mails(t, customer.Email) {
					if len(mail.Attachments) > 0 {
						receipt = mail.Text
						assert.Contains(t, pdfText(t, mail.Attachments[0].Content), name)
						return true
					}
				}
				return false
			}, 20*time.Second, 50*time.Millisecond)
			assert.Contains(t, receipt, name)
		}
		assert.NotContains(t, a.Log.String(), "DE89370400440532013000")
	})
}
