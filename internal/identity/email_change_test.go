package identity

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEmailChangeTokenIsTheSameEachTimeAndAfterRotation(t *testing.T) {
	t.Parallel()
	before := keyring(t, oldSecret)
	c := EmailChange{Nonce: newNonce()}
	c.TokenHash = hashToken(encodeToken(before.MAC(purposeEmailChange, c.Nonce)))
	token, ok := c.Token(before)
	require.True(t, ok)
	assert.Len(t, token, 43, "256 bits")
	again, ok := c.Token(keyring(t, newSecret, oldSecret))
	require.True(t, ok)
	assert.Equal(t, token, again)
	_, ok = c.Token(keyring(t, newSecret))
	assert.False(t, ok)
	ticket, _ := PortalSession{Nonce: c.Nonce, TicketHash: hashToken(encodeToken(before.MAC(purposeTicket, c.Nonce)))}.Ticket(before)
	assert.NotEqual(t, ticket, token, "one kind of token is never another")
}

func TestEmailChangeUsable(t *testing.T) {
	t.Parallel()
	used := noon
	assert.True(t, EmailChange{ExpiresAt: noon.Add(1)}.Usable(noon))
	assert.False(t, EmailChange{ExpiresAt: noon}.Usable(noon))
	assert.False(t, EmailChange{ExpiresAt: noon.Add(1), UsedAt: &used}.Usable(noon))
}

func TestPortalSessionStatus(t *testing.T) {
	t.Parallel()
	at := noon
	for name, c := range map[string]struct {
		session PortalSession
		status  PortalSessionStatus
		version int64
	}{
		"open":             {PortalSession{ExpiresAt: noon.Add(1)}, PortalSessionOpen, 1},
		"expired":          {PortalSession{ExpiresAt: noon}, PortalSessionExpired, 1},
		"used":             {PortalSession{ExpiresAt: noon, UsedAt: &at}, PortalSessionUsed, 2},
		"revoked":          {PortalSession{ExpiresAt: noon.Add(time.Hour), RevokedAt: &at}, PortalSessionRevoked, 2},
		"used and revoked": {PortalSession{ExpiresAt: noon.Add(time.Hour), UsedAt: &at, RevokedAt: &at}, PortalSessionRevoked, 3},
	} {
		assert.Equal(t, c.status, c.session.Status(noon), name)
		assert.Equal(t, c.version, c.session.Version(), name)
		assert.Equal(t, c.status == PortalSessionOpen, c.session.Usable(noon), name)
	}
}

func TestTargetPaths(t *testing.T) {
	t.Parallel()
	for target, path := range map[Target]string{
		{Kind: TargetOverview}: "/", {Kind: TargetSubscription, ID: "sub_1"}: "/subscriptions/sub_1",
		{Kind: TargetCancelSubscription, ID: "sub_1"}:  "/subscriptions/sub_1/cancel",
		{Kind: TargetUpdatePaymentMethod, ID: "sub_1"}: "/subscriptions/sub_1/payment-method",
		{Kind: TargetPayment, ID: "pay_1"}:             "/payments/pay_1",
	} {
		assert.Equal(t, path, target.Path())
	}
	assert.Equal(t, mine, SubscriptionOf(ScopeCancel(mine)))
	assert.Empty(t, SubscriptionOf(ScopeRead))
	assert.Empty(t, SubscriptionOf("subscription:"+mine))
}
