package billing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// paddle.md §1.4.
func TestWhichPaymentsHaveAnInvoice(t *testing.T) {
	automatic := map[billing.PaymentStatus]bool{billing.PaymentCompleted: true}
	manual := map[billing.PaymentStatus]bool{billing.PaymentBilled: true, billing.PaymentPaid: true, billing.PaymentCompleted: true, billing.PaymentPastDue: true}
	for _, status := range append([]billing.PaymentStatus{billing.PaymentDraft}, billing.PaymentStatuses...) {
		for mode, want := range map[billing.CollectionMode]bool{billing.CollectAutomatic: automatic[status], billing.CollectManual: manual[status]} {
			p := billing.Payment{Status: status, CollectionMode: mode, Totals: billing.Totals{Total: 1}}
			assert.Equal(t, want, p.HasInvoice(), "%s %s", mode, status)
			p.Totals = billing.Totals{Subtotal: 100, Discount: 100}
			assert.False(t, p.HasInvoice(), "%s %s of zero value", mode, status)
			assert.True(t, p.ZeroValue())
		}
		assert.Equal(t, status != billing.PaymentDraft, billing.Payment{Status: status}.VisibleTo())
	}
	paidByCredit := billing.Payment{Status: billing.PaymentCompleted, Totals: billing.Totals{Total: 100, Credit: 100}}
	assert.True(t, paidByCredit.HasInvoice(), "what credit paid was still sold")
}

func TestWhenAPaymentIsDueAndListed(t *testing.T) {
	billed := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	p := billing.Payment{CreatedAt: billed.Add(-time.Hour)}
	assert.Nil(t, p.DueAt())
	assert.Equal(t, p.CreatedAt, p.ListedAt())
	p.BilledAt = &billed
	assert.Equal(t, billed, p.ListedAt())
	assert.Nil(t, p.DueAt(), "charged by itself")
	p.BillingDetails = &billing.Terms{}
	assert.Nil(t, p.DueAt())
	p.BillingDetails.PaymentTerms = &foyer.Cycle{Interval: foyer.Month, Frequency: 1}
	assert.Equal(t, time.Date(2026, 2, 28, 9, 0, 0, 0, time.UTC), *p.DueAt())
}

// A question nobody tells the answer of is looked at when as much time has passed again as since it was asked.
func TestWhenAQuestionIsLookedAt(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	until := asked.Add(billing.ActionLife)
	a := billing.Attempt{Status: billing.AttemptRequiresAction, LeasedUntil: &until}
	var looks []int
	for at := asked.Add(billing.FirstLook); at.Before(until); at = a.NextLook(at) {
		looks = append(looks, int(at.Sub(asked).Minutes()))
	}
	assert.Equal(t, []int{1, 2, 4, 8, 16, 32}, looks)
	a.LeasedUntil = nil
	assert.Equal(t, asked.Add(time.Minute), a.NextLook(asked), "never at once")
}

func TestOnlyApprovedMoneyBackCountsAsRefunded(t *testing.T) {
	var all []billing.Refund
	for _, action := range []billing.RefundAction{billing.ActionRefund, billing.ActionCredit, billing.ActionChargeback} {
		for _, status := range []billing.RefundStatus{billing.RefundPending, billing.RefundApproved, billing.RefundRejected, billing.RefundReversed} {
			all = append(all, billing.Refund{Action: action, Status: status, Total: 100})
		}
	}
	assert.Equal(t, int64(200), billing.Refunded(all))
	assert.Zero(t, billing.Refunded(nil))
}

func TestLinesThatDoNotAddUpAreNamed(t *testing.T) {
	line := billing.Line{Totals: billing.LineTotals{Subtotal: 100, Discount: 10, Tax: 17, Total: 107}}
	p := billing.Payment{Lines: []billing.Line{line, line}, Totals: billing.Totals{Subtotal: 200, Discount: 20, Tax: 34, Total: 214}}
	assert.Empty(t, p.LinesMismatch())
	p.Totals.Tax, p.Totals.Total = 35, 215
	assert.Equal(t, []string{"tax", "total"}, p.LinesMismatch())
}

func TestACardIsGoodToTheEndOfItsMonth(t *testing.T) {
	card := billing.PaymentMethod{Card: &billing.Card{ExpiryMonth: 12, ExpiryYear: 2026}}
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]billing.PaymentMethodStatus{
		end.AddDate(0, 0, -31): billing.PaymentMethodValid, end.AddDate(0, 0, -30).Add(-time.Nanosecond): billing.PaymentMethodValid,
		end.AddDate(0, 0, -30): billing.PaymentMethodExpiring, end.Add(-time.Nanosecond): billing.PaymentMethodExpiring,
		end: billing.PaymentMethodExpired, end.AddDate(5, 0, 0): billing.PaymentMethodExpired,
	} {
		assert.Equal(t, want, card.Status(at), at.String())
		assert.Equal(t, want, card.Status(at.In(time.FixedZone("", -12*3600))), "the zone of the clock does not matter")
	}
	for _, other := range []*billing.Card{nil, {Last4: "4242"}} {
		assert.Equal(t, billing.PaymentMethodValid, billing.PaymentMethod{Card: other}.Status(end), "what has no date does not expire")
	}
}
