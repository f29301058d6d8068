package stripetest_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"foyer/internal/gateway/stripe/stripetest"
)

func TestCardsCharge(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	for _, tt := range []struct {
		number      string
		offSession  bool
		status      stripe.PaymentIntentStatus
		code        stripe.ErrorCode
		declineCode stripe.DeclineCode
	}{
		{"4242424242424242", true, "succeeded", "", ""},
		{"4242424242424242", false, "succeeded", "", ""},
		{"4000000000000002", true, "", "card_declined", "generic_decline"},
		{"4000000000009995", false, "", "card_declined", "insufficient_funds"},
		{"4000000000000069", true, "", "expired_card", "expired_card"},
		{"4000000000009979", true, "", "card_declined", "stolen_card"},
		{"4000000000000119", true, "", "processing_error", "processing_error"},
		{"4000000000003220", true, "succeeded", "", ""},
		{"4000000000003220", false, "requires_action", "", ""},
		{"4000002760003184", true, "", "authentication_required", "authentication_required"},
		{"4000002760003184", false, "requires_action", "", ""},
		{"4000000000000341", true, "", "card_declined", "generic_decline"},
		{"4000000000000341", false, "succeeded", "", ""},
	} {
		c := r.customer()
		made := r.intent(c, r.method(c, r.Number(tt.number)), "att_"+tt.number)
		assert.Equal(t, stripe.PaymentIntentStatusRequiresConfirmation, made.Status)
		got, err := r.confirm(made.ID, tt.offSession)
		if tt.code == "" {
			require.NoError(t, err)
			assert.Equal(t, tt.status, got.Status, tt.number)
			assert.Equal(t, tt.status == "requires_action", got.NextAction != nil && got.NextAction.Type == "use_stripe_sdk")
			continue
		}
		e := refused(t, err)
		assert.Equal(t, 402, e.HTTPStatusCode)
		assert.Equal(t, stripe.ErrorTypeCard, e.Type)
		assert.Equal(t, tt.code, e.Code, tt.number)
		assert.Equal(t, tt.declineCode, e.DeclineCode, tt.number)
		require.NotNil(t, e.PaymentIntent)
		now := r.intentNow(made.ID)
		assert.Equal(t, stripe.PaymentIntentStatusRequiresPaymentMethod, now.Status)
		assert.Nil(t, now.PaymentMethod)
		assert.Equal(t, tt.code, now.LastPaymentError.Code)
		assert.Equal(t, string(tt.code), now.LatestCharge.FailureCode)
		assert.Equal(t, string(tt.declineCode), now.LatestCharge.Outcome.Reason)
		assert.NotNil(t, now.LastPaymentError.PaymentMethod)
	}
	assert.Len(t, r.Ledger(), 4)
}

func TestOneIntentIsCapturedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{})
	c := r.customer()
	made := r.intent(c, r.method(c, r.Number("4242424242424242")), "att_1")
	var wins, refusals atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			switch got, err := r.confirm(made.ID, true); {
			case err == nil && got.Status == "succeeded":
				wins.Add(1)
			case err != nil && refused(t, err).Code == "payment_intent_unexpected_state":
				refusals.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, wins.Load())
	assert.EqualValues(t, 49, refusals.Load())
	require.Len(t, r.Ledger(), 1)
	entry := r.Ledger()[0]
	assert.NotEmpty(t, entry.CreatedAt)
	entry.CreatedAt = ""
	assert.Equal(t, stripetest.Entry{Key: "att_1", Amount: 1999, Currency: "EUR", Reference: "pay_att_1", Status: "captured"}, entry)
	now := r.intentNow(made.ID)
	assert.EqualValues(t, 1999, now.AmountReceived)
	assert.True(t, now.LatestCharge.Captured)

	e := refused(t, errOf(r.confirm(made.ID, true)))
	assert.Equal(t, 400, e.HTTPStatusCode)
	require.NotNil(t, e.PaymentIntent)
	assert.Equal(t, stripe.PaymentIntentStatusSucceeded, e.PaymentIntent.Status)
	e = refused(t, errOf(r.cancel(made.ID)))
	assert.Equal(t, stripe.ErrorCode("payment_intent_unexpected_state"), e.Code)
	assert.Equal(t, stripe.PaymentIntentStatusSucceeded, e.PaymentIntent.Status)
}

func errOf[T any](_ T, err error) error { return err }

func (r *rig) cancel(id string) (*stripe.PaymentIntent, error) {
	return r.api.V1PaymentIntents.Cancel(r.t.Context(), id, &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")})
}

func TestTheCustomerConfirmsACharge(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	c := r.customer()
	m := r.method(c, r.Number("4000000000003220"))
	for _, succeed := range []bool{true, false} {
		i, err := r.confirm(r.intent(c, m, "att_3ds").ID, false)
		require.NoError(t, err)
		p, err := r.ConfirmCharge(i.ClientSecret)
		require.NoError(t, err)
		assert.Equal(t, stripetest.RequiresAction, p)
		_, err = r.AuthenticateCharge(i.ClientSecret+"x", true)
		require.Error(t, err)
		for range 2 {
			p, err = r.AuthenticateCharge(i.ClientSecret, succeed)
			require.NoError(t, err)
			assert.Equal(t, succeed, p == stripetest.Succeeded)
		}
		now := r.intentNow(i.ID)
		if succeed {
			assert.Equal(t, stripe.PaymentIntentStatusSucceeded, now.Status)
			continue
		}
		assert.Equal(t, stripe.PaymentIntentStatusRequiresPaymentMethod, now.Status)
		assert.Equal(t, stripe.ErrorCode("payment_intent_authentication_failure"), now.LastPaymentError.Code)
		// The secret still pays, until the intent is canceled.
		_, err = r.cancel(i.ID)
		require.NoError(t, err)
		p, err = r.PayCharge(i.ClientSecret, r.Number("4242424242424242"))
		require.NoError(t, err)
		assert.Equal(t, stripetest.Failed, p)
	}
	assert.Len(t, r.Ledger(), 1)

	open := r.intent(c, m, "att_open")
	_, err := r.confirm(open.ID, true)
	require.NoError(t, err, "off session it is known by now")
	fresh, err := r.api.V1PaymentMethods.Attach(t.Context(), "tok_3220", &stripe.PaymentMethodAttachParams{Customer: &c})
	require.NoError(t, err)
	e := refused(t, errOf(r.confirm(r.intent(c, fresh, "att_new").ID, true)))
	assert.Equal(t, stripe.ErrorCode("authentication_required"), e.Code, "a backend's card was never confirmed")
	p, err := r.PayCharge(e.PaymentIntent.ClientSecret, r.Number("4242424242424242"))
	require.NoError(t, err)
	assert.Equal(t, stripetest.Succeeded, p, "a declined intent that is not canceled can be paid with another card")
}

func TestDebitsTakeDays(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	c := r.customer()
	m := r.method(c, stripetest.IBAN("DE89370400440532013000"))
	for _, ok := range []bool{true, false} {
		i, err := r.confirm(r.intent(c, m, "att_sepa").ID, true)
		require.NoError(t, err)
		assert.Equal(t, stripe.PaymentIntentStatusProcessing, i.Status)
		assert.Equal(t, stripe.ChargeStatusPending, i.LatestCharge.Status)
		require.Error(t, errOf(r.cancel(i.ID)))
		require.True(t, r.Settle("att_sepa", ok))
		require.False(t, r.Settle("att_sepa", ok))
		i = r.intentNow(i.ID)
		assert.Equal(t, ok, i.Status == "succeeded")
		if !ok {
			assert.Equal(t, stripe.ErrorCode("insufficient_funds"), i.LastPaymentError.Code)
			assert.Equal(t, "insufficient_funds", i.LatestCharge.FailureCode)
		}
	}
	assert.Len(t, r.Ledger(), 1)
}

func TestIntentsAreChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{})
	c, other := r.customer(), r.customer()
	m := r.method(c, r.Number("4242424242424242"))
	good := func() *stripe.PaymentIntentCreateParams {
		return &stripe.PaymentIntentCreateParams{
			Amount: stripe.Int64(1999), Currency: stripe.String("EUR"), Customer: &c, PaymentMethod: &m.ID,
			PaymentMethodTypes: []*string{stripe.String("card")},
		}
	}
	for _, tt := range []struct {
		code   stripe.ErrorCode
		param  string
		change func(p *stripe.PaymentIntentCreateParams)
	}{
		{"amount_too_small", "amount", func(p *stripe.PaymentIntentCreateParams) { p.Amount = stripe.Int64(49) }},
		{"amount_too_large", "amount", func(p *stripe.PaymentIntentCreateParams) { p.Amount = stripe.Int64(100_000_000) }},
		{"", "amount", func(p *stripe.PaymentIntentCreateParams) {
			p.Currency, p.Amount = stripe.String("isk"), stripe.Int64(1050)
		}},
		{"", "amount", func(p *stripe.PaymentIntentCreateParams) { p.Currency = stripe.String("kwd") }},
		{"parameter_missing", "currency", func(p *stripe.PaymentIntentCreateParams) { p.Currency = nil }},
		{"", "currency", func(p *stripe.PaymentIntentCreateParams) { p.Currency = stripe.String("euro") }},
		{"resource_missing", "customer", func(p *stripe.PaymentIntentCreateParams) { p.Customer = stripe.String("cus_unknown") }},
		{"resource_missing", "payment_method", func(p *stripe.PaymentIntentCreateParams) { p.Customer = &other }},
		{"resource_missing", "payment_method", func(p *stripe.PaymentIntentCreateParams) { p.PaymentMethod = stripe.String("pm_unknown") }},
		{"", "payment_method", func(p *stripe.PaymentIntentCreateParams) {
			p.PaymentMethodTypes = []*string{stripe.String("sepa_debit")}
		}},
		{"", "off_session", func(p *stripe.PaymentIntentCreateParams) { p.OffSession = stripe.Bool(true) }},
		{"", "statement_descriptor_suffix", func(p *stripe.PaymentIntentCreateParams) { p.StatementDescriptorSuffix = stripe.String("a*b") }},
		{"parameter_unknown", "transfer_group", func(p *stripe.PaymentIntentCreateParams) { p.TransferGroup = stripe.String("x") }},
		{"parameter_unknown", "amuont", func(p *stripe.PaymentIntentCreateParams) { p.AddExtra("amuont", "1") }},
		{"", "", func(p *stripe.PaymentIntentCreateParams) { p.AddExpand("no_such_thing") }},
		{"", "", func(p *stripe.PaymentIntentCreateParams) {
			p.PaymentMethodTypes, p.Confirm = nil, stripe.Bool(true) // redirects are possible and there is nowhere to return to
		}},
	} {
		p := good()
		tt.change(p)
		e := refused(t, errOf(r.api.V1PaymentIntents.Create(t.Context(), p)))
		assert.Equal(t, 400, e.HTTPStatusCode)
		assert.Equal(t, tt.code, e.Code, tt.param)
		assert.Equal(t, tt.param, e.Param)
	}
	bare := good()
	bare.PaymentMethod = nil
	i, err := r.api.V1PaymentIntents.Create(t.Context(), bare)
	require.NoError(t, err)
	assert.Equal(t, stripe.PaymentIntentStatusRequiresPaymentMethod, i.Status)
	e := refused(t, errOf(r.confirm(i.ID, true)))
	assert.Equal(t, stripe.ErrorCode("payment_intent_unexpected_state"), e.Code)
	assert.Equal(t, i.ID, e.PaymentIntent.ID)

	made := r.intent(c, m, "att_1")
	_, err = r.api.V1PaymentMethods.Detach(t.Context(), m.ID, nil)
	require.NoError(t, err)
	e = refused(t, errOf(r.confirm(made.ID, true)))
	assert.Equal(t, stripe.ErrorCode("resource_missing"), e.Code)
	assert.Equal(t, "payment_method", e.Param)
	e = refused(t, errOf(r.api.V1PaymentIntents.Retrieve(t.Context(), "pi_unknown", nil)))
	assert.Equal(t, 404, e.HTTPStatusCode)
	assert.Equal(t, stripe.ErrorCode("resource_missing"), e.Code)
	e = refused(t, errOf(client(r.url, "sk_test_other_key_of_nobody").V1PaymentIntents.Retrieve(t.Context(), made.ID, nil)))
	assert.Equal(t, 401, e.HTTPStatusCode)
	assert.Empty(t, r.Ledger())
}

func TestIntentsAreListed(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	c := r.customer()
	m := r.method(c, r.Number("4242424242424242"))
	var made []string
	for range 5 {
		made = append(made, r.intent(c, m, "att_1").ID)
	}
	other := r.customer()
	r.intent(other, r.method(other, r.Number("4242424242424242")), "att_2")
	list := &stripe.PaymentIntentListParams{Customer: &c, CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: time.Now().Add(-time.Hour).Unix()}}
	list.Limit = stripe.Int64(2) // the rest comes page by page
	list.AddExpand("data.payment_method")
	var got []string
	for i, err := range r.api.V1PaymentIntents.List(t.Context(), list).All(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, "4242", i.PaymentMethod.Card.Last4)
		got = append(got, i.ID)
	}
	slices.Reverse(made)
	assert.Equal(t, made, got)
	list.CreatedRange.GreaterThanOrEqual = time.Now().Add(time.Hour).Unix()
	for i, err := range r.api.V1PaymentIntents.List(t.Context(), list).All(t.Context()) {
		t.Error("nothing is that new", i, err)
	}
}

func TestAPaymentStoresItsMethod(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	c := r.customer()
	id, err := r.NewMethod(r.Number("4000000000003220"))
	require.NoError(t, err)
	i, err := r.api.V1PaymentIntents.Create(t.Context(), &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(500), Currency: stripe.String("jpy"), Customer: &c, PaymentMethod: &id, Confirm: stripe.Bool(true),
		PaymentMethodTypes: []*string{stripe.String("card")}, SetupFutureUsage: stripe.String("off_session"), UseStripeSDK: stripe.Bool(true),
	})
	require.NoError(t, err)
	assert.Equal(t, stripe.PaymentIntentStatusRequiresAction, i.Status)
	_, err = r.AuthenticateCharge(i.ClientSecret, true)
	require.NoError(t, err)
	m, err := r.api.V1PaymentMethods.Retrieve(t.Context(), id, nil)
	require.NoError(t, err)
	assert.Equal(t, c, m.Customer.ID)
	_, err = r.confirm(r.intent(c, m, "att_2").ID, true)
	require.NoError(t, err)
}
