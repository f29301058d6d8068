package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
	"foyer/internal/retention"
)

const insights = "/v1/merchant/retention/insights"

// drawn is a customer who wants to leave, drawn into a group.
type drawn struct {
	*foyertest.Client
	sub billing.Subscription
}

func newDrawn(t *testing.T, a *foyertest.App, m merchant.Merchant, name string, price billing.Price, holdout bool) *drawn {
	t.Helper()
	c := a.Customer(t, m, name+"@mailbox.test", func(c *billing.Customer) {
		for retention.InHoldout("lots", string(c.ID), 0.5) != holdout {
			c.ID = foyer.CustomerID(a.IDs(foyer.PrefixCustomer))
		}
	})
	sub := a.Subscribe(t, c, price, "tok_4242")
	return &drawn{a.SignIn(t, m, c.Email), sub}
}

// wants begins to cancel and tells the reason, if there is one; it returns the cancellation's path and how it stands.
func (l *drawn) wants(reason string) (string, *foyertest.Answer) {
	open := l.Post("/v1/subscriptions/"+string(l.sub.ID)+"/cancellations", nil).Must(http.StatusCreated)
	path := "/v1/cancellations/" + open.Text("id")
	if reason != "" {
		open = l.Post(path+"/answers", map[string]any{"reason": reason}).Must(http.StatusOK)
	}
	return path, open
}

// accepts begins to cancel and takes the offer.
func (l *drawn) accepts(t *testing.T) {
	t.Helper()
	path, open := l.wants("too_expensive")
	require.Equal(t, "offered", open.Text("state"), "%s", open.Body)
	l.Post(path+"/offer/accept", map[string]any{"offer_id": open.Text("offer.id")}, foyertest.Keyed("accept")...).Must(http.StatusOK)
}

// cancels does it in one call.
func (l *drawn) cancels(effective string) {
	l.Post("/v1/subscriptions/"+string(l.sub.ID)+"/cancellations", map[string]any{"confirm": true, "effective": effective}).Must(http.StatusCreated)
}

// A hundred days of ten flows, one of each kind, come to exactly these numbers: among them a customer who was saved and canceled after 45
// days, and one whose subscription ran on for a month after it was canceled.
func TestTheNumbersOfAHundredDays(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		price := a.Price(t, m, "Basic", 1000) // 11.90 EUR with tax
		key.Call(http.MethodPut, "/v1/merchant/retention", map[string]any{
			"offers": []any{map[string]any{
				"key": "half", "type": "discount", "discount": map[string]any{"type": "percent", "percent": "50", "periods": 12},
				"when": map[string]any{"reasons": []string{"too_expensive"}},
			}},
			"holdout": map[string]any{"percent": 50, "experiment": "lots"},
		}).Must(http.StatusOK)
		first := time.Date(time.Now().Year()+1, 1, 17, 12, 0, 0, 0, time.UTC)
		after := func(days int) time.Time { return first.AddDate(0, 0, days) }
		a.Until(t, m, first)

		newDrawn(t, a, m, "stays", price, false).accepts(t)
		saved := newDrawn(t, a, m, "saved-for-a-while", price, false)
		saved.accepts(t)
		declines := newDrawn(t, a, m, "declines", price, false)
		path, _ := declines.wants("too_expensive")
		declines.Post(path+"/offer/decline", nil).Must(http.StatusOK)
		declines.Post(path+"/confirm", map[string]any{"effective": "period_end"}).Must(http.StatusOK)
		leaves := newDrawn(t, a, m, "leaves", price, false)
		path, _ = leaves.wants("not_using")
		leaves.Post(path+"/confirm", map[string]any{"effective": "immediately"}).Must(http.StatusOK)
		undoes := newDrawn(t, a, m, "undoes", price, false)
		undoes.cancels("period_end")
		undoes.Delete("/v1/subscriptions/" + string(undoes.sub.ID) + "/scheduled-change").Must(http.StatusOK)
		abandons := newDrawn(t, a, m, "abandons", price, false)
		path, _ = abandons.wants("")
		abandons.Post(path+"/abandon", nil).Must(http.StatusOK)
		_, open := newDrawn(t, a, m, "forgets", price, false).wants("too_expensive")
		require.Equal(t, "offered", open.Text("state"))
		gone := newDrawn(t, a, m, "holdout-leaves", price, true)
		path, open = gone.wants("too_expensive")
		require.Equal(t, "open", open.Text("state"), "no offer for the holdout group")
		gone.Post(path+"/confirm", map[string]any{"effective": "immediately"}).Must(http.StatusOK)
		kept := newDrawn(t, a, m, "holdout-stays", price, true)
		path, _ = kept.wants("too_expensive")
		kept.Post(path+"/abandon", nil).Must(http.StatusOK)

		ask := func(from, to time.Time, more ...string) *foyertest.Answer {
			query := url.Values{"from": {from.Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}
			for i := 0; i < len(more); i += 2 {
				query.Set(more[i], more[i+1])
			}
			return key.Get(insights + "?" + query.Encode()).Must(http.StatusOK)
		}
		now := ask(first, after(1))
		assert.Equal(t, "9 2 3 2 1", outcomes(now, "total"), "one is still open")
		assert.Equal(t, "7 5, 2 1", fmt.Sprint(now.At("holdout.offered.started"), " ", now.At("holdout.offered.not_canceled"), ", ",
			now.At("holdout.holdout.started"), " ", now.At("holdout.holdout.not_canceled")))
		assert.Nil(t, now.At("holdout.still_there.0.uplift"))

		a.Until(t, m, after(45))
		saved.cancels("immediately")
		a.Until(t, m, after(100))

		then := ask(first, after(1))
		assert.Equal(t, "9 2 3 3 1", outcomes(then, "total"))
		assert.Equal(t, map[string]any{"rate": 0.2222, "low": 0.0632, "high": 0.5474}, then.At("total.save_rate"))
		assert.Equal(t, []any{map[string]any{"amount": 10710.0, "currency": "EUR", "display": "€107.10"}}, then.At("total.revenue_at_stake"))
		assert.EqualValues(t, 1190, then.At("total.revenue_kept.0.amount"), "two at half the price")
		assert.Equal(t, []string{"2/2", "1/2", "1/2"}, []string{there(then, "total.still_there.0"), there(then, "total.still_there.1"), there(then, "total.still_there.2")})
		for i, want := range []string{"6/7 1/2", "4/7 1/2", "4/7 1/2"} { // what was canceled to the end of the month was there after 30 days
			at := fmt.Sprint("holdout.still_there.", i)
			assert.Equal(t, want, there(then, at+".offered")+" "+there(then, at+".holdout"), at)
			assert.Equal(t, "no_difference_shown", then.Text(at+".uplift.verdict"))
		}
		assert.Equal(t, "no_difference_shown", then.Text("holdout.uplift.verdict"), "nine flows show nothing")

		second := ask(after(45), after(46))
		assert.Equal(t, "1 0 1 0 0", outcomes(second, "total"))
		assert.EqualValues(t, 595, second.At("total.revenue_at_stake.0.amount"))
		assert.Equal(t, "0/1 0/0", there(second, "holdout.still_there.0.offered")+" "+there(second, "holdout.still_there.1.offered"), "60 days have not passed")

		for by, want := range map[string][]string{
			"":             nil,
			"period_month": {first.Format("2006-01") + " <nil> 9 2 3 3 1", after(20).Format("2006-01") + " <nil> 0 0 0 0 0", after(45).Format("2006-01") + " <nil> 1 0 1 0 0"},
			"product":      {string(price.Product) + " Basic 10 2 4 3 1"},
			"reason":       {"too_expensive It is too expensive 6 2 2 2 0", " No answer 3 0 1 1 1", "not_using I don’t use it enough 1 0 1 0 0"},
			"offer":        {" No offer made 6 0 3 2 1", "half <nil> 4 2 1 1 0"},
			"country":      {"IE <nil> 10 2 4 3 1"},
		} {
			more := []string{"group_by", by}
			if by == "" {
				more = nil
			}
			all := ask(first, after(50), more...)
			assert.Equal(t, "10 2 4 3 1", outcomes(all, "total"), by)
			var got []string
			for i := range all.Len("groups") {
				at := fmt.Sprint("groups.", i)
				got = append(got, fmt.Sprint(all.At(at+".key"), " ", all.At(at+".label"), " ", outcomes(all, at+".numbers")))
				assert.Equal(t, false, all.At(at+".rest"))
			}
			assert.Equal(t, want, got, by)
		}
		for _, filter := range []struct{ name, value, want string }{
			{"reason", "too_expensive", "6 2 2 2 0"},
			{"offer", "half", "4 2 1 1 0"},
			{"country", "IE", "10 2 4 3 1"},
			{"country", "DE", "0 0 0 0 0"},
			{"currency", "EUR", "10 2 4 3 1"},
			{"currency", "USD", "0 0 0 0 0"},
			{"product_id", string(price.Product), "10 2 4 3 1"},
			{"product_id", a.IDs(foyer.PrefixProduct), "0 0 0 0 0"},
		} {
			assert.Equal(t, filter.want, outcomes(ask(first, after(50), filter.name, filter.value), "total"), filter)
		}
		assert.Nil(t, ask(first, after(50), "offer", "half").At("holdout.uplift"), "nobody in the holdout group has an offer")
		recent := key.Get(insights).Must(http.StatusOK)
		assert.Equal(t, []string{after(71).Format(time.DateOnly), after(101).Format(time.DateOnly)}, []string{recent.Text("from"), recent.Text("to")}, "the last 30 days by the merchant's clock")
		assert.Equal(t, "0 0 0 0 0", outcomes(recent, "total"))
		assert.Nil(t, recent.At("total.save_rate"))
		assert.Equal(t, "0 0 0 0 0", outcomes(a.Key(t, a.Merchant(t, "zenith")).Get(insights+"?from="+first.Format(time.DateOnly)+"&to="+after(50).Format(time.DateOnly)), "total"), "another merchant's")

		findings, err := a.Check(t.Context())
		require.NoError(t, err)
		for _, f := range findings {
			assert.Zero(t, f.Broken, f.Rule)
		}
	})
}

// outcomes are the five counts of some numbers: started, saved, canceled, abandoned, undone.
func outcomes(a *foyertest.Answer, at string) string {
	return fmt.Sprint(a.At(at+".started"), " ", a.At(at+".saved"), " ", a.At(at+".canceled"), " ", a.At(at+".abandoned"), " ", a.At(at+".undone"))
}

func there(a *foyertest.Answer, at string) string {
	return fmt.Sprint(a.At(at+".there"), "/", a.At(at+".looked"))
}

func TestWhatCanNotBeAskedOfTheInsights(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	key := a.Key(t, a.Merchant(t, "acme"))
	for query, want := range map[string]string{
		"from=2026-01-01&to=2027-02-06":          "to insights.span",
		"from=2026-01-02&to=2026-01-02":          "to insights.span",
		"from=2026-01-02&to=2026-01-01":          "to insights.span",
		"from=2026-02-30":                        "from input.day",
		"to=yesterday":                           "to input.day",
		"from=2026-01-02T00:00:00Z":              "from input.day",
		"from=2026-01-02&from=2026-01-03":        "from input.invalid",
		"group_by=subscription":                  "group_by input.enum",
		"product_id=sub_01kb3v5q8r9s0t1v2w3x4y5": "product_id input.pattern",
		"country=germany":                        "country input.pattern",
		"currency=eur":                           "currency input.pattern",
		"reason=":                                "reason input.too_short",
		"nonsense=1":                             "nonsense input.unknown",
	} {
		answer := key.Get(insights + "?" + query).Must(http.StatusBadRequest)
		assert.Equal(t, want, answer.Text("errors.0.pointer")+" "+answer.Text("errors.0.code"), query)
	}
	tooLong := key.Get(insights + "?from=2026-01-01&to=2027-02-06")
	assert.Contains(t, tooLong.Text("errors.0.detail"), "400")
	key.Get(insights + "?from=2026-01-01&to=2027-02-05").Must(http.StatusOK)
}

// One decision is one number, whoever was in the way of it: the merchant, or the customer's own earlier try.
func TestOneDecisionIsCountedOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		counted := func() string {
			return outcomes(l.key.Get(insights).Must(http.StatusOK), "total")
		}
		overtaken := func(id string) any {
			return l.key.Get("/v1/merchant/cancellations/" + id).Must(http.StatusOK).At("overtaken_by")
		}
		began := l.start(t)
		assert.Equal(t, "1 0 0 0 0", counted())
		l.key.Post("/v1/merchant/subscriptions/"+string(l.sub.ID)+"/cancel", object{"effective": "period_end"}, foyertest.Keyed(a.IDs("key"))...).Must(http.StatusOK)
		assert.Equal(t, "0 0 0 0 0", counted())
		assert.Equal(t, "merchant", overtaken(began.Text("id")))
		seen := l.mia.Get("/v1/cancellations/" + began.Text("id")).Must(http.StatusOK)
		assert.Equal(t, "scheduled", seen.Text("state"))
		assert.Contains(t, seen.Text("body"), "The seller has canceled")

		twice := l.another(t)
		first := twice.start(t)
		now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
		require.NoError(t, err)
		a.Until(t, l.merchant, now.Add(25*time.Hour))
		second := twice.start(t)
		require.NotEqual(t, first.Text("id"), second.Text("id"))
		confirm := func(id string) *foyertest.Answer {
			return twice.mia.Post("/v1/cancellations/"+id+"/confirm", nil)
		}
		assert.Equal(t, "scheduled", confirm(first.Text("id")).Must(http.StatusOK).Text("state"))
		assert.Equal(t, "1 0 1 0 0", counted())
		assert.Nil(t, overtaken(first.Text("id")))
		assert.Equal(t, "cancellation", overtaken(second.Text("id")))
		confirm(second.Text("id")).Refused(http.StatusConflict, "cancellation.closed")
		assert.Equal(t, "canceled", twice.mia.Post(twice.path("/cancellations"), object{"confirm": true, "effective": "immediately"}).Must(http.StatusCreated).Text("state"))
		assert.Equal(t, "1 0 1 0 0", counted(), "brought forward is not canceled twice")

		third := l.another(t)
		old := third.start(t)
		a.Until(t, l.merchant, now.Add(51*time.Hour))
		third.mia.Post(third.path("/cancellations"), object{"confirm": true}).Must(http.StatusCreated)
		third.mia.Post("/v1/cancellations/"+old.Text("id")+"/confirm", nil).Refused(http.StatusConflict, "subscription.cancel_scheduled")
	})
}
