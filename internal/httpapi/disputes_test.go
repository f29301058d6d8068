package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/stripe/stripetest"
	"foyer/internal/merchant"
)

// decide is the customer's bank deciding about a charge.
func decide(t *testing.T, a *foyertest.App, charge, body string) {
	t.Helper()
	atBank(t, a, charge+"/dispute/close", body)
}

// atBank is what the customer's bank does to a charge.
func atBank(t *testing.T, a *foyertest.App, path, body string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sandbox-gateway/charges/"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	a.Admin.ServeHTTP(recorder, r)
	require.Equal(t, http.StatusNoContent, recorder.Code)
}

// A payment whose charge the bank takes back says so to its merchant and its customer, who sees less of it; the merchant gets an event and a
// mail; it can't be refunded meanwhile; and what the bank decides is seen too.
func TestADisputedPayment(t *testing.T) {
	t.Parallel()
	for name, won := range map[string]bool{"won": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
				b := newBackend(t, a)
				const seller = "seller@acme.test"
				_, err := a.Merchants.UpdatePortal(t.Context(), b.merchant.ID, 0, func(s merchant.Settings) (merchant.Settings, error) {
					s.Seller.Email = seller
					return s, nil
				})
				require.NoError(t, err)
				mia, other := a.SignIn(t, b.merchant, b.customer.Email), a.Key(t, a.Merchant(t, "zenith"))
				sub := b.subscribe(b.method("tok_0259")).Must(http.StatusCreated).Text("id")
				list := b.key.Get(merchantPayments).Must(http.StatusOK)
				id := list.Text("data.0.id")
				assert.Nil(t, list.At("data.0.disputes"), "not in lists")
				path := merchantPayments + "/" + id
				var shown *foyertest.Answer
				await := func(status string) {
					require.Eventually(t, func() bool {
						shown = b.key.Get(path).Must(http.StatusOK)
						return shown.Len("disputes") == 1 && shown.Text("disputes.0.status") == status
					}, 20*time.Second, 20*time.Millisecond)
				}
				await("open")
				whole := shown.At("totals.grand_total.amount")
				assert.Equal(t, []any{"fraudulent", whole, nil}, []any{shown.At("disputes.0.reason"), shown.At("disputes.0.amount.amount"), shown.At("disputes.0.closed_at")})
				assert.NotEmpty(t, shown.Text("disputes.0.respond_by"))
				assert.True(t, strings.HasPrefix(shown.Text("disputes.0.id"), "dsp_"))
				assert.Equal(t, []any{whole, "chargeback", "approved", whole}, []any{shown.At("totals.refunded.amount"), shown.At("refunds.0.action"), shown.At("refunds.0.status"), shown.At("refunds.0.total.amount")})
				theirs := mia.Get("/v1/payments/" + id).Must(http.StatusOK)
				assert.Equal(t, []any{"open", whole, whole}, []any{theirs.At("disputes.0.status"), theirs.At("disputes.0.amount.amount"), theirs.At("totals.refunded.amount")})
				assert.NotContains(t, string(theirs.Body), "respond_by")
				assert.NotContains(t, theirs.At("disputes.0"), "reason")
				other.Get(path).Refused(http.StatusNotFound, "not_found")
				b.post(path+"/refunds", nil).Refused(http.StatusConflict, "refund.disputed")
				assert.Equal(t, "active", b.key.Get(merchantSubscriptions+"/"+sub).Must(http.StatusOK).Text("status"))
				assert.Equal(t, 1, b.key.Get("/v1/merchant/invoices").Must(http.StatusOK).Len("data"), "no credit note")
				told := b.key.Get("/v1/merchant/events?type=payment.disputed").Must(http.StatusOK)
				require.Equal(t, 1, told.Len("data"))
				assert.Equal(t, []any{id, "open"}, []any{told.At("data.0.data.id"), told.At("data.0.data.disputes.0.status")})
				mail := a.AwaitMails(t, seller, 1)[0]
				assert.Contains(t, mail.Text, id)
				assert.NotContains(t, mail.Text+mail.HTML, b.customer.Email)
				assert.Contains(t, string(mia.Get("/v1/me/activity").Must(http.StatusOK).Body), "disputed through your bank")

				decide(t, a, shown.Text("attempts.0.id"), map[bool]string{true: `{"won": true}`, false: `{"won": false}`}[won])
				await(name)
				assert.NotEmpty(t, shown.Text("disputes.0.closed_at"))
				assert.Nil(t, shown.At("disputes.0.respond_by"))
				assert.Equal(t, 1, b.key.Get("/v1/merchant/events?type=payment.dispute_closed").Must(http.StatusOK).Len("data"))
				a.AwaitMails(t, seller, 2)
				settleMails(t, a)
				assert.Len(t, a.Mails(t, seller), 2)
				if !won {
					assert.Equal(t, []any{whole, "approved"}, []any{shown.At("totals.refunded.amount"), shown.At("refunds.0.status")})
					b.post(path+"/refunds", nil).Refused(http.StatusConflict, "refund.not_refundable")
					return
				}
				assert.Equal(t, []any{float64(0), "reversed"}, []any{shown.At("totals.refunded.amount"), shown.At("refunds.0.status")})
				assert.Equal(t, whole, b.post(path+"/refunds", nil).Must(http.StatusCreated).At("total.amount"))
			})
		})
	}
}

// Who withdraws while their bank decides about the payment has the money already: what is owed waits for the bank, and is given back when
// the merchant has it again, or not at all when the customer kept it.
func TestADisputeAndAWithdrawal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body    string
		refunds []int64
	}{"won": {`{"won": true}`, []int64{2379}}, "lost": {`{"won": false}`, nil}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
				l := newLeaver(t, a)
				charge := a.Ledger(t)[0]
				atBank(t, a, charge.Key+"/dispute", `{}`)
				path := merchantPayments + "/" + charge.Reference
				await := func(status string) {
					require.Eventually(t, func() bool { return l.key.Get(path).Must(http.StatusOK).At("disputes.0.status") == status }, 20*time.Second, 20*time.Millisecond)
				}
				await("open")
				done := l.withdraw("k").Must(http.StatusCreated)
				assert.Equal(t, []string{"confirmed", "pending"}, []string{done.Text("state"), done.Text("refunds.0.state")})
				decide(t, a, charge.Key, c.body)
				await(name)
				now, err := a.Merchants.Clock(t.Context(), l.merchant.ID)
				require.NoError(t, err)
				a.Until(t, l.merchant, now.Add(24*time.Hour))
				assert.Equal(t, "completed", l.mia.Get("/v1/withdrawals/"+done.Text("id")).Must(http.StatusOK).Text("state"))
				assert.Equal(t, c.refunds, l.refunds(t))
			})
		})
	}
}

// Mail was down while a bank first asked about a payment and then took it back: the merchant gets one mail, of how it stands, and
// another one when the bank decides.
func TestADisputeIsToldOnceAsItStands(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		const seller = "seller@acme.test"
		m := a.Merchant(t, "acme", func(s *merchant.Settings) { s.Seller.Email = seller })
		c := a.Customer(t, m, "mia@mailbox.test")
		token, err := fake.NewMethod(fake.Number("4242424242424242"))
		require.NoError(t, err)
		sub := a.Subscribe(t, c, a.Price(t, m, "Basic", 1000), token)
		list, err := a.Billing.Payments(t.Context(), foyertest.As(c).Scope, billing.PaymentFilter{Subscription: sub.ID}, foyer.PageRequest{Limit: 1})
		require.NoError(t, err)
		payment, err := a.Store.Payment(t.Context(), foyertest.As(c).Scope, list[0].ID)
		require.NoError(t, err)
		attempt := payment.Attempts[0].ID
		settleMails(t, a)
		require.NoError(t, a.Workers.Stop(t.Context()))
		require.NoError(t, fake.Inquire(string(attempt), "fraudulent"))
		require.NoError(t, a.Engine.Settle(t.Context(), m.ID, attempt))
		require.NoError(t, fake.Dispute(string(attempt), "fraudulent"))
		require.NoError(t, a.Engine.Settle(t.Context(), m.ID, attempt))

		a.Second(t) // works on what waits
		settleMails(t, a)
		mails := a.Mails(t, seller)
		require.Len(t, mails, 1)
		assert.Contains(t, mails[0].Text, "took back")
		require.NoError(t, fake.CloseDispute(string(attempt), false))
		require.NoError(t, a.Engine.Settle(t.Context(), m.ID, attempt))
		settleMails(t, a)
		assert.Len(t, a.Mails(t, seller), 2)
	})
}

// Mail was down when a refund came back: who refunded again meanwhile is not asked to, and who did not is told what is owed.
func TestARefundThatCameBackIsToldWhileItIsOwed(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		const seller = "seller@acme.test"
		m := a.Merchant(t, "acme", func(s *merchant.Settings) { s.Seller.Email = seller })
		c := a.Customer(t, m, "mia@mailbox.test")
		by := foyertest.As(c)
		token, err := fake.NewMethod(fake.Number("4242424242424242"))
		require.NoError(t, err)
		sub := a.Subscribe(t, c, a.Price(t, m, "Basic", 1000), token)
		list, err := a.Billing.Payments(t.Context(), by.Scope, billing.PaymentFilter{Subscription: sub.ID}, foyer.PageRequest{Limit: 1})
		require.NoError(t, err)
		payment, err := a.Store.Payment(t.Context(), by.Scope, list[0].ID)
		require.NoError(t, err)
		cameBack := func(amount int64) {
			_, made, err := a.Engine.Refund(t.Context(), by, payment.ID, billing.RefundInput{Amount: amount})
			require.NoError(t, err)
			require.True(t, fake.FailRefund(string(made.ID)))
			require.NoError(t, a.Engine.Settle(t.Context(), m.ID, payment.Attempts[0].ID))
		}
		settleMails(t, a)
		require.NoError(t, a.Workers.Stop(t.Context()))
		cameBack(300)
		_, _, err = a.Engine.Refund(t.Context(), by, payment.ID, billing.RefundInput{Amount: 300})
		require.NoError(t, err)
		a.Second(t) // works on what waits
		settleMails(t, a)
		assert.Empty(t, a.Mails(t, seller), "it was paid again")

		cameBack(500)
		settleMails(t, a)
		mails := a.Mails(t, seller)
		require.Len(t, mails, 1)
		assert.Contains(t, mails[0].Text, "You refunded €5.00")
		assert.Contains(t, mails[0].Text, "still owed €5.00")
	})
}
