package merchant

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"hash/crc32"
	"slices"
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

// Permissions lists every permission.
var Permissions = []Permission{PermissionRead, PermissionWrite, PermissionPortalSessions, PermissionAdmin}

// APIKey lets a merchant's backend speak for the merchant. Only hashes of its secrets are kept.
type APIKey struct {
	ID       APIKeyID
	Merchant foyer.MerchantID
	Name     string
	// Hint is the end of the secret, by which a person recognises it.
	Hint        string
	Hash        []byte
	Permissions []Permission
	CreatedAt   time.Time
	// LastUsedAt is true to the minute.
	LastUsedAt *time.Time
	// ExpiresAt is when it stops working by itself; nil for never.
	ExpiresAt *time.Time
	RevokedAt *time.Time
	// PreviousHash is the secret before the last rotation, which works until PreviousUntil.
	PreviousHash  []byte
	PreviousUntil *time.Time
	Version       int64
}

// KeyStatus says whether a key works.
type KeyStatus string

// The states of a key.
const (
	KeyActive  KeyStatus = "active"
	KeyExpired KeyStatus = "expired"
	KeyRevoked KeyStatus = "revoked"
)

// Status says whether the key works at a moment.
func (k APIKey) Status(now time.Time) KeyStatus {
	switch {
	case k.RevokedAt != nil:
		return KeyRevoked
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		return KeyExpired
	}
	return KeyActive
}

// Accepts tells whether a secret with the hash speaks for the key at a moment.
func (k APIKey) Accepts(hash []byte, now time.Time) bool {
	if k.Status(now) != KeyActive {
		return false
	}
	current := subtle.ConstantTimeCompare(hash, k.Hash) == 1
	previous := k.PreviousUntil != nil && now.Before(*k.PreviousUntil) && subtle.ConstantTimeCompare(hash, k.PreviousHash) == 1
	return current || previous
}

// May tells whether the key has the permission.
func (k APIKey) May(p Permission) bool { return slices.Contains(k.Permissions, p) }

// administers tells whether the key can still make other keys, now and without end.
func (k APIKey) administers(now time.Time) bool {
	return k.Status(now) == KeyActive && k.ExpiresAt == nil && k.May(PermissionAdmin)
}

// Rotated returns the key with a new secret, and the secret, which is shown once. The one it had goes on working for the
// overlap, so that servers can be told one by one; 0 ends it at once.
func (k APIKey) Rotated(mode Mode, overlap time.Duration, now time.Time) (APIKey, string) {
	secret := newKeySecret(mode)
	k.PreviousHash, k.PreviousUntil = nil, nil
	if overlap > 0 {
		until := foyer.Micro(now.Add(overlap))
		k.PreviousHash, k.PreviousUntil = k.Hash, &until
	}
	k.Hash, k.Hint = HashAPIKey(secret), hint(secret)
	k.Version++
	return k, secret
}

// base62 is the alphabet of secrets: a double click selects all of it.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewAPIKey returns a key and its secret, which is shown once: fsk_<mode>_, 43 characters of base 62 (256 bits) and a
// checksum of 6, so that secret scanners find leaked keys without false alarms.
func NewAPIKey(ids foyer.IDs, merchant Merchant, name string, permissions []Permission, now time.Time) (APIKey, string) {
	secret := newKeySecret(merchant.Mode)
	return APIKey{
		ID:          APIKeyID(ids(foyer.PrefixAPIKey)),
		Merchant:    merchant.ID,
		Name:        name,
		Hint:        hint(secret),
		Hash:        HashAPIKey(secret),
		Permissions: permissions,
		CreatedAt:   foyer.Micro(now),
		Version:     1,
	}, secret
}

func newKeySecret(mode Mode) string {
	body := "fsk_" + string(mode) + "_" + randomBase62(43)
	return body + keyChecksum(body)
}

func hint(secret string) string { return secret[len(secret)-4:] }

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
