package httpapi_test

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
)

// Two years of a customer, lived through the API and the merchant's clock: trial, active, upgrade, a declined renewal with its
// mails, the card updated in one act and the debt collected, paused, resumed, refunded, canceled at the end of the period,
// undone, canceled.
func TestTwoYearsOfACustomer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		basic := a.Price(t, m, "Basic", 1000, func(p *billing.Price) { p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 14} })
		pro := a.Price(t, m, "Pro", 3000)
		began := time.Date(time.Now().Year()+1, 1, 17, 9, 0, 0, 0, time.UTC)
		a.Until(t, m, began)
		mia := a.SignIn(t, m, c.Email)
		on := func(month time.Month, day int) time.Time {
			return time.Date(began.Year(), month, day, 9, 0, 0, 0, time.UTC)
		}

		sub := a.Subscribe(t, c, basic, "tok_0341") // pays while the customer is there, fails at renewal
		path := "/v1/subscriptions/" + string(sub.ID)
		status := func(want string) *foyertest.Answer {
			t.Helper()
			answer := mia.Get(path).Must(http.StatusOK)
			require.Equal(t, want, answer.Text("status"), "%s", answer.Body)
			return answer
		}
		status("trialing")
		old := mia.Get("/v1/payment-methods").Must(http.StatusOK).IDs()[0]

		// The trial ends on the 31st. Its first charge is the engine's own, and this card fails then.
		a.Until(t, m, on(2, 1))
		status("past_due")
		good := mia.Post("/v1/payment-methods", map[string]any{"setup_id": mia.Setup(foyertest.CardGood), "replaces": old}, foyertest.Keyed("new-card")...).
			Must(http.StatusCreated)
		assert.Equal(t, "completed", good.Text("collections.0.status"))
		status("active")
		assert.Equal(t, []string{good.Text("id")}, mia.Get("/v1/payment-methods").IDs(), "the old card is gone")

		// In the middle of February (14 of 28 days are left): Pro for half a month, less half a month of Basic.
		a.Until(t, m, on(2, 14))
		items := map[string]any{"items": []any{map[string]any{"price_id": pro.ID, "quantity": 1}}}
		preview := mia.Post(path+"/change/preview", items).Must(http.StatusOK)
		changed := mia.Post(path+"/change", items, foyertest.Keyed("upgrade")...).Must(http.StatusOK)
		assert.Equal(t, "Pro", changed.Text("items.0.product.name"))
		assert.EqualValues(t, 3570, changed.At("recurring_total.amount"))
		payments := mia.Get("/v1/payments").Must(http.StatusOK)
		assert.Equal(t, preview.At("immediate_payment.totals.total.amount"), payments.At("data.0.totals.total.amount"), "charged as previewed")
		replay := mia.Post(path+"/change", items, foyertest.Keyed("upgrade")...).Must(http.StatusOK)
		assert.Equal(t, "true", replay.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, changed.Body, replay.Body)

		// A bad card again, by the customer's own choice; May's renewal is declined and dunned three times.
		bad := mia.Post("/v1/payment-methods", map[string]any{"setup_id": mia.Setup(foyertest.CardFailsAtRenewal), "subscription_id": sub.ID}, foyertest.Keyed("worse")...).
			Must(http.StatusCreated).Text("id")
		a.Until(t, m, on(2, 28).AddDate(0, 0, 6))
		overdue := status("past_due")
		assert.Equal(t, bad, overdue.Text("payment_method_id"))
		debt := mia.Get("/v1/payments?status=past_due").Must(http.StatusOK).IDs()
		require.Len(t, debt, 1)
		detail := mia.Get("/v1/payments/" + debt[0]).Must(http.StatusOK)
		assert.Equal(t, 3, detail.Len("attempts"))
		assert.Equal(t, "declined", detail.Text("attempts.0.error_code"))
		put := mia.Call(http.MethodPut, path+"/payment-method", map[string]any{"payment_method_id": good.Text("id")}, foyertest.Keyed("back")...).Must(http.StatusOK)
		assert.Equal(t, "active", put.Text("status"), "the debt was collected at once")

		// Paused at the end of a period, resumed with a new one.
		mia.Post(path+"/pause", map[string]any{}).Must(http.StatusOK)
		a.Until(t, m, on(5, 20))
		status("paused")
		resumed := mia.Post(path+"/resume", map[string]any{}, foyertest.Keyed("resume")...).Must(http.StatusOK)
		assert.Equal(t, "active", resumed.Text("status"))
		assert.True(t, strings.HasPrefix(resumed.Text("current_period.starts_at"), on(5, 20).Format(time.DateOnly)))

		// A refund of half a payment gives a credit note with a number of its own.
		last := mia.Get("/v1/payments").Must(http.StatusOK).IDs()[0]
		_, _, err := a.Engine.Refund(context.Background(), foyertest.As(c), billing.PaymentID(last), billing.RefundInput{Amount: 1785, Reason: "goodwill"})
		require.NoError(t, err)
		assert.EqualValues(t, 1785, mia.Get("/v1/payments/"+last).At("totals.refunded.amount"))

		// A year of renewals, then canceled, undone, canceled.
		a.Until(t, m, on(5, 25).AddDate(1, 0, 0))
		canceled := mia.Post(path+"/cancellations", map[string]any{"confirm": true}).Must(http.StatusCreated)
		assert.Equal(t, "scheduled", canceled.Text("state"))
		assert.Nil(t, status("active").At("next_payment"))
		mia.Delete(path + "/scheduled-change").Must(http.StatusOK)
		assert.Equal(t, "undone", mia.Get("/v1/cancellations/"+canceled.Text("id")).Must(http.StatusOK).Text("state"))
		started := mia.Post(path+"/cancellations", map[string]any{}).Must(http.StatusCreated)
		assert.Equal(t, "open", started.Text("state"))
		mia.Post("/v1/cancellations/"+started.Text("id")+"/confirm", map[string]any{"effective": "period_end"}).Must(http.StatusOK)
		a.Until(t, m, on(7, 1).AddDate(1, 0, 0))
		status("canceled")
		mia.Post(path+"/pause", map[string]any{}).Refused(http.StatusConflict, "subscription.canceled")
		a.Until(t, m, on(12, 31).AddDate(1, 0, 0))

		// Every payment, number and credit note.
		list := mia.Get("/v1/payments?limit=100").Must(http.StatusOK)
		var totals []int64
		for i := range list.Len("data") {
			totals = append([]int64{int64(list.At("data." + strconv.Itoa(i) + ".totals.total.amount").(float64))}, totals...)
			assert.Equal(t, "completed", list.Text("data."+strconv.Itoa(i)+".status"))
		}
		want := []int64{1190, 1190} // February, and half of Pro less half of Basic
		for range 1 + 13 {          // March; May to May, thirteen of them
			want = append(want, 3570)
		}
		assert.Equal(t, want, totals)
		documents := mia.Get("/v1/invoices?limit=100").Must(http.StatusOK)
		numbers := map[string]string{}
		for i := range documents.Len("data") {
			numbers[documents.Text("data."+strconv.Itoa(i)+".number")] = documents.Text("data." + strconv.Itoa(i) + ".kind")
		}
		assert.Len(t, numbers, len(want)+1)
		assert.Equal(t, "credit_note", numbers["CN-000001"])
		assert.Equal(t, "invoice", numbers["INV-0000"+strconv.Itoa(len(want))])

		// Every mail, in order.
		var kinds []string
		orders, err := a.Store.MailOrders(context.Background(), foyertest.As(c).Scope)
		require.NoError(t, err)
		slices.SortStableFunc(orders, func(x, y billing.MailOrder) int { // those of one transaction have one time
			return cmp.Or(x.At.Compare(y.At), strings.Compare(string(x.Kind), string(y.Kind)))
		})
		for _, o := range orders {
			kinds = append(kinds, string(o.Kind))
		}
		receipts := strings.Repeat("receipt ", 12)
		assert.Equal(t, strings.Fields("welcome trial_ending payment_failed payment_method_changed receipt plan_changed receipt payment_method_changed "+
			"payment_failed payment_failed payment_failed receipt pause_scheduled paused receipt resumed refunded "+receipts+
			"cancellation_scheduled kept cancellation_scheduled canceled"), kinds)
		mails := a.AwaitMails(t, c.Email, len(kinds)+1) // and the sign-in's
		for _, mail := range mails {
			assert.NotContains(t, mail.Text, "{{")
		}
	})
}
