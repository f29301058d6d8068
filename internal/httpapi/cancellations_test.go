package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
	"foyer/internal/notify"
)

func TestTheWayOut(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		ends := d.sub.CurrentPeriod.End.Format(time.RFC3339Nano)
		open := d.mia.Post(d.path("/cancellations")+"?locale=de", nil).Must(http.StatusCreated)
		assert.Equal(t, "open", open.Text("state"))
		assert.Equal(t, "survey", open.Text("step"))
		assert.Equal(t, ends, open.Text("effective_at"), "when it would end")
		assert.Equal(t, "Jetzt kündigen", open.Text("legal.labels.confirm"))
		assert.Equal(t, false, open.At("survey.questions.0.required"))
		assert.Equal(t, billing.SubscriptionActive, d.now(t).Status)
		assert.Nil(t, d.now(t).ScheduledChange, "nothing is canceled by looking")
		path := "/v1/cancellations/" + open.Text("id")
		assert.Equal(t, open.Text("id"), d.mia.Post(d.path("/cancellations"), nil).Must(http.StatusCreated).Text("id"), "it goes on")

		now := open.Text("actions.cancel_now.method")
		assert.Equal(t, "POST", now)
		done := d.mia.Call(now, open.Text("actions.cancel_now.path"), open.At("actions.cancel_now.body")).Must(http.StatusOK)
		assert.Equal(t, "scheduled", done.Text("state"))
		assert.Equal(t, "done", done.Text("step"))
		assert.Equal(t, "period_end", done.Text("effective"))
		assert.Equal(t, ends, done.Text("effective_at"))
		assert.Nil(t, done.At("actions.cancel_now"))
		assert.Equal(t, done.Header.Get("ETag"), d.mia.Get(path).Must(http.StatusOK).Header.Get("ETag"))
		d.mia.Post(path+"/confirm", nil).Refused(http.StatusConflict, "cancellation.closed")
		d.mia.Post(path+"/abandon", nil).Refused(http.StatusConflict, "cancellation.closed")
		d.mia.Post(d.path("/cancellations"), nil).Refused(http.StatusConflict, "subscription.cancel_scheduled")
		shown := d.mia.Get(d.path("")).Must(http.StatusOK)
		assert.Equal(t, "cancel", shown.Text("scheduled_change.action"))
		assert.Nil(t, shown.At("next_payment"))

		kept := d.mia.Call(done.Text("actions.keep.method"), done.Text("actions.keep.path"), nil).Must(http.StatusOK)
		assert.Nil(t, kept.At("scheduled_change"))
		assert.NotNil(t, kept.At("next_payment"))
		assert.Equal(t, "undone", d.mia.Get(path).Must(http.StatusOK).Text("state"))
		d.mia.Delete(d.path("/scheduled-change")).Refused(http.StatusConflict, "subscription.nothing_scheduled")

		never := d.mia.Post(d.path("/cancellations"), map[string]any{"effective": "immediately"}).Must(http.StatusCreated)
		assert.NotEqual(t, open.Text("id"), never.Text("id"))
		mind := d.mia.Post("/v1/cancellations/"+never.Text("id")+"/abandon", nil).Must(http.StatusOK)
		assert.Equal(t, "abandoned", mind.Text("state"))
		assert.Equal(t, billing.SubscriptionActive, d.now(t).Status)

		gone := d.mia.Post(d.path("/cancellations"), map[string]any{"confirm": true, "effective": "immediately"}).Must(http.StatusCreated)
		assert.Equal(t, "canceled", gone.Text("state"))
		assert.Equal(t, "immediately", gone.Text("effective"))
		after := d.mia.Get(d.path("")).Must(http.StatusOK)
		assert.Equal(t, "canceled", after.Text("status"))
		assert.Nil(t, after.At("current_period"))
		d.mia.Post(d.path("/cancellations"), map[string]any{"confirm": true}).Refused(http.StatusConflict, "subscription.canceled")
		d.mia.Delete(d.path("/scheduled-change")).Refused(http.StatusConflict, "subscription.canceled")
	})
}

// What is asked for is not always what can happen; the answer tells what does.
func TestACancellationTellsWhatReallyHappens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change           func(*billing.Subscription)
		ask, tell, state string
	}{
		"a charge is under way": {func(s *billing.Subscription) { s.OpenPayment = "pay_01kb3v5q8r9s0t1v2w3x4y5z6a" }, "immediately", "period_end", "scheduled"},
		"past due":              {func(s *billing.Subscription) { s.Status = billing.SubscriptionPastDue }, "period_end", "immediately", "canceled"},
		"paused":                {func(s *billing.Subscription) { s.Status = billing.SubscriptionPaused }, "period_end", "immediately", "canceled"},
		"trialing":              {func(s *billing.Subscription) { s.Status, s.Trial = billing.SubscriptionTrialing, s.CurrentPeriod }, "period_end", "period_end", "scheduled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, foyertest.New(t, "sqlite"))
			d.sub = d.Subscription(t, billing.Customer{ID: d.sub.Customer, Merchant: d.sub.Merchant}, func(s *billing.Subscription) {
				s.Provider = billing.ProviderNative
				c.change(s)
			})
			answer := d.mia.Post(d.path("/cancellations"), map[string]any{"confirm": true, "effective": c.ask}).Must(http.StatusCreated)
			assert.Equal(t, c.state, answer.Text("state"))
			assert.Equal(t, c.tell, answer.Text("effective"))
			assert.NotEmpty(t, answer.Text("effective_at"))
		})
	}
}

// A process that dies between any two lines of canceling or keeping leaves everything as it was: the subscription and what is said of it
// are written together. The same call again does it, once.
func TestACancellationIsWholeAfterACrash(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		cancel := func() *foyertest.Answer {
			return d.mia.Post(d.path("/cancellations"), map[string]any{"confirm": true}, idempotencyKey, "k")
		}
		d.shaky.fail.Store(1)
		cancel().Refused(http.StatusServiceUnavailable, "unavailable")
		assert.Nil(t, d.now(t).ScheduledChange, "nothing is half canceled")
		assert.Equal(t, int64(1), d.now(t).Version)
		done := cancel().Must(http.StatusCreated)
		assert.Equal(t, "scheduled", done.Text("state"))
		assert.Equal(t, int64(2), d.now(t).Version, "canceled once")
		assert.Equal(t, "true", cancel().Must(http.StatusCreated).Header.Get("Idempotency-Replayed"))

		keep := func() *foyertest.Answer { return d.mia.Delete(d.path("/scheduled-change"), idempotencyKey, "keep") }
		d.shaky.fail.Store(1)
		keep().Refused(http.StatusServiceUnavailable, "unavailable")
		path := "/v1/cancellations/" + done.Text("id")
		assert.Equal(t, "scheduled", d.mia.Get(path).Must(http.StatusOK).Text("state"))
		assert.NotNil(t, d.now(t).ScheduledChange)
		keep().Must(http.StatusOK)
		assert.Equal(t, "undone", d.mia.Get(path).Must(http.StatusOK).Text("state"))

		open := "/v1/cancellations/" + d.mia.Post(d.path("/cancellations"), nil).Must(http.StatusCreated).Text("id")
		d.shaky.fail.Store(1)
		now := map[string]any{"effective": "immediately"}
		d.mia.Post(open+"/confirm", now).Refused(http.StatusServiceUnavailable, "unavailable")
		assert.Equal(t, "open", d.mia.Get(open).Must(http.StatusOK).Text("state"))
		assert.Equal(t, "canceled", d.mia.Post(open+"/confirm", now).Must(http.StatusOK).Text("state"))
		d.mia.Post(open+"/confirm", now).Refused(http.StatusConflict, "cancellation.closed")
	})
}

func TestManyClicksOnCancelAreOne(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		ids := together(20, func(int) string { return d.mia.Post(d.path("/cancellations"), nil).Must(http.StatusCreated).Text("id") })
		assert.Len(t, ids, 1)
		for id := range ids {
			answers := together(20, func(int) string {
				answer := d.mia.Post("/v1/cancellations/"+id+"/confirm", nil)
				return fmt.Sprint(answer.Status, " ", answer.Text("code"))
			})
			assert.Equal(t, map[string]int{"200 ": 1, "409 cancellation.closed": 19}, answers)
		}
		d.mia.Delete(d.path("/scheduled-change")).Must(http.StatusOK)
		at := d.now(t).Version
		ids = together(20, func(i int) string {
			return d.mia.Post(d.path("/cancellations"), map[string]any{"confirm": true}, idempotencyKey, fmt.Sprint(i)).Text("state")
		})
		assert.Equal(t, at+1, d.now(t).Version)
		delete(ids, "") // came after it was done: 409 subscription.cancel_scheduled
		assert.Len(t, ids, 1)
	})
}

// Canceling can't be switched off; pausing and changing can, and then the subscription says so.
func TestWhatTheMerchantSwitchedOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t, foyertest.New(t, "sqlite"), func(s *merchant.Settings) {
		s.Features.PauseOff, s.Features.ChangeOff, s.Features.QuantityOff = true, true, true
	})
	shown := d.mia.Get(d.path("")).Must(http.StatusOK)
	for _, action := range []string{"pause", "change"} {
		assert.Equal(t, false, shown.At("actions."+action+".allowed"))
		assert.Equal(t, "feature.off", shown.Text("actions."+action+".reason"))
	}
	assert.Equal(t, true, shown.At("actions.cancel.allowed"))
	items := map[string]any{"items": []any{map[string]any{"price_id": "pri_x", "quantity": 1}}}
	d.mia.Post(d.path("/pause"), nil).Refused(http.StatusForbidden, "feature.off")
	d.mia.Post(d.path("/change"), items, idempotencyKey, "k").Refused(http.StatusForbidden, "feature.off")
	d.mia.Post(d.path("/change/preview"), items).Refused(http.StatusForbidden, "feature.off")
	d.mia.Post(d.path("/resume"), nil, idempotencyKey, "k").Must(http.StatusOK)
	d.mia.Post(d.path("/cancellations"), map[string]any{"confirm": true}).Must(http.StatusCreated)
}

func TestPausingShowsNoRunningPeriod(t *testing.T) {
	t.Parallel()
	d := newDesk(t, foyertest.New(t, "sqlite"))
	back := foyer.Micro(d.Clock.Now()).AddDate(0, 3, 0)
	paused := d.mia.Post(d.path("/pause"), map[string]any{"effective": "immediately", "resume_at": back}).Must(http.StatusOK)
	assert.Equal(t, "paused", paused.Text("status"))
	assert.Nil(t, paused.At("current_period"))
	assert.Nil(t, paused.At("next_payment"))
	assert.Equal(t, "resume", paused.Text("scheduled_change.action"))
	assert.Nil(t, paused.At("scheduled_change.items"))
	d.mia.Post(d.path("/pause"), nil).Refused(http.StatusConflict, "subscription.paused")
	late := d.mia.Post(d.path("/pause"), map[string]any{"resume_at": "2001-01-01T00:00:00Z"})
	late.Refused(http.StatusConflict, "subscription.paused")
}

// The same with the engine itself, and everybody at once.
func TestTheEngineCancelsOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		mia, c := mia(t, a)
		sub := a.Subscription(t, c, func(s *billing.Subscription) { s.Provider = billing.ProviderNative })
		path := "/v1/subscriptions/" + string(sub.ID)
		open := mia.Post(path+"/cancellations", nil).Must(http.StatusCreated).Text("id")
		answers := together(20, func(i int) string {
			answer := mia.Post("/v1/cancellations/"+open+"/confirm", nil, idempotencyKey, fmt.Sprint(i))
			return fmt.Sprint(answer.Status, " ", answer.Text("code"))
		})
		assert.Equal(t, map[string]int{"200 ": 1, "409 cancellation.closed": 19}, answers)
		assert.Equal(t, "cancel", mia.Get(path).Must(http.StatusOK).Text("scheduled_change.action"))
		mia.Delete(path+"/scheduled-change", idempotencyKey, "keep").Must(http.StatusOK)
		assert.Equal(t, "undone", mia.Get("/v1/cancellations/"+open).Must(http.StatusOK).Text("state"))
		gone := mia.Post(path+"/cancellations", map[string]any{"confirm": true, "effective": "immediately"}, idempotencyKey, "now").Must(http.StatusCreated)
		assert.Equal(t, "canceled", gone.Text("state"))
		assert.Equal(t, "canceled", mia.Get(path).Must(http.StatusOK).Text("status"))
		events, err := a.Store.Events(t.Context(), c.Merchant, notify.EventFilter{Customer: c.ID}, foyer.PageRequest{Limit: 1000})
		assert.NoError(t, err)
		var told []string
		for _, e := range events {
			if kind := string(e.Type); strings.HasPrefix(kind, "subscription") || strings.HasPrefix(kind, "cancellation") {
				told = append(told, kind)
			}
		}
		assert.ElementsMatch(t, []string{
			"cancellation.created", "subscription.updated", "cancellation.scheduled", "subscription.updated", "cancellation.undone",
			"subscription.canceled", "cancellation.canceled", // in one call: one event of each
		}, told)
	})
}
