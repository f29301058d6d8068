package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
)

// A provider that refuses after it has begun, is away, or breaks: nothing is applied, and canceling goes on.
func TestAnOfferThatCannotBeApplied(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		for name, fault := range map[string]error{
			"refused": foyer.Refuse(foyer.Conflict, "subscription.payment_in_progress"), "away": foyer.Refuse(foyer.Unavailable, "unavailable"),
		} {
			d.sub = a.Subscription(t, billing.Customer{Merchant: d.merchant.ID, ID: d.sub.Customer}, func(s *billing.Subscription) { s.Provider = billing.ProviderNative })
			key := a.Key(t, d.merchant)
			key.Call(http.MethodPut, retentionPath, object{"survey": object{"enabled": false}, "offers": []any{
				rule("stay", "discount", percentOff("30", 3), object{"limits": object{"budget": object{"offers": 5}}}),
			}}).Must(http.StatusOK)
			open := d.mia.Post(d.path("/cancellations"), nil).Must(http.StatusCreated)
			require.Equal(t, "offered", open.Text("state"))
			accept := func(key string) *foyertest.Answer {
				return d.mia.Post(open.Text("actions.accept_offer.path"), open.At("actions.accept_offer.body"), foyertest.Keyed(key)...)
			}
			d.provider.refuseGrant = fault
			accept("once-"+name).Refused(http.StatusConflict, "offer.failed")
			assert.Nil(t, d.now(t).Discount, name)
			assert.Equal(t, int64(1), d.now(t).Version, "%s: what it had begun is undone", name)
			at := d.mia.Get("/v1/cancellations/" + open.Text("id")).Must(http.StatusOK)
			assert.Equal(t, "open confirm", at.Text("state")+" "+at.Text("step"), name)
			assert.Nil(t, at.At("offer"), name)
			usage, err := a.Store.BudgetUsage(t.Context(), d.merchant.ID, []string{"stay"})
			require.NoError(t, err)
			assert.Zero(t, usage["stay"].Offers, "%s: given back", name)

			d.provider.refuseGrant = nil
			assert.Equal(t, "409 offer.failed", said(accept("once-"+name)), "the same call, the same answer")
			assert.Equal(t, "409 offer.closed", said(accept("again-"+name)), name)
			done := d.mia.Call(at.Text("actions.cancel_now.method"), at.Text("actions.cancel_now.path"), at.At("actions.cancel_now.body")).Must(http.StatusOK)
			assert.Equal(t, "scheduled", done.Text("state"), name)
		}
	})
}

// A fault of our own keeps nothing either, and the offer is still there.
func TestAFaultWhileApplyingKeepsTheOffer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		a.Key(t, d.merchant).Call(http.MethodPut, retentionPath, object{"survey": object{"enabled": false}, "offers": []any{stayThree}}).Must(http.StatusOK)
		open := d.mia.Post(d.path("/cancellations"), nil).Must(http.StatusCreated)
		d.shaky.fail.Store(1)
		accept := func() *foyertest.Answer {
			return d.mia.Post(open.Text("actions.accept_offer.path"), open.At("actions.accept_offer.body"), foyertest.Keyed("k")...)
		}
		accept().Refused(http.StatusServiceUnavailable, "unavailable")
		assert.Nil(t, d.now(t).Discount)
		assert.Equal(t, open.Text("offer.id"), d.mia.Get("/v1/cancellations/"+open.Text("id")).Text("offer.id"))
		assert.Equal(t, "saved", accept().Must(http.StatusOK).Text("state"), "the same call does it now")
		assert.Equal(t, int64(2), d.now(t).Version)
	})
}

// A renewal or a change came in between: what was shown is not true any more, so nothing is applied; a new offer is on the table.
func TestAnOfferOvertakenIsMadeAnew(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		dear := a.Price(t, l.merchant, "Dear", 5000)
		for name, between := range map[string]func(one *leaver){
			"a renewal": func(one *leaver) { a.Until(t, l.merchant, one.now(t).CurrentPeriod.End.Add(time.Second)) },
			"a dearer plan": func(one *leaver) {
				items := object{"items": []any{object{"price_id": dear.ID, "quantity": 1}}}
				l.key.Post("/v1/merchant/subscriptions/"+string(one.sub.ID)+"/change", items, foyertest.Keyed(a.IDs("key"))...).Must(http.StatusOK)
			},
		} {
			l.offers(t, stayThree)
			one := l.another(t)
			a.Until(t, l.merchant, one.sub.CurrentPeriod.End.Add(-time.Minute))
			open := one.start(t)
			require.Equal(t, "offered", open.Text("state"))
			between(one)
			hidden := one.mia.Get("/v1/cancellations/" + open.Text("id")).Must(http.StatusOK)
			assert.Nil(t, hidden.At("offer"), "%s: what isn't to be had any more is not shown", name)
			assert.Equal(t, "confirm", hidden.Text("step"), name)
			version, mails := one.now(t).Version, one.mailed(t)[billing.MailDiscountApplied]
			one.act(t, open, "accept_offer").Refused(http.StatusConflict, "offer.changed")
			assert.Nil(t, one.now(t).Discount, name)
			assert.Equal(t, version, one.now(t).Version, name)
			fresh := one.mia.Get("/v1/cancellations/" + open.Text("id")).Must(http.StatusOK)
			assert.Equal(t, "offered", fresh.Text("state"), name)
			assert.NotEqual(t, open.Text("offer.id"), fresh.Text("offer.id"), name)
			assert.NotEqual(t, open.At("offer.terms"), fresh.At("offer.terms"), name)
			one.mia.Post(open.Text("actions.accept_offer.path"), open.At("actions.accept_offer.body"), foyertest.Keyed(a.IDs("key"))...).Refused(http.StatusConflict, "offer.expired")
			assert.Equal(t, "saved", one.act(t, fresh, "accept_offer").Must(http.StatusOK).Text("state"), name)
			now := one.mia.Get(one.path("")).Must(http.StatusOK)
			assert.Equal(t, fresh.At("offer.terms.price_now"), now.At("next_payment.total"), name)
			assert.Equal(t, mails+1, one.mailed(t)[billing.MailDiscountApplied], name)
		}
		assert.Equal(t, int64(2), l.used(t, "stay")[0])
	})
}

// Somebody who goes on with a way out whose offer is no longer true gets one that is.
func TestGoingOnAsksTheRulesAgain(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.offers(t, stayThree)
		a.Until(t, l.merchant, l.sub.CurrentPeriod.End.Add(-time.Minute))
		open := l.start(t)
		require.Equal(t, "offered", open.Text("state"))
		a.Until(t, l.merchant, l.sub.CurrentPeriod.End.Add(time.Second))
		again := l.start(t)
		assert.Equal(t, open.Text("id"), again.Text("id"))
		assert.Equal(t, "offered", again.Text("state"))
		assert.NotEqual(t, open.Text("offer.id"), again.Text("offer.id"))
		assert.NotEqual(t, open.At("offer.terms"), again.At("offer.terms"))
		assert.Equal(t, "saved", l.act(t, again, "accept_offer").Must(http.StatusOK).Text("state"))
	})
}
