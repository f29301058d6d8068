package identity

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

func TestTicketIsTheSameEachTimeAndAfterRotation(t *testing.T) {
	t.Parallel()
	before := keyring(t, oldSecret)
	p := PortalSession{Nonce: newNonce()}
	p.TicketHash = hashToken(encodeToken(before.MAC(purposeTicket, p.Nonce)))
	ticket, ok := p.Ticket(before)
	require.True(t, ok)
	assert.Len(t, ticket, 43, "256 bits")
	again, ok := p.Ticket(keyring(t, newSecret, oldSecret))
	require.True(t, ok, "the older secret still derives what it made")
	assert.Equal(t, ticket, again)
	_, ok = p.Ticket(keyring(t, newSecret))
	assert.False(t, ok, "no secret of ours made it")
	assert.NotContains(t, ticket, base64.RawURLEncoding.EncodeToString(p.Nonce), "the row does not tell the ticket")
	link, _, _ := SignIn{Nonce: p.Nonce, TokenHash: hashToken(encodeToken(before.MAC(purposeLink, p.Nonce)))}.Secrets(before)
	assert.NotEqual(t, link, ticket, "a ticket is no link token")
}

func TestPortalSessionUsable(t *testing.T) {
	t.Parallel()
	used := noon
	assert.True(t, PortalSession{ExpiresAt: noon.Add(1)}.Usable(noon))
	assert.False(t, PortalSession{ExpiresAt: noon}.Usable(noon), "the moment it expires is too late")
	assert.False(t, PortalSession{ExpiresAt: noon.Add(1), UsedAt: &used}.Usable(noon))
}

func TestMintInput(t *testing.T) {
	t.Parallel()
	good := MintInput{
		ID: "cpls_01hzy7v8k9m0n1p2q3r4s5t6v7", Scopes: []string{ScopeCancel(mine)}, Target: Target{Kind: TargetCancelSubscription, ID: mine}, ExpiresIn: time.Hour,
	}
	require.NoError(t, good.validate())
	for name, change := range map[string]func(*MintInput){
		"id":      func(in *MintInput) { in.ID = "cpls_1" },
		"kind":    func(in *MintInput) { in.ID = "sgn_01hzy7v8k9m0n1p2q3r4s5t6v7" },
		"scopes":  func(in *MintInput) { in.Scopes = nil },
		"scope":   func(in *MintInput) { in.Scopes = []string{"read write"} },
		"target":  func(in *MintInput) { in.Target.ID = "" },
		"no life": func(in *MintInput) { in.ExpiresIn = 0 },
	} {
		in := good
		change(&in)
		assert.ErrorIs(t, in.validate(), foyer.Invalid, name)
	}
}

// Nobody who only opened a link counts as just signed in.
func TestFresh(t *testing.T) {
	t.Parallel()
	now := noon
	assert.True(t, Access{AuthenticatedAt: now.Add(-15 * time.Minute)}.Fresh(now, 15*time.Minute))
	assert.False(t, Access{AuthenticatedAt: now.Add(-15*time.Minute - time.Second)}.Fresh(now, 15*time.Minute))
	ticket := Access{AuthenticatedAt: neverAuthenticated}
	assert.False(t, ticket.SignedIn())
	assert.False(t, ticket.Fresh(neverAuthenticated.Add(time.Minute), 15*time.Minute), "not even in 1970")
	assert.False(t, Access{}.SignedIn())
	assert.True(t, Access{AuthenticatedAt: now}.SignedIn())
}
