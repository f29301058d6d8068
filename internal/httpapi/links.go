package httpapi

import (
	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// managementURLs are the deep links of a subscription, without a secret: the customer signs in there. Where there is nothing to
// do they lead to the subscription's page (see offered); who pays by invoice has no payment method to update.
func managementURLs(settings merchant.Settings, publicURL string, sub billing.Subscription) api.ManagementUrls {
	base := settings.Frontend(publicURL)
	link := func(kind identity.TargetKind) string {
		return base + offered(identity.Target{Kind: kind, ID: string(sub.ID)}, sub).Path()
	}
	urls := api.ManagementUrls{View: link(identity.TargetSubscription), Cancel: link(identity.TargetCancelSubscription)}
	if sub.CollectionMode != billing.CollectManual {
		method := link(identity.TargetUpdatePaymentMethod)
		urls.UpdatePaymentMethod = &method
	}
	return urls
}

// offered is where a customer is led who was to do something with the subscription: to its page where that can't be done. Paused or
// canceled, there is nothing to cancel or to pay; who pays by invoice has no payment method to update.
func offered(t identity.Target, sub billing.Subscription) identity.Target {
	ended := sub.Status == billing.SubscriptionPaused || sub.Status == billing.SubscriptionCanceled
	switch {
	case t.Kind == identity.TargetCancelSubscription && ended,
		t.Kind == identity.TargetUpdatePaymentMethod && (ended || sub.CollectionMode == billing.CollectManual):
		t.Kind = identity.TargetSubscription
	}
	return t
}
