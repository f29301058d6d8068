package retention_test

import (
	"fmt"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

func (c *lot) subscription(customer billing.Customer, now time.Time) billing.Subscription {
	began := now.AddDate(0, 0, -c.Intn(400))
	period := foyer.Period{Start: now.AddDate(0, 0, -c.Intn(20)-1), End: now.AddDate(0, 0, c.Intn(20)+1)}
	sub := billing.Subscription{
		ID: "sub_1", Merchant: customer.Merchant, Customer: customer.ID, Provider: billing.ProviderNative,
		Status: pick(c, billing.SubscriptionActive, billing.SubscriptionActive, billing.SubscriptionActive, billing.SubscriptionActive, billing.SubscriptionPastDue, billing.SubscriptionPaused,
			billing.SubscriptionTrialing),
		Currency: pick[foyer.Currency](c, "EUR", "EUR", "JPY"), Cycle: foyer.Cycle{Interval: pick(c, foyer.Month, foyer.Year), Frequency: 1}, CurrentPeriod: &period,
		AnchorAt: &period.Start, NextBilledAt: &period.End, StartedAt: &began, CreatedAt: began, Version: 1,
	}
	sub.Items = []billing.SubscriptionItem{{
		PriceID: pick[billing.PriceID](c, "pri_a", "pri_b"), ProductID: pick[billing.ProductID](c, "pro_a", "pro_b"), ProductName: "Pro", Quantity: 1 + c.Int63n(2),
		UnitPrice: pick[int64](c, 0, 999, 1999, 1999, 1999, 5000, 5000, 5000), TaxRate: "0.19",
	}}
	if c.Intn(20) == 0 {
		sub.OpenPayment = "pay_1"
	}
	if c.Intn(10) == 0 {
		sub.Discount = &billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "20", PeriodsLeft: pick(c, nil, new(1), new(2))}
	}
	if priced, err := sub.Cancel(billing.CancelInput{}, now); err == nil && sub.Status == billing.SubscriptionActive { // billing prices it on the way
		sub.RecurringTotal, sub.NextTotal = priced.RecurringTotal, priced.NextTotal
	} else {
		sub.RecurringTotal = sub.Items[0].UnitPrice * sub.Items[0].Quantity * 119 / 100
	}
	switch sub.Status {
	case billing.SubscriptionTrialing:
		sub.Trial, sub.AnchorAt = &period, &period.End
	case billing.SubscriptionPaused:
		sub.NextBilledAt, sub.PausedAt = nil, &period.Start
	case billing.SubscriptionActive:
		return c.scheduled(sub, now)
	}
	return sub
}

// scheduled is the subscription with, now and then, something that waits for the end of its period.
func (c *lot) scheduled(sub billing.Subscription, now time.Time) billing.Subscription {
	var next billing.Subscription
	var err error
	switch c.Intn(12) {
	case 0:
		next, err = sub.Cancel(billing.CancelInput{Effective: billing.AtPeriodEnd}, now)
	case 1:
		next, err = sub.Pause(billing.PauseInput{Effective: billing.AtPeriodEnd}, now)
	case 2:
		less := sub.Items[0]
		less.UnitPrice, less.PriceID = 400, "pri_less"
		var change billing.PlanChange
		change, err = sub.Change([]billing.SubscriptionItem{less}, foyer.Cycle{Interval: foyer.Month, Frequency: 1}, now)
		next = change.After
	default:
		return sub
	}
	if err != nil {
		return sub
	}
	return next
}

func (c *lot) rule(i int, now time.Time) retention.Rule {
	r := retention.Rule{Key: fmt.Sprint("rule-", i), Off: c.Intn(12) == 0, Priority: c.Intn(3)}
	periods := pick(c, nil, new(1), new(3))
	switch r.Type = pick(c, retention.OfferTypes...); r.Type {
	case retention.OfferDiscount:
		r.Discount = &retention.DiscountTerms{Type: billing.DiscountPercent, Percent: pick[foyer.Rate](c, "30", "0.0001", "100"), Periods: periods}
		if c.Intn(3) == 0 {
			r.Discount = &retention.DiscountTerms{Type: billing.DiscountFixed, Amount: &foyer.Money{Amount: 500, Currency: "EUR"}, Periods: periods}
		}
	case retention.OfferPause:
		r.Pause = &retention.PauseTerms{Periods: 1 + c.Intn(3)}
	case retention.OfferPlanChange:
		r.PlanChange = &retention.PlanTerms{From: pick[billing.PriceID](c, "", "pri_a"), Price: "pri_small"}
	case retention.OfferTrialExtension:
		r.TrialExtension = &retention.ExtensionTerms{Days: 1 + c.Intn(90)}
	case retention.OfferContact:
		r.Contact, r.URL = &retention.ContactTerms{Kind: retention.ContactLink}, "https://acme.test"
	case retention.OfferCustom:
		r.Headline = retention.Texts{"en": "Stay"}
	}
	r.When = retention.Conditions{
		Reasons: some(c, "too_expensive", "not_using"), Liked: some(c, "support", "features"), Products: some[billing.ProductID](c, "pro_a", "pro_b"),
		Prices: some[billing.PriceID](c, "pri_a", "pri_b"), Countries: some[foyer.Country](c, "DE", "US", "JP", "GB"), TenureDays: c.between(200),
		Statuses:       some(c, billing.SubscriptionActive, billing.SubscriptionTrialing, billing.SubscriptionPastDue, billing.SubscriptionPaused),
		AcceptedBefore: c.between(3), Declined: some(c, "rule-0"),
	}
	if c.Intn(3) > 0 {
		r.When.Declined = nil
	}
	if c.Intn(2) == 0 {
		r.When.Statuses = nil
	}
	if bounds := c.between(4000); bounds != nil {
		r.When.Amount = &retention.AmountRange{Currency: pick[foyer.Currency](c, "EUR", "JPY"), Range: *bounds}
	}
	r.Limits = retention.RuleLimits{CooldownDays: pick(c, 0, 0, 30), PerCustomer: pick(c, 0, 0, 1, 2)}
	if c.Intn(3) == 0 {
		r.Limits.Budget = &retention.Budget{Offers: pick(c, nil, new(int64(2)))}
		if r.Discount != nil && periods != nil {
			r.Limits.Budget.Amount = &foyer.Money{Amount: 3000, Currency: "EUR"}
		}
	}
	if at := now.AddDate(0, 0, c.Intn(20)-10); c.Intn(5) == 0 {
		r.StartsAt = &at
	}
	if at := now.AddDate(0, 0, c.Intn(20)-10); c.Intn(5) == 0 {
		r.EndsAt = &at
	}
	return r
}
