package stripe_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/gateway/stripe/stripetest"
	"foyer/internal/merchant"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// portal is a merchant whose money moves at Stripe, its server, and a customer.
type portal struct {
	*foyertest.App
	t        *testing.T
	fake     *stripetest.Fake
	merchant merchant.Merchant
	key      *foyertest.Client
	customer billing.Customer
	mia      *foyertest.Client
	price    billing.Price
}

func newPortal(t *testing.T, a *foyertest.App, fake *stripetest.Fake) *portal {
	t.Helper()
	p := &portal{App: a, t: t, fake: fake, merchant: a.Merchant(t, "acme")}
	p.key = a.Key(t, p.merchant)
	p.customer = a.Customer(t, p.merchant, "mia@mailbox.test")
	p.mia = a.SignIn(t, p.merchant, p.customer.Email)
	p.price = a.Price(t, p.merchant, "Basic", 1000)
	return p
}

func keyed() []string { return foyertest.Keyed(rand.Text()) }

// card is a payment method the customer stored with Stripe's form.
func (p *portal) card(number string) string {
	p.t.Helper()
	return p.mia.Post("/v1/payment-methods", map[string]any{"setup_id": p.mia.Setup(number)}, keyed()...).Must(http.StatusCreated).Text("id")
}

// owed is a bill of the customer's that is not paid yet: collected by invoice, it waits for them.
func (p *portal) owed() string {
	p.t.Helper()
	return p.key.Post("/v1/merchant/payments", map[string]any{
		"customer_id": p.customer.ID, "collection_mode": "manual", "billing_details": map[string]any{"payment_terms": map[string]any{"interval": "day", "frequency": 14}},
		"items": []any{map[string]any{"name": "Setup", "unit_price": map[string]any{"amount": 1999, "currency": "EUR"}, "quantity": 1}},
	}, keyed()...).Must(http.StatusCreated).Text("id")
}

func (p *portal) pay(payment, method string, headers ...string) *foyertest.Answer {
	p.t.Helper()
	return p.mia.Post("/v1/payments/"+payment+"/pay", map[string]any{"payment_method_id": method}, append(keyed(), headers...)...)
}

// status waits until a payment is in a state.
func (p *portal) status(payment, want string) *foyertest.Answer {
	p.t.Helper()
	var now *foyertest.Answer
	require.Eventually(p.t, func() bool {
		now = p.mia.Get("/v1/payments/" + payment).Must(http.StatusOK)
		return now.Text("status") == want
	}, 30*time.Second, 20*time.Millisecond, "%s", want)
	return now
}

// told counts what the merchant was told of a subject.
func (p *portal) told(kind, subject string) (n int) {
	p.t.Helper()
	for _, e := range p.key.Get("/v1/merchant/events?limit=100").Must(http.StatusOK).At("data").([]any) {
		event := e.(map[string]any)
		if event["type"] == kind && event["subject_id"] == subject {
			n++
		}
	}
	return n
}

// captures is how often money moved for a payment.
func (p *portal) captures(payment string) (n int) {
	for _, e := range p.fake.Ledger() {
		if e.Reference == payment {
			n++
		}
	}
	return n
}

// A refused, an expired, a stolen and an empty card give the customer the right words in their language, and the merchant an event; a
// stolen card's holder is not told what it is.
func TestDeclinesInWords(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		for number, c := range map[string]struct{ code, en, de string }{
			"4000000000000002": {"declined", "Your bank declined the payment", "Ihre Bank hat die Zahlung"},
			"4000000000009995": {"not_enough_balance", "enough", "nicht genug Guthaben"},
			"4000000000000069": {"expired_card", "This card has expired", "Diese Karte ist abgelaufen"},
			"4000000000009979": {"blocked_card", "Your bank does not allow payments with this card", "Ihre Bank lässt mit dieser Karte zurzeit keine Zahlungen zu"},
			"4000000000000119": {"psp_error", "", ""},
		} {
			debt, method := p.owed(), p.card(number)
			refused := p.pay(debt, method).Refused(http.StatusPaymentRequired, "payment.declined")
			assert.Equal(t, c.code, refused.Text("error_code"), number)
			english := p.mia.Get("/v1/payments/"+debt, "Accept-Language", "en").Must(http.StatusOK)
			german := p.mia.Get("/v1/payments/"+debt, "Accept-Language", "de").Must(http.StatusOK)
			require.Equal(t, 1, english.Len("attempts"))
			assert.Equal(t, "failed", english.Text("attempts.0.status"))
			assert.Equal(t, c.code, english.Text("attempts.0.error_code"))
			assert.Contains(t, english.Text("attempts.0.error_text"), c.en)
			assert.Contains(t, german.Text("attempts.0.error_text"), c.de)
			for _, text := range []string{english.Text("attempts.0.error_text"), german.Text("attempts.0.error_text")} {
				for _, word := range []string{"stolen", "gestohlen", "fraud", "Betrug"} {
					assert.NotContains(t, strings.ToLower(text), strings.ToLower(word))
				}
			}
			assert.Positive(t, p.told("payment.updated", debt), number)
			assert.Zero(t, p.captures(debt), number)
			p.pay(debt, p.card("4242424242424242")).Must(http.StatusOK)
			assert.Equal(t, 1, p.told("payment.completed", debt), number)
			assert.Equal(t, 1, p.captures(debt), number)
		}
	})
}

// 3-D Secure: the answer has all a frontend needs to show the bank's question; what it answered is told by Stripe and read back.
func TestTheBankAsks(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		strict := p.card("4000000000003220")
		debt := p.owed()
		asked := p.pay(debt, strict).Must(http.StatusAccepted)
		next := asked.At("next_action").(map[string]any)
		assert.Equal(t, "confirm_with_gateway", next["type"])
		assert.Equal(t, "stripe", next["gateway"])
		assert.Equal(t, "pk_test_foyer", next["public_key"])
		secret := next["client_secret"].(string)
		again := p.pay(debt, strict).Must(http.StatusAccepted)
		assert.Equal(t, secret, again.Text("next_action.client_secret"), "the same question, not a second charge")
		p.mia.Confirm(next["charge_id"].(string), secret, "succeed")
		paid := p.status(debt, "completed")
		assert.Equal(t, 1, paid.Len("attempts"))
		assert.Equal(t, 1, p.captures(debt))
		assert.Equal(t, 1, p.told("payment.completed", debt))

		other := p.owed()
		asked = p.pay(other, strict).Must(http.StatusAccepted)
		p.mia.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), "fail")
		require.Eventually(t, func() bool {
			return p.mia.Get("/v1/payments/"+other).Text("attempts.0.status") == "failed"
		}, 30*time.Second, 20*time.Millisecond)
		german := p.mia.Get("/v1/payments/"+other, "Accept-Language", "de")
		assert.Equal(t, "authentication_failed", german.Text("attempts.0.error_code"))
		assert.Contains(t, german.Text("attempts.0.error_text"), "Ihre Bank konnte die Zahlung nicht mit Ihnen bestätigen")
		// The device still has the secret: what it pays with it now would be booked by nobody.
		progress, err := fake.PayCharge(asked.Text("next_action.client_secret"), fake.Number("4242424242424242"))
		require.NoError(t, err)
		assert.Equal(t, stripetest.Failed, progress)
		assert.Zero(t, p.captures(other))
		p.pay(other, p.card("4242424242424242")).Must(http.StatusOK)
		assert.Equal(t, 1, p.captures(other))
	})
}

// A hundred clicks with keys of their own, an outage in the middle: one charge.
func TestManyClicksDuringAnOutageAreOneCharge(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		good, debt := p.card("4242424242424242"), p.owed()
		require.NoError(t, fake.SetKnobs(stripetest.Knobs{ErrorBefore: 0.2, ErrorAfter: 0.2, ErrorStuck: 0.1, ResetAfter: 0.1, RateLimit: 0.1}))
		second := a.Second(t)
		var clicks sync.WaitGroup
		for i := range 100 {
			client := *p.mia
			if i%2 == 1 {
				client = *second.Client(t)
				client.Token = p.mia.Token
			}
			clicks.Go(func() {
				got := client.Post("/v1/payments/"+debt+"/pay", map[string]any{"payment_method_id": good}, keyed()...)
				assert.Contains(t, []int{http.StatusOK, http.StatusConflict, http.StatusServiceUnavailable}, got.Status, "%s", got.Body)
			})
		}
		clicks.Wait()
		require.NoError(t, fake.SetKnobs(stripetest.Knobs{}))
		require.Eventually(t, func() bool {
			require.NoError(t, a.Engine.RunDue(t.Context(), p.merchant.ID))
			status := p.mia.Get("/v1/payments/" + debt).Must(http.StatusOK).Text("status")
			if status == "billed" {
				p.pay(debt, good) // nobody has begun
			}
			return status == "completed"
		}, time.Minute, 200*time.Millisecond)
		assert.Equal(t, 1, p.captures(debt))
		assert.Equal(t, 1, p.told("payment.completed", debt))
	})
}

// A call that did not hear Stripe's answer is made again, with its key: it finds out, and nothing moves twice.
func TestTheSameCallAfterAnOutage(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		good := p.card("4242424242424242")
		confirm := []string{"POST /v1/payment_intents/{id}/confirm"}
		for name, knobs := range map[string]stripetest.Knobs{
			"charged, and the answer lost": {ErrorAfter: 1, Calls: confirm},
			"charged, connection cut":      {ResetAfter: 1, Calls: confirm},
			"too many calls":               {RateLimit: 1},
			"down":                         {ErrorBefore: 1},
			"down, and stuck on it":        {ErrorStuck: 1},
		} {
			debt, key := p.owed(), foyertest.Keyed("the-key-of-"+fmt.Sprint(len(name)))
			require.NoError(t, fake.SetKnobs(knobs))
			body := map[string]any{"payment_method_id": good}
			waits := p.mia.Post("/v1/payments/"+debt+"/pay", body, key...)
			if knobs.ResetAfter == 0 { // a cut connection is tried again at once by Go's own client, under the same key
				waits.Refused(http.StatusServiceUnavailable, "gateway.unavailable")
			}
			require.NoError(t, fake.SetKnobs(stripetest.Knobs{}))
			fake.ForgetKeys() // a day later
			paid := p.mia.Post("/v1/payments/"+debt+"/pay", body, key...).Must(http.StatusOK)
			assert.Equal(t, "completed", paid.Text("status"), name)
			assert.Equal(t, 1, paid.Len("attempts"), name)
			assert.Equal(t, 1, p.captures(debt), name)
		}
	})
}

// A renewal is collected off session: where the bank wants the customer it is declined, the customer is asked by mail, and pays there.
func TestRenewalsAtStripe(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		subscribe := func(method string) *foyertest.Answer {
			return p.key.Post("/v1/merchant/subscriptions", map[string]any{
				"customer_id": p.customer.ID, "payment_method_id": method, "items": []any{map[string]any{"price_id": p.price.ID, "quantity": 1}},
			}, keyed()...)
		}
		good := subscribe(p.card("4242424242424242")).Must(http.StatusCreated).Text("id")
		weak := subscribe(p.card("4000000000000341")).Must(http.StatusCreated).Text("id")
		p.Until(t, p.merchant, a.Clock.Now().AddDate(0, 1, 1))
		state := func(id string) string { return p.mia.Get("/v1/subscriptions/" + id).Must(http.StatusOK).Text("status") }
		assert.Equal(t, "active", state(good))
		assert.Equal(t, "past_due", state(weak))
		renewed := p.mia.Get("/v1/payments?subscription_id=" + good).Must(http.StatusOK)
		assert.Equal(t, "completed", renewed.Text("data.0.status"))
		assert.Equal(t, 1, p.captures(renewed.Text("data.0.id")))
		debt := p.mia.Get("/v1/payments?subscription_id=" + weak).Must(http.StatusOK).Text("data.0.id")
		assert.Equal(t, 1, p.told("payment.past_due", debt))
		assert.Equal(t, 1, p.told("subscription.past_due", weak))
		p.pay(debt, p.card("4242424242424242")).Must(http.StatusOK)
		assert.Equal(t, "active", state(weak))
		assert.Equal(t, 1, p.captures(debt))
	})
}

// #52, at Stripe's door: forged and old messages change nothing, good ones in any order and number have one effect.
func TestStripesWebhooksMoveNothingByThemselves(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		fake.SetWebhookURL("") // the test posts them
		strict, debt := p.card("4000000000003220"), p.owed()
		asked := p.pay(debt, strict).Must(http.StatusAccepted)
		send := func(body []byte, header http.Header) *foyertest.Answer {
			return a.Client(t).Raw(http.MethodPost, "/v1/gateways/stripe/webhooks", body, "Content-Type", "application/json", "Stripe-Signature", header.Get("Stripe-Signature"))
		}
		// "It succeeded", says who only knows the id; and says Stripe itself, before it did.
		intent := fake.Events()[len(fake.Events())-1]
		claim := []byte(strings.ReplaceAll(string(intent.Body), "requires_action", "succeeded"))
		send(claim, signed(string(claim), "whsec_anothers", time.Now())).Refused(http.StatusUnauthorized, "webhook.invalid")
		send(claim, signed(string(claim), stripetest.DefaultWebhookSecret, time.Now().Add(-time.Hour))).Refused(http.StatusUnauthorized, "webhook.invalid")
		send(append(claim, ' '), fake.Signed(claim)).Refused(http.StatusUnauthorized, "webhook.invalid")
		send([]byte("{}"), fake.Signed([]byte("{}"))).Refused(http.StatusBadRequest, "json.invalid")
		for range 20 {
			send(claim, fake.Signed(claim)).Must(http.StatusNoContent)
		}
		require.NoError(t, a.Engine.RunDue(t.Context(), p.merchant.ID))
		assert.Equal(t, "billed", p.mia.Get("/v1/payments/"+debt).Text("status"), "asked, Stripe says that the bank still waits")

		p.mia.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), "succeed")
		all := fake.Events()
		var crowd sync.WaitGroup
		for i := range 100 { // the newest first, each many times, all at once
			body := all[len(all)-1-i%len(all)].Body
			crowd.Go(func() { send(body, fake.Signed(body)).Must(http.StatusNoContent) })
		}
		crowd.Wait()
		p.status(debt, "completed")
		assert.Equal(t, 1, p.captures(debt))
		assert.Equal(t, 1, p.told("payment.completed", debt))
		assert.Equal(t, 1, p.mia.Get("/v1/payments/"+debt).Len("attempts"))
	})
}

// What moves money at Stripe is a merchant's own: another merchant's backend can't charge its customers' cards, though the account is
// the same.
func TestATokenOfAnothersCustomerIsNoToken(t *testing.T) {
	t.Parallel()
	a, fake := foyertest.AtStripe(t, "sqlite")
	p := newPortal(t, a, fake)
	p.card("4242424242424242")
	var method string
	for _, r := range fake.Requests() {
		if id, is := strings.CutPrefix(r.Path, "/v1/payment_methods/"); is {
			method = id
		}
	}
	for _, e := range fake.Events() {
		if at := strings.Index(string(e.Body), `"pm_`); at >= 0 {
			method = string(e.Body[at+1:])
			method = method[:strings.IndexByte(method, '"')]
		}
	}
	require.NotEmpty(t, method)
	other := a.Merchant(t, "other")
	eve := a.Customer(t, other, "eve@mailbox.test")
	add := func(client *foyertest.Client, customer foyer.CustomerID, token string) *foyertest.Answer {
		return client.Post("/v1/merchant/customers/"+string(customer)+"/payment-methods", map[string]any{"gateway_token": token}, keyed()...)
	}
	add(a.Key(t, other), eve.ID, method).Refused(http.StatusUnprocessableEntity, "input.invalid")
	neighbor := a.Customer(t, p.merchant, "noah@mailbox.test")
	add(p.key, neighbor.ID, method).Refused(http.StatusUnprocessableEntity, "input.invalid")
	loose, err := fake.NewMethod(fake.Number("4242424242424242"))
	require.NoError(t, err)
	add(p.key, neighbor.ID, loose).Must(http.StatusCreated)
	add(a.Key(t, other), eve.ID, loose).Refused(http.StatusUnprocessableEntity, "input.invalid")
}

// A dispute at Stripe shows on the payment, is told the merchant, and turns back when it is won, though each message comes twice and late.
func TestDisputesAtStripe(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		require.NoError(t, fake.SetKnobs(stripetest.Knobs{DuplicateWebhooks: 1}))
		good, bill := p.card("4242424242424242"), p.owed()
		attempt := p.pay(bill, good).Must(http.StatusOK).Text("attempts.0.id")
		refund := func() *foyertest.Answer {
			return p.key.Post("/v1/merchant/payments/"+bill+"/refunds", map[string]any{"amount": 500}, keyed()...)
		}
		require.NoError(t, fake.Dispute(attempt, "fraudulent"))
		p.becomes(bill, "disputes.0.status", "open")
		assert.Equal(t, 1, p.told("payment.disputed", bill))
		seen := p.key.Get("/v1/merchant/payments/" + bill).Must(http.StatusOK)
		assert.Equal(t, "fraudulent", seen.Text("disputes.0.reason"))
		assert.EqualValues(t, 1999, seen.At("totals.refunded.amount"))
		assert.NotContains(t, string(p.mia.Get("/v1/payments/"+bill).Body), "fraudulent", "what the bank's reason was is not the portal's to say")
		refund().Refused(http.StatusConflict, "refund.disputed")
		require.NoError(t, fake.CloseDispute(attempt, true))
		p.becomes(bill, "disputes.0.status", "won")
		assert.Equal(t, 1, p.told("payment.dispute_closed", bill))
		assert.EqualValues(t, 0, p.mia.Get("/v1/payments/"+bill).At("totals.refunded.amount"))
		made := refund().Must(http.StatusCreated)
		require.True(t, fake.FailRefund(made.Text("id")))
		p.becomes(bill, "refunds.0.status", "reversed")
		assert.EqualValues(t, 0, p.mia.Get("/v1/payments/"+bill).At("totals.refunded.amount"))
	})
}

// becomes waits until a payment shows a value.
func (p *portal) becomes(payment, path, want string) {
	p.t.Helper()
	var shown any
	require.Eventually(p.t, func() bool {
		shown = p.mia.Get("/v1/payments/" + payment).Must(http.StatusOK).At(path)
		return shown == want
	}, 30*time.Second, 20*time.Millisecond, "%s of %s to be %s", path, payment, want)
}

// A debit takes days: the customer sees that it is under way, nobody pays twice meanwhile, and the bank's answer ends it.
func TestADebitAtStripe(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		account, err := fake.NewMethod(stripetest.IBAN("DE89370400440532013000"))
		require.NoError(t, err)
		stored := p.key.Post("/v1/merchant/customers/"+string(p.customer.ID)+"/payment-methods", map[string]any{"gateway_token": account}, keyed()...).Must(http.StatusCreated)
		assert.Equal(t, "sepa_debit", stored.Text("type"))
		assert.Equal(t, "•••• 3000", stored.Text("identifier"))
		for _, succeeds := range []bool{true, false} {
			bill := p.owed()
			waits := p.pay(bill, stored.Text("id")).Must(http.StatusOK)
			assert.Equal(t, "pending", waits.Text("attempts.0.status"))
			assert.Equal(t, "billed", waits.Text("status"))
			p.pay(bill, stored.Text("id")).Refused(http.StatusConflict, "payment.in_progress")
			require.True(t, fake.Settle(waits.Text("attempts.0.id"), succeeds))
			if succeeds {
				p.becomes(bill, "status", "completed")
				assert.Equal(t, 1, p.captures(bill))
				continue
			}
			p.becomes(bill, "attempts.0.status", "failed")
			assert.Zero(t, p.captures(bill))
		}
	})
}

// A card the network replaced shows its new digits and date; nobody has to do anything.
func TestAReplacedCardAtStripe(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		method, err := fake.NewMethod(fake.Number("4242424242424242"))
		require.NoError(t, err)
		id := p.key.Post("/v1/merchant/customers/"+string(p.customer.ID)+"/payment-methods", map[string]any{"gateway_token": method}, keyed()...).Must(http.StatusCreated).Text("id")
		fake.ReplaceCard(method, "1881", 7, time.Now().Year()+5)
		require.Eventually(t, func() bool {
			return p.mia.Get("/v1/payment-methods/"+id).Must(http.StatusOK).Text("card.last4") == "1881"
		}, 30*time.Second, 20*time.Millisecond)
		assert.Equal(t, 1, p.told("payment_method.updated", id))
		p.pay(p.owed(), id).Must(http.StatusOK)
	})
}

// What a new card took the place of is forgotten at Stripe, too: nobody can be charged with it any more.
func TestReplacedCardsAreForgottenAtStripe(t *testing.T) {
	t.Parallel()
	a, fake := foyertest.AtStripe(t, "sqlite")
	p := newPortal(t, a, fake)
	p.card("4242424242424242")
	again := p.card("4242424242424242")
	p.mia.Post("/v1/payment-methods", map[string]any{"setup_id": p.mia.Setup("4000000000003220"), "replaces": again}, keyed()...).Must(http.StatusCreated)
	detached := 0
	for _, r := range fake.Requests() {
		if strings.HasSuffix(r.Path, "/detach") {
			detached++
		}
	}
	assert.Equal(t, 2, detached)
}

// Who closes the bank's question and takes another card pays with that one: the first can't be charged any more, whatever its device does.
func TestAnotherCardInsteadOfTheBanksQuestion(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		strict, good, debt := p.card("4000000000003220"), p.card("4242424242424242"), p.owed()
		asked := p.pay(debt, strict).Must(http.StatusAccepted)
		paid := p.pay(debt, good).Must(http.StatusOK)
		assert.Equal(t, "completed", paid.Text("status"))
		require.Equal(t, 2, paid.Len("attempts"))
		assert.Equal(t, 1, p.captures(debt))
		progress, err := fake.AuthenticateCharge(asked.Text("next_action.client_secret"), true)
		require.NoError(t, err)
		assert.Equal(t, stripetest.Failed, progress)
		assert.Equal(t, 1, p.captures(debt))

		other := p.owed()
		asked = p.pay(other, strict).Must(http.StatusAccepted)
		_, err = fake.AuthenticateCharge(asked.Text("next_action.client_secret"), true)
		require.NoError(t, err)
		quicker := p.pay(other, good) // the bank's answer was there first, or was booked already
		assert.Contains(t, []int{http.StatusOK, http.StatusConflict}, quicker.Status)
		p.status(other, "completed")
		assert.Equal(t, 1, p.captures(other))
	})
}
