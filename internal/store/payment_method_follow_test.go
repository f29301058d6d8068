package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
)

func TestFollowedMethods(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		ctx, own := t.Context(), scope(f.customer)
		notice := start.AddDate(4, 0, 0)
		first := f.paymentMethod(t, func(m *billing.PaymentMethod) { m.Token, m.Fingerprint, m.NoticeAt = "tok-1", "f-1", &notice })
		second := f.paymentMethod(t, func(m *billing.PaymentMethod) {
			m.CreatedAt, m.Token, m.Fingerprint = start.Add(time.Second), "tok-2", ""
		})
		deleted := f.paymentMethod(t)
		deleted.Version++
		require.NoError(t, f.DeletePaymentMethod(ctx, deleted, start))
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM payment_methods WHERE id = ? AND identifier = '' AND sealed_token IS NULL", deleted.ID))

		stored, err := f.StoredMethods(ctx, own)
		require.NoError(t, err)
		require.Len(t, stored, 2)
		require.Equal(t, []string{"tok-1", "tok-2"}, []string{stored[0].Token, stored[1].Token})
		require.Equal(t, first.Wallet, stored[0].Wallet)
		for _, other := range f.elsewhere() {
			stored, err := f.StoredMethods(ctx, other)
			require.NoError(t, err)
			require.Empty(t, stored)
			known, err := f.HasFingerprint(ctx, other, first.ID, "f-1")
			require.NoError(t, err)
			require.False(t, known)
			foreign := first
			foreign.Merchant, foreign.Customer, foreign.Version = other.Merchant, other.Customer, 2
			saved, err := f.SaveFollowedMethod(ctx, foreign, true)
			require.NoError(t, err)
			require.False(t, saved)
		}
		has := func(id billing.PaymentMethodID, fingerprint string) bool {
			known, err := f.HasFingerprint(ctx, own, id, fingerprint)
			require.NoError(t, err)
			return known
		}
		require.True(t, has(first.ID, "f-1"))
		require.False(t, has(first.ID, "f-2"))
		require.False(t, has(second.ID, ""))

		// Another date moves the reminder, another number alone does not; nothing else is touched.
		next := first
		next.Card = &billing.Card{Brand: "mastercard", Last4: "0077", ExpiryMonth: 2, ExpiryYear: 2040}
		next.Wallet, next.Identifier, next.Fingerprint, next.BillingName = "google_pay", "new", "f-2", "not saved"
		next.UpdatedAt, next.Version = start.Add(time.Hour), 2
		later := notice.AddDate(9, 0, 0)
		next.NoticeAt = &later
		saved, err := f.SaveFollowedMethod(ctx, next, false)
		require.NoError(t, err)
		require.True(t, saved)
		saved, err = f.SaveFollowedMethod(ctx, next, false)
		require.NoError(t, err)
		require.False(t, saved, "somebody was quicker")
		require.True(t, has(first.ID, "f-2"))
		got, err := f.PaymentMethod(ctx, own, first.ID)
		require.NoError(t, err)
		want := next
		want.BillingName, want.Token, want.Fingerprint, want.NoticeAt = first.BillingName, "", "", nil
		require.Equal(t, want, got)
		due, err := f.ExpiringMethods(ctx, f.merchant.ID, notice.Add(-time.Second), 10)
		require.NoError(t, err)
		require.Empty(t, due)
		next.Version, next.Fingerprint = 3, ""
		_, err = f.SaveFollowedMethod(ctx, next, true)
		require.NoError(t, err)
		require.True(t, has(first.ID, "f-2"), "none told takes none away")
		due, err = f.ExpiringMethods(ctx, f.merchant.ID, notice, 10)
		require.NoError(t, err)
		require.Empty(t, due, "it was renewed")

		gone := got
		gone.Version = 3
		gone = gone.Gone(start.Add(2 * time.Hour))
		saved, err = f.SaveFollowedMethod(ctx, gone, true)
		require.NoError(t, err)
		require.True(t, saved)
		got, err = f.PaymentMethod(ctx, own, first.ID)
		require.NoError(t, err)
		require.Equal(t, gone.GoneAt, got.GoneAt)
		require.Equal(t, billing.PaymentMethodExpired, got.Status(start))
		due, err = f.ExpiringMethods(ctx, f.merchant.ID, later, 10)
		require.NoError(t, err)
		require.Empty(t, due)
	})
}
