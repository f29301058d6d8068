package identity

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	mine  = "sub_01hzy7v8k9m0n1p2q3r4s5t6v7"
	other = "sub_01hzy7v8k9m0n1p2q3r4s5t6v8"
)

// reads are the operations of the test that are GETs; the others write.
var reads = []string{"getSubscription", "getCancellation", "downloadCancellationReceipt", "getWithdrawal", "downloadWithdrawalReceipt", "getMe", "listPayments", "listSessions"}

func neededFor(operation string) string {
	if slices.Contains(reads, operation) {
		return ScopeRead
	}
	return ScopeWrite
}

func TestPermits(t *testing.T) {
	t.Parallel()
	cancel := []string{
		"getSubscription", "startCancellation", "keepSubscription", "getCancellation", "answerSurvey", "acceptOffer", "declineOffer",
		"confirmCancellation", "abandonCancellation", "downloadCancellationReceipt",
	}
	method := []string{"getSubscription", "startPaymentMethodSetup", "addPaymentMethod", "setSubscriptionPaymentMethod", "payPayment"}
	withdraw := []string{"getSubscription", "createWithdrawal", "getWithdrawal", "downloadWithdrawalReceipt"}
	always := []string{"refreshSession", "signOut"}
	neither := []string{
		"getMe", "listPayments", "listSessions", "updateMe", "pauseSubscription", "resumeSubscription", "changeSubscription", "deletePaymentMethod",
		"updatePaymentMethod", "revokeSession", "revokeAllSessions", "requestEmailChange", "reviseInvoice", "noSuchOperation",
	}
	all := slices.Concat(cancel, method, withdraw, always, neither)
	read := slices.DeleteFunc(slices.Clone(all), func(o string) bool { return neededFor(o) != ScopeRead })
	write := slices.DeleteFunc(slices.Clone(all), func(o string) bool { return neededFor(o) != ScopeWrite })
	for name, c := range map[string]struct {
		scopes []string
		may    []string
		// elsewhere is what is allowed with another subscription, or with none, too.
		elsewhere []string
	}{
		"nothing":        {nil, always, always},
		"read":           {[]string{ScopeRead}, slices.Concat(read, always), slices.Concat(read, always)},
		"write":          {[]string{ScopeWrite}, slices.Concat(write, always), slices.Concat(write, always)},
		"full":           {FullScope, all, all},
		"cancel":         {[]string{ScopeCancel(mine)}, slices.Concat(cancel, always), always},
		"payment method": {[]string{ScopePaymentMethod(mine)}, slices.Concat(method, always), slices.Concat(always, []string{"startPaymentMethodSetup"})},
		"withdraw":       {[]string{ScopeWithdraw(mine)}, slices.Concat(withdraw, always), always},
		"both": {
			[]string{ScopeCancel(mine), ScopePaymentMethod(mine)},
			slices.Concat(cancel, method, always),
			slices.Concat(always, []string{"startPaymentMethodSetup"}),
		},
		"read and cancel": {[]string{ScopeRead, ScopeCancel(mine)}, slices.Concat(read, cancel, always), slices.Concat(read, always)},
		"no id":           {[]string{ScopeCancel(""), "subscription::cancel", "subscription:*:cancel"}, always, always},
		"no power":        {[]string{"subscription:" + mine, "subscription:" + mine + ":", "subscription:" + mine + ":write"}, always, always},
		"look-alikes":     {[]string{"READ", "readwrite", "read:write", "xsubscription:" + mine + ":cancel", ScopeCancel(mine) + ":x"}, always, always},
	} {
		for _, operation := range all {
			needed := neededFor(operation)
			may, elsewhere := slices.Contains(c.may, operation), slices.Contains(c.elsewhere, operation)
			assert.Equal(t, may, Permits(c.scopes, operation, needed, mine), "%s %s", name, operation)
			assert.Equal(t, elsewhere, Permits(c.scopes, operation, needed, other), "%s %s of another", name, operation)
			assert.Equal(t, elsewhere, Permits(c.scopes, operation, needed, ""), "%s %s of none", name, operation)
			assert.Equal(t, may, MayPermit(c.scopes, operation, needed), "%s %s of any", name, operation)
		}
	}
	// Every operation a narrow scope is good for is in the lists above: contract.md §3 names no more.
	assert.ElementsMatch(t, slices.Compact(slices.Sorted(slices.Values(slices.Concat(cancel, method, withdraw)))), slices.Collect(maps.Keys(narrowly)))
}

func TestValidScope(t *testing.T) {
	t.Parallel()
	for _, good := range []string{ScopeRead, ScopeWrite, ScopeCancel(mine), ScopePaymentMethod(mine), ScopeWithdraw(mine)} {
		assert.True(t, ValidScope(good), good)
	}
	for _, bad := range []string{
		"", "admin", "read write", "read ", "subscription", "subscription::cancel", "subscription:" + mine + ":write", "subscription:pay_1:cancel",
		ScopeCancel(mine) + " write", ScopeCancel(strings.ToUpper(mine)), ScopeCancel("*"),
	} {
		assert.False(t, ValidScope(bad), bad)
	}
	assert.Equal(t, "subscription:"+mine+":cancel", ScopeCancel(mine))
	assert.Equal(t, "subscription:"+mine+":payment_method", ScopePaymentMethod(mine))
}
