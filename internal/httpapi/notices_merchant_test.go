package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/i18n"
	"foyer/internal/retention"
)

// Threat: knowing an address and nothing else. Nothing comes of it but a mail to the merchant, once.
func TestANoticeWithAWrongNameGoesToTheMerchantOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		id := c.declares(t, "cancellation", map[string]any{"name": "Mia Riley"}).Must(http.StatusCreated).Text("id")
		found := c.settled(t, id)
		assert.Equal(t, []any{"unmatched", "no_match", nil, nil}, []any{found.At("state"), found.At("problem"), found.At("customer_id"), found.At("cancellation_id")})
		assert.Nil(t, c.now(t, c.sub.ID).ScheduledChange)
		mail := c.awaitMail(t, sellerMail, "A cancellation was received")
		for _, want := range []string{id, "Mia Riley", miasEmail, "my plan", "/v1/merchant/notices/" + id + "/resolve"} {
			assert.Contains(t, mail.Text, want)
		}
		// A worker that died does it all again.
		require.NoError(t, a.Notices.Match(t.Context(), c.merchant.ID, retention.NoticeID(id)))
		require.NoError(t, a.Notify.SendNoticeReceipt(t.Context(), c.merchant.ID, id))
		require.NoError(t, a.Notify.SendNoticeToMerchant(t.Context(), c.merchant.ID, id))
		c.awaitMail(t, miasEmail, "We have received your cancellation")
		assert.Len(t, a.Mails(t, sellerMail), 1)
		received := 0
		for _, m := range a.Mails(t, miasEmail) {
			if m.Subject == "We have received your cancellation (acme)" {
				received++
			}
		}
		assert.Equal(t, 1, received)
		assert.Equal(t, int64(2), int64(found.Len("evidence")))
	})
}

func TestAnAmbiguousNoticeIsResolvedByTheMerchant(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		other := a.Subscribe(t, c.mia, c.price, "tok_4242")
		stranger := a.Subscription(t, a.Customer(t, a.Merchant(t, "zenith"), miasEmail))
		answer := c.declares(t, "cancellation", map[string]any{"end_at": other.CurrentPeriod.End.AddDate(0, 0, 3)}).Must(http.StatusCreated)
		id := answer.Text("id")
		path := "/v1/merchant/notices/" + id
		found := c.settled(t, id)
		assert.Equal(t, []any{"ambiguous", "several"}, []any{found.At("state"), found.At("problem")})
		c.awaitMail(t, sellerMail, "A cancellation was received")
		waiting := func() []string {
			return c.key.Get("/v1/merchant/notices?state=unmatched,ambiguous&kind=cancellation").IDs()
		}
		assert.Equal(t, []string{id}, waiting())

		for _, unknown := range []string{string(stranger.ID), "sub_01kb3v5q8r9s0t1v2w3x4y5z6a", "nonsense"} {
			refused := c.key.Post(path+"/resolve", map[string]any{"subscription_id": unknown}).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "input.unknown_reference", refused.Text("errors.0.code"))
		}
		done := c.key.Post(path+"/resolve", map[string]any{"subscription_id": other.ID, "note": "Asked by phone."}, idempotencyKey, "once").Must(http.StatusOK)
		assert.Equal(t, []any{"resolved", string(other.ID), string(c.mia.ID), "Asked by phone."},
			[]any{done.At("state"), done.At("subscription_id"), done.At("customer_id"), done.At("note")})
		assert.Equal(t, "merchant", done.Text("evidence.2.actor"))
		assert.Equal(t, done.Header.Get("ETag"), c.key.Get(path).Must(http.StatusOK).Header.Get("ETag"))
		after := c.now(t, other.ID)
		require.NotNil(t, after.ScheduledChange)
		assert.True(t, after.ScheduledChange.EffectiveAt.After(other.CurrentPeriod.End), "the later date is kept to")
		assert.Nil(t, c.now(t, c.sub.ID).ScheduledChange)
		way := c.key.Get("/v1/merchant/cancellations/" + done.Text("cancellation_id")).Must(http.StatusOK)
		assert.Equal(t, answer.Text("received_at"), way.Text("received_at"), "it was received when it was declared")
		c.awaitMail(t, miasEmail, "ends on")
		c.key.Post(path+"/resolve", map[string]any{"subscription_id": c.sub.ID}).Refused(http.StatusConflict, "notice.closed")
		c.key.Post(path+"/resolve", map[string]any{}).Refused(http.StatusConflict, "notice.closed")
		assert.Empty(t, waiting())
	})
}

func TestANoticeThatIsDismissedComesToNothing(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		id := c.declares(t, "withdrawal", map[string]any{"email": "stranger@mailbox.test"}).Must(http.StatusCreated).Text("id")
		c.settled(t, id)
		path := "/v1/merchant/notices/" + id + "/resolve"
		c.key.Post(path, map[string]any{"note": "a\u202eb"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		done := c.key.Post(path, map[string]any{"note": "Nobody knows them."}).Must(http.StatusOK)
		assert.Equal(t, []any{"dismissed", nil, nil}, []any{done.At("state"), done.At("subscription_id"), done.At("withdrawal_id")})
		assert.Nil(t, c.now(t, c.sub.ID).ScheduledChange)
	})
}

// The last day of the right counts when the notice is received; what comes later is the merchant's to look at.
func TestAWithdrawalNoticeCountsWhenItIsReceived(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		days           int
		change         func(s *billing.Subscription)
		state, problem any
	}{
		"within the time":              {days: 10, state: "matched"},
		"after it":                     {days: 40, state: "unmatched", problem: "out_of_time"},
		"never started, made just now": {change: func(s *billing.Subscription) { s.StartedAt = nil }, state: "matched"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := foyertest.New(t, "sqlite")
			at := newCounter(t, a)
			noah := a.Customer(t, at.merchant, "noah@mailbox.test", func(c *billing.Customer) { c.Name = "Noah" })
			sub := a.Subscription(t, noah, func(s *billing.Subscription) {
				started := a.Clock.Now().AddDate(0, 0, -c.days)
				s.Provider, s.StartedAt = billing.ProviderNative, &started
				if c.change != nil {
					c.change(s)
				}
			})
			id := at.declares(t, "withdrawal", map[string]any{"name": "Noah", "email": noah.Email}).Must(http.StatusCreated).Text("id")
			found := at.settled(t, id)
			assert.Equal(t, []any{c.state, c.problem}, []any{found.At("state"), found.At("problem")})
			at.awaitMail(t, noah.Email, "We have received your withdrawal")
			if c.problem == nil {
				return
			}
			at.awaitMail(t, sellerMail, "A withdrawal was received")
			done := at.key.Post("/v1/merchant/notices/"+id+"/resolve", map[string]any{"subscription_id": sub.ID}).Must(http.StatusOK)
			assert.Equal(t, "resolved", done.Text("state"), "a merchant can be generous")
		})
	}
}

// For good cause a contract may end sooner than it does by itself: the merchant is told, and can.
func TestTheMerchantIsToldOfAnExtraordinaryCancellation(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		id := c.declares(t, "cancellation", map[string]any{"kind": "extraordinary", "reason": "It never worked."}).Must(http.StatusCreated).Text("id")
		found := c.settled(t, id)
		assert.Equal(t, []any{"matched", "extraordinary", "It never worked."}, []any{found.At("state"), found.At("grounds"), found.At("reason")})
		assert.Equal(t, c.sub.CurrentPeriod.End, c.now(t, c.sub.ID).ScheduledChange.EffectiveAt)
		mail := c.awaitMail(t, sellerMail, "A cancellation was received")
		assert.Contains(t, mail.Text, "good cause")
		assert.NotContains(t, mail.Text, "never worked")
		c.key.Post("/v1/merchant/subscriptions/"+string(c.sub.ID)+"/cancel", map[string]any{"effective": "immediately"}).Must(http.StatusOK)
		way := c.key.Get("/v1/merchant/cancellations/" + found.Text("cancellation_id")).Must(http.StatusOK)
		assert.Equal(t, "canceled", way.Text("state"))
	})
}

// By an invoice's number or the subscription's id, whatever name is given: they stand on the customer's papers only.
func TestANoticeIsMatchedByAnInvoiceOrAnID(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		other := a.Subscribe(t, c.mia, c.price, "tok_4242")
		number := ""
		require.Eventually(t, func() bool {
			invoices := c.key.Get("/v1/merchant/invoices").Must(http.StatusOK)
			for i := range invoices.Len("data") {
				payment := c.key.Get("/v1/merchant/payments/" + invoices.Text(fmt.Sprintf("data.%d.payment_id", i))).Must(http.StatusOK)
				if payment.Text("subscription_id") == string(other.ID) {
					number = invoices.Text(fmt.Sprintf("data.%d.number", i))
				}
			}
			return number != ""
		}, 10*time.Second, 50*time.Millisecond)
		byNumber := c.settled(t, c.declares(t, "cancellation", map[string]any{"name": "M.", "contract": "Invoice no. " + number + "."}).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, []any{"matched", string(other.ID)}, []any{byNumber.At("state"), byNumber.At("subscription_id")})
		byID := c.settled(t, c.declares(t, "cancellation", map[string]any{"name": "M.", "contract": string(c.sub.ID)}).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, []any{"matched", string(c.sub.ID)}, []any{byID.At("state"), byID.At("subscription_id")})
		foreign := c.settled(t, c.declares(t, "cancellation", map[string]any{"email": "other@mailbox.test", "contract": string(c.sub.ID)}).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, "unmatched", foreign.Text("state"), "an id without the address")
	})
}

// What can't be ended by itself, because somebody else keeps it, is no dead end: the merchant is told.
func TestANoticeThatCantBeCarriedOutGoesToTheMerchant(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		noah := a.Customer(t, c.merchant, "noah@mailbox.test", func(c *billing.Customer) { c.Name = "Noah" })
		sub := a.Subscription(t, noah, func(s *billing.Subscription) { s.Provider = "elsewhere" })
		id := c.declares(t, "cancellation", map[string]any{"name": "Noah", "email": noah.Email}).Must(http.StatusCreated).Text("id")
		found := c.settled(t, id)
		assert.Equal(t, []any{"unmatched", "subscription.kept_elsewhere", nil}, []any{found.At("state"), found.At("problem"), found.At("cancellation_id")})
		assert.Contains(t, c.awaitMail(t, sellerMail, "A cancellation was received").Text, "could not be ended")
		assert.Zero(t, c.key.Get("/v1/merchant/cancellations").Must(http.StatusOK).Len("data"), "nothing of it is left")
		path := "/v1/merchant/notices/" + id + "/resolve"
		c.key.Post(path, map[string]any{"subscription_id": sub.ID}).Refused(http.StatusConflict, "subscription.kept_elsewhere")
		c.key.Post(path, map[string]any{"note": "Ended there."}).Must(http.StatusOK)
	})
}

// Threat: ending again and again what its customer keeps. The next notice of the address is the merchant's to look at, for 30 days.
func TestANoticeDoesNotEndAgainWhatWasKept(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		keep := func() {
			a.SignIn(t, c.merchant, miasEmail).Delete("/v1/subscriptions/" + string(c.sub.ID) + "/scheduled-change").Must(http.StatusOK)
		}
		declared := func() []any {
			found := c.settled(t, c.declares(t, "cancellation", nil).Must(http.StatusCreated).Text("id"))
			return []any{found.At("state"), found.At("problem")}
		}
		assert.Equal(t, []any{"matched", nil}, declared())
		keep()
		assert.Equal(t, []any{"unmatched", "kept"}, declared())
		assert.Nil(t, c.now(t, c.sub.ID).ScheduledChange)
		assert.Contains(t, c.awaitMail(t, sellerMail, "A cancellation was received").Text, "has undone the end")
		now, err := a.Merchants.Clock(t.Context(), c.merchant.ID)
		require.NoError(t, err)
		a.Until(t, c.merchant, now.AddDate(0, 0, 31))
		assert.Equal(t, []any{"matched", nil}, declared())
	})
}

// § 312k (4) BGB: when the contract ends is told, also when it would have ended anyway; once.
func TestANoticeThatChangesNothingIsAnsweredWithTheEnd(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		c.key.Post("/v1/merchant/subscriptions/"+string(c.sub.ID)+"/cancel", map[string]any{"effective": "period_end"}).Must(http.StatusOK)
		for range 3 {
			found := c.settled(t, c.declares(t, "cancellation", nil).Must(http.StatusCreated).Text("id"))
			assert.Equal(t, []any{"matched", nil}, []any{found.At("state"), found.At("cancellation_id")})
		}
		mail := c.awaitMail(t, miasEmail, "We received a declaration about Plan")
		assert.Contains(t, mail.Text, i18n.English.Date(c.sub.CurrentPeriod.End))
		settleMails(t, a)
		orders, err := a.Store.MailOrders(t.Context(), foyertest.As(c.mia).Scope)
		require.NoError(t, err)
		told := 0
		for _, o := range orders {
			if o.Kind == billing.MailNoticeNoted {
				told++
			}
		}
		assert.Equal(t, 1, told)
	})
}

// Canceling ends a contract, withdrawing undoes it: one that has ended can be withdrawn from by name while the time lasts, and once.
func TestAWithdrawalNoticeFindsAContractThatHasEnded(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		c.key.Post("/v1/merchant/subscriptions/"+string(c.sub.ID)+"/cancel", map[string]any{"effective": "immediately"}).Must(http.StatusOK)
		found := c.settled(t, c.declares(t, "withdrawal", nil).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, []any{"matched", string(c.sub.ID)}, []any{found.At("state"), found.At("subscription_id")})
		done := c.key.Post("/v1/merchant/withdrawals/"+found.Text("withdrawal_id")+"/accept", nil, foyertest.Keyed("k")...).Must(http.StatusOK)
		assert.Equal(t, "completed", done.Text("state"))
		again := c.settled(t, c.declares(t, "withdrawal", nil).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, "unmatched", again.Text("state"), "it is undone")
	})
}

// Where no law gives the right, the merchant is told so, and can grant it: there is no end of a window then.
func TestAWithdrawalNoticeWhereThereIsNoRight(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		a.Customer(t, c.merchant, "noah@mailbox.test", func(c *billing.Customer) { c.Name, c.Address.Country = "Noah", "JP" })
		noah, err := a.Store.CustomerByEmail(t.Context(), c.merchant.ID, "noah@mailbox.test")
		require.NoError(t, err)
		customer, err := a.Billing.Customer(t.Context(), foyertest.Scope(c.merchant.ID, noah))
		require.NoError(t, err)
		sub := a.Subscribe(t, customer, c.price, "tok_4242")
		id := c.declares(t, "withdrawal", map[string]any{"name": "Noah", "email": "noah@mailbox.test"}).Must(http.StatusCreated).Text("id")
		found := c.settled(t, id)
		assert.Equal(t, []any{"unmatched", "withdrawal.not_available"}, []any{found.At("state"), found.At("problem")})
		assert.Contains(t, c.awaitMail(t, sellerMail, "A withdrawal was received").Text, "gives no right to withdraw")
		done := c.key.Post("/v1/merchant/notices/"+id+"/resolve", map[string]any{"subscription_id": sub.ID}).Must(http.StatusOK)
		granted := c.key.Get("/v1/merchant/withdrawals/" + done.Text("withdrawal_id")).Must(http.StatusOK)
		assert.Nil(t, granted.At("ends_at"))
		assert.Nil(t, a.SignIn(t, c.merchant, "noah@mailbox.test").Get("/v1/withdrawals/"+done.Text("withdrawal_id")).Must(http.StatusOK).At("ends_at"))
		assert.NotContains(t, c.awaitMail(t, "noah@mailbox.test", "confirm your withdrawal").Text, "in time")
	})
}
