package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/notify"
)

// mailsSaying are the mails to an address whose subject has the words, oldest first, once all are sent.
func mailsSaying(t *testing.T, a *foyertest.App, to, words string) []notify.Mail {
	t.Helper()
	settleMails(t, a)
	mails := slices.DeleteFunc(a.Mails(t, to), func(m notify.Mail) bool { return !strings.Contains(m.Subject, words) })
	slices.Reverse(mails)
	for i := range mails {
		mails[i].Text = strings.ReplaceAll(mails[i].Text, "\u00a0", " ")
	}
	return mails
}

// A payment that can't be collected is told of in a series that gets more urgent: first, second, once more, the final notice before the
// last try, and what has become of it.
func TestFailedPaymentsAreASeriesOfMails(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		b.key.Patch("/v1/merchant/portal", object{"dunning": object{"days": []int{0, 3, 5, 7, 9}, "then": "cancel"}}).Must(http.StatusOK)
		b.subscribe(b.method("tok_0341")).Must(http.StatusCreated)
		b.advance("P27D")
		for range 16 { // day by day, so that the mails are sent in order
			b.advance("P1D")
			settleMails(t, a)
		}
		var subjects []string
		for _, m := range mailsSaying(t, a, b.customer.Email, "payment") {
			subjects = append(subjects, strings.ReplaceAll(m.Subject, "\u00a0", " "))
		}
		require.Equal(t, []string{
			"Your payment to acme did not go through",
			"Second notice: your payment of €11.90 to acme is still open",
			"Reminder: your payment of €11.90 to acme is still open",
			"Final notice: your payment of €11.90 to acme",
			"Your payment of €11.90 to acme could not be collected",
		}, subjects)
		final := mailsSaying(t, a, b.customer.Email, "Final notice")[0]
		assert.Contains(t, final.Text, "only one more try is left")
		assert.Contains(t, final.Text, "will be canceled on")
		assert.Len(t, mailsSaying(t, a, b.customer.Email, "has ended"), 1)
	})
}

// Refunds say whether they are all of it, credit says what becomes of it, a removed card and a canceled invoice are told of.
func TestWhatIsGivenBackAndTakenAwayIsTold(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		good := b.method("tok_4242")
		year := a.Price(t, b.merchant, "Long", 1000, everyYear)
		made := b.subscribe(good, func(in map[string]any) { in["items"] = items(b.pro, 1) }).Must(http.StatusCreated)
		paid := b.key.Get(merchantPayments + "?limit=1").Must(http.StatusOK).IDs()[0]
		b.post(merchantPayments+"/"+paid+"/refunds", object{"amount": 1000}).Must(http.StatusCreated)
		settleMails(t, a)
		b.post(merchantPayments+"/"+paid+"/refunds", nil).Must(http.StatusCreated)
		refunds := mailsSaying(t, a, b.customer.Email, "refund")
		require.Len(t, refunds, 2)
		assert.Contains(t, refunds[0].Text, "has refunded part of your payment of €35.70: €10.00")
		assert.Contains(t, refunds[1].Text, "has refunded the rest of your payment of €35.70: €25.70")

		// From 30.00 a month to 10.00 a year, at once: more comes back than it costs.
		b.post(merchantSubscriptions+"/"+made.Text("id")+"/change", object{"items": items(year, 1)}).Must(http.StatusOK)
		credited := mailsSaying(t, a, b.customer.Email, "of credit")
		require.Len(t, credited, 1)
		assert.Contains(t, credited[0].Text, "lowers your next payments by itself")
		assert.Len(t, mailsSaying(t, a, b.customer.Email, "Welcome to Pro"), 1)

		mia := a.SignIn(t, b.merchant, b.customer.Email)
		spare := mia.Post("/v1/payment-methods", object{"setup_id": mia.Setup(foyertest.CardFailsAtRenewal)}, foyertest.Keyed("spare")...).Must(http.StatusCreated).Text("id")
		mia.Delete("/v1/payment-methods/" + spare).Must(http.StatusNoContent)
		removed := mailsSaying(t, a, b.customer.Email, "was removed")
		require.Len(t, removed, 1)
		assert.Contains(t, removed[0].Text, "ending in 0341")

		b.customer = a.Customer(t, b.merchant, "noah@mailbox.test")
		noah := a.SignIn(t, b.merchant, b.customer.Email)
		invoiced := b.subscribe("", func(in map[string]any) {
			in["collection_mode"], in["billing_details"] = "manual", object{"payment_terms": object{"interval": "day", "frequency": 14}}
		}).Must(http.StatusCreated)
		path := "/v1/subscriptions/" + invoiced.Text("id") + "/withdrawals"
		noah.Post(path, object{"confirm": true}, foyertest.Keyed("withdraw")...).Must(http.StatusCreated)
		canceled := mailsSaying(t, a, b.customer.Email, "was canceled")
		require.Len(t, canceled, 1)
		assert.Contains(t, canceled[0].Text, "You don’t owe it any more")
		require.Len(t, canceled[0].Attachments, 1)
		list := noah.Get("/v1/invoices?limit=1").Must(http.StatusOK)
		assert.Contains(t, canceled[0].Subject, list.Text("data.0.number"))
		assert.Equal(t, "canceled", list.Text("data.0.status"))
	})
}
