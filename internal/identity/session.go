package identity

import (
	"strings"
	"time"

	"foyer/internal/foyer"
)

// SessionKind says how a session began.
type SessionKind string

// The ways a session begins.
const (
	KindSignIn        SessionKind = "sign_in"
	KindPortalSession SessionKind = "portal_session"
)

// The scopes of a full session.
const (
	ScopeRead  = "read"
	ScopeWrite = "write"
)

// FullScope is what a customer who signed in may do.
var FullScope = []string{ScopeRead, ScopeWrite}

// Session is a customer signed in on one device.
type Session struct {
	ID       foyer.SessionID
	Merchant foyer.MerchantID
	Customer foyer.CustomerID
	Kind     SessionKind
	Scopes   []string
	Target   Target
	// ReturnURL leads back to the merchant's app; empty when there is none.
	ReturnURL string
	// Locale is the language of the link the session came from, for a customer who has chosen none; empty when it names none.
	Locale string
	Place  foyer.Place
	// AuthenticatedAt is when the customer proved who they are; it does not move with a refresh. It is 1970 for a session
	// from a ticket: the link proved nothing.
	AuthenticatedAt time.Time
	CreatedAt       time.Time
	LastUsedAt      time.Time
	IdleExpiresAt   time.Time
	// ExpiresAt is the end no refresh can move.
	ExpiresAt time.Time
	RevokedAt *time.Time
}

// Scope is whose data the session may touch.
func (s Session) Scope() foyer.Scope {
	return foyer.Scope{Merchant: s.Merchant, Customer: s.Customer}
}

// Open tells whether the session lives.
func (s Session) Open(now time.Time) bool {
	return s.RevokedAt == nil && now.Before(s.IdleExpiresAt) && now.Before(s.ExpiresAt)
}

// Touched returns the session after a refresh: used now, idle again from now, never beyond its absolute end.
func (s Session) Touched(now time.Time, idle time.Duration) Session {
	s.LastUsedAt = now
	s.IdleExpiresAt = now.Add(idle)
	if s.IdleExpiresAt.After(s.ExpiresAt) {
		s.IdleExpiresAt = s.ExpiresAt
	}
	return s
}

// RefreshToken is the row of one refresh token: its hash, never the token.
type RefreshToken struct {
	Hash          []byte
	Merchant      foyer.MerchantID
	Session       foyer.SessionID
	CreatedAt     time.Time
	UsedAt        *time.Time
	SuccessorHash []byte
}

// refreshPrefix lets secret scanners recognise a leaked token.
const refreshPrefix = "frt_"

const purposeRefresh foyer.Purpose = "refresh token"

// newRefreshToken returns a token of 256 random bits.
func newRefreshToken() string { return refreshPrefix + encodeToken(newNonce()) }

// successors returns what may follow the token, one per secret, the writing secret's first. Deriving it from the token
// presented means that the same answer can be given again without keeping it.
func successors(keyring *foyer.Keyring, token string) []string {
	var out []string
	for _, mac := range keyring.MACs(purposeRefresh, []byte(token)) {
		out = append(out, refreshPrefix+encodeToken(mac))
	}
	return out
}

// Tokens is what a client gets to act for a customer.
type Tokens struct {
	AccessToken      string
	ExpiresIn        time.Duration
	RefreshToken     string
	RefreshExpiresIn time.Duration
	Session          Session
}

// JoinScopes writes scopes as the space-separated claim (RFC 8693 §4.2).
func JoinScopes(scopes []string) string { return strings.Join(scopes, " ") }
