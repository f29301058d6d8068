package retention_test

import (
	"context"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/retention"
)

// Whatever a merchant decides and whoever leaves: what explain says would be offered is what the flow puts on the table, with the
// same terms, and where it says nothing, nothing is. Nothing is shown to the holdout group, and no more than the law allows.
func TestExplainAndTheRealFlowAgree(t *testing.T) {
	t.Parallel()
	const seed, cases = 20261125, 10_000
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	seen := map[string]int{}
	for n := range cases {
		c := &lot{random}
		d := c.desk()
		answers := retention.Answers{Reason: pick(c, "", "too_expensive", "not_using", "other"), Liked: pick(c, "", "support", "features")}
		told, flow := agree(t, d, answers)
		require.Equal(t, told, flow, "case %d of seed %d: %s", n, seed, describe(d, answers))
		seen[told.kind]++
		if d.settings.GroupOf(d.customer.ID) == retention.GroupHoldout {
			require.Empty(t, told.rule)
			seen["holdout"]++
		}
	}
	t.Log(seen)
	for _, kind := range []string{"", "discount", "pause", "plan_change", "trial_extension", "contact", "custom", "holdout"} {
		require.Greater(t, seen[kind], cases/100, "%q comes up often enough to prove something", kind)
	}
}

// put is what is, or would be, on the table.
type put struct {
	rule, kind string
	terms      string
}

func agree(t *testing.T, d *desk, a retention.Answers) (told, flow put) {
	t.Helper()
	ctx := context.Background()
	service := d.service()
	e, err := service.Explain(ctx, d.sub.Merchant, d.sub.ID, a)
	require.NoError(t, err)
	if rule := e.Chosen; rule != "" {
		for _, r := range d.settings.Offers {
			if r.Key == rule {
				told = put{rule, string(r.Type), fmt.Sprintf("%+v", times(e.Grant.Terms))}
			}
		}
	}
	by := foyer.Actor{Kind: foyer.ActorCustomer, Scope: foyer.Scope{Merchant: d.sub.Merchant, Customer: d.sub.Customer}}
	reader := retention.Reader{Locale: i18n.English}
	in := retention.StartInput{Effective: billing.AtPeriodEnd}
	if d.sub.ScheduledChange != nil && d.sub.ScheduledChange.Action == billing.ScheduleCancel {
		in.Effective = billing.Immediately // the only way out that is still to be asked for
	}
	v, err := service.Start(ctx, by, d.sub.ID, in, reader)
	require.NoError(t, err)
	if v.Step == retention.StepSurvey {
		v, err = service.Answer(ctx, by, v.ID, a, reader)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, len(v.Offers), d.settings.MaxOffers(v.LegalProfile()))
	if o := v.OpenOffer(d.now); o != nil {
		require.NotNil(t, v.Shown.Offer)
		return told, put{o.Rule, string(o.Type), fmt.Sprintf("%+v", times(v.Shown.Offer.Terms))}
	}
	return told, put{}
}

// times makes terms comparable: their moments as text.
func times(t retention.Terms) any {
	at := func(v *time.Time) string {
		if v == nil {
			return ""
		}
		return v.UTC().Format(time.RFC3339Nano)
	}
	return []any{t.Currency, t.PriceNow, t.PriceLater, at(t.From), at(t.Until)}
}

func describe(d *desk, a retention.Answers) string {
	return fmt.Sprintf("%+v\n%+v\n%+v\n%+v\n%+v", a, d.settings, d.sub, d.customer.Address, d.offers)
}

// lot draws cases.
type lot struct{ *rand.Rand }

func pick[T any](c *lot, from ...T) T { return from[c.Intn(len(from))] }

// some draws a few of a list, none more often than not.
func some[T any](c *lot, from ...T) (drawn []T) {
	if c.Intn(7) > 0 {
		return nil
	}
	for _, v := range from {
		if c.Intn(2) == 0 {
			drawn = append(drawn, v)
		}
	}
	return drawn
}

// between draws bounds around what there may be.
func (c *lot) between(most int64) *retention.Range {
	if c.Intn(8) > 0 {
		return nil
	}
	r := &retention.Range{}
	if n := c.Int63n(most); c.Intn(2) == 0 {
		r.Min = &n
	}
	if n := c.Int63n(most * 2); c.Intn(2) == 0 {
		r.Max = &n
	}
	return r
}

func (c *lot) desk() *desk {
	now := time.Date(2026, 11, 25, 12, 0, c.Intn(60), 0, time.UTC)
	d := &desk{now: now, usage: map[string]retention.Usage{}}
	d.customer = billing.Customer{ID: foyer.CustomerID(fmt.Sprint("ctm_", c.Int63())), Merchant: "mer_1", Address: billing.Address{
		Country: pick[foyer.Country](c, "DE", "FR", "AT", "GB", "US", "JP", ""), Region: pick(c, "", "CA", "NY"),
	}}
	d.cheaper = billing.CatalogPrice{Price: billing.Price{
		ID: "pri_small", Product: "pro_small", UnitPrice: foyer.Money{Amount: pick[int64](c, 0, 500, 500, 500, 5000), Currency: pick[foyer.Currency](c, "EUR", "EUR", "EUR", "JPY")},
		Cycle: &foyer.Cycle{Interval: pick(c, foyer.Month, foyer.Month, foyer.Year, foyer.Week), Frequency: 1}, TaxRate: "0.19",
	}, Of: billing.Product{ID: "pro_small", Name: "Small"}}
	d.sub = c.subscription(d.customer, now)
	for i := range 1 + c.Intn(4) {
		d.settings.Offers = append(d.settings.Offers, c.rule(i, now))
	}
	for _, r := range d.settings.Offers {
		d.usage[r.Key] = retention.Usage{Offers: c.Int63n(4), Amount: c.Int63n(4000)}
	}
	d.settings.Survey.Off = c.Intn(6) == 0
	d.settings.Holdout = retention.Holdout{Percent: pick(c, 0, 0, 0, 10, 50.0), Experiment: pick(c, "", "autumn")}
	if most := c.Intn(4); c.Intn(4) == 0 {
		d.settings.Legal.MaxOffers = &most
	}
	for i := range c.Intn(4) { // what was offered on the way out of others
		decided := now.AddDate(0, 0, -c.Intn(60))
		o := retention.Offer{
			ID: retention.OfferID(fmt.Sprint("ofr_old_", i)), Merchant: "mer_1", Customer: d.customer.ID, Subscription: "sub_other", Cancellation: "can_old",
			Rule: fmt.Sprint("rule-", c.Intn(3)), State: pick(c, retention.OfferAccepted, retention.OfferAccepted, retention.OfferDeclined, retention.OfferOpen),
			CreatedAt: decided, ExpiresAt: decided.Add(time.Hour), DecidedAt: &decided,
		}
		if o.State == retention.OfferOpen {
			o.DecidedAt = nil
		}
		d.offers = append(d.offers, o)
	}
	return d
}
