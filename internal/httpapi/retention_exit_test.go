package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
)

// From wherever somebody stands, cancel_now cancels, called exactly as it was given.
func TestCancelNowWorksFromEveryState(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		small := a.Price(t, l.merchant, "Small", 999)
		trial := a.Price(t, l.merchant, "Trial", 1999, func(p *billing.Price) { p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 14} })
		nothing := func(one *leaver, open *foyertest.Answer) *foyertest.Answer { return open }
		accept := func(one *leaver, open *foyertest.Answer) *foyertest.Answer {
			return one.act(t, open, "accept_offer").Must(http.StatusOK)
		}
		for name, c := range map[string]struct {
			rule  object
			state string
			reach func(one *leaver, open *foyertest.Answer) *foyertest.Answer
		}{
			"open":    {nil, "open", nothing},
			"offered": {rule("talk", "contact", object{"kind": "link"}, object{"url": "https://acme.test"}), "offered", nothing},
			"an offer too late": {rule("break", "pause", object{"periods": 1}), "open", func(one *leaver, open *foyertest.Answer) *foyertest.Answer {
				now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
				require.NoError(t, err)
				a.Until(t, l.merchant, now.Add(2*time.Hour))
				return one.mia.Get("/v1/cancellations/" + open.Text("id")).Must(http.StatusOK)
			}},
			"saved: discount": {stayThree, "saved", accept},
			"saved: pause":    {rule("break", "pause", object{"periods": 1}), "saved", accept},
			"saved: plan":     {rule("small", "plan_change", object{"price_id": small.ID}), "saved", accept},
			"saved: contact":  {rule("talk", "contact", object{"kind": "link"}, object{"url": "https://acme.test"}), "saved", accept},
			"saved: custom":   {rule("gift", "custom", nil, object{"headline": object{"en": "A mug"}}), "saved", accept},
			"saved: trial":    {rule("longer", "trial_extension", object{"days": 7}), "saved", accept},
			"undone": {nil, "undone", func(one *leaver, open *foyertest.Answer) *foyertest.Answer {
				done := one.act(t, open, "cancel_now").Must(http.StatusOK)
				one.act(t, done, "keep").Must(http.StatusOK)
				return one.mia.Get("/v1/cancellations/" + open.Text("id")).Must(http.StatusOK)
			}},
			"abandoned": {nil, "abandoned", func(one *leaver, open *foyertest.Answer) *foyertest.Answer {
				return one.act(t, open, "abandon").Must(http.StatusOK)
			}},
			"expired": {stayThree, "expired", func(one *leaver, open *foyertest.Answer) *foyertest.Answer {
				now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
				require.NoError(t, err)
				a.Until(t, l.merchant, now.Add(25*time.Hour))
				return one.mia.Get("/v1/cancellations/" + open.Text("id")).Must(http.StatusOK)
			}},
		} {
			rules := []any{}
			if c.rule != nil {
				rules = []any{c.rule}
			}
			l.decides(t, object{"survey": object{"enabled": false}, "offers": rules})
			one := *l
			price := l.price
			if name == "saved: trial" {
				price = trial
			}
			one.sub = a.Subscribe(t, l.customer, price, "tok_4242")
			at := c.reach(&one, one.start(t))
			assert.Equal(t, c.state, at.Text("state"), name)
			done := one.act(t, at, "cancel_now")
			assert.Contains(t, []int{http.StatusOK, http.StatusCreated}, done.Status, "%s: %s", name, done.Body)
			assert.Equal(t, "scheduled", done.Text("state"), name)
			sub := one.now(t)
			require.NotNil(t, sub.ScheduledChange, name)
			assert.Equal(t, billing.ScheduleCancel, sub.ScheduledChange.Action, name)
			assert.Equal(t, sub.CurrentPeriod.End.Format(time.RFC3339Nano), done.Text("effective_at"), name)
			assert.Nil(t, sub.NextPayment(), "%s: nothing more is charged", name)
			assert.Nil(t, done.At("actions.cancel_now"), name)
		}
	})
}

// A moment the merchant takes away while somebody is on the way out does not stand in their way.
func TestCancelNowNamesAMomentThereIs(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		now := object{"effective": "immediately"}
		open := l.mia.Post(l.path("/cancellations"), now).Must(http.StatusCreated)
		other := l.another(t)
		never := other.mia.Post(other.path("/cancellations"), now).Must(http.StatusCreated)
		other.act(t, never, "abandon").Must(http.StatusOK)
		l.decides(t, object{"allow_immediate": false})
		l.mia.Post(l.path("/cancellations"), object{"confirm": true, "effective": "immediately"}).Refused(http.StatusForbidden, "feature.off")
		late := l.another(t)
		l.decides(t, object{"allow_immediate": true})
		button := late.act(t, late.mia.Post(late.path("/cancellations"), now).Must(http.StatusCreated), "answer").Must(http.StatusOK)
		assert.Contains(t, button.Text("body"), "ends at once")
		assert.Nil(t, button.At("keeps"))
		l.decides(t, object{"allow_immediate": false})
		seen := late.mia.Get("/v1/cancellations/" + button.Text("id")).Must(http.StatusOK)
		assert.Equal(t, "period_end", seen.Text("effective"), "what is shown is what would happen")
		assert.NotNil(t, seen.At("keeps"))
		assert.Equal(t, "scheduled", late.act(t, button, "cancel_now").Must(http.StatusOK).Text("state"), "the old button still cancels")
		for _, one := range []struct {
			*leaver
			id string
		}{{l, open.Text("id")}, {other, never.Text("id")}} {
			at := one.mia.Get("/v1/cancellations/" + one.id).Must(http.StatusOK)
			assert.Equal(t, []any{"period_end"}, at.At("moments"))
			assert.Equal(t, "scheduled", one.act(t, at, "cancel_now").Text("state"))
		}
		third := l.another(t)
		id := third.start(t).Text("id")
		assert.Equal(t, "scheduled", third.mia.Post("/v1/cancellations/"+id+"/confirm", nil).Must(http.StatusOK).Text("state"))
	})
}

// Every status, and a charge under way: there is always a way, and the answer and the receipt say what really happens.
func TestEveryStatusHasItsWayOut(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.decides(t, object{"offers": []any{stayThree}})
		for name, c := range map[string]struct {
			change             func(*billing.Subscription)
			step, state, words string
		}{
			"active":   {func(*billing.Subscription) {}, "survey", "scheduled", "Your subscription ends on"},
			"trialing": {func(s *billing.Subscription) { s.Status, s.Trial = billing.SubscriptionTrialing, s.CurrentPeriod }, "confirm", "scheduled", "Your subscription ends on"},
			"past due": {func(s *billing.Subscription) { s.Status = billing.SubscriptionPastDue }, "survey", "canceled", "Your subscription ended on"},
			"paused": {func(s *billing.Subscription) {
				s.Status, s.NextBilledAt, s.PausedAt = billing.SubscriptionPaused, nil, &s.CurrentPeriod.Start
			}, "survey", "canceled", "Your subscription ended on"},
			"a charge under way": {func(s *billing.Subscription) { s.OpenPayment = billing.PaymentID(a.IDs("pay")) }, "survey", "scheduled", "A payment was under way"},
		} {
			one := *l
			one.sub = a.Subscription(t, l.customer, func(s *billing.Subscription) {
				s.Provider = billing.ProviderNative
				c.change(s)
			})
			open := one.start(t)
			assert.Equal(t, c.step, open.Text("step"), name)
			if c.step == "survey" {
				skipped := one.act(t, open, "answer").Must(http.StatusOK)
				want := "confirm" // a discount is for those who pay
				if name == "active" {
					want = "offer"
				}
				assert.Equal(t, want, skipped.Text("step"), name)
				open = skipped
			}
			done := one.act(t, open, "cancel_now").Must(http.StatusOK)
			assert.Equal(t, c.state, done.Text("state"), name)
			receipt := one.act(t, done, "receipt").Must(http.StatusOK)
			assert.Contains(t, pdfText(t, receipt.Body), c.words, name)
			if name == "a charge under way" {
				assert.Contains(t, done.Text("body"), "A payment is under way")
			}
		}
	})
}

// Offers that are not there to be taken: expired, somebody else's, used, never shown. Nothing is applied, and the way out stays open.
func TestOffersThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.offers(t, stayThree, rule("break", "pause", object{"periods": 1}))
		joe := l.next(t, "joe@mailbox.test", func(c *billing.Customer) { c.Address.Country = "JP" })
		z := &leaver{App: a, merchant: a.Merchant(t, "zenith")}
		z.key, z.price = a.Key(t, z.merchant), a.Price(t, z.merchant, "Pro", 1999)
		z = z.next(t, "mia@mailbox.test")
		z.offers(t, stayThree)
		mine, his, theirs := l.start(t), joe.start(t), z.start(t)
		accept := func(one *leaver, flow *foyertest.Answer, offer string) *foyertest.Answer {
			return one.mia.Post("/v1/cancellations/"+flow.Text("id")+"/offer/accept", object{"offer_id": offer}, foyertest.Keyed(a.IDs("key"))...)
		}
		for _, foreign := range []string{his.Text("offer.id"), theirs.Text("offer.id"), a.IDs("ofr"), "ofr_x", mine.Text("id"), "'; --"} {
			refused := accept(l, mine, foreign).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "/offer_id", refused.Text("errors.0.pointer"), foreign)
		}
		accept(l, his, his.Text("offer.id")).Refused(http.StatusNotFound, "not_found")
		accept(l, theirs, theirs.Text("offer.id")).Refused(http.StatusNotFound, "not_found")

		second := joe.act(t, his, "decline_offer").Must(http.StatusOK)
		accept(joe, his, his.Text("offer.id")).Refused(http.StatusConflict, "offer.closed")
		assert.Equal(t, second.Text("offer.id"), joe.mia.Get("/v1/cancellations/"+his.Text("id")).Text("offer.id"), "the other stays on the table")

		now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
		require.NoError(t, err)
		a.Until(t, l.merchant, now.Add(59*time.Minute))
		assert.Equal(t, "offered", l.mia.Get("/v1/cancellations/"+mine.Text("id")).Text("state"))
		a.Until(t, l.merchant, now.Add(61*time.Minute))
		accept(l, mine, mine.Text("offer.id")).Refused(http.StatusConflict, "offer.expired")
		late := l.mia.Get("/v1/cancellations/" + mine.Text("id")).Must(http.StatusOK)
		assert.Equal(t, "open confirm", late.Text("state")+" "+late.Text("step"))
		assert.Nil(t, late.At("offer"))
		assert.Nil(t, l.now(t).Discount)
		assert.Equal(t, int64(1), z.used(t, "stay")[0])

		taken := z.act(t, theirs, "accept_offer").Must(http.StatusOK)
		for _, closed := range []struct {
			one  *leaver
			flow *foyertest.Answer
		}{{z, taken}, {l, l.act(t, late, "cancel_now")}, {joe, joe.act(t, second, "abandon")}} {
			version := closed.one.now(t).Version
			id := "/v1/cancellations/" + closed.flow.Text("id")
			accept(closed.one, closed.flow, mine.Text("offer.id"))
			for _, step := range []string{"/answers", "/offer/decline", "/confirm", "/abandon"} {
				closed.one.mia.Post(id+step, object{}).Refused(http.StatusConflict, "cancellation.closed")
			}
			for _, o := range []string{his.Text("offer.id"), mine.Text("offer.id"), theirs.Text("offer.id")} {
				assert.Contains(t, []string{"409 cancellation.closed", "422 input.invalid"}, said(accept(closed.one, closed.flow, o)))
			}
			assert.Equal(t, version, closed.one.now(t).Version, fmt.Sprint(closed.flow.Text("state"), ": nothing was applied"))
			assert.Equal(t, closed.flow.Text("state"), closed.one.mia.Get(id).Text("state"))
		}
	})
}
