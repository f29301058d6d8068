package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"foyer/internal/foyer"
)

// SignInID is `sgn_…`.
type SignInID string

// TargetKind says where a customer goes after signing in.
type TargetKind string

// The places a customer can go to.
const (
	TargetOverview            TargetKind = "overview"
	TargetSubscription        TargetKind = "subscription"
	TargetCancelSubscription  TargetKind = "cancel_subscription"
	TargetUpdatePaymentMethod TargetKind = "update_payment_method"
	TargetPayment             TargetKind = "payment"
)

// Target is where a customer goes after signing in. Whether the thing is theirs shows when they get there.
type Target struct {
	Kind TargetKind
	ID   string
}

// Validate tells whether the id fits the kind.
func (t Target) Validate() error {
	ok := false
	switch t.Kind {
	case TargetOverview:
		ok = t.ID == ""
	case TargetSubscription, TargetCancelSubscription, TargetUpdatePaymentMethod:
		ok = foyer.ValidID(foyer.PrefixSubscription, t.ID)
	case TargetPayment:
		ok = foyer.ValidID(foyer.PrefixPayment, t.ID)
	}
	if !ok {
		return foyer.InvalidFields(foyer.FieldError{Pointer: "/target", Code: "input.invalid"})
	}
	return nil
}

// Path is where the target is on a frontend (contract.md §6). A method of Target, so that mails, minted links and the API
// can't lead to different places.
func (t Target) Path() string {
	switch t.Kind {
	case TargetSubscription:
		return "/subscriptions/" + t.ID
	case TargetCancelSubscription:
		return "/subscriptions/" + t.ID + "/cancel"
	case TargetUpdatePaymentMethod:
		return "/subscriptions/" + t.ID + "/payment-method"
	case TargetPayment:
		return "/payments/" + t.ID
	case TargetOverview:
	}
	return "/"
}

// SignIn is one request to sign in, for an address that may or may not be a customer's.
type SignIn struct {
	ID       SignInID
	Merchant foyer.MerchantID
	Portal   foyer.PortalID
	Email    string
	EmailKey string
	// Customer is empty until the mail is made, and for ever when the address is nobody's.
	Customer foyer.CustomerID
	// Nonce is the random value token and code are derived from; TokenHash finds the sign-in by its token.
	Nonce     []byte
	TokenHash []byte
	// CodeChallenge is BASE64URL(SHA256(verifier)), empty when the sign-in is not bound to a device.
	CodeChallenge string
	CodeTries     int
	// Locale is the language the request was made in, used when the customer has chosen none.
	Locale string
	Target Target
	// Silent sign-ins get no mail: the address is over its limit, which the answer must not tell.
	Silent    bool
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
	// CompletedAt is when it led to a session; UsedAt is also when another sign-in ended it.
	CompletedAt *time.Time
}

// MaxCodeTries is how often a code may be tried; after that only the link works.
const MaxCodeTries = 5

// codeAlphabet has no characters that are read as another (I, L, O, U, 0, 1).
const codeAlphabet = "ABCDEFGHJKMNPQRSTVWXYZ23456789"

// codeLength gives 30^8 codes, 39 bits; NIST 800-63B asks for 20 where tries are limited.
const codeLength = 8

const (
	purposeLink foyer.Purpose = "sign-in link"
	purposeCode foyer.Purpose = "sign-in code"
)

// newNonce returns 256 random bits.
func newNonce() []byte {
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce) // crypto/rand never returns an error since Go 1.24
	return nonce
}

func encodeToken(mac []byte) string { return base64.RawURLEncoding.EncodeToString(mac) }

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Secrets returns the token of the link and the code, the same each time, so that a retried mail holds the same link.
// After the secret was rotated the older one still derives them; ok is false when no secret we have made the token.
func (s SignIn) Secrets(keyring *foyer.Keyring) (token, code string, ok bool) {
	links, codes := keyring.MACs(purposeLink, s.Nonce), keyring.MACs(purposeCode, s.Nonce)
	for i, mac := range links {
		token = encodeToken(mac)
		if subtle.ConstantTimeCompare(hashToken(token), s.TokenHash) == 1 {
			return token, spellCode(codes[i]), true
		}
	}
	return "", "", false
}

// spellCode writes 32 random bytes as a code. Bytes over the largest multiple of 30 are passed over, so that every
// character is equally likely.
func spellCode(random []byte) string {
	const largest = 256 / len(codeAlphabet) * len(codeAlphabet)
	code := make([]byte, 0, codeLength)
	for len(code) < codeLength {
		for _, b := range random {
			if int(b) < largest && len(code) < codeLength {
				code = append(code, codeAlphabet[int(b)%len(codeAlphabet)])
			}
		}
		next := sha256.Sum256(random) // only if more than 24 of 32 bytes were passed over
		random = next[:]
	}
	return string(code)
}

// ReadCode brings a typed code into the form it is compared in: no hyphens or spaces, capitals.
func ReadCode(typed string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(typed))
}

// SpellCode writes a code as the mail shows it: ABCD-EFGH.
func SpellCode(code string) string { return code[:4] + "-" + code[4:] }

// Usable tells whether the sign-in can still lead to a session.
func (s SignIn) Usable(now time.Time) bool {
	return s.UsedAt == nil && s.Customer != "" && now.Before(s.ExpiresAt)
}

// BoundTo tells whether the verifier fits the challenge (RFC 7636 §4.6, S256 only). A sign-in without a challenge fits
// every caller.
func (s SignIn) BoundTo(verifier string) bool {
	if s.CodeChallenge == "" {
		return true
	}
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(computed), []byte(s.CodeChallenge)) == 1
}
