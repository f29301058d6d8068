package stripe_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/stripe"
	"foyer/internal/gateway/stripe/stripetest"
)

// #83: a process dies between any two steps, and Stripe forgets the key: money still moves once.
func TestCrashesBetweenTheStepsChargeOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	card := r.card("4242424242424242")

	before := r.request(card, false)
	r.kept.fail(true) // made at Stripe, and the database gone before its id was kept
	_, err := r.Charge(t.Context(), before)
	require.ErrorIs(t, err, foyer.Unavailable)
	r.kept.fail(false)
	r.fake.ForgetKeys()
	_, err = r.ChargeByKey(t.Context(), r.owner.Merchant, before.Key)
	require.ErrorIs(t, err, foyer.NotFound, "nothing was confirmed, so nothing moved")
	assert.Equal(t, billing.ChargeCaptured, r.charged(before).Status)
	assert.Equal(t, 1, r.captures(before.Key))

	between := r.request(card, false)
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{ErrorBefore: 1, Calls: []string{"POST /v1/payment_intents/{id}/confirm"}}))
	_, err = r.Charge(t.Context(), between)
	require.ErrorIs(t, err, foyer.Unavailable)
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{}))
	_, err = r.ChargeByKey(t.Context(), r.owner.Merchant, between.Key)
	require.ErrorIs(t, err, foyer.NotFound, "kept, and not confirmed")
	r.fake.ForgetKeys()
	assert.Equal(t, billing.ChargeCaptured, r.charged(between).Status)

	after := r.request(card, false)
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{ErrorAfter: 1, Calls: []string{"POST /v1/payment_intents/{id}/confirm"}}))
	_, err = r.Charge(t.Context(), after)
	require.ErrorIs(t, err, foyer.Unavailable)
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{}))
	r.fake.ForgetKeys()
	assert.Equal(t, billing.ChargeCaptured, r.byKey(after.Key).Status)
	assert.Equal(t, billing.ChargeCaptured, r.charged(after).Status)
	for _, c := range []billing.ChargeRequest{before, between, after} {
		assert.Equal(t, 1, r.captures(c.Key))
	}
}

// Two processes, no idempotency between them: of the intents they make one is kept, and only that one is paid.
func TestTwoProcessesPayOneIntent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.another()
	for _, number := range []string{"4242424242424242", "4000000000000002", "4000000000003220"} {
		c := r.request(r.card(number), true)
		var crowd sync.WaitGroup
		results := make([]billing.ChargeResult, 60)
		for i := range results {
			g := r.Gateway
			if i%2 == 1 {
				g = other
			}
			crowd.Go(func() {
				if i%10 == 0 {
					r.fake.ForgetKeys()
				}
				var err error
				if results[i], err = g.Charge(t.Context(), c); err != nil { // asked again, as the engine does
					assert.ErrorIs(t, err, foyer.Unavailable)
					results[i], err = g.Charge(t.Context(), c)
				}
				assert.NoError(t, err)
			})
		}
		crowd.Wait()
		for _, got := range results {
			assert.Equal(t, results[0], got, number)
		}
		want := 0
		if number == "4242424242424242" {
			want = 1
		}
		assert.Equal(t, want, r.captures(c.Key), number)
	}
}

// A debit is taken days later: it is pending until the bank says so, and what it says is read.
func TestDebitsTakeTheirTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	account := r.store(stripetest.IBAN("DE89370400440532013000"))
	assert.Equal(t, "sepa_debit", account.Type)
	assert.Equal(t, "•••• 3000", account.Identifier)
	assert.NotEmpty(t, account.Fingerprint)
	assert.Nil(t, account.Card)
	for _, succeeds := range []bool{true, false} {
		c := r.request(account, false)
		assert.Equal(t, billing.ChargePending, r.charged(c).Status)
		assert.Equal(t, billing.ChargePending, r.byKey(c.Key).Status)
		require.True(t, r.fake.Settle(c.Key, succeeds))
		if succeeds {
			assert.Equal(t, billing.ChargeResult{Status: billing.ChargeCaptured}, r.byKey(c.Key))
			continue
		}
		failed := r.byKey(c.Key)
		assert.Equal(t, billing.ChargeDeclined, failed.Status)
		assert.Contains(t, billing.ErrorCodes, failed.ErrorCode)
		assert.Equal(t, failed, r.byKey(c.Key), "it stays so")
	}
}

// Whatever card the customer's device tries instead, the bank's answer is told with that one; giving up afterwards is none of its.
func TestADeclineNamesTheCardThatWasTried(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	strict := r.card("4000000000003220")
	try := func(number string) (key, secret string) {
		c := r.request(strict, true)
		secret = r.charged(c).ClientSecret
		_, err := r.fake.PayCharge(secret, r.fake.Number(number))
		require.NoError(t, err)
		return c.Key, secret
	}
	expired, _ := try("4000000000000069")
	for range 2 { // it is canceled by the first look
		got := r.byKey(expired)
		assert.Equal(t, []any{billing.ChargeDeclined, billing.ErrorCode("expired_card")}, []any{got.Status, got.ErrorCode})
		require.NotNil(t, got.Instead)
		assert.Equal(t, "0069", got.Instead.Card.Last4)
		assert.Empty(t, got.Instead.Token+got.Instead.Fingerprint, "it is not stored")
	}
	asks, secret := try("4000002760003184")
	_, err := r.fake.AuthenticateCharge(secret, false)
	require.NoError(t, err)
	got := r.byKey(asks)
	assert.Equal(t, billing.ErrorCode("authentication_failed"), got.ErrorCode)
	require.NotNil(t, got.Instead)
	assert.Equal(t, "3184", got.Instead.Card.Last4)
	unanswered, _ := try("4000002760003184")
	got, err = r.CancelCharge(t.Context(), r.owner.Merchant, unanswered)
	require.NoError(t, err)
	assert.Equal(t, billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "canceled"}, got)
	own := r.request(r.card("4000000000000069"), true)
	assert.Equal(t, billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "expired_card"}, r.charged(own))
}

// A renewal whose bank wants the customer is declined, nobody is asked, and nobody can pay it afterwards.
func TestNobodyIsAskedOffSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.request(r.card("4000002760003184"), false)
	want := billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "authentication_failed"}
	assert.Equal(t, want, r.charged(c))
	assert.Equal(t, want, r.byKey(c.Key))
	assert.Zero(t, r.captures(c.Key))
}

func TestAmountsStripeCantTakeAreDeclined(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	card := r.card("4242424242424242")
	for _, amount := range []foyer.Money{{Amount: 0, Currency: "EUR"}, {Amount: -1, Currency: "EUR"}, {Amount: 10, Currency: "EUR"}, {Amount: 11555, Currency: "BHD"}} {
		c := r.request(card, true)
		c.Amount = amount
		assert.Equal(t, billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "invalid_amount"}, r.charged(c), "%v", amount)
	}
	assert.Empty(t, r.fake.Ledger())
}

// What leaves for Stripe is ids of ours and amounts: no name, no address, no card.
func TestOnlyIdsAreSentToStripe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.request(r.card("4242424242424242"), true)
	r.charged(c)
	_, err := r.Refund(t.Context(), billing.RefundRequest{Key: r.ids(foyer.PrefixRefund), Merchant: c.Merchant, Charge: c.Key, Amount: c.Amount})
	require.NoError(t, err)
	for _, sent := range r.fake.Requests() {
		if sent.Method != http.MethodPost {
			continue
		}
		for name := range sent.Form {
			for _, never := range []string{"email", "name", "address", "phone", "card", "description"} {
				assert.NotContains(t, name, never)
			}
		}
	}
}

func TestRefundsAfterStripeForgotTheirKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t).mirror()
	c := r.request(r.card("4242424242424242"), true)
	r.charged(c)
	refund := billing.RefundRequest{Key: r.ids(foyer.PrefixRefund), Merchant: c.Merchant, Charge: c.Key, Amount: foyer.Money{Amount: 500, Currency: "EUR"}}
	for range 3 {
		got, err := r.Refund(t.Context(), refund)
		require.NoError(t, err)
		assert.True(t, got.Refunded)
		r.fake.ForgetKeys()
	}
	got, err := r.RefundByKey(t.Context(), c.Merchant, c.Key, refund.Key)
	require.NoError(t, err)
	assert.True(t, got.Refunded)
	require.True(t, r.fake.FailRefund(refund.Key))
	got, err = r.RefundByKey(t.Context(), c.Merchant, c.Key, refund.Key)
	require.NoError(t, err)
	assert.Equal(t, billing.RefundResult{ErrorCode: "psp_error"}, got)
	_, err = r.RefundByKey(t.Context(), c.Merchant, c.Key, r.ids(foyer.PrefixRefund))
	require.ErrorIs(t, err, foyer.NotFound)
}

func TestDisputesAreRead(t *testing.T) {
	t.Parallel()
	r := newRig(t).mirror()
	c := r.request(r.card("4242424242424242"), true)
	r.charged(c)
	none, err := r.Disputes(t.Context(), c.Merchant, c.Key)
	require.NoError(t, err)
	assert.Empty(t, none)
	require.NoError(t, r.fake.Dispute(c.Key, "product_not_received"))
	read := func() billing.GatewayDispute {
		all, err := r.Disputes(t.Context(), c.Merchant, c.Key)
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0]
	}
	open := read()
	assert.Equal(t, billing.DisputeOpen, open.Status)
	assert.Equal(t, "product_not_received", open.Reason)
	assert.Equal(t, c.Amount, open.Amount)
	require.NotNil(t, open.RespondBy)
	assert.True(t, open.RespondBy.After(time.Now()))
	refused, err := r.Refund(t.Context(), billing.RefundRequest{Key: r.ids(foyer.PrefixRefund), Merchant: c.Merchant, Charge: c.Key, Amount: c.Amount})
	require.NoError(t, err)
	assert.False(t, refused.Refunded)
	require.NoError(t, r.fake.AnswerDispute(c.Key))
	assert.Equal(t, billing.DisputeUnderReview, read().Status)
	require.NoError(t, r.fake.CloseDispute(c.Key, true))
	assert.Equal(t, billing.DisputeWon, read().Status)
	_, err = r.Disputes(t.Context(), "mer_another", c.Key)
	require.ErrorIs(t, err, foyer.NotFound)
}

func TestACardTheNetworkReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t).mirror()
	card := r.card("4242424242424242")
	id := card.Token[strings.LastIndexByte(card.Token, '/')+1:]
	r.fake.ReplaceCard(id, "1881", 7, time.Now().Year()+5)
	now, err := r.Method(t.Context(), card.Token)
	require.NoError(t, err)
	assert.Equal(t, "1881", now.Card.Last4)
	assert.Equal(t, card.Token, now.Token)
	r.fake.DetachMethod(id)
	_, err = r.Method(t.Context(), card.Token)
	require.ErrorIs(t, err, foyer.NotFound)
	assert.Equal(t, "redacted_payment_method", string(r.charged(r.request(card, true)).ErrorCode))
}

// A key of another account finds nothing that was stored: charges wait, nobody is declined, and no method is taken for removed.
func TestAKeyOfAnotherAccountDeclinesNobody(t *testing.T) {
	t.Parallel()
	r, elsewhere := newRig(t), newRig(t)
	card := r.card("4242424242424242")
	wrong := elsewhere.another(func(o *stripe.Options) { o.References = r.kept })
	c := r.request(card, false)
	_, err := wrong.Charge(t.Context(), c)
	require.ErrorIs(t, err, foyer.Unavailable)
	_, err = wrong.Method(t.Context(), card.Token)
	require.ErrorIs(t, err, foyer.Unavailable)
	assert.Equal(t, billing.ChargeCaptured, r.charged(c).Status, "caught up with the right one")
}

// Only banks of cards ask; what else is stored is charged by what the customer agreed to then, though they are there.
func TestWalletsAndDebitsAreNotAskedOnSession(t *testing.T) {
	t.Parallel()
	r := newRig(t).mirror()
	c := r.request(r.store(stripetest.Instrument{PayPal: &stripetest.PayPal{PayerEmail: "mia@mailbox.test"}}), true)
	assert.Equal(t, billing.ChargeCaptured, r.charged(c).Status)
	for _, sent := range r.fake.Requests() {
		if strings.HasSuffix(sent.Path, "/confirm") {
			assert.Equal(t, "true", sent.Form.Get("off_session"))
			assert.Empty(t, sent.Form.Get("use_stripe_sdk"))
		}
	}
}

// Stripe repeats a failure of its own for a day under the same key: nobody waits a day to store a card.
func TestAFailureOfStripesIsNotRepeatedForADay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{ErrorStuck: 1, Calls: []string{"POST /v1/customers"}}))
	request := billing.SetupRequest{ID: "pms_1", Merchant: r.owner.Merchant, Customer: r.owner.Customer}
	_, err := r.StartSetup(t.Context(), request)
	require.ErrorIs(t, err, foyer.Unavailable)
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{}))
	_, err = r.StartSetup(t.Context(), request)
	require.NoError(t, err)
}
