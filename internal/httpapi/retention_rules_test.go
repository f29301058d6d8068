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
	"foyer/internal/foyertest"
)

// check is how a condition of the first rule was judged: "passed", "failed", or "" where it was not asked.
func check(a *foyertest.Answer, name string) string {
	for i := range a.Len("rules.0.checks") {
		if at := fmt.Sprint("rules.0.checks.", i); a.Text(at+".name") == name {
			return map[any]string{true: "passed", false: "failed"}[a.At(at+".passed")]
		}
	}
	return ""
}

// Each condition by itself, on the same subscription: explain says whether it holds, and the flow does as it says.
func TestEveryConditionDecides(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a) // Ireland, active, 23.79 EUR, begun just now
		other := a.Price(t, l.merchant, "Other", 100)
		now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
		require.NoError(t, err)
		when := func(name string, value any) object { return object{"when": object{name: value}} }
		on := func(days int) string { return now.AddDate(0, 0, days).UTC().Format(time.RFC3339) }
		for _, c := range []struct {
			check    string
			yes, not object
		}{
			{"reasons", when("reasons", []any{"other", "not_using"}), when("reasons", []any{"too_expensive"})},
			{"liked", when("liked", []any{"support"}), when("liked", []any{"features"})},
			{"products", when("products", []any{other.Product, l.price.Product}), when("products", []any{other.Product})},
			{"prices", when("prices", []any{l.price.ID}), when("prices", []any{other.ID})},
			{"countries", when("countries", []any{"DE", "IE"}), when("countries", []any{"DE"})},
			{"statuses", when("statuses", []any{"active"}), when("statuses", []any{"past_due"})},
			{"tenure_days", when("tenure_days", object{"max": 1}), when("tenure_days", object{"min": 1})},
			{"amount", when("amount", object{"currency": "EUR", "min": 2379, "max": 2379}), when("amount", object{"currency": "EUR", "min": 2380})},
			{"amount", when("amount", object{"currency": "EUR"}), when("amount", object{"currency": "USD"})},
			{"accepted_before", when("accepted_before", object{"max": 0}), when("accepted_before", object{"min": 1})},
			{"schedule", object{"starts_at": on(-1), "ends_at": on(1)}, object{"starts_at": on(1)}},
			{"schedule", object{"ends_at": on(1)}, object{"ends_at": on(-1)}},
			{"on", object{"enabled": true}, object{"enabled": false}},
			{"budget", object{"limits": object{"budget": object{"offers": 1}}}, object{"limits": object{"budget": object{"offers": 0}}}},
		} {
			for want, more := range map[string]object{"passed": c.yes, "failed": c.not} {
				gift := rule("gift", "custom", nil, object{"headline": object{"en": "A mug"}}, more)
				l.decides(t, object{"offers": []any{gift}})
				answers := object{"reason": "not_using", "liked": "support"}
				e := l.explained(t, answers)
				assert.Equal(t, want, check(e, c.check), "%s %v: %s", c.check, more, e.Body)
				open := l.start(t)
				at := l.mia.Post("/v1/cancellations/"+open.Text("id")+"/answers", answers).Must(http.StatusOK)
				if want == "passed" {
					assert.Equal(t, "gift", e.Text("chosen"), c.check)
					assert.Equal(t, "custom", at.Text("offer.type"), c.check)
				} else {
					assert.Nil(t, e.At("chosen"), c.check)
					assert.Nil(t, e.At("terms"), c.check)
					assert.Nil(t, at.At("offer"), c.check)
				}
				l.act(t, at, "abandon").Must(http.StatusOK)
			}
		}
		assert.Equal(t, [2]int64{}, l.used(t, "gift"), "what was not taken was given back")
	})
}

// The higher priority is asked first, an offer as the last resort after another was declined; what was accepted counts for ever.
func TestWhatWasOfferedBeforeDecides(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a).next(t, "yuki@mailbox.test", func(c *billing.Customer) { c.Address.Country = "JP" })
		gift := func(key string, more ...object) object {
			return rule(key, "custom", nil, append([]object{{"headline": object{"en": key}}}, more...)...)
		}
		l.offers(t, gift("low"), gift("last", object{"priority": 9, "when": object{"declined": []any{"high"}}}), gift("high", object{"priority": 5}))
		first := l.start(t)
		assert.Equal(t, "high", first.Text("offer.headline"))
		second := l.act(t, first, "decline_offer")
		assert.Equal(t, "last", second.Text("offer.headline"))
		assert.Nil(t, l.act(t, second, "decline_offer").At("offer"), "two, and no third")
		l.act(t, second, "abandon").Must(http.StatusOK)

		offered := func() string {
			one := l.another(t)
			e, open := one.explained(t, object{}), one.start(t)
			assert.Equal(t, e.Text("chosen"), open.Text("offer.headline"))
			if open.At("offer") != nil {
				one.act(t, open, "accept_offer").Must(http.StatusOK)
			}
			return open.Text("offer.headline")
		}
		month := func(n int) {
			now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
			require.NoError(t, err)
			a.Until(t, l.merchant, now.AddDate(0, 0, n))
		}
		l.offers(t, gift("rare", object{"limits": object{"cooldown_days": 30}}))
		assert.Equal(t, []string{"rare", ""}, []string{offered(), offered()})
		month(31)
		assert.Equal(t, "rare", offered(), "the time is over")
		l.offers(t, gift("twice", object{"limits": object{"per_customer": 2}}))
		assert.Equal(t, []string{"twice", "twice", ""}, []string{offered(), offered(), offered()})
		l.offers(t, gift("newcomers", object{"when": object{"accepted_before": object{"max": 3}}}), gift("regulars", object{"when": object{"accepted_before": object{"min": 4}}}))
		assert.Equal(t, "regulars", offered(), "four were accepted")
	})
}

// Two ways out of one customer at once don't both come under a limit of one.
func TestLimitsHoldOverTwoWaysOutAtOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		second := l.another(t)
		for _, limit := range []string{"per_customer", "cooldown_days"} {
			l.offers(t, rule("once-"+limit, "discount", percentOff("30", 1), object{"limits": object{limit: 1}}))
			one, two := l.start(t), second.start(t)
			assert.Equal(t, "offered", one.Text("state"))
			assert.Equal(t, "open", two.Text("state"), "it may still be taken on the other way out: %s", limit)
			l.act(t, one, "abandon").Must(http.StatusOK)
			second.act(t, two, "abandon").Must(http.StatusOK)
			again := second.start(t)
			assert.Equal(t, "offered", again.Text("state"), "nobody has it")
			second.act(t, again, "abandon").Must(http.StatusOK)
		}
	})
}

// A budget is what is open or accepted, over all customers: declined, abandoned, or left lying, it is given back.
func TestABudgetIsNeverExceeded(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		cost := int64(2379 - 1665)
		stay := func(budget object) object {
			return rule("stay", "discount", percentOff("30", 1), object{
				"when": object{"amount": object{"currency": "EUR", "min": 1}}, "limits": object{"budget": budget},
			})
		}
		l.offers(t, stay(object{"offers": 2}))
		people := []*leaver{l, l.next(t, "joe@mailbox.test"), l.next(t, "ada@mailbox.test")}
		var flows []*foyertest.Answer
		for i, one := range people {
			e := one.explained(t, object{})
			flows = append(flows, one.start(t))
			assert.Equal(t, []string{"offered", "offered", "open"}[i], flows[i].Text("state"))
			assert.Equal(t, []string{"passed", "passed", "failed"}[i], check(e, "budget"))
		}
		assert.Equal(t, [2]int64{2, 2 * cost}, l.used(t, "stay"), "an open one counts")
		people[0].act(t, flows[0], "decline_offer").Must(http.StatusOK)
		people[1].act(t, flows[1], "accept_offer").Must(http.StatusOK)
		assert.Equal(t, [2]int64{1, cost}, l.used(t, "stay"), "declined gives back, accepted does not")
		people[2].act(t, flows[2], "abandon").Must(http.StatusOK)
		last := people[2].start(t)
		assert.Equal(t, "offered", last.Text("state"), "there is one again")
		people[2].act(t, last, "cancel_now").Must(http.StatusOK)
		assert.Equal(t, [2]int64{1, cost}, l.used(t, "stay"), "leaving gives back too")

		l.offers(t, stay(object{"amount": object{"amount": 2*cost - 1, "currency": "EUR"}}))
		fourth := l.next(t, "eve@mailbox.test")
		assert.Equal(t, "failed", check(fourth.explained(t, object{}), "budget"), "a cent too little")
		l.offers(t, stay(object{"amount": object{"amount": 2 * cost, "currency": "EUR"}}))
		lying := fourth.start(t)
		assert.Equal(t, "offered", lying.Text("state"))
		now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
		require.NoError(t, err)
		a.Until(t, l.merchant, now.Add(25*time.Hour))
		assert.Equal(t, "expired", fourth.mia.Get("/v1/cancellations/"+lying.Text("id")).Text("state"))
		assert.Equal(t, [2]int64{1, cost}, l.used(t, "stay"), "left lying gives back")
	})
}

// The holdout group is drawn by the customer alone: always the same answer, no offers, and the way out is the same.
func TestTheHoldoutGroupSeesNoOffers(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.decides(t, object{"survey": object{"enabled": false}, "offers": []any{stayThree}, "holdout": object{"percent": 90, "experiment": "x"}})
		seen := map[string]int{}
		for i := 0; len(seen) < 2 && i < 200; i++ {
			one := *l
			one.customer = a.Customer(t, l.merchant, foyertest.Email(i))
			one.sub = a.Subscribe(t, one.customer, l.price, "tok_4242")
			group := one.explained(t, object{}).Text("group")
			if seen[group]++; seen[group] > 1 {
				continue
			}
			one.mia = a.SignIn(t, l.merchant, one.customer.Email)
			for range 3 {
				e, open := one.explained(t, object{}), one.start(t)
				assert.Equal(t, group, e.Text("group"), "always the same")
				assert.Equal(t, group == "offered", open.At("offer") != nil)
				assert.Equal(t, group == "offered", e.At("gates.0.passed"))
				one.act(t, open, "abandon").Must(http.StatusOK)
			}
		}
		assert.Len(t, seen, 2, "of so many one is in and one is out")
	})
}

// What was shown before there was a budget has nothing to give back to it.
func TestOnlyWhatABudgetCountedGetsItBack(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		joe := l.next(t, "joe@mailbox.test")
		l.offers(t, rule("stay", "discount", percentOff("30", 1)))
		before := l.start(t)
		l.offers(t, rule("stay", "discount", percentOff("30", 1), object{"limits": object{"budget": object{"offers": 1}}}))
		joe.act(t, joe.start(t), "accept_offer").Must(http.StatusOK)
		l.act(t, before, "decline_offer").Must(http.StatusOK)
		assert.Equal(t, int64(1), l.used(t, "stay")[0], "Joe has the only one")
	})
}
