package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"sync"
	"time"

	"foyer/internal/foyer"
)

// keySet is the signing keys a process knows, newest first.
type keySet struct {
	mu   sync.RWMutex
	keys []SigningKey

	reloading  sync.Mutex
	reloadedAt time.Time // guarded by reloading
}

// public returns the key with the id if tokens of it are still accepted.
func (k *keySet) public(id string, now time.Time, access time.Duration) (ed25519.PublicKey, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range k.keys {
		if key.ID == id {
			return key.Public, key.Verifies(now, access)
		}
	}
	return nil, false
}

// current returns the key that signs.
func (k *keySet) current() (SigningKey, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range k.keys {
		if key.RetiredAt == nil {
			return key, true
		}
	}
	return SigningKey{}, false
}

// unknownKey looks for a key this process does not know: another one may have made it a moment ago. Callers come one
// after the other, so that all requests of a client that is ahead find what the first of them loads; a flood of invented
// ids costs one query a second.
func (s *Service) unknownKey(ctx context.Context, id string, now time.Time) (ed25519.PublicKey, bool, error) {
	s.keys.reloading.Lock()
	defer s.keys.reloading.Unlock()
	if public, ok := s.keys.public(id, now, s.lifetimes.Access); ok {
		return public, true, nil
	}
	if now.Sub(s.keys.reloadedAt) < time.Second {
		return nil, false, nil
	}
	s.keys.reloadedAt = now
	if err := s.loadKeys(ctx); err != nil {
		return nil, false, err
	}
	public, ok := s.keys.public(id, now, s.lifetimes.Access)
	return public, ok, nil
}

// loadKeys reads the keys, making the first one on an empty database.
func (s *Service) loadKeys(ctx context.Context) error {
	keys, err := s.store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(k SigningKey) bool { return k.RetiredAt == nil }) {
		// Of two processes that start at once one is refused, and then reads the other's key.
		if err := s.RotateKey(ctx); err != nil && !errors.Is(err, foyer.Conflict) {
			return err
		}
		if keys, err = s.store.SigningKeys(ctx); err != nil {
			return err
		}
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.keys = keys
	return nil
}

func (s *Service) signingKey(ctx context.Context) (SigningKey, error) {
	if key, ok := s.keys.current(); ok {
		return key, nil
	}
	if err := s.loadKeys(ctx); err != nil {
		return SigningKey{}, err
	}
	key, ok := s.keys.current()
	if !ok {
		return SigningKey{}, errors.New("identity: no signing key")
	}
	return key, nil
}

// RotateKey retires the signing key and makes a new one. Tokens of the old key are accepted until they expire; other
// processes sign with the new key after their next look, and accept it at once.
func (s *Service) RotateKey(ctx context.Context) error {
	key, err := newSigningKey(s.now())
	if err != nil {
		return err
	}
	return s.store.ReplaceSigningKey(ctx, key)
}

// Keys returns all signing keys, newest first.
func (s *Service) Keys(ctx context.Context) ([]SigningKey, error) { return s.store.SigningKeys(ctx) }

// PublicKeys returns the keys that may have signed a token still valid, newest first.
func (s *Service) PublicKeys(ctx context.Context) ([]SigningKey, error) {
	if _, err := s.signingKey(ctx); err != nil {
		return nil, err
	}
	now := s.now()
	s.keys.mu.RLock()
	defer s.keys.mu.RUnlock()
	var out []SigningKey
	for _, key := range s.keys.keys {
		if key.Verifies(now, s.lifetimes.Access) {
			out = append(out, key)
		}
	}
	return out, nil
}
