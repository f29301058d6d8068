package billing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
)

func TestNothingIsChargedNextWhereACancelOrPauseWaits(t *testing.T) {
	at := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	next := int64(700)
	scheduled := func(a billing.ScheduledAction) *billing.ScheduledChange {
		return &billing.ScheduledChange{Action: a, EffectiveAt: at}
	}
	for name, row := range map[string]struct {
		sub  billing.Subscription
		want *billing.NextPayment
	}{
		"active":            {billing.Subscription{Status: billing.SubscriptionActive, NextBilledAt: &at, RecurringTotal: 500}, &billing.NextPayment{At: at, Total: ptr(500)}},
		"trialing":          {billing.Subscription{Status: billing.SubscriptionTrialing, NextBilledAt: &at, RecurringTotal: 500}, &billing.NextPayment{At: at, Total: ptr(500)}},
		"past due":          {billing.Subscription{Status: billing.SubscriptionPastDue, NextBilledAt: &at, RecurringTotal: 500}, &billing.NextPayment{At: at, Total: ptr(500)}},
		"another total":     {billing.Subscription{Status: billing.SubscriptionActive, NextBilledAt: &at, RecurringTotal: 500, NextTotal: &next}, &billing.NextPayment{At: at, Total: ptr(700)}},
		"unknown":           {billing.Subscription{Status: billing.SubscriptionActive, NextBilledAt: &at, AmountsUnknown: true}, &billing.NextPayment{At: at}},
		"unknown, but next": {billing.Subscription{Status: billing.SubscriptionActive, NextBilledAt: &at, AmountsUnknown: true, NextTotal: &next}, &billing.NextPayment{At: at, Total: ptr(700)}},
		"change scheduled":  {billing.Subscription{Status: billing.SubscriptionActive, NextBilledAt: &at, ScheduledChange: scheduled(billing.ScheduleChange)}, &billing.NextPayment{At: at, Total: ptr(0)}},
		"cancel scheduled":  {billing.Subscription{Status: billing.SubscriptionActive, NextBilledAt: &at, ScheduledChange: scheduled(billing.ScheduleCancel)}, nil},
		"pause scheduled":   {billing.Subscription{Status: billing.SubscriptionActive, NextBilledAt: &at, ScheduledChange: scheduled(billing.SchedulePause)}, nil},
		"paused":            {billing.Subscription{Status: billing.SubscriptionPaused, NextBilledAt: &at}, nil},
		"canceled":          {billing.Subscription{Status: billing.SubscriptionCanceled, NextBilledAt: &at}, nil},
		"no date":           {billing.Subscription{Status: billing.SubscriptionActive}, nil},
	} {
		assert.Equal(t, row.want, row.sub.NextPayment(), name)
	}
}

func ptr(n int64) *int64 { return &n }

func TestEveryActionSaysWhyNot(t *testing.T) {
	for _, status := range billing.SubscriptionStatuses {
		for _, mode := range []billing.CollectionMode{billing.CollectAutomatic, billing.CollectManual} {
			actions := billing.Subscription{Status: status, Provider: billing.ProviderNative, CollectionMode: mode}.Actions(billing.ActionRules{})
			assert.Len(t, actions, 6)
			for name, a := range actions {
				assert.NotEqual(t, a.Allowed, a.Reason != "", "%s of a %s one: allowed without a reason, or not with one", name, status)
			}
			if status == billing.SubscriptionCanceled {
				assert.Equal(t, "subscription.canceled", actions[billing.ActionCancel].Reason)
				continue
			}
			assert.Equal(t, status == billing.SubscriptionPaused, actions[billing.ActionPause].Reason == "subscription.paused", status)
			assert.Equal(t, status != billing.SubscriptionPaused, actions[billing.ActionResume].Reason == "subscription.not_paused", status)
			assert.Equal(t, "subscription.nothing_scheduled", actions[billing.ActionKeep].Reason)
			assert.Equal(t, mode == billing.CollectManual, actions[billing.ActionUpdatePaymentMethod].Reason == "subscription.manual")
		}
	}
}

func TestWhatAChangeChanges(t *testing.T) {
	t.Parallel()
	item := func(price billing.PriceID, n int64) billing.SubscriptionItem {
		return billing.SubscriptionItem{PriceID: price, Quantity: n}
	}
	team := billing.Subscription{Items: []billing.SubscriptionItem{item("plan", 1), item("seat", 5)}}
	for name, row := range map[string]struct {
		items            []billing.SubscriptionItem
		quantity, prices bool
	}{
		"the same":               {[]billing.SubscriptionItem{item("seat", 5), item("plan", 1)}, false, false},
		"another plan":           {[]billing.SubscriptionItem{item("pro", 1), item("seat", 5)}, false, true},
		"another plan and seats": {[]billing.SubscriptionItem{item("pro", 1), item("place", 5)}, false, true},
		"more seats":             {[]billing.SubscriptionItem{item("plan", 1), item("seat", 6)}, true, false},
		"fewer seats":            {[]billing.SubscriptionItem{item("seat", 4), item("plan", 1)}, true, false},
		"two of another plan":    {[]billing.SubscriptionItem{item("seat", 5), item("pro", 2)}, true, true},
		"seats given up":         {[]billing.SubscriptionItem{item("plan", 1)}, true, true},
		"moved to another price": {[]billing.SubscriptionItem{item("plan", 1), item("place", 4)}, true, true},
	} {
		if got := team.OtherQuantity(row.items); got != row.quantity {
			t.Errorf("%s: another quantity is %t", name, got)
		}
		if got := team.OtherPrices(row.items); got != row.prices {
			t.Errorf("%s: another price is %t", name, got)
		}
	}
}
