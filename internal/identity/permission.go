package identity

import (
	"slices"
	"strings"

	"foyer/internal/foyer"
)

// A narrow scope is good for one thing with one subscription: `subscription:<id>:cancel`. The powers are these.
const (
	powerCancel        = "cancel"
	powerPaymentMethod = "payment_method"
	powerWithdraw      = "withdraw"
)

var powers = []string{powerCancel, powerPaymentMethod, powerWithdraw}

// ScopeCancel lets a session cancel the subscription, and take that back.
func ScopeCancel(subscription string) string { return narrow(subscription, powerCancel) }

// ScopePaymentMethod lets a session change what the subscription is paid with, and pay what it owes.
func ScopePaymentMethod(subscription string) string { return narrow(subscription, powerPaymentMethod) }

// ScopeWithdraw lets a session withdraw from the contract behind the subscription. A link to cancel is not enough for that, nor the other
// way round: a withdrawal moves money.
func ScopeWithdraw(subscription string) string { return narrow(subscription, powerWithdraw) }

func narrow(subscription, power string) string { return "subscription:" + subscription + ":" + power }

// narrowly lists, for each operation a narrow scope is good for, the powers that are enough (contract.md §3).
var narrowly = map[string][]string{
	"getSubscription": powers,

	"startCancellation":           {powerCancel},
	"keepSubscription":            {powerCancel},
	"getCancellation":             {powerCancel},
	"answerSurvey":                {powerCancel},
	"acceptOffer":                 {powerCancel},
	"declineOffer":                {powerCancel},
	"confirmCancellation":         {powerCancel},
	"abandonCancellation":         {powerCancel},
	"downloadCancellationReceipt": {powerCancel},

	"startPaymentMethodSetup":      {powerPaymentMethod},
	"addPaymentMethod":             {powerPaymentMethod},
	"setSubscriptionPaymentMethod": {powerPaymentMethod},
	"payPayment":                   {powerPaymentMethod},

	"createWithdrawal":          {powerWithdraw},
	"getWithdrawal":             {powerWithdraw},
	"downloadWithdrawalReceipt": {powerWithdraw},
}

// unbound are operations that are about no subscription; any one of the scope will do.
var unbound = []string{"startPaymentMethodSetup"}

// always are operations every session may do.
var always = []string{"refreshSession", "signOut"}

// ownSignIn are operations for which a link is not enough, however wide its scope (contract.md §3): who has one was never asked
// who they are, and these decide who gets in.
var ownSignIn = []string{"listSessions", "revokeSession", "revokeAllSessions", "requestEmailChange", "exportMe"}

// NeedsSignIn tells whether the operation takes a session from verifySignIn only.
func NeedsSignIn(operation string) bool { return slices.Contains(ownSignIn, operation) }

// Permits tells whether a token with the scopes may do the operation with what belongs to the subscription. needed is the
// scope a full session does it with, ScopeRead or ScopeWrite. An empty subscription is none: only a full session may.
func Permits(scopes []string, operation, needed, subscription string) bool {
	if slices.Contains(always, operation) || slices.Contains(scopes, needed) {
		return true
	}
	if slices.Contains(unbound, operation) {
		return MayPermit(scopes, operation, needed)
	}
	if !foyer.ValidID(foyer.PrefixSubscription, subscription) {
		return false
	}
	return slices.ContainsFunc(narrowly[operation], func(power string) bool {
		return slices.Contains(scopes, narrow(subscription, power))
	})
}

// MayPermit tells whether there is a subscription for which Permits would say yes: what can be known before the thing
// that the operation is about was read.
func MayPermit(scopes []string, operation, needed string) bool {
	if slices.Contains(always, operation) || slices.Contains(scopes, needed) {
		return true
	}
	return slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(narrowly[operation], powerOf(scope)) })
}

// ValidScope tells whether a token may carry the scope.
func ValidScope(scope string) bool {
	return scope == ScopeRead || scope == ScopeWrite || slices.Contains(powers, powerOf(scope))
}

// SubscriptionOf returns the subscription a narrow scope is for, empty for any other text.
func SubscriptionOf(scope string) string {
	if powerOf(scope) == "" {
		return ""
	}
	return strings.Split(scope, ":")[1]
}

// powerOf returns the power a narrow scope gives, empty for any other text.
func powerOf(scope string) string {
	parts := strings.Split(scope, ":")
	if len(parts) != 3 || parts[0] != "subscription" || !foyer.ValidID(foyer.PrefixSubscription, parts[1]) {
		return ""
	}
	return parts[2]
}
