package httpapi

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/merchant"
)

// Paddle's portal degrades its deep links the same way.
func TestManagementURLsDegrade(t *testing.T) {
	t.Parallel()
	const sub = "sub_01kb3v5q8r9s0t1v2w3x4y5z6a"
	for _, frontend := range []string{"https://acme.test/portal", "https://acme.test/portal/", ""} {
		base := "https://acme.test/portal"
		if frontend == "" {
			base = "https://billing.test"
		}
		view := base + "/subscriptions/" + sub
		for status, way := range map[billing.SubscriptionStatus]struct{ cancel, method string }{
			billing.SubscriptionActive:   {view + "/cancel", view + "/payment-method"},
			billing.SubscriptionTrialing: {view + "/cancel", view + "/payment-method"},
			billing.SubscriptionPastDue:  {view + "/cancel", view + "/payment-method"},
			billing.SubscriptionPaused:   {view, view},
			billing.SubscriptionCanceled: {view, view},
		} {
			for _, mode := range []billing.CollectionMode{billing.CollectAutomatic, billing.CollectManual} {
				got := managementURLs(merchant.Settings{FrontendURL: frontend}, "https://billing.test", billing.Subscription{ID: sub, Status: status, CollectionMode: mode})
				assert.Equal(t, view, got.View, status)
				assert.Equal(t, way.cancel, got.Cancel, status)
				if mode == billing.CollectManual {
					assert.Nil(t, got.UpdatePaymentMethod, status)
					continue
				}
				assert.Equal(t, way.method, *got.UpdatePaymentMethod, status)
			}
		}
	}
}
