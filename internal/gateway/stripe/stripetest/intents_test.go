package stripetest_test

import (
	"testing"

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
