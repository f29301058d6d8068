package httpapi

import (
	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// managementURLs are the deep links of a subscription, without a secret: the customer signs in there. They degrade as
// elsewhere: paused or canceled, there is nothing to cancel or to pay, so all lead to the subscription's page; who pays by
// invoice has no payment method to update.
func managementURLs(settings merchant.Settings, publicURL string, sub billing.Subscription) api.ManagementUrls {
	base := settings.Frontend(publicURL)
	link := func(kind identity.TargetKind) string {
		return base + identity.Target{Kind: kind, ID: string(sub.ID)}.Path()
	}
	urls := api.ManagementUrls{View: link(identity.TargetSubscription), Cancel: link(identity.TargetCancelSubscription)}
	method := link(identity.TargetUpdatePaymentMethod)
	if sub.Status == billing.SubscriptionPaused || sub.Status == billing.SubscriptionCanceled {
		urls.Cancel, method = urls.View, urls.View
	}
	if sub.CollectionMode != billing.CollectManual {
		urls.UpdatePaymentMethod = &method
	}
	return urls
}
