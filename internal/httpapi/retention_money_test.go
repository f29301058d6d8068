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

// accepted starts to cancel, takes the offer there is, and returns its terms and the answer.
func (l *leaver) accepted(t *testing.T) (terms, answer *foyertest.Answer) {
	t.Helper()
	open := l.start(t)
	require.Equal(t, "offered", open.Text("state"), "%s", open.Body)
	answer = l.act(t, open, "accept_offer").Must(http.StatusOK)
	require.Equal(t, "saved", answer.Text("state"))
	require.Equal(t, "done", answer.Text("step"))
	return open, answer
}

// renews lets n bills fall due and returns what was charged for them.
func (l *leaver) renews(t *testing.T, n int) []int64 {
	t.Helper()
	before := len(l.charged(t))
	for range n {
		l.Until(t, l.merchant, l.now(t).NextBilledAt.Add(time.Hour))
	}
	return l.charged(t)[before:]
}

// What was shown is what is charged, to the minor unit, and from the day named on the full price again.
func TestDiscountsAreChargedAsShown(t *testing.T) {
	t.Parallel()
	yen := func(p *billing.Price) { p.UnitPrice, p.TaxRate = foyer.Money{Amount: 1980, Currency: "JPY"}, "0.1" }
	gross := func(p *billing.Price) { p.UnitPrice.Amount, p.TaxBehavior = 2499, "inclusive" }
	weekly := func(p *billing.Price) { p.Cycle = &foyer.Cycle{Interval: foyer.Week, Frequency: 2} }
	fixed := func(amount int64, currency string, periods int) object {
		d := object{"type": "fixed", "amount": object{"amount": amount, "currency": currency}}
		if periods > 0 {
			d["periods"] = periods
		}
		return d
	}
	for name, c := range map[string]struct {
		price    func(*billing.Price)
		discount object
		// now and later are by hand: 30 % of 19.99 are 6.00; 19 % of 13.99 are 2.66.
		now, later int64
		periods    int
	}{
		"three months 30 %":     {nil, percentOff("30", 3), 1665, 2379, 3},
		"the same in yen":       {yen, percentOff("30", 3), 1525, 2178, 3},
		"tax included":          {gross, percentOff("30", 3), 1749, 2499, 3},
		"a third, once":         {nil, percentOff("33.3333", 1), 1586, 2379, 1}, // 6.66 off; 13.33 and 2.53 tax
		"every second week":     {weekly, percentOff("12.5", 2), 2081, 2379, 2}, // 2.50 off; 17.49 and 3.32 tax
		"five off, twice":       {nil, fixed(500, "EUR", 2), 1784, 2379, 2},     // 14.99 and 2.85 tax
		"500 yen off, once":     {yen, fixed(500, "JPY", 1), 1628, 2178, 1},
		"five off, included":    {gross, fixed(500, "EUR", 1), 1999, 2499, 1},
		"for ever a quarter":    {nil, percentOff("25", 0), 1784, 1784, 0}, // 5.00 off
		"for ever five off":     {nil, fixed(500, "EUR", 0), 1784, 1784, 0},
		"all of it for a month": {nil, percentOff("100", 1), 0, 2379, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
				change := func(*billing.Price) {}
				if c.price != nil {
					change = c.price
				}
				l := newLeaver(t, a, change)
				when := object{}
				if c.discount["type"] == "fixed" {
					when = object{"when": object{"prices": []any{l.price.ID}}}
				}
				l.offers(t, rule("stay", "discount", c.discount, when))
				terms, _ := l.accepted(t)
				assert.EqualValues(t, c.now, terms.At("offer.terms.price_now.amount"))
				assert.EqualValues(t, c.later, terms.At("offer.terms.price_later.amount"))
				next := l.mia.Get(l.path("")).Must(http.StatusOK)
				assert.EqualValues(t, c.now, next.At("next_payment.total.amount"))
				assert.Equal(t, 1, l.mailed(t)[billing.MailDiscountApplied])
				if c.periods > 0 {
					assert.EqualValues(t, c.periods, next.At("discount.periods_left"))
				} else {
					assert.NotNil(t, next.At("discount"))
					assert.Nil(t, next.At("discount.periods_left"))
				}

				reduced, full := c.periods, 2
				if c.periods == 0 {
					reduced, full = 4, 0
					assert.Nil(t, terms.At("offer.terms.until"))
				}
				var want, got []int64
				for range reduced {
					if c.now > 0 {
						want = append(want, c.now)
					}
					got = append(got, l.renews(t, 1)...)
				}
				if c.periods > 0 {
					assert.Nil(t, l.mia.Get(l.path("")).Must(http.StatusOK).At("discount"), "used up")
				}
				if full > 0 {
					until, err := time.Parse(time.RFC3339Nano, terms.Text("offer.terms.until"))
					require.NoError(t, err)
					assert.True(t, l.now(t).NextBilledAt.Equal(until), "the first full bill falls on the day named: %s", until)
				}
				for range full {
					want = append(want, c.later)
					got = append(got, l.renews(t, 1)...)
				}
				assert.Equal(t, want, got)
				assert.Equal(t, billing.SubscriptionActive, l.now(t).Status)
			})
		})
	}
}

// Nothing is billed for as long as was offered, and then as before.
func TestAPauseIsAsLongAsOffered(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.offers(t, rule("break", "pause", object{"periods": 2}))
		ends := l.now(t).CurrentPeriod.End
		terms, saved := l.accepted(t)
		assert.EqualValues(t, 0, terms.At("offer.terms.price_now.amount"))
		assert.EqualValues(t, 2379, terms.At("offer.terms.price_later.amount"))
		assert.Equal(t, ends.Format(time.RFC3339Nano), terms.Text("offer.terms.from"))
		until, err := time.Parse(time.RFC3339Nano, terms.Text("offer.terms.until"))
		require.NoError(t, err)
		assert.Equal(t, ends.AddDate(0, 2, 0).Format(time.DateOnly), until.Format(time.DateOnly))
		assert.Nil(t, saved.At("effective_at"))
		l.Until(t, l.merchant, until.Add(-time.Hour))
		assert.Equal(t, billing.SubscriptionPaused, l.now(t).Status)
		assert.Len(t, l.charged(t), 1, "the first one only")
		l.Until(t, l.merchant, until.Add(time.Hour))
		assert.Equal(t, billing.SubscriptionActive, l.now(t).Status)
		assert.Equal(t, []int64{2379, 2379}, l.charged(t))
		assert.True(t, l.now(t).CurrentPeriod.Start.Equal(until))
	})
}

// A cheaper plan from the end of the period on; what it comes to is what is charged, a discount there is already included.
func TestACheaperPlanCostsWhatWasShown(t *testing.T) {
	t.Parallel()
	for name, discount := range map[string]*billing.SubscriptionDiscount{
		"full price":                    nil,
		"half price for two more bills": {Type: billing.DiscountPercent, Percent: "50", PeriodsLeft: new(2)},
		"half price for ever":           {Type: billing.DiscountPercent, Percent: "50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
				l := newLeaver(t, a)
				if discount != nil {
					_, err := a.Billing.ApplyDiscount(t.Context(), foyertest.As(l.customer), l.sub.ID, *discount)
					require.NoError(t, err)
				}
				small := a.Price(t, l.merchant, "Small", 999)
				l.offers(t, rule("small", "plan_change", object{"price_id": small.ID, "from_price_id": l.price.ID}))
				ends := l.now(t).CurrentPeriod.End
				terms, _ := l.accepted(t)
				assert.Contains(t, terms.Text("offer.headline"), "Small")
				assert.Equal(t, ends.Format(time.RFC3339Nano), terms.Text("offer.terms.from"))
				shown := l.mia.Get(l.path("")).Must(http.StatusOK)
				assert.Equal(t, "change", shown.Text("scheduled_change.action"))
				assert.Equal(t, terms.At("offer.terms.price_now.amount"), shown.At("next_payment.total.amount"))
				charged := l.renews(t, 4)
				assert.EqualValues(t, terms.At("offer.terms.price_now.amount"), charged[0])
				assert.EqualValues(t, terms.At("offer.terms.price_later.amount"), charged[3])
				for i, amount := range charged {
					if until, err := time.Parse(time.RFC3339Nano, terms.Text("offer.terms.until")); err == nil && !ends.AddDate(0, i, 0).Before(until) {
						assert.EqualValues(t, terms.At("offer.terms.price_later.amount"), amount)
					} else {
						assert.EqualValues(t, terms.At("offer.terms.price_now.amount"), amount)
					}
				}
				assert.Equal(t, "Small", l.now(t).Items[0].ProductName)
			})
		})
	}
}

// A contact or a merchant's own offer changes nothing of the money; accepting it keeps the subscription.
func TestOffersWithoutMoneyChangeNothing(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		for i, r := range []object{
			rule("talk", "contact", object{"kind": "meeting"}, object{"url": "https://acme.test/talk"}),
			rule("gift", "custom", nil, object{"headline": object{"en": "A mug"}, "body": object{"en": "It holds tea."}, "url": "https://acme.test/mug"}),
		} {
			l.offers(t, r)
			before, told, mailed := l.mia.Get(l.path("")), l.told(t), l.mailed(t)
			terms, saved := l.accepted(t)
			assert.Equal(t, r["url"], terms.Text("offer.url"))
			assert.Equal(t, r["url"], saved.Text("offer.url"), "where it leads is not gone with the click")
			assert.Nil(t, saved.At("actions.accept_offer"))
			assert.Nil(t, saved.At("actions.decline_offer"))
			assert.Equal(t, r["type"], terms.Text("offer.type"))
			assert.Nil(t, terms.At("offer.terms.until"))
			assert.EqualValues(t, 2379, terms.At("offer.terms.price_now.amount"))
			if i == 1 {
				assert.Equal(t, "A mug", terms.Text("offer.headline"))
				assert.Equal(t, "It holds tea.", terms.Text("offer.body"))
				assert.NotEmpty(t, terms.Text("offer.labels.accept"))
			}
			assert.JSONEq(t, string(before.Body), string(l.mia.Get(l.path("")).Body))
			assert.Equal(t, map[string]int{
				"cancellation.created": 1, "offer.created": 1, "cancellation.saved": 1, "offer.accepted": 1,
			}, since(told, l.told(t)))
			assert.Empty(t, since(mailed, l.mailed(t)))
		}
		assert.Empty(t, l.key.Get("/v1/merchant/retention/insights").Must(http.StatusOK).At("total.revenue_kept.0.amount"), "a talk has kept nothing yet")
		assert.Equal(t, []int64{2379}, l.renews(t, 1))
	})
}

// A discount on top of a change that waits: the next bills are the new plan's, of its length.
func TestADiscountOnAPlanThatIsAboutToChange(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a, func(p *billing.Price) { p.Cycle = &foyer.Cycle{Interval: foyer.Month, Frequency: 3} })
		small := a.Price(t, l.merchant, "Small", 999)
		change := object{"items": []any{object{"price_id": small.ID, "quantity": 1}}}
		require.Equal(t, "change", l.mia.Post(l.path("/change"), change, foyertest.Keyed("small")...).Must(http.StatusOK).Text("scheduled_change.action"))
		l.offers(t, rule("stay", "discount", percentOff("30", 2)))
		terms, _ := l.accepted(t)
		until, err := time.Parse(time.RFC3339Nano, terms.Text("offer.terms.until"))
		require.NoError(t, err)
		assert.Equal(t, l.now(t).CurrentPeriod.End.AddDate(0, 2, 0).Format(time.DateOnly), until.Format(time.DateOnly))
		now, later := int64(terms.At("offer.terms.price_now.amount").(float64)), int64(terms.At("offer.terms.price_later.amount").(float64))
		assert.Equal(t, []int64{832, 1189}, []int64{now, later}) // 3.00 off 9.99; 19 % of 6.99 are 1.33
		assert.Equal(t, []int64{now, now, later}, l.renews(t, 3))
	})
}
