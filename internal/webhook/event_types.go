package webhook

import (
	"slices"
	"strings"

	"foyer/internal/foyer"
)

// TestType is the event of a test delivery. No endpoint has to ask for it.
const TestType foyer.EventType = "webhook_endpoint.test"

// subjects are the things events are about.
var subjects = []string{
	"address", "cancellation", "customer", "discount", "invoice", "notice", "offer", "payment", "payment_method", "portal_session", "price", "product",
	"session", "sign_in", "subscription", "withdrawal",
}

// knownEventType tells whether events of the type can come: "subscription.past_due", or "subscription.*" for all about subscriptions.
// The states are not listed: an endpoint may be set up for what a newer version will tell.
func knownEventType(t string) bool {
	subject, state, ok := strings.Cut(t, ".")
	if !ok || !slices.Contains(subjects, subject) {
		return false
	}
	if state == "*" {
		return true
	}
	return state != "" && len(state) <= 40 && strings.Trim(state, "abcdefghijklmnopqrstuvwxyz_") == "" && !strings.HasPrefix(state, "_")
}

// matches tells whether an event of the type is among those wanted; nothing wanted is everything.
func matches(wanted []string, t string) bool {
	if len(wanted) == 0 {
		return true
	}
	for _, w := range wanted {
		if prefix, all := strings.CutSuffix(w, "*"); w == t || all && strings.HasPrefix(t, prefix) {
			return true
		}
	}
	return false
}
