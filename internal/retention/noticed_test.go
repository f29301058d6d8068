package retention_test

import (
	"context"
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
	"foyer/internal/i18n"
	"foyer/internal/merchant"
	"foyer/internal/notify"
	"foyer/internal/retention"
)

// declaration is a customer somebody has declared a withdrawal for, without signing in.
type declaration struct {
	*foyertest.App
	merchant merchant.Merchant
	customer billing.Customer
	sub      billing.Subscription
	id       retention.WithdrawalID
	received time.Time
}

func newNoticed(t *testing.T) *declaration {
	t.Helper()
	a := foyertest.New(t, "sqlite")
	n := &declaration{App: a, merchant: a.Merchant(t, "acme", func(s *merchant.Settings) { s.Seller.Email = "desk@acme.test" })}
	n.customer = a.Customer(t, n.merchant, "mia@mailbox.test")
	n.sub = a.Subscribe(t, n.customer, a.Price(t, n.merchant, "Pro", 1000), "tok_4242")
	var err error
	n.id, err = n.declare(t)
	require.NoError(t, err)
	return n
}

func (n *declaration) declare(t *testing.T) (id retention.WithdrawalID, err error) {
	t.Helper()
	err = n.Store.InTx(t.Context(), func(ctx context.Context) error {
		now, err := n.Merchants.Clock(ctx, n.merchant.ID)
		require.NoError(t, err)
		received := foyer.Micro(now)
		if n.received.IsZero() {
			n.received = received
		}
		by := foyer.Actor{Kind: foyer.ActorSystem, Scope: foyertest.Scope(n.sub.Merchant, n.sub.Customer)}
		id, err = retention.DeclareWithdrawal(n.Retention, ctx, by, n.sub, "ntc_01kb3v5q8r9s0t1v2w3x4y5z6a", received, retention.Reader{Locale: i18n.English}, now)
		return err
	})
	return id, err
}

func (n *declaration) refunds(t *testing.T) (count int) {
	t.Helper()
	require.NoError(t, n.Store.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM sandbox_gateway_refunds WHERE refunded = 1").Scan(&count))
	return count
}

func (n *declaration) now(t *testing.T) billing.Subscription {
	t.Helper()
	sub, err := n.Store.Subscription(t.Context(), foyertest.As(n.customer).Scope, n.sub.ID)
	require.NoError(t, err)
	return sub
}

// What was declared without signing in ends nothing at once and gives nothing back, until the customer confirms it by the link in the mail
// to the address on file.
func TestAWithdrawalDeclaredByNoticeIsConfirmedByMail(t *testing.T) {
	t.Parallel()
	n := newNoticed(t)
	assert.Equal(t, billing.SubscriptionActive, n.now(t).Status)
	require.NotNil(t, n.now(t).ScheduledChange, "it ends with its period")
	assert.Equal(t, *n.sub.NextBilledAt, n.now(t).ScheduledChange.EffectiveAt)
	assert.Zero(t, n.refunds(t))
	_, err := n.declare(t)
	refusal, refused := foyer.AsError(err)
	require.True(t, refused)
	assert.Equal(t, "withdrawal.closed", refusal.Code)

	var ticket string
	for _, m := range n.AwaitMails(t, n.customer.Email, 3) {
		if strings.Contains(m.Subject, "confirm your withdrawal") {
			_, after, _ := strings.Cut(m.Text, "Review and confirm:\n")
			link, _, _ := strings.Cut(after, "\n")
			assert.Contains(t, link, "/subscriptions/"+string(n.sub.ID)+"#ticket=")
			_, ticket, _ = strings.Cut(link, "#ticket=")
		}
	}
	require.NotEmpty(t, ticket)
	c := n.Client(t)
	c.Adopt(c.Post("/v1/portal-sessions/exchange", map[string]any{"ticket": ticket}).Must(http.StatusOK))
	c.Get("/v1/payments").Refused(http.StatusForbidden, "auth.scope")
	path := "/v1/subscriptions/" + string(n.sub.ID)
	c.Post(path+"/cancellations", nil).Refused(http.StatusForbidden, "auth.scope")
	open := c.Get("/v1/withdrawals/" + string(n.id)).Must(http.StatusOK)
	assert.Equal(t, "open", open.Text("state"))
	assert.Equal(t, n.received.Format(time.RFC3339Nano), open.Text("declared_at"))
	assert.InDelta(t, 1190, open.At("refund.amount"), 0)
	n.Until(t, n.merchant, n.received.AddDate(0, 0, 20)) // after the window: it was declared in time
	done := c.Post(path+"/withdrawals", map[string]any{"confirm": true}, foyertest.Keyed("k")...).Must(http.StatusCreated)
	assert.Equal(t, string(n.id), done.Text("id"))
	assert.Equal(t, "completed", done.Text("state"))
	assert.Equal(t, n.received.Format(time.RFC3339Nano), done.Text("declared_at"))
	assert.Equal(t, 1, n.refunds(t))
	assert.Equal(t, billing.SubscriptionCanceled, n.now(t).Status)
	c.Get("/v1/withdrawals/" + string(n.id) + "/receipt").Must(http.StatusOK)
}

func TestAMerchantDecidesAboutAWithdrawalDeclaredByNotice(t *testing.T) {
	t.Parallel()
	n := newNoticed(t)
	key := n.Key(t, n.merchant)
	path := "/v1/merchant/withdrawals/" + string(n.id)
	shown := key.Get(path).Must(http.StatusOK)
	assert.Equal(t, "ntc_01kb3v5q8r9s0t1v2w3x4y5z6a", shown.Text("notice_id"))
	assert.Equal(t, "declared", shown.Text("evidence.0.kind"))
	n.Key(t, n.merchant, merchant.PermissionRead).Post(path+"/accept", nil, foyertest.Keyed("k")...).Refused(http.StatusForbidden, "auth.permission")
	done := key.Post(path+"/accept", nil, foyertest.Keyed("k")...).Must(http.StatusOK)
	assert.Equal(t, "completed", done.Text("state"))
	assert.Equal(t, "merchant", done.Text("evidence.1.actor"))
	assert.Equal(t, 1, n.refunds(t))
	assert.Equal(t, "true", key.Post(path+"/accept", nil, foyertest.Keyed("k")...).Must(http.StatusOK).Header.Get("Idempotency-Replayed"))
	key.Post(path+"/dismiss", nil).Refused(http.StatusConflict, "withdrawal.closed")

	turned := newNoticed(t)
	key = turned.Key(t, turned.merchant)
	path = "/v1/merchant/withdrawals/" + string(turned.id)
	assert.Equal(t, "dismissed", key.Post(path+"/dismiss", nil).Must(http.StatusOK).Text("state"))
	key.Post(path+"/accept", nil, foyertest.Keyed("k")...).Refused(http.StatusConflict, "withdrawal.closed")
	assert.Zero(t, turned.refunds(t))
	told := turned.AwaitMails(t, turned.customer.Email, 4)
	m := told[slices.IndexFunc(told, func(m notify.Mail) bool { return strings.Contains(m.Subject, "was not accepted") })]
	assert.Contains(t, m.Text, "please contact acme")
	mia := turned.SignIn(t, turned.merchant, turned.customer.Email)
	own := mia.Post("/v1/subscriptions/"+string(turned.sub.ID)+"/withdrawals", nil, foyertest.Keyed("own")...).Must(http.StatusCreated)
	assert.NotEqual(t, string(turned.id), own.Text("id"), "the customer's own right is untouched")
	key.Post("/v1/merchant/withdrawals/"+own.Text("id")+"/accept", nil, foyertest.Keyed("early")...).Refused(http.StatusConflict, "withdrawal.not_declared")
	key.Post("/v1/merchant/withdrawals/"+own.Text("id")+"/dismiss", nil).Refused(http.StatusConflict, "withdrawal.not_declared")
}

// Timely dispatch is enough (§ 355(1) BGB): what was declared in time can be confirmed whenever that is. The seller is told at once and,
// when nobody has decided, once more before the 14 days for the refund are over.
func TestAWithdrawalDeclaredByNoticeNeverExpires(t *testing.T) {
	t.Parallel()
	for name, decide := range map[string]func(n *declaration) *foyertest.Answer{
		"the customer": func(n *declaration) *foyertest.Answer {
			mia := n.SignIn(t, n.merchant, n.customer.Email)
			path := "/v1/subscriptions/" + string(n.sub.ID) + "/withdrawals"
			assert.Equal(t, string(n.id), mia.Post(path, nil, foyertest.Keyed("look")...).Must(http.StatusCreated).Text("id"))
			return mia.Post(path, map[string]any{"confirm": true}, foyertest.Keyed("k")...).Must(http.StatusCreated)
		},
		"the merchant": func(n *declaration) *foyertest.Answer {
			return n.Key(t, n.merchant).Post("/v1/merchant/withdrawals/"+string(n.id)+"/accept", nil, foyertest.Keyed("k")...).Must(http.StatusOK)
		},
	} {
		n := newNoticed(t)
		subjects := func() (out []string) {
			for _, m := range n.Mails(t, "desk@acme.test") {
				out = append(out, m.Subject)
			}
			return out
		}
		require.Eventually(t, func() bool { return len(subjects()) == 1 }, 10*time.Second, 20*time.Millisecond)
		n.Until(t, n.merchant, n.received.AddDate(0, 0, 9))
		assert.Len(t, subjects(), 1)
		n.Until(t, n.merchant, n.received.AddDate(0, 0, 11))
		require.Eventually(t, func() bool { return len(subjects()) == 2 }, 10*time.Second, 20*time.Millisecond)
		assert.ElementsMatch(t, []string{"A withdrawal was declared: please decide (mia@mailbox.test)", "Still undecided: a withdrawal of mia@mailbox.test"}, subjects())
		n.Until(t, n.merchant, n.received.AddDate(0, 0, 100))
		assert.Len(t, subjects(), 2)
		w, err := n.Store.MerchantWithdrawal(t.Context(), n.merchant.ID, n.id)
		require.NoError(t, err)
		assert.Equal(t, retention.WithdrawalOpen, w.State)
		assert.Zero(t, n.refunds(t))
		done := decide(n)
		assert.Equal(t, []string{string(n.id), "completed", n.received.Format(time.RFC3339Nano)}, []string{done.Text("id"), done.Text("state"), done.Text("declared_at")}, name)
		assert.Equal(t, 1, n.refunds(t), name)
	}
}

// The merchant is told, at the seller's address, of a refund that was refused.
func TestTheSellerIsToldOfARefusedRefund(t *testing.T) {
	t.Parallel()
	n := newNoticed(t)
	_, err := n.Store.SQL().ExecContext(t.Context(), "UPDATE sandbox_gateway_charges SET refunded = amount")
	require.NoError(t, err)
	path := "/v1/merchant/withdrawals/" + string(n.id) + "/accept"
	assert.Equal(t, "failed", n.Key(t, n.merchant).Post(path, nil, foyertest.Keyed("k")...).Must(http.StatusOK).Text("state"))
	mails := n.AwaitMails(t, "desk@acme.test", 2)
	m := mails[slices.IndexFunc(mails, func(m notify.Mail) bool { return strings.Contains(m.Subject, "€11.90 could not be refunded") })]
	assert.Contains(t, m.Text, "mia@mailbox.test")
	assert.Contains(t, m.Text, path)
}
