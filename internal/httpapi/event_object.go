package httpapi

import (
	"encoding/json"
	"fmt"
	"time"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/retention"
)

// PresentObject returns what writes the things that events are about as the API shows them to their merchant, in English: events
// are for machines.
func PresentObject(now func() time.Time, publicURL string) func(m merchant.Merchant, object any) (json.RawMessage, error) {
	show := presenter{locale: i18n.English, merchant: true}
	return func(m merchant.Merchant, object any) (json.RawMessage, error) {
		var shown any
		switch v := object.(type) {
		case billing.CustomerDetails:
			shown = show.customer(v)
		case billing.CustomerAddress:
			shown = showAddress(v)
		case billing.Product:
			shown = showProduct(v)
		case billing.Price:
			shown = show.price(v)
		case billing.Discount:
			shown = show.catalogDiscount(v)
		case billing.Subscription:
			shown = subscriptionPresenter{presenter: show, links: func(v billing.Subscription) api.ManagementUrls {
				return managementURLs(m.Portal.Settings, publicURL, v)
			}}.subscription(v)
		case billing.Payment:
			shown = show.itemised(v)
		case billing.PaymentMethod:
			shown = merchantPaymentMethod(billing.StampedPaymentMethod{PaymentMethod: v, Status: v.Status(now())})
		case invoice.Invoice:
			shown = show.invoice(v)
		case retention.Cancellation:
			shown = show.wayOut(v)
		case retention.Withdrawal:
			shown = show.withdrawn(v)
		case retention.Offer:
			shown = show.offer(v)
		case retention.Notice:
			shown = show.notice(v)
		case identity.SignIn:
			shown = showSignIn(v)
		case identity.Session:
			session := showSession(v, "")
			session.CustomerId, session.RevokedAt = orNull(v.Customer), v.RevokedAt
			shown = session
		case identity.PortalSession:
			shown = showPortalSession(v, now())
		default:
			return nil, fmt.Errorf("httpapi: events can't show a %T", object)
		}
		return json.Marshal(shown)
	}
}
