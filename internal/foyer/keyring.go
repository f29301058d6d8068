package foyer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// MinSecretLength is the least number of bytes of a secret.
const MinSecretLength = 32

// Purpose separates the uses of a secret: what is made for one purpose can't be opened or forged for another.
type Purpose string

// ErrSealBroken is returned when sealed bytes were altered, made for another purpose, or under a secret we do not have.
var ErrSealBroken = errors.New("keyring: sealed value can't be opened")

// Keyring derives keys from FOYER_SECRET. The first secret writes, all of them read, so that a secret can be rotated
// without signing anybody out: put the new one in front, restart, and drop the old one when what it sealed has expired.
type Keyring struct {
	secrets [][]byte
	cache   sync.Map // cacheKey → []byte
}

type cacheKey struct {
	purpose Purpose
	index   int
}

// NewKeyring reads one or several secrets, separated by commas.
func NewKeyring(secrets string) (*Keyring, error) {
	k := &Keyring{}
	for s := range strings.SplitSeq(secrets, ",") {
		s = strings.TrimSpace(s)
		if len(s) < MinSecretLength {
			return nil, fmt.Errorf("secret has %d bytes, at least %d are needed", len(s), MinSecretLength)
		}
		k.secrets = append(k.secrets, []byte(s))
	}
	return k, nil
}

// key derives the key of a purpose from one secret (HKDF-SHA-256, RFC 5869).
func (k *Keyring) key(p Purpose, index int) []byte {
	if v, ok := k.cache.Load(cacheKey{p, index}); ok {
		return v.([]byte)
	}
	derived, err := hkdf.Key(sha256.New, k.secrets[index], nil, "foyer:"+string(p), 32)
	if err != nil {
		panic(err) // only for a length over 255 hashes
	}
	k.cache.Store(cacheKey{p, index}, derived)
	return derived
}

// MAC returns HMAC-SHA-256 of data under the first secret's key for the purpose.
func (k *Keyring) MAC(p Purpose, data []byte) []byte { return k.mac(p, 0, data) }

// MACs returns the MAC under each secret, the writing one first, so that what an older secret derived is still found.
func (k *Keyring) MACs(p Purpose, data []byte) [][]byte {
	out := make([][]byte, len(k.secrets))
	for i := range k.secrets {
		out[i] = k.mac(p, i, data)
	}
	return out
}

func (k *Keyring) mac(p Purpose, index int, data []byte) []byte {
	h := hmac.New(sha256.New, k.key(p, index))
	h.Write(data)
	return h.Sum(nil)
}

// Seal encrypts and authenticates plain with AES-256-GCM; bound is authenticated but not kept: Open needs the same.
func (k *Keyring) Seal(p Purpose, plain, bound []byte) []byte {
	aead := k.aead(p, 0)
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // crypto/rand never returns an error since Go 1.24
	return aead.Seal(nonce, nonce, plain, bound)
}

// Open returns what Seal was given, or ErrSealBroken.
func (k *Keyring) Open(p Purpose, sealed, bound []byte) ([]byte, error) {
	for i := range k.secrets {
		aead := k.aead(p, i)
		if len(sealed) < aead.NonceSize() {
			return nil, ErrSealBroken
		}
		n := aead.NonceSize()
		if plain, err := aead.Open(nil, sealed[:n], sealed[n:], bound); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealBroken
}

func (k *Keyring) aead(p Purpose, index int) cipher.AEAD {
	block, err := aes.NewCipher(k.key(p, index))
	if err != nil {
		panic(err) // the key always has 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES always has 16-byte blocks
	}
	return aead
}
