package stripetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"foyer/internal/gateway/stripe/stripetest"
)

func (r *rig) refund(intent string, amount int64, key string) (*stripe.Refund, error) {
	r.t.Helper()
	return r.api.V1Refunds.Create(r.t.Context(), &stripe.RefundCreateParams{
		PaymentIntent: &intent, Amount: &amount, Reason: stripe.String("requested_by_customer"), Metadata: map[string]string{"foyer_refund": key},
	})
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	i := r.paid(r.Number("4242424242424242"), "att_1")
	e := refused(t, errOf(r.refund(i.ID, 2000, "ref_0")))
	assert.Equal(t, 400, e.HTTPStatusCode)
	assert.Empty(t, e.Code)
	assert.Equal(t, "Refund amount ($20.00) is greater than unrefunded amount on charge ($19.99)", e.Msg)

	part, err := r.refund(i.ID, 1000, "ref_1")
	require.NoError(t, err)
	assert.Equal(t, stripe.RefundStatusSucceeded, part.Status)
	assert.Equal(t, i.ID, part.PaymentIntent.ID)
	assert.Equal(t, "partially_refunded", r.Ledger()[0].Status)
	_, err = r.refund(i.ID, 999, "ref_2")
	require.NoError(t, err)
	assert.Equal(t, "refunded", r.Ledger()[0].Status)
	assert.Equal(t, stripe.ErrorCode("charge_already_refunded"), refused(t, errOf(r.refund(i.ID, 1, "ref_3"))).Code)

	require.True(t, r.FailRefund("ref_1"))
	part, err = r.api.V1Refunds.Retrieve(t.Context(), part.ID, nil)
	require.NoError(t, err)
	assert.Equal(t, stripe.RefundStatusFailed, part.Status)
	assert.NotEmpty(t, part.FailureReason)
	_, err = r.refund(i.ID, 1000, "ref_4")
	require.NoError(t, err, "what came back can be sent again")
	var keys []string
	for refund, err := range r.api.V1Refunds.List(t.Context(), &stripe.RefundListParams{PaymentIntent: &i.ID}).All(t.Context()) {
		require.NoError(t, err)
		keys = append(keys, refund.Metadata["foyer_refund"])
	}
	assert.Equal(t, []string{"ref_4", "ref_2", "ref_1"}, keys)

	c := r.customer()
	open := r.intent(c, r.method(c, r.Number("4242424242424242")), "att_2")
	assert.Equal(t, 400, refused(t, errOf(r.refund(open.ID, 1, "ref_5"))).HTTPStatusCode, "nothing was paid")
	debit := r.paid(stripetest.IBAN("DE89370400440532013000"), "att_3")
	require.True(t, r.Settle(debit.ID, true))
	pending, err := r.refund(debit.ID, 100, "ref_6")
	require.NoError(t, err)
	assert.Equal(t, stripe.RefundStatusPending, pending.Status)
	require.True(t, r.SettleRefund("ref_6"))
}

func (r *rig) disputes(intent string) (out []*stripe.Dispute) {
	r.t.Helper()
	for d, err := range r.api.V1Disputes.List(r.t.Context(), &stripe.DisputeListParams{PaymentIntent: &intent}).All(r.t.Context()) {
		require.NoError(r.t, err)
		out = append(out, d)
	}
	return out
}

func TestDisputes(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	require.ErrorIs(t, r.Dispute("att_unknown", "fraudulent"), stripetest.ErrNoCharge)
	i := r.paid(r.Number("4242424242424242"), "att_1")
	assert.Empty(t, r.disputes(i.ID))
	require.NoError(t, r.Inquire("att_1", "product_not_received"))
	d := r.disputes(i.ID)[0]
	assert.Equal(t, stripe.DisputeStatusWarningNeedsResponse, d.Status)
	assert.True(t, d.IsChargeRefundable)
	assert.Equal(t, "captured", r.Ledger()[0].Status)
	require.NoError(t, r.Dispute("att_1", "product_not_received"))
	require.NoError(t, r.Dispute("att_1", "product_not_received"), "once is enough")
	require.Len(t, r.disputes(i.ID), 1)
	d = r.disputes(i.ID)[0]
	assert.Equal(t, stripe.DisputeStatusNeedsResponse, d.Status)
	assert.Equal(t, stripe.DisputeReasonProductNotReceived, d.Reason)
	assert.EqualValues(t, 1999, d.Amount)
	assert.Equal(t, stripe.CurrencyEUR, d.Currency)
	assert.Greater(t, d.EvidenceDetails.DueBy, d.Created)
	assert.Equal(t, i.ID, d.PaymentIntent.ID)
	assert.Equal(t, i.LatestCharge.ID, d.Charge.ID)
	assert.Equal(t, "disputed", r.Ledger()[0].Status)
	assert.Equal(t, stripe.ErrorCode("charge_disputed"), refused(t, errOf(r.refund(i.ID, 1, "ref_1"))).Code)
	require.NoError(t, r.AnswerDispute("att_1"))
	assert.Equal(t, stripe.DisputeStatusUnderReview, r.disputes(i.ID)[0].Status)
	require.NoError(t, r.CloseDispute("att_1", true))
	assert.Equal(t, stripe.DisputeStatusWon, r.disputes(i.ID)[0].Status)
	_, err := r.refund(i.ID, 1, "ref_2")
	require.NoError(t, err)
	require.ErrorIs(t, r.CloseDispute("att_1", false), stripetest.ErrNoCharge)

	lost := r.paid(r.Number("4242424242424242"), "att_2")
	require.NoError(t, r.Dispute("att_2", "fraudulent"))
	require.NoError(t, r.CloseDispute("att_2", false))
	d, err = r.api.V1Disputes.Retrieve(t.Context(), r.disputes(lost.ID)[0].ID, nil)
	require.NoError(t, err)
	assert.Equal(t, stripe.DisputeStatusLost, d.Status)
}

func TestACardThatIsDisputed(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{DisputeAfter: 10 * time.Millisecond})
	i := r.paid(r.Number("4000000000000259"), "att_1")
	require.Eventually(t, func() bool { return len(r.disputes(i.ID)) == 1 }, 5*time.Second, 5*time.Millisecond)
}

func TestMethods(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	c, other := r.customer(), r.customer()
	one, two := r.method(c, r.Number("4242424242424242")), r.method(other, r.Number("4242424242424242"))
	assert.NotEqual(t, one.ID, two.ID)
	assert.Equal(t, one.Card.Fingerprint, two.Card.Fingerprint)
	assert.Equal(t, "visa", string(one.Card.Brand))
	assert.EqualValues(t, 12, one.Card.ExpMonth)
	assert.Nil(t, one.Card.Wallet)

	wallet := r.Number("5555555555554444")
	wallet.Card.Wallet, wallet.BillingName = "apple_pay", "Ada Lovelace"
	m := r.method(c, wallet)
	assert.Equal(t, stripe.PaymentMethodCardWalletType("apple_pay"), m.Card.Wallet.Type)
	assert.Equal(t, "Ada Lovelace", m.BillingDetails.Name)
	m = r.method(c, stripetest.IBAN("DE89 3704 0044 0532 0130 00"))
	assert.Equal(t, "3000", m.SEPADebit.Last4)
	assert.Equal(t, "37040044", m.SEPADebit.BankCode)
	assert.Equal(t, "DE", m.SEPADebit.Country)
	m = r.method(c, stripetest.Instrument{USBankAccount: &stripetest.BankAccount{RoutingNumber: "110000000", AccountNumber: "000123456789"}})
	assert.Equal(t, "6789", m.USBankAccount.Last4)
	m = r.method(c, stripetest.Instrument{PayPal: &stripetest.PayPal{PayerEmail: "ada@example.test"}})
	assert.Equal(t, "ada@example.test", m.Paypal.PayerEmail)
	m = r.method(c, stripetest.Instrument{Link: &stripetest.Link{Email: "ada@example.test"}})
	assert.Equal(t, "ada@example.test", m.Link.Email)

	r.ReplaceCard(one.ID, "1111", 3, 2040)
	one, err := r.api.V1PaymentMethods.Retrieve(t.Context(), one.ID, nil)
	require.NoError(t, err)
	assert.Equal(t, "1111", one.Card.Last4)
	assert.EqualValues(t, 2040, one.Card.ExpYear)
	assert.NotEqual(t, two.Card.Fingerprint, one.Card.Fingerprint)

	attach := &stripe.PaymentMethodAttachParams{Customer: &other}
	require.Error(t, errOf(r.api.V1PaymentMethods.Attach(t.Context(), one.ID, attach)), "it is another customer's")
	one, err = r.api.V1PaymentMethods.Detach(t.Context(), one.ID, nil)
	require.NoError(t, err)
	assert.Nil(t, one.Customer)
	require.Error(t, errOf(r.api.V1PaymentMethods.Detach(t.Context(), one.ID, nil)))
	require.Error(t, errOf(r.api.V1PaymentMethods.Attach(t.Context(), one.ID, attach)), "what was detached is used up")
	for _, id := range []string{"tok_4242", "pm_card_visa"} {
		fresh, err := r.api.V1PaymentMethods.Retrieve(t.Context(), id, nil)
		require.NoError(t, err)
		assert.Nil(t, fresh.Customer)
		fresh, err = r.api.V1PaymentMethods.Attach(t.Context(), fresh.ID, attach)
		require.NoError(t, err)
		assert.Equal(t, other, fresh.Customer.ID)
	}
	assert.Equal(t, 404, refused(t, errOf(r.api.V1PaymentMethods.Retrieve(t.Context(), "tok_0000", nil))).HTTPStatusCode)
}

func TestSetups(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	c := r.customer()
	s := r.setup(c)
	assert.Equal(t, stripe.SetupIntentStatusRequiresPaymentMethod, s.Status)
	_, err := r.ConfirmSetup(s.ClientSecret+"x", r.Number("4242424242424242"))
	require.ErrorIs(t, err, stripetest.Refusal("not_found"))
	_, err = r.ConfirmSetup(s.ClientSecret, r.Number("4000000000003220"))
	require.NoError(t, err)
	assert.Equal(t, stripe.SetupIntentStatusRequiresAction, r.setupNow(s.ID).Status)
	p, err := r.AuthenticateSetup(s.ClientSecret, false)
	require.NoError(t, err)
	assert.Equal(t, stripetest.Failed, p)
	now := r.setupNow(s.ID)
	assert.Equal(t, stripe.SetupIntentStatusRequiresPaymentMethod, now.Status)
	assert.Nil(t, now.PaymentMethod)
	assert.Equal(t, stripe.ErrorCode("setup_intent_authentication_failure"), now.LastSetupError.Code)
	_, err = r.ConfirmSetup(s.ClientSecret, r.Number("4242424242424242"))
	require.NoError(t, err, "the customer may try another card")
	now = r.setupNow(s.ID)
	assert.Equal(t, stripe.SetupIntentStatusSucceeded, now.Status)
	assert.Nil(t, now.LastSetupError)
	e := refused(t, errOf(r.api.V1SetupIntents.Cancel(t.Context(), s.ID, nil)))
	assert.Equal(t, stripe.ErrorCode("setup_intent_unexpected_state"), e.Code)
	assert.Equal(t, s.ID, e.SetupIntent.ID)

	r.DeclineSetups(true)
	s = r.setup(c)
	p, err = r.ConfirmSetup(s.ClientSecret, r.Number("4000000000009995"))
	require.NoError(t, err)
	assert.Equal(t, stripetest.Failed, p)
	assert.Equal(t, stripe.DeclineCode("insufficient_funds"), r.setupNow(s.ID).LastSetupError.DeclineCode)
	s, err = r.api.V1SetupIntents.Cancel(t.Context(), s.ID, nil)
	require.NoError(t, err)
	assert.Equal(t, stripe.SetupIntentStatusCanceled, s.Status)

	r.SlowSetups(true)
	s = r.setup(c)
	p, err = r.ConfirmSetup(s.ClientSecret, stripetest.IBAN("DE89370400440532013000"))
	require.NoError(t, err)
	assert.Equal(t, stripetest.Processing, p)
	assert.Equal(t, stripe.SetupIntentStatusProcessing, r.setupNow(s.ID).Status)
	require.True(t, r.SettleSetup(s.ID, true))
	assert.Equal(t, stripe.SetupIntentStatusSucceeded, r.setupNow(s.ID).Status)
}
