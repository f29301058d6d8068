package merchant

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
	"time"

	"foyer/internal/foyer"
)

// APIKeyID is `key_…`.
type APIKeyID string

// Permission is something an API key may do.
type Permission string

// The permissions of an API key.
const (
	PermissionRead           Permission = "read"
	PermissionWrite          Permission = "write"
	PermissionPortalSessions Permission = "portal_sessions"
	PermissionAdmin          Permission = "admin"
)

// APIKey lets a merchant's backend speak for the merchant. Only the hash of its secret is kept.
type APIKey struct {
	ID       APIKeyID
	Merchant foyer.MerchantID
	Name     string
	// Hint is the end of the secret, by which a person recognises it.
	Hint        string
	Hash        []byte
	Permissions []Permission
	CreatedAt   time.Time
	LastUsedAt  *time.Time
	RevokedAt   *time.Time
}

// base62 is the alphabet of secrets: a double click selects all of it.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewAPIKey returns a key and its secret, which is shown once: fsk_<mode>_, 43 characters of base 62 (256 bits) and a
// checksum of 6, so that secret scanners find leaked keys without false alarms.
func NewAPIKey(ids foyer.IDs, merchant Merchant, name string, permissions []Permission, now time.Time) (APIKey, string) {
	body := "fsk_" + string(merchant.Mode) + "_" + randomBase62(43)
	secret := body + keyChecksum(body)
	return APIKey{
		ID:          APIKeyID(ids(foyer.PrefixAPIKey)),
		Merchant:    merchant.ID,
		Name:        name,
		Hint:        secret[len(secret)-4:],
		Hash:        HashAPIKey(secret),
		Permissions: permissions,
		CreatedAt:   foyer.Micro(now),
	}, secret
}

// HashAPIKey returns what is kept of a secret. A plain hash is enough for 256 random bits (ASVS 6.5.2).
func HashAPIKey(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// WellFormedAPIKey tells whether the checksum is right, without asking the database.
func WellFormedAPIKey(secret string) bool {
	if !strings.HasPrefix(secret, "fsk_") || len(secret) < 20 {
		return false
	}
	body, sum := secret[:len(secret)-6], secret[len(secret)-6:]
	return keyChecksum(body) == sum
}

func keyChecksum(body string) string {
	n := crc32.ChecksumIEEE([]byte(body))
	out := make([]byte, 6)
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[n%62]
		n /= 62
	}
	return string(out)
}

func randomBase62(n int) string {
	out := make([]byte, 0, n)
	buffer := make([]byte, 2*n)
	for len(out) < n {
		_, _ = rand.Read(buffer) // crypto/rand never returns an error since Go 1.24
		for _, b := range buffer {
			// 248 is the largest multiple of 62 in a byte; above it some characters would be likelier.
			if b < 248 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}
