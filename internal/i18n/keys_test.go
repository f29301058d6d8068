package i18n_test

import (
	"testing"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// TestWhatOtherPackagesListHasAText keeps a new error code or status from reaching a customer as a code.
func TestWhatOtherPackagesListHasAText(t *testing.T) {
	var keys []string
	for _, code := range billing.ErrorCodes {
		keys = append(keys, "attempt_error."+string(code))
	}
	for _, status := range billing.PaymentStatuses {
		keys = append(keys, "payment.status."+string(status))
	}
	for _, status := range billing.SubscriptionStatuses {
		keys = append(keys, "subscription.status."+string(status))
	}
	for _, interval := range []foyer.Interval{foyer.Day, foyer.Week, foyer.Month, foyer.Year} {
		keys = append(keys, "pdf.payment_terms."+string(interval))
	}
	for _, kind := range []foyer.Kind{
		foyer.Malformed, foyer.Unauthenticated, foyer.Declined, foyer.Forbidden, foyer.NotFound, foyer.Conflict,
		foyer.PreconditionFailed, foyer.Invalid, foyer.RateLimited, foyer.Unavailable, foyer.Unsupported, foyer.TooLarge,
		foyer.NotAllowed, "internal",
	} {
		keys = append(keys, "title."+string(kind))
	}
	for _, key := range keys {
		if !i18n.English.HasText(key) { // TestBundlesAgree sees to the other languages
			t.Errorf("%s has no text", key)
		}
	}
}
