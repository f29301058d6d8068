package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// ListSubscriptions shows all subscriptions of the customer, canceled ones too.
func (s *Server) ListSubscriptions(ctx context.Context, in api.ListSubscriptionsRequestObject) (api.ListSubscriptionsResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After})
	if err != nil {
		return nil, err
	}
	var statuses []billing.SubscriptionStatus
	if in.Params.Status != nil {
		statuses = each(*in.Params.Status, func(v api.SubscriptionStatus) billing.SubscriptionStatus { return billing.SubscriptionStatus(v) })
	}
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.Billing.Subscriptions(ctx, requestOf(ctx).scope(), statuses, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.Subscription) foyer.PageKey {
		return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
	})
	return api.ListSubscriptions200JSONResponse{Body: api.SubscriptionList{Page: next, Data: each(found, show.subscription)}}, nil
}

// GetSubscription shows one subscription.
func (s *Server) GetSubscription(ctx context.Context, in api.GetSubscriptionRequestObject) (api.GetSubscriptionResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.Billing.Subscription(ctx, requestOf(ctx).scope(), billing.SubscriptionID(in.SubscriptionId))
	if err != nil {
		return nil, err
	}
	shown := show.subscription(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetSubscription304Response{}, nil
	}
	return api.GetSubscription200JSONResponse{Body: shown}, nil
}

// subscriptionPresenter shows subscriptions with what the merchant lets customers do. It is asked for before a command
// runs: once that has an open transaction, nothing more is read.
type subscriptionPresenter struct {
	presenter
	rules billing.ActionRules
	// links are a subscription's pages in the frontend; nil when they are not shown.
	links func(v billing.Subscription) api.ManagementUrls
}

func (s *Server) subscriptionPresenter(ctx context.Context) (subscriptionPresenter, error) {
	m, err := s.Merchants.ByID(ctx, requestOf(ctx).merchant)
	features := m.Portal.Settings.Features
	show := subscriptionPresenter{presenter: presenterOf(ctx), rules: billing.ActionRules{
		PauseOff: features.PauseOff, ChangeOff: features.ChangeOff && features.QuantityOff, // one of the two is something to change; which, the engine knows
	}}
	if show.merchant {
		show.links = func(v billing.Subscription) api.ManagementUrls {
			return managementURLs(m.Portal.Settings, s.PublicURL, v)
		}
	}
	return show, err
}

func (p subscriptionPresenter) subscription(v billing.Subscription) api.Subscription {
	shown := api.Subscription{
		Id: string(v.ID), ExternalId: orNull(v.ExternalID), Status: api.SubscriptionStatus(v.Status),
		StatusText: p.locale.Text("subscription.status."+string(v.Status), nil), Currency: string(v.Currency),
		Items:          p.subscriptionItems(v.Items, v),
		BillingCycle:   api.BillingCycle{Interval: api.Interval(v.Cycle.Interval), Frequency: int32(v.Cycle.Frequency)},
		CollectionMode: api.CollectionMode(v.CollectionMode), Trial: p.period(v.Trial),
		PaymentMethodId: orNull(v.PaymentMethod), StartedAt: v.StartedAt, PausedAt: v.PausedAt, CanceledAt: v.CanceledAt, CreatedAt: v.CreatedAt,
		Actions: p.actions(v.Actions(p.rules)), CustomerId: p.of(v.Customer), Metadata: p.metadata(v.Metadata),
	}
	if p.links != nil {
		urls := p.links(v)
		shown.ManagementUrls = &urls
	}
	if v.Status != billing.SubscriptionPaused && v.Status != billing.SubscriptionCanceled {
		// What is left of a paid period is kept through a pause, but nothing is running.
		shown.CurrentPeriod = p.period(v.CurrentPeriod)
	}
	if !v.AmountsUnknown {
		total := p.money(v.RecurringTotal, v.Currency)
		shown.RecurringTotal = &total
	}
	shown.NextPayment = p.nextPayment(v.NextPayment(), v.Currency)
	if c := v.ScheduledChange; c != nil {
		shown.ScheduledChange = &api.ScheduledChange{Action: api.ScheduledAction(c.Action), EffectiveAt: c.EffectiveAt, ResumeAt: c.ResumeAt}
		if v.Pending != nil {
			items := p.subscriptionItems(v.Pending.Items, v)
			shown.ScheduledChange.Items = &items
		}
	}
	if d := v.Discount; d != nil {
		shown.Discount = p.discount(*d, v.Currency)
	}
	return shown
}

func (p presenter) nextPayment(next *billing.NextPayment, c foyer.Currency) *api.NextPayment {
	if next == nil {
		return nil
	}
	shown := &api.NextPayment{At: next.At}
	if next.Total != nil {
		total := p.money(*next.Total, c)
		shown.Total = &total
	}
	return shown
}

func (p presenter) subscriptionItems(items []billing.SubscriptionItem, v billing.Subscription) []api.SubscriptionItem {
	return each(items, func(i billing.SubscriptionItem) api.SubscriptionItem { return p.subscriptionItem(i, v) })
}

func (p presenter) subscriptionItem(i billing.SubscriptionItem, v billing.Subscription) api.SubscriptionItem {
	shown := api.SubscriptionItem{
		Product: api.NamedRef{Id: orNull(i.ProductID), Name: orNull(i.ProductName)}, Price: api.NamedRef{Id: orNull(i.PriceID), Name: orNull(i.PriceName)},
		Quantity: i.Quantity,
	}
	total, err := foyer.Money{Amount: i.UnitPrice, Currency: v.Currency}.Times(i.Quantity)
	if v.AmountsUnknown || err != nil {
		return shown
	}
	price, sum := p.money(i.UnitPrice, v.Currency), p.money(total.Amount, v.Currency)
	shown.UnitPrice, shown.Total = &price, &sum
	return shown
}

func (p presenter) discount(d billing.SubscriptionDiscount, c foyer.Currency) *api.SubscriptionDiscount {
	shown := &api.SubscriptionDiscount{Id: orNull(d.ID), Percent: orNull(d.Percent), PeriodsLeft: d.PeriodsLeft, StartsAt: d.StartsAt, EndsAt: d.EndsAt}
	if d.Type != "" {
		kind := api.DiscountType(d.Type)
		shown.Type = &kind
	}
	if d.Amount != nil {
		amount := p.money(*d.Amount, c)
		shown.Amount = &amount
	}
	return shown
}

func (p presenter) actions(all map[billing.ActionName]billing.Action) api.SubscriptionActions {
	show := func(name billing.ActionName) api.Action {
		a := all[name]
		shown := api.Action{Allowed: a.Allowed, Reason: orNull(a.Reason)}
		if a.Reason != "" {
			text := p.locale.Text("action_reason."+a.Reason, nil)
			shown.Text = &text
		}
		return shown
	}
	return api.SubscriptionActions{
		Cancel: show(billing.ActionCancel), Pause: show(billing.ActionPause), Resume: show(billing.ActionResume), Change: show(billing.ActionChange),
		Keep: show(billing.ActionKeep), UpdatePaymentMethod: show(billing.ActionUpdatePaymentMethod),
	}
}
