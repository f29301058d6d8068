package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/retention"
)

func living(country foyer.Country, region string) func(*billing.Customer) {
	return func(c *billing.Customer) { c.Address.Country, c.Address.Region = country, region }
}

// withdraw takes the second step.
func (l *leaver) withdraw(key string) *foyertest.Answer {
	return l.mia.Post(l.path("/withdrawals"), object{"confirm": true}, foyertest.Keyed(key)...)
}

// refunds are those the gateway made, by charge.
func (l *leaver) refunds(t *testing.T) (sums []int64) {
	t.Helper()
	rows, err := l.Store.SQL().QueryContext(t.Context(), "SELECT amount FROM sandbox_gateway_refunds WHERE refunded = 1 ORDER BY amount")
	require.NoError(t, err)
	defer func() { assert.NoError(t, rows.Close()) }()
	for rows.Next() {
		var amount int64
		require.NoError(t, rows.Scan(&amount))
		sums = append(sums, amount)
	}
	require.NoError(t, rows.Err())
	return sums
}

// sound fails the test unless the books agree with the gateway.
func (l *leaver) sound(t *testing.T) {
	t.Helper()
	findings, err := l.Check(context.Background())
	require.NoError(t, err)
	for _, f := range findings {
		assert.Zero(t, f.Broken, f.Rule)
	}
}

func TestWithdrawing(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a).next(t, "lena@mailbox.test", living("DE", ""))
		first := l.mia.Post(l.path("/withdrawals")+"?locale=de", nil, foyertest.Keyed("look")...).Must(http.StatusCreated)
		assert.Equal(t, "open", first.Text("state"))
		assert.Equal(t, "confirm", first.Text("step"))
		assert.Nil(t, first.At("declared_at"))
		assert.Equal(t, "23,79 €", strings.ReplaceAll(first.Text("refund.display"), "\u00a0", " "))
		assert.Equal(t, "planned", first.Text("refunds.0.state"))
		assert.Equal(t, "de", first.Text("legal.profile"))
		assert.Equal(t, "Vertrag widerrufen", first.Text("legal.statutory.withdraw"))
		assert.Equal(t, "Widerruf bestätigen", first.Text("legal.statutory.confirm_withdraw"))
		assert.Nil(t, first.At("actions.receipt"))
		assert.Equal(t, billing.SubscriptionActive, l.now(t).Status, "nothing is declared by looking")
		assert.Empty(t, l.refunds(t))
		path := "/v1/withdrawals/" + first.Text("id")
		l.mia.Get(path+"/receipt").Refused(http.StatusNotFound, "not_found")
		assert.Equal(t, first.Text("id"), l.mia.Post(l.path("/withdrawals"), object{"confirm": false}, foyertest.Keyed("look-again")...).Must(http.StatusCreated).Text("id"))
		open := l.start(t).Text("id")

		done := l.act(t, first, "confirm").Must(http.StatusCreated)
		assert.Equal(t, first.Text("id"), done.Text("id"))
		assert.Equal(t, "completed", done.Text("state"))
		assert.Equal(t, "refunded", done.Text("refunds.0.state"))
		assert.NotNil(t, done.At("declared_at"))
		assert.Nil(t, done.At("actions.confirm"))
		assert.Equal(t, billing.SubscriptionCanceled, l.now(t).Status)
		assert.Equal(t, []int64{2379}, l.refunds(t))
		assert.Equal(t, "canceled", l.mia.Get("/v1/cancellations/"+open).Must(http.StatusOK).Text("state"), "what was wanted has come")
		l.withdraw("again").Refused(http.StatusConflict, "withdrawal.closed")
		l.mia.Post(l.path("/withdrawals"), nil, foyertest.Keyed("look-after")...).Refused(http.StatusConflict, "withdrawal.closed")

		receipt := l.mia.Get(done.Text("actions.receipt.path")).Must(http.StatusOK)
		assert.True(t, bytes.HasPrefix(receipt.Body, []byte("%PDF-")))
		kept, err := a.Retention.Receipt(t.Context(), foyertest.As(l.customer).Scope, first.Text("id"))
		require.NoError(t, err)
		assert.Equal(t, retention.ReceiptWithdrawal, kept.Kind)
		assert.Equal(t, int64(2379), kept.Content.Refund.Amount)
		assert.True(t, kept.Intact())

		documents := l.mia.Get("/v1/invoices").Must(http.StatusOK)
		require.Equal(t, 2, documents.Len("data"))
		assert.Equal(t, "credit_note", documents.Text("data.0.kind"))
		assert.Equal(t, "completed", l.mia.Get(path).Must(http.StatusOK).Text("state"))

		settleMails(t, a)
		orders, err := a.Store.MailOrders(t.Context(), foyertest.As(l.customer).Scope)
		require.NoError(t, err)
		var kinds []string
		for _, o := range orders {
			kinds = append(kinds, string(o.Kind))
		}
		slices.Sort(kinds[:2]) // of one moment
		assert.Equal(t, []string{"receipt", "welcome", "withdrawal_received", "refunded"}, kinds, "one acknowledgement, and nothing of a cancellation")
		for _, m := range a.Mails(t, l.customer.Email) {
			if strings.Contains(m.Subject, "withdrawal") {
				require.Len(t, m.Attachments, 1)
				assert.True(t, bytes.HasPrefix(m.Attachments[0].Content, []byte("%PDF-")))
			}
		}
		told := l.told(t)
		for _, kind := range []string{"withdrawal.created", "withdrawal.confirmed", "withdrawal.completed", "subscription.canceled"} {
			assert.Equal(t, 1, told[kind], kind)
		}
		shown := l.key.Get("/v1/merchant/withdrawals/" + first.Text("id")).Must(http.StatusOK)
		assert.Equal(t, "shown", shown.Text("evidence.0.kind"))
		assert.Equal(t, "confirmed", shown.Text("evidence.1.kind"))
		assert.Equal(t, "Vertrag widerrufen", shown.Text("evidence.0.shown.statutory.withdraw"))
		assert.Equal(t, []string{first.Text("id")}, l.key.Get("/v1/merchant/withdrawals?state=completed&customer_id="+string(l.customer.ID)).Must(http.StatusOK).IDs())
		assert.Empty(t, l.key.Get("/v1/merchant/withdrawals?state=failed").Must(http.StatusOK).IDs())
		l.key.Post("/v1/merchant/withdrawals/"+first.Text("id")+"/accept", nil, foyertest.Keyed("a")...).Refused(http.StatusConflict, "withdrawal.closed")
		assert.Equal(t, "completed", l.mia.Get("/v1/me/export").Must(http.StatusOK).Text("withdrawals.0.state"))
		l.sound(t)
	})
}

// The law's window, by place and by the merchant's clock; a subscription that was canceled can still be withdrawn from.
func TestWhoCanWithdrawUntilWhen(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	l := newLeaver(t, a)
	people := map[string]*leaver{}
	for place, change := range map[string]func(*billing.Customer){
		"DE": living("DE", ""), "FR": living("FR", ""), "AT": living("AT", ""), "GB": living("GB", ""), "CA": living("US", "CA"), "NY": living("US", "NY"), "JP": living("JP", ""),
	} {
		people[place] = l.next(t, strings.ToLower(place)+"@mailbox.test", change)
	}
	for _, place := range []string{"CA", "NY", "JP"} {
		people[place].withdraw("k").Refused(http.StatusConflict, "withdrawal.not_available")
		people[place].mia.Post(people[place].path("/withdrawals"), nil, foyertest.Keyed("look")...).Refused(http.StatusConflict, "withdrawal.not_available")
	}
	days := 30
	l.decides(t, object{"legal": object{"withdrawal_days": days}})
	assert.Equal(t, "completed", people["JP"].withdraw("given").Must(http.StatusCreated).Text("state"), "the merchant can give what no law does")
	l.decides(t, object{"legal": object{"withdrawal_days": 1}})

	left := people["AT"].mia.Post(people["AT"].path("/withdrawals"), nil, foyertest.Keyed("look")...).Must(http.StatusCreated)
	a.Until(t, l.merchant, l.sub.StartedAt.AddDate(0, 0, 13))
	people["DE"].mia.Post(people["DE"].path("/cancellations"), object{"confirm": true, "effective": "immediately"}).Must(http.StatusCreated)
	for _, place := range []string{"DE", "FR", "GB"} {
		assert.Equal(t, "completed", people[place].withdraw("in-time").Must(http.StatusCreated).Text("state"), place)
	}
	a.Until(t, l.merchant, l.sub.StartedAt.AddDate(0, 0, 18))
	l.withdraw("late").Refused(http.StatusConflict, "withdrawal.out_of_time")
	assert.Equal(t, "expired", people["AT"].mia.Get("/v1/withdrawals/"+left.Text("id")).Must(http.StatusOK).Text("state"))
	people["AT"].withdraw("late").Refused(http.StatusConflict, "withdrawal.out_of_time")
	assert.Equal(t, 1, people["AT"].told(t)["withdrawal.expired"])
	assert.Equal(t, billing.SubscriptionActive, people["AT"].now(t).Status)
	assert.Equal(t, []int64{2379, 2379, 2379, 2379}, l.refunds(t))

	elsewhere := a.Subscription(t, l.customer)
	l.mia.Post("/v1/subscriptions/"+string(elsewhere.ID)+"/withdrawals", nil, foyertest.Keyed("elsewhere")...).Refused(http.StatusConflict, "subscription.kept_elsewhere")
}

// What is left of the period goes back, to the cent, and no more than the gateway says.
func TestWithdrawingProRata(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.decides(t, object{"withdrawal": object{"refund": "pro_rata"}})
		a.Until(t, l.merchant, l.sub.StartedAt.AddDate(0, 0, 10))
		done := l.withdraw("k").Must(http.StatusCreated)
		declared, err := time.Parse(time.RFC3339Nano, done.Text("declared_at"))
		require.NoError(t, err)
		want := retention.ProRataRefund(2379, *l.sub.CurrentPeriod, declared)
		assert.Greater(t, want, int64(1000))
		assert.Less(t, want, int64(2000))
		assert.Equal(t, []int64{want}, l.refunds(t))
		assert.InDelta(t, want, done.At("refund.amount"), 0)
		l.sound(t)
	})
}

func TestManyConfirmsGiveBackOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		answers := together(50, func(i int) string {
			answer := l.withdraw(fmt.Sprint(i))
			return fmt.Sprint(answer.Status, " ", answer.Text("code"))
		})
		assert.Equal(t, map[string]int{"201 ": 1, "409 withdrawal.closed": 49}, answers)
		assert.Equal(t, []int64{2379}, l.refunds(t))
		assert.Equal(t, 1, l.told(t)["withdrawal.confirmed"])
		assert.Equal(t, 1, l.told(t)["withdrawal.completed"])
		for i := range 50 { // the one that did it is told the same again
			if again := l.withdraw(fmt.Sprint(i)); again.Status == http.StatusCreated {
				assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
			}
		}
		l.sound(t)
	})
}

// Credit that paid goes back to the credit, a bill by invoice nobody has paid is not owed any more, and each has its document.
func TestWithdrawingTakesBackCreditAndBills(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		credit := func() []billing.Credit {
			found, err := a.Store.Credits(t.Context(), l.merchant.ID, []foyer.CustomerID{l.customer.ID})
			require.NoError(t, err)
			return found
		}
		require.NoError(t, a.Store.AddCredit(t.Context(), billing.Credit{Scope: foyertest.As(l.customer).Scope, Currency: "EUR", Amount: 500}))
		n := l.another(t)
		require.Empty(t, credit(), "it paid a part")
		done := n.withdraw("k").Must(http.StatusCreated)
		assert.Equal(t, "completed", done.Text("state"))
		assert.InDelta(t, 1879, done.At("refund.amount"), 0)
		assert.InDelta(t, 500, done.At("credit.amount"), 0)
		assert.Equal(t, []int64{1879}, l.refunds(t))
		require.Len(t, credit(), 1)
		assert.Equal(t, int64(500), credit()[0].Amount)
		payment := l.mia.Get("/v1/payments/" + done.Text("refunds.0.payment_id")).Must(http.StatusOK)
		assert.InDelta(t, 1879, payment.At("totals.refunded.amount"), 0)
		documents := l.mia.Get("/v1/invoices").Must(http.StatusOK)
		var notes int
		for i := range documents.Len("data") {
			if documents.Text(fmt.Sprintf("data.%d.kind", i)) == "credit_note" {
				notes++
			}
		}
		assert.Equal(t, 2, notes, "one for the money, one for the credit")

		require.NoError(t, a.Store.AddCredit(t.Context(), billing.Credit{Scope: foyertest.As(l.customer).Scope, Currency: "EUR", Amount: -500}))
		sub, _, err := a.Engine.CreateSubscription(t.Context(), foyertest.As(l.customer), billing.SubscribeInput{
			Items: []billing.ItemInput{{Price: l.price.ID, Quantity: 1}}, CollectionMode: billing.CollectManual,
		})
		require.NoError(t, err)
		n.sub = sub
		billed := n.withdraw("by-invoice").Must(http.StatusCreated)
		assert.Equal(t, "completed", billed.Text("state"))
		assert.Zero(t, billed.Len("refunds"))
		bill := l.mia.Get("/v1/payments?subscription_id=" + string(sub.ID)).Must(http.StatusOK)
		assert.Equal(t, "canceled", bill.Text("data.0.status"))
		assert.Equal(t, "canceled", l.mia.Get("/v1/invoices/"+bill.Text("data.0.invoice.id")).Must(http.StatusOK).Text("status"))
		l.sound(t)
	})
}

// A change of plan gave credit instead of money: it is taken back, and what of it was used elsewhere is not given a second time.
func TestWithdrawingAfterAChangeThatGaveCredit(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	l := newLeaver(t, a)
	yearly := a.Price(t, l.merchant, "Year", 500, func(p *billing.Price) { p.Cycle = &foyer.Cycle{Interval: foyer.Year, Frequency: 1} })
	credit := func() int64 {
		sum, err := a.Billing.CreditOf(t.Context(), foyertest.As(l.customer).Scope, "EUR")
		require.NoError(t, err)
		return sum
	}
	change := func(n *leaver) int64 {
		n.key.Post("/v1/merchant/subscriptions/"+string(n.sub.ID)+"/change", object{"items": []any{object{"price_id": yearly.ID, "quantity": 1}}}, foyertest.Keyed(n.IDs("key"))...).Must(http.StatusOK)
		require.Positive(t, credit())
		return credit()
	}
	change(l)
	look := l.mia.Post(l.path("/withdrawals"), nil, foyertest.Keyed("look")...).Must(http.StatusCreated)
	assert.InDelta(t, 2379, look.At("refund.amount"), 0)
	l.withdraw("k").Must(http.StatusCreated)
	assert.Zero(t, credit())
	assert.Equal(t, []int64{2379}, l.refunds(t))

	n := l.another(t)
	given := change(n)
	require.NoError(t, a.Store.AddCredit(t.Context(), billing.Credit{Scope: foyertest.As(l.customer).Scope, Currency: "EUR", Amount: -300}))
	look = n.mia.Post(n.path("/withdrawals"), nil, foyertest.Keyed("look-too")...).Must(http.StatusCreated)
	assert.InDelta(t, 2079, look.At("refund.amount"), 0, "what is shown is what is given, of %d", given)
	assert.InDelta(t, 2079, n.withdraw("k-too").Must(http.StatusCreated).At("refund.amount"), 0)
	assert.Zero(t, credit())
	assert.Equal(t, []int64{2079, 2379}, l.refunds(t))
	l.sound(t)
}
