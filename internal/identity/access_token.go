package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"foyer/internal/foyer"
)

// audience is who access tokens are for; a token for anybody else is refused (RFC 8725 §3.9).
const audience = "foyer:portal"

// accessTokenType keeps other kinds of JWT from being used as access tokens (RFC 9068 §2.1, RFC 8725 §3.11).
const accessTokenType = "at+jwt"

// maxTokenLength bounds the work a hostile header can cause (CVE-2025-30204).
const maxTokenLength = 4096

// SigningKey is an Ed25519 key that signs access tokens. The newest one that is not retired signs; a retired one
// verifies until the last token it signed has expired.
type SigningKey struct {
	ID        string
	Public    ed25519.PublicKey
	Private   ed25519.PrivateKey
	CreatedAt time.Time
	RetiredAt *time.Time
}

// newSigningKey makes a key; its id is the start of the public key's hash, which tells nothing.
func newSigningKey(now time.Time) (SigningKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return SigningKey{}, err
	}
	sum := sha256.Sum256(public)
	return SigningKey{ID: base64.RawURLEncoding.EncodeToString(sum[:12]), Public: public, Private: private, CreatedAt: now}, nil
}

// Verifies tells whether tokens of the key are still accepted at now.
func (k SigningKey) Verifies(now time.Time, access time.Duration) bool {
	return k.RetiredAt == nil || now.Before(k.RetiredAt.Add(access+clockTolerance))
}

// clockTolerance is how far the clocks of two processes may lie apart.
const clockTolerance = 45 * time.Second

// claims are what an access token says. jwt.RegisteredClaims would write the audience as a list, where the contract has
// one string, and read a time from text.
type claims struct {
	Issuer          string           `json:"iss"`
	Audience        string           `json:"aud"`
	Subject         string           `json:"sub"`
	Merchant        foyer.MerchantID `json:"mer"`
	Session         foyer.SessionID  `json:"sid"`
	Scope           string           `json:"scope"`
	AuthenticatedAt int64            `json:"auth_time"`
	IssuedAt        *int64           `json:"iat"`
	NotBefore       *int64           `json:"nbf,omitempty"`
	ExpiresAt       *int64           `json:"exp"`
	ID              string           `json:"jti"`
	// Locale is the language of the link the session came from (the claim of OpenID Connect Core §5.1).
	Locale string `json:"locale,omitempty"`
}

// The methods of jwt.Claims.

func (c claims) GetIssuer() (string, error) { return c.Issuer, nil }

func (c claims) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{c.Audience}, nil }
func (c claims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c claims) GetIssuedAt() (*jwt.NumericDate, error)       { return date(c.IssuedAt), nil }
func (c claims) GetNotBefore() (*jwt.NumericDate, error)      { return date(c.NotBefore), nil }
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return date(c.ExpiresAt), nil }

func date(seconds *int64) *jwt.NumericDate {
	if seconds == nil {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(*seconds, 0).UTC())
}

// Access is what a verified access token says.
type Access struct {
	Actor           foyer.Actor
	AuthenticatedAt time.Time
	ExpiresAt       time.Time
	// Locale is the language of the link the session came from, for a customer who has chosen none; empty for most.
	Locale string
}

// Fresh tells whether the customer signed in, by link or code of their own, within the last d. A session from a ticket
// is never fresh.
func (a Access) Fresh(now time.Time, d time.Duration) bool {
	return a.SignedIn() && now.Sub(a.AuthenticatedAt) <= d
}

// SignedIn tells whether the session began with verifySignIn rather than with a ticket.
func (a Access) SignedIn() bool { return a.AuthenticatedAt.After(neverAuthenticated) }

// errToken is every way a token can be wrong; the caller is told one thing.
var errToken = errors.New("access token is not valid")

// sign makes an access token for the session.
func sign(key SigningKey, issuer string, session Session, id string, now time.Time, life time.Duration) (string, error) {
	issued, expires := now.Unix(), now.Add(life).Unix()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		Issuer:          issuer,
		Audience:        audience,
		Subject:         string(session.Customer),
		Merchant:        session.Merchant,
		Session:         session.ID,
		Scope:           JoinScopes(session.Scopes),
		AuthenticatedAt: session.AuthenticatedAt.Unix(),
		IssuedAt:        &issued,
		ExpiresAt:       &expires,
		ID:              id,
		Locale:          session.Locale,
	})
	token.Header["typ"] = accessTokenType
	token.Header["kid"] = key.ID
	return token.SignedString(key.Private)
}

// parseAccessToken checks signature, type, issuer, audience and expiry. An expired token with a good signature gives
// what it says together with jwt.ErrTokenExpired, because CORS answers by its merchant.
func parseAccessToken(token, issuer string, now time.Time, key func(kid string) (ed25519.PublicKey, bool)) (Access, error) {
	if len(token) > maxTokenLength || strings.Count(token, ".") != 2 {
		return Access{}, errToken
	}
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		// A token that says "crit" demands to be understood (RFC 7515 §4.1.11); we understand no extension.
		if _, critical := t.Header["crit"]; critical || t.Header["typ"] != accessTokenType {
			return nil, errToken
		}
		public, ok := key(kid)
		if !ok {
			return nil, errToken
		}
		return public, nil
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	// The library joins all faults; only a token whose one fault is its age says whose it was.
	expired := errors.Is(err, jwt.ErrTokenExpired)
	for _, other := range []error{
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenNotValidYet, jwt.ErrTokenRequiredClaimMissing,
	} {
		expired = expired && !errors.Is(err, other)
	}
	if err != nil && !expired {
		return Access{}, errToken
	}
	if c.IssuedAt == nil || date(c.IssuedAt).After(now.Add(clockTolerance)) || c.Subject == "" || c.Merchant == "" || c.Session == "" {
		return Access{}, errToken
	}
	access := Access{
		Actor: foyer.Actor{
			Kind:    foyer.ActorCustomer,
			Scope:   foyer.Scope{Merchant: c.Merchant, Customer: foyer.CustomerID(c.Subject)},
			Session: c.Session,
			Scopes:  strings.Fields(c.Scope),
		},
		AuthenticatedAt: time.Unix(c.AuthenticatedAt, 0).UTC(),
		ExpiresAt:       date(c.ExpiresAt).Time,
		Locale:          c.Locale,
	}
	if expired {
		return access, jwt.ErrTokenExpired
	}
	return access, nil
}

// verifiedTokens remembers tokens whose signature was checked: verifying EdDSA costs 60–130 µs, a quarter of a list
// request, and a client uses the same token for ten minutes. Two generations bound it: when the young one is full, the
// old one is dropped. Only the hash of a token is kept.
type verifiedTokens struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]verifiedToken
}

type verifiedToken struct {
	access Access
	kid    string
}

const verifiedGeneration = 8192

func (v *verifiedTokens) get(hash [sha256.Size]byte) (verifiedToken, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if t, ok := v.young[hash]; ok {
		return t, true
	}
	t, ok := v.old[hash]
	return t, ok
}

func (v *verifiedTokens) put(hash [sha256.Size]byte, t verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.young == nil || len(v.young) >= verifiedGeneration {
		v.young, v.old = make(map[[sha256.Size]byte]verifiedToken), v.young
	}
	v.young[hash] = t
}
