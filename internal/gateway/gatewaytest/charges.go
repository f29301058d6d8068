package gatewaytest

import (
	"sync"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func captured(r *run) {
	c := r.request(Good)
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeCaptured}, r.charge(c))
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeCaptured}, r.byKey(c.Key))
	r.moved(c.Key, c.Amount)
	c.Key, c.OnSession, c.Amount = r.ids(foyer.PrefixAttempt), false, foyer.Money{Amount: 500, Currency: "JPY"}
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeCaptured}, r.charge(c))
	r.moved(c.Key, c.Amount)
}

func sameKey(r *run) {
	for _, card := range []Card{Good, Declined, NeedsAction} {
		c := r.request(card)
		first := r.charge(c)
		assert.Equal(r, first, r.charge(c), card)
		assert.Equal(r, first, r.byKey(c.Key), card)
	}
	assert.Len(r, r.Ledger(r), 1)
}

func crowd(r *run) {
	c := r.request(Good)
	var crowd sync.WaitGroup
	results, errs := make([]billing.ChargeResult, 50), make([]error, 50)
	for i := range results {
		crowd.Go(func() { results[i], errs[i] = r.Gateway.Charge(r.Context(), c) })
	}
	crowd.Wait()
	for i := range results {
		require.NoError(r, errs[i])
		assert.Equal(r, billing.ChargeCaptured, results[i].Status)
	}
	r.moved(c.Key, c.Amount)
}

func otherCharge(r *run) {
	c := r.request(Good)
	r.charge(c)
	for name, change := range map[string]func(o *billing.ChargeRequest){
		"amount":   func(o *billing.ChargeRequest) { o.Amount.Amount++ },
		"currency": func(o *billing.ChargeRequest) { o.Amount.Currency = "USD" },
		"token":    func(o *billing.ChargeRequest) { o.Token = r.method(Good).Token },
		"merchant": func(o *billing.ChargeRequest) { o.Merchant = foyer.MerchantID(r.ids(foyer.PrefixMerchant)) },
	} {
		other := c
		change(&other)
		_, err := r.Gateway.Charge(r.Context(), other)
		require.Error(r, err, name)
	}
	r.moved(c.Key, c.Amount)
}

func declined(r *run) {
	c := r.request(Declined)
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "declined"}, r.charge(c))
	r.moved(c.Key)
}

func unknownToken(r *run) {
	c := r.request(Good)
	for _, c.Token = range []string{"", "nobody", c.Token + "x", "a\x00b"} {
		c.Key = r.ids(foyer.PrefixAttempt)
		result := r.charge(c)
		assert.Equal(r, billing.ChargeDeclined, result.Status)
		assert.Contains(r, billing.ErrorCodes, result.ErrorCode)
	}
	assert.Empty(r, r.Ledger(r))
}

func failsOffSession(r *run) {
	c := r.request(FailsOffSession)
	assert.Equal(r, billing.ChargeCaptured, r.charge(c).Status)
	c.Key, c.OnSession = r.ids(foyer.PrefixAttempt), false
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "declined"}, r.charge(c))
	r.moved(c.Key)
}

func confirmed(r *run) {
	c := r.request(NeedsAction)
	asked := r.charge(c)
	require.Equal(r, billing.ChargeRequiresAction, asked.Status)
	assert.NotContains(r, asked.ClientSecret, c.Key)
	r.moved(c.Key)
	r.Confirm(r, c.Key, asked.ClientSecret, true)
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeCaptured}, r.byKey(c.Key))
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeCaptured}, r.charge(c))
	r.moved(c.Key, c.Amount)
	c.Key, c.OnSession = r.ids(foyer.PrefixAttempt), false
	assert.Equal(r, billing.ChargeCaptured, r.charge(c).Status, "the customer agreed to renewals")
}

func refused(r *run) {
	c := r.request(NeedsAction)
	r.Confirm(r, c.Key, r.charge(c).ClientSecret, false)
	assert.Equal(r, billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "authentication_failed"}, r.byKey(c.Key))
	r.moved(c.Key)
}

func lookedUp(r *run) {
	c := r.request(Good)
	r.charge(c)
	for _, key := range []string{r.ids(foyer.PrefixAttempt), "", "a\x00b", "..", "a/b"} {
		_, err := r.Gateway.ChargeByKey(r.Context(), r.merchant, key)
		require.ErrorIs(r, err, foyer.NotFound, "%q", key)
	}
	_, err := r.Gateway.ChargeByKey(r.Context(), foyer.MerchantID(r.ids(foyer.PrefixMerchant)), c.Key)
	require.ErrorIs(r, err, foyer.NotFound)
}

func canceled(r *run) {
	canceler, can := r.Gateway.(billing.ChargeCanceler)
	if !can {
		r.Skip("this gateway cancels nothing")
	}
	c := r.request(NeedsAction)
	r.charge(c)
	want := billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "canceled"}
	for range 2 {
		got, err := canceler.CancelCharge(r.Context(), r.merchant, c.Key)
		require.NoError(r, err)
		assert.Equal(r, want, got)
	}
	assert.Equal(r, want, r.charge(c))
	r.moved(c.Key)

	quick := r.request(NeedsAction)
	r.Confirm(r, quick.Key, r.charge(quick).ClientSecret, true)
	got, err := canceler.CancelCharge(r.Context(), r.merchant, quick.Key)
	require.NoError(r, err)
	assert.Equal(r, billing.ChargeCaptured, got.Status, "the customer was quicker")
	_, err = canceler.CancelCharge(r.Context(), r.merchant, r.ids(foyer.PrefixAttempt))
	require.ErrorIs(r, err, foyer.NotFound)
}

func (r *run) refund(charge, key string, amount int64) billing.RefundResult {
	r.Helper()
	result, err := r.Gateway.Refund(r.Context(), billing.RefundRequest{
		Key: key, Merchant: r.merchant, Charge: charge, Amount: foyer.Money{Amount: amount, Currency: "EUR"},
	})
	require.NoError(r, err)
	if !result.Refunded {
		assert.Contains(r, billing.ErrorCodes, result.ErrorCode)
	}
	return result
}

func refunded(r *run) {
	c := r.request(Good)
	r.charge(c)
	key := r.ids(foyer.PrefixRefund)
	for range 3 {
		assert.Equal(r, billing.RefundResult{Refunded: true}, r.refund(c.Key, key, 999))
	}
	_, err := r.Gateway.Refund(r.Context(), billing.RefundRequest{
		Key: key, Merchant: r.merchant, Charge: c.Key, Amount: foyer.Money{Amount: 1, Currency: "EUR"},
	})
	require.Error(r, err, "a key is for one refund")
	assert.True(r, r.refund(c.Key, r.ids(foyer.PrefixRefund), 1000).Refunded, "what is left")
	assert.False(r, r.refund(c.Key, r.ids(foyer.PrefixRefund), 1).Refunded, "nothing is left")
	assert.True(r, r.refund(c.Key, key, 999).Refunded, "what happened stays")
}

func refundedTooMuch(r *run) {
	c, never := r.request(Good), r.request(Declined)
	r.charge(c)
	r.charge(never)
	assert.False(r, r.refund(c.Key, r.ids(foyer.PrefixRefund), 2000).Refunded)
	assert.False(r, r.refund(c.Key, r.ids(foyer.PrefixRefund), 0).Refunded)
	assert.False(r, r.refund(c.Key, r.ids(foyer.PrefixRefund), -5).Refunded)
	assert.False(r, r.refund(never.Key, r.ids(foyer.PrefixRefund), 1).Refunded, "nothing was charged")
	assert.False(r, r.refund(r.ids(foyer.PrefixAttempt), r.ids(foyer.PrefixRefund), 1).Refunded, "no such charge")

	var crowd sync.WaitGroup
	done := make([]bool, 10)
	for i := range done {
		crowd.Go(func() {
			result, err := r.Gateway.Refund(r.Context(), billing.RefundRequest{
				Key: r.ids(foyer.PrefixRefund), Merchant: r.merchant, Charge: c.Key, Amount: foyer.Money{Amount: 500, Currency: "EUR"},
			})
			done[i] = err == nil && result.Refunded
		})
	}
	crowd.Wait()
	count := 0
	for _, ok := range done {
		if ok {
			count++
		}
	}
	assert.Equal(r, 3, count, "19.99 is three times 5.00")
}

func lostAnswer(r *run) {
	if r.FailAfter == nil {
		r.Skip("this gateway loses no answers on purpose")
	}
	c := r.request(Good)
	r.FailAfter(r, true)
	_, err := r.Gateway.Charge(r.Context(), c)
	require.ErrorIs(r, err, foyer.Unavailable)
	r.FailAfter(r, false)
	assert.Equal(r, billing.ChargeCaptured, r.byKey(c.Key).Status)
	assert.Equal(r, billing.ChargeCaptured, r.charge(c).Status)
	r.moved(c.Key, c.Amount)
}
