package httpapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/httpapi"
	"foyer/internal/merchant"
	"foyer/internal/retention"
	"foyer/internal/store"
)

// desk is the API in front of a provider that does what the test says and keeps what it did in the database: what is
// tested is what the edge makes of it, whatever the engine is.
type desk struct {
	*foyertest.App
	provider *scripted
	keys     *shakyKeys
	shaky    *shakyStore
	sub      billing.Subscription
	method   billing.PaymentMethod
	merchant merchant.Merchant
	mia      *foyertest.Client
	handler  *echo.Echo
}

func newDesk(t *testing.T, a *foyertest.App, change ...func(*merchant.Settings)) *desk {
	t.Helper()
	clock := func(context.Context, foyer.MerchantID) (time.Time, error) { return foyer.Micro(a.Clock.Now()), nil }
	d := &desk{App: a, provider: &scripted{store: a.Store, now: a.Clock.Now}, keys: &shakyKeys{Store: a.Store}, shaky: &shakyStore{Store: a.Store}}
	service := billing.NewService(a.Store, a.IDs, clock, nil, nil, d.provider)
	var err error
	d.handler, err = httpapi.New(httpapi.Config{
		Identity: a.Identity, Merchants: a.Merchants, Billing: service, Invoices: a.Invoices, Notify: a.Notify, Keys: d.keys, Audit: a.Store, Keyring: a.Keyring,
		Retention: retention.NewService(d.shaky, service, nil, a.IDs, clock), Now: a.Now, PublicURL: a.PublicURL, Log: a.App.Log,
	})
	require.NoError(t, err)
	server := httptest.NewServer(d.handler)
	t.Cleanup(server.Close)
	d.merchant = a.Merchant(t, "acme", change...)
	c := a.Customer(t, d.merchant, "mia@mailbox.test")
	d.method = a.PaymentMethod(t, c)
	d.sub = a.Subscription(t, c, func(s *billing.Subscription) { s.Provider, s.PaymentMethod = billing.ProviderNative, d.method.ID })
	d.mia = d.client(t, server.URL)
	return d
}

// client is Mia, signed in, at the desk.
func (d *desk) client(t *testing.T, url string) *foyertest.Client {
	at := *d.App
	at.URL = url
	return at.SignIn(t, d.merchant, "mia@mailbox.test")
}

func (d *desk) path(end string) string { return "/v1/subscriptions/" + string(d.sub.ID) + end }

// now is the subscription as everybody else sees it.
func (d *desk) now(t *testing.T) billing.Subscription {
	t.Helper()
	sub, err := d.Store.Subscription(context.Background(), foyer.Scope{Merchant: d.sub.Merchant, Customer: d.sub.Customer}, d.sub.ID)
	require.NoError(t, err)
	return sub
}

// scripted owns subscriptions as billing's own rules have them. Every command leaves one mark: the version goes up by one.
type scripted struct {
	store *store.Store
	now   func() time.Time
	// answer is what charging commands end with.
	next    *billing.NextAction
	refusal error
	// refuseGrant is why what keeps a customer can't be given.
	refuseGrant error
	// after runs when the command's transaction was concluded: a place to die.
	after func()
	last  atomic.Pointer[string]
}

func (p *scripted) Name() string { return billing.ProviderNative }

func (p *scripted) do(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, act func(billing.Subscription, time.Time) (billing.Subscription, error)) (next billing.Subscription, err error) {
	command := foyer.CommandOf(ctx)
	p.last.Store(&command)
	err = p.store.Conclude(ctx, func(ctx context.Context) error {
		if err := p.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		sub, err := p.store.Subscription(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		if next, err = act(sub, p.now()); err != nil {
			return err
		}
		return p.store.SaveSubscriptions(ctx, next)
	})
	if err == nil && p.after != nil {
		p.after()
	}
	return next, err
}

func (p *scripted) Cancel(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in billing.CancelInput) (billing.Subscription, error) {
	return p.do(ctx, by, id, func(s billing.Subscription, now time.Time) (billing.Subscription, error) {
		return s.Cancel(in, now)
	})
}

func (p *scripted) Keep(ctx context.Context, by foyer.Actor, id billing.SubscriptionID) (billing.Subscription, error) {
	return p.do(ctx, by, id, func(s billing.Subscription, now time.Time) (billing.Subscription, error) { return s.Keep(now) })
}

func (p *scripted) Pause(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in billing.PauseInput) (billing.Subscription, error) {
	return p.do(ctx, by, id, func(s billing.Subscription, now time.Time) (billing.Subscription, error) { return s.Pause(in, now) })
}

// grant refuses after it has written: what it began must not stay.
func (p *scripted) grant(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, act func(billing.Subscription, time.Time) (billing.Subscription, error)) (billing.Subscription, error) {
	sub, err := p.do(ctx, by, id, act)
	return sub, errors.Join(err, p.refuseGrant)
}

func (p *scripted) ApplyDiscount(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, d billing.SubscriptionDiscount) (billing.Subscription, error) {
	return p.grant(ctx, by, id, func(s billing.Subscription, now time.Time) (billing.Subscription, error) { return s.Discounted(d, now) })
}

func (p *scripted) ExtendTrial(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, days int) (billing.Subscription, error) {
	return p.grant(ctx, by, id, func(s billing.Subscription, now time.Time) (billing.Subscription, error) {
		return s.TrialExtended(days, now)
	})
}

func (p *scripted) Downgrade(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, _ []billing.ItemInput) (billing.Subscription, error) {
	return p.grant(ctx, by, id, func(s billing.Subscription, now time.Time) (billing.Subscription, error) {
		return s.PayWith(s.PaymentMethod, now), nil
	})
}

func (p *scripted) marked(ctx context.Context, by foyer.Actor, id billing.SubscriptionID) (billing.Subscription, *billing.NextAction, error) {
	sub, err := p.do(ctx, by, id, func(s billing.Subscription, now time.Time) (billing.Subscription, error) {
		return s.PayWith(s.PaymentMethod, now), nil
	})
	return sub, p.next, errors.Join(err, p.refusal)
}

func (p *scripted) Resume(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, _ billing.ResumeBilling) (billing.Subscription, *billing.NextAction, error) {
	return p.marked(ctx, by, id)
}

func (p *scripted) SetPaymentMethod(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, _ billing.PaymentMethodID) (billing.Subscription, *billing.NextAction, error) {
	return p.marked(ctx, by, id)
}

func (p *scripted) Change(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, _ []billing.ItemInput) (billing.Subscription, *billing.NextAction, error) {
	return p.marked(ctx, by, id)
}

func (p *scripted) PreviewChange(_ context.Context, _ foyer.Actor, _ billing.SubscriptionID, items []billing.ItemInput) (billing.ChangePreview, error) {
	bill := billing.Payment{Currency: "EUR", Totals: billing.Totals{Subtotal: 500, Total: 500, GrandTotal: 500, Balance: 500}, Lines: []billing.Line{{
		ID: "lin_x", Name: "Plan", Quantity: items[0].Quantity, UnitPrice: 500, TaxRate: "0", Totals: billing.LineTotals{Subtotal: 500, Total: 500},
	}}}
	return billing.ChangePreview{
		EffectiveAt: p.now(), Immediate: &bill, Currency: "EUR", RecurringTotal: 2500, NextPayment: &billing.NextPayment{At: p.now()},
	}, p.refusal
}

func (p *scripted) Pay(ctx context.Context, by foyer.Actor, id billing.PaymentID, _ billing.PaymentMethodID) (billing.Payment, *billing.NextAction, error) {
	payment, err := p.store.Payment(ctx, by.Scope, id)
	return payment, p.next, errors.Join(err, p.refusal)
}

// shakyKeys can't keep an answer as often as it is told.
type shakyKeys struct {
	*store.Store
	fail atomic.Int32
}

var errShaken = foyer.Refuse(foyer.Unavailable, "unavailable")

func (k *shakyKeys) FinishIdempotencyKey(ctx context.Context, key foyer.IdempotencyKey, answer []byte) error {
	if k.fail.Add(-1) >= 0 {
		return errShaken
	}
	return k.Store.FinishIdempotencyKey(ctx, key, answer)
}

// shakyStore fails at the last thing a cancellation writes, as often as it is told.
type shakyStore struct {
	*store.Store
	fail atomic.Int32
}

func (s *shakyStore) Tally(ctx context.Context, merchant foyer.MerchantID, entries []retention.TallyEntry) error {
	if s.fail.Add(-1) >= 0 {
		return errShaken
	}
	return s.Store.Tally(ctx, merchant, entries)
}
