package httpapi

import (
	"context"
	"slices"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListSubscriptions shows subscriptions of all customers.
func (s *Server) MerchantListSubscriptions(ctx context.Context, in api.MerchantListSubscriptionsRequestObject) (api.MerchantListSubscriptionsResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := billing.MerchantSubscriptionFilter{Customer: foyer.CustomerID(value(q.CustomerId)), ExternalID: value(q.ExternalId)}
	if q.Status != nil {
		filter.Statuses = each(*q.Status, func(v api.SubscriptionStatus) billing.SubscriptionStatus { return billing.SubscriptionStatus(v) })
	}
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.Billing.MerchantSubscriptions(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.Subscription) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	shown, err := s.withIncluded(ctx, show, found, orZero(q.Include))
	return api.MerchantListSubscriptions200JSONResponse{Body: api.SubscriptionList{Page: next, Data: shown}}, err
}

// MerchantGetSubscription shows one subscription.
func (s *Server) MerchantGetSubscription(ctx context.Context, in api.MerchantGetSubscriptionRequestObject) (api.MerchantGetSubscriptionResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.Billing.MerchantSubscription(ctx, requestOf(ctx).merchant, billing.SubscriptionID(in.SubscriptionId))
	if err != nil {
		return nil, err
	}
	all, err := s.withIncluded(ctx, show, []billing.Subscription{found}, orZero(in.Params.Include))
	if err != nil {
		return nil, err
	}
	same, err := unchanged(ctx, found.Version, all[0])
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetSubscription304Response{}, nil
	}
	return api.MerchantGetSubscription200JSONResponse{Body: all[0]}, nil
}

// withIncluded shows subscriptions with what was asked for besides: one query more for each kind, however many there are.
func (s *Server) withIncluded(ctx context.Context, show subscriptionPresenter, found []billing.Subscription, include []api.SubscriptionIncluded) ([]api.Subscription, error) {
	shown := each(found, show.subscription)
	m := requestOf(ctx).merchant
	if slices.Contains(include, api.SubscriptionIncludedCustomer) {
		customers, err := s.Customers.Of(ctx, m, each(found, func(v billing.Subscription) foyer.CustomerID { return v.Customer }))
		if err != nil {
			return nil, err
		}
		for i, sub := range found {
			if c, known := customers[sub.Customer]; known {
				one := show.customer(c)
				shown[i].Customer = &one
			}
		}
	}
	if slices.Contains(include, api.SubscriptionIncludedPaymentMethod) {
		methods, err := s.Billing.PaymentMethodsOf(ctx, m, found)
		if err != nil {
			return nil, err
		}
		for i, sub := range found {
			if method, known := methods[sub.PaymentMethod]; known {
				one := merchantPaymentMethod(method)
				shown[i].PaymentMethod = &one
			}
		}
	}
	return shown, nil
}

// MerchantCreateSubscription starts a subscription.
func (s *Server) MerchantCreateSubscription(ctx context.Context, in api.MerchantCreateSubscriptionRequestObject) (api.MerchantCreateSubscriptionResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	body := in.Body
	input := billing.SubscribeInput{
		Items: changeItems(api.ChangeSubscription{Items: body.Items}), PaymentMethod: billing.PaymentMethodID(value(body.PaymentMethodId)), Discount: billing.DiscountID(value(body.DiscountId)),
		TrialEnd: body.TrialEnd, BillingDetails: terms(body.BillingDetails), ExternalID: value(body.ExternalId), Metadata: orZero(metadata(body.Metadata)),
	}
	if body.CollectionMode != nil {
		input.CollectionMode = billing.CollectionMode(*body.CollectionMode)
	}
	made, next, err := s.Billing.Subscribe(ctx, actingFor(ctx, foyer.CustomerID(body.CustomerId)), input)
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, made, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.MerchantCreateSubscription202JSONResponse{Body: shown}, nil
	}
	return api.MerchantCreateSubscription201JSONResponse{Body: shown}, nil
}

// MerchantUpdateSubscription changes what is kept beside a subscription, and what is charged.
func (s *Server) MerchantUpdateSubscription(ctx context.Context, in api.MerchantUpdateSubscriptionRequestObject) (api.MerchantUpdateSubscriptionResponseObject, error) {
	show, by, err := s.forSubscription(ctx, in.SubscriptionId)
	if err != nil {
		return nil, err
	}
	change := billing.SubscriptionChange{ExternalID: given(in.Body.ExternalId), Metadata: givenMetadata(in.Body.Metadata)}
	if in.Body.PaymentMethodId != nil {
		method := billing.PaymentMethodID(*in.Body.PaymentMethodId)
		change.PaymentMethod = &method
	}
	changed, err := s.Billing.UpdateSubscription(ctx, by, billing.SubscriptionID(in.SubscriptionId), change, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, nil)
	return api.MerchantUpdateSubscription200JSONResponse{Body: shown}, err
}

// forSubscription reads whose subscription it is before a command runs, and returns who acts for them.
func (s *Server) forSubscription(ctx context.Context, id string) (subscriptionPresenter, foyer.Actor, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return show, foyer.Actor{}, err
	}
	found, err := s.Billing.MerchantSubscription(ctx, requestOf(ctx).merchant, billing.SubscriptionID(id))
	return show, actingFor(ctx, found.Customer), err
}

// orZero is what p points to, the zero value when to nothing.
func orZero[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// terms are the terms of what is collected by invoice; nil when none were given.
func terms(d *api.BillingDetails) *billing.Terms {
	if d == nil {
		return nil
	}
	out := &billing.Terms{PurchaseOrderNumber: value(d.PurchaseOrderNumber), AdditionalInformation: value(d.AdditionalInformation)}
	if t := d.PaymentTerms; t != nil {
		out.PaymentTerms = &foyer.Cycle{Interval: foyer.Interval(t.Interval), Frequency: int(t.Frequency)}
	}
	return out
}
