package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

// indebted is a customer, signed in, whose renewal was declined, with a good card stored beside the bad one.
type indebted struct {
	*foyertest.App
	merchant merchant.Merchant
	customer billing.Customer
	client   *foyertest.Client
	sub      billing.Subscription
	debt     string
	good     string
}

func newIndebted(t *testing.T, a *foyertest.App) *indebted {
	t.Helper()
	d := &indebted{App: a, merchant: a.Merchant(t, "acme")}
	d.customer = a.Customer(t, d.merchant, "mia@mailbox.test")
	d.sub = a.Subscribe(t, d.customer, a.Price(t, d.merchant, "Basic", 1000), "tok_0341")
	a.Until(t, d.merchant, d.sub.CurrentPeriod.End.Add(time.Minute))
	d.client = a.SignIn(t, d.merchant, d.customer.Email)
	debts := d.client.Get("/v1/payments?status=past_due").Must(http.StatusOK).IDs()
	require.Len(t, debts, 1)
	d.debt = debts[0]
	d.good = d.client.Post("/v1/payment-methods", map[string]any{"setup_id": d.client.Setup(foyertest.CardGood)}, foyertest.Keyed("good")...).Must(http.StatusCreated).Text("id")
	return d
}

func (d *indebted) pay(key string) *foyertest.Answer {
	return d.client.Post("/v1/payments/"+d.debt+"/pay", map[string]any{"payment_method_id": d.good}, foyertest.Keyed(key)...)
}

// charges of the debt, in the gateway's own ledger.
func (d *indebted) charges(t *testing.T) (n int) {
	for _, c := range d.Ledger(t) {
		if strings.Contains(c.Reference, d.debt) {
			n++
		}
	}
	return n
}

// Threat #53: a hundred identical calls at once. One charge; every answer is the one stored answer or "in progress"; a repeat
// gets the stored answer.
func TestOneKeyChargesOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newIndebted(t, a)
		answers := make([]*foyertest.Answer, 100)
		atOnce(len(answers), func(n int) { answers[n] = d.pay("one") })
		var stored []byte
		for _, answer := range answers {
			if answer.Status == http.StatusConflict {
				answer.Refused(http.StatusConflict, "idempotency.in_progress")
				continue
			}
			answer.Must(http.StatusOK)
			assert.Equal(t, "completed", answer.Text("status"))
			if stored == nil {
				stored = answer.Body
			}
			require.Equal(t, string(stored), string(answer.Body))
		}
		require.NotNil(t, stored)
		repeated := d.pay("one").Must(http.StatusOK)
		assert.Equal(t, "true", repeated.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(stored), string(repeated.Body))
		assert.Equal(t, 1, d.charges(t))
		d.client.Post("/v1/payments/"+d.debt+"/pay", map[string]any{}, foyertest.Keyed("one")...).Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")
		d.client.Post("/v1/payments/"+d.debt+"/pay", map[string]any{}).Refused(http.StatusBadRequest, "idempotency.key_required")
	})
}

// Threat #54: fifty keys on one payment. One charge.
func TestManyKeysChargeOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newIndebted(t, a)
		answers := make([]*foyertest.Answer, 50)
		atOnce(len(answers), func(n int) { answers[n] = d.pay(fmt.Sprint("key-", n)) })
		paid := 0
		for _, answer := range answers {
			if answer.Status == http.StatusOK {
				paid++
				continue
			}
			require.Equal(t, http.StatusConflict, answer.Status, "%s", answer.Body)
			require.Contains(t, []string{"payment.in_progress", "payment.not_payable"}, answer.Text("code"))
		}
		assert.Equal(t, 1, paid)
		assert.Equal(t, 1, d.charges(t))
		assert.Equal(t, "active", d.client.Get("/v1/subscriptions/"+string(d.sub.ID)).Text("status"))
	})
}

// A decline is an answer too: the attempt is there, nothing else has changed, and the repeat charges nothing.
func TestDeclinedPayment(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newIndebted(t, a)
		poor := d.client.Post("/v1/payment-methods", map[string]any{"setup_id": d.client.Setup(foyertest.CardNoBalance)}, foyertest.Keyed("poor")...).Must(http.StatusCreated).Text("id")
		before := d.client.Get("/v1/payments/" + d.debt).Len("attempts")
		body := map[string]any{"payment_method_id": poor}
		declined := d.client.Post("/v1/payments/"+d.debt+"/pay", body, foyertest.Keyed("d")...).Refused(http.StatusPaymentRequired, "payment.declined")
		assert.Equal(t, "not_enough_balance", declined.Text("error_code"))
		again := d.client.Post("/v1/payments/"+d.debt+"/pay", body, foyertest.Keyed("d")...).Refused(http.StatusPaymentRequired, "payment.declined")
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		after := d.client.Get("/v1/payments/" + d.debt)
		assert.Equal(t, before+1, after.Len("attempts"))
		assert.Equal(t, "past_due", after.Text("status"))
		d.pay("ok").Must(http.StatusOK)
		d.pay("again").Refused(http.StatusConflict, "payment.not_payable")
	})
}

// The bank asks for the customer: 202 with what their device needs; confirmed, it is paid; refused, it is declined.
func TestPaymentTheBankAsksAbout(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newIndebted(t, a)
		strict := d.client.Post("/v1/payment-methods", map[string]any{"setup_id": d.client.Setup(foyertest.Card3DSecure)}, foyertest.Keyed("3ds")...).Must(http.StatusCreated).Text("id")
		body := map[string]any{"payment_method_id": strict}
		for i, outcome := range []string{"fail", "succeed"} {
			asked := d.client.Post("/v1/payments/"+d.debt+"/pay", body, foyertest.Keyed(fmt.Sprint("ask-", i))...).Must(http.StatusAccepted)
			assert.Equal(t, "confirm_with_gateway", asked.Text("next_action.type"))
			d.client.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), outcome)
			want := map[string]string{"fail": "past_due", "succeed": "completed"}[outcome]
			require.Eventually(t, func() bool {
				p := d.client.Get("/v1/payments/" + d.debt)
				return p.Text("status") == want && p.Text("attempts.0.status") != "requires_action"
			}, 20*time.Second, 20*time.Millisecond)
		}
		assert.Equal(t, "active", d.client.Get("/v1/subscriptions/"+string(d.sub.ID)).Text("status"))
		assert.Equal(t, 1, d.charges(t))
	})
}
