package merchant

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// touchEvery is how exactly it is known when a key was used last: one write a minute, however busy it is.
const touchEvery = time.Minute

// Overlaps of a rotated key's old secret.
const (
	DefaultKeyOverlap = 24 * time.Hour
	LongestKeyOverlap = 30 * 24 * time.Hour
)

// errInvalidKey is the one answer for a key that is unknown, revoked or expired; merchant is set when it was ours.
func errInvalidKey(id foyer.MerchantID) error {
	return &foyer.Error{Kind: foyer.Unauthenticated, Code: "auth.invalid", Merchant: id}
}

// Authenticate returns the key a secret speaks for. The database is asked each time: a revoked key is refused with the next
// request, in every process. Refusal: Unauthenticated.
func (s *Service) Authenticate(ctx context.Context, secret string) (APIKey, error) {
	if !WellFormedAPIKey(secret) {
		return APIKey{}, errInvalidKey("")
	}
	hash, now := HashAPIKey(secret), foyer.Micro(s.now())
	key, err := s.store.APIKeyByHash(ctx, hash)
	if errors.Is(err, foyer.NotFound) {
		return APIKey{}, errInvalidKey("")
	}
	if err != nil {
		return APIKey{}, err
	}
	if !key.Accepts(hash, now) {
		return APIKey{}, errInvalidKey(key.Merchant)
	}
	if key.LastUsedAt == nil || now.Sub(*key.LastUsedAt) > touchEvery {
		if err := s.store.TouchAPIKey(ctx, key.Merchant, key.ID, now, now.Add(-touchEvery)); err != nil {
			return APIKey{}, err
		}
	}
	return key, nil
}

// KeyInput is what a new key is made of, or what is changed of one: nil stays as it is.
type KeyInput struct {
	Name        *string
	Permissions []Permission
	// ExpiresAt is when it stops working by itself; the zero time takes the end away.
	ExpiresAt *time.Time
}

func (in KeyInput) faults(now time.Time) (faults []foyer.FieldError) {
	fault := func(pointer, code string, params map[string]any) {
		faults = append(faults, foyer.FieldError{Pointer: pointer, Code: code, Params: params})
	}
	if in.Name != nil {
		switch name := strings.TrimSpace(*in.Name); {
		case name == "":
			fault("/name", "input.required", nil)
		case !foyer.CleanText(name, false):
			fault("/name", "input.text_characters", nil)
		case utf8.RuneCountInString(name) > 100:
			fault("/name", "input.too_long", map[string]any{"Max": 100})
		}
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.IsZero() && !in.ExpiresAt.After(now) {
		fault("/expires_at", "input.future", nil)
	}
	for _, p := range in.Permissions {
		if !slices.Contains(Permissions, p) {
			fault("/permissions", "input.enum", nil)
		}
	}
	return faults
}

func (in KeyInput) apply(k APIKey) APIKey {
	if in.Name != nil {
		k.Name = strings.TrimSpace(*in.Name)
	}
	if in.Permissions != nil {
		k.Permissions = nil
		for _, p := range Permissions { // in one order, each once
			if slices.Contains(in.Permissions, p) {
				k.Permissions = append(k.Permissions, p)
			}
		}
	}
	if in.ExpiresAt != nil {
		k.ExpiresAt = nil
		if !in.ExpiresAt.IsZero() {
			at := foyer.Micro(*in.ExpiresAt)
			k.ExpiresAt = &at
		}
	}
	return k
}

// CreateKey makes an API key of the merchant and returns its secret, which is shown once. Refusal: Invalid.
func (s *Service) CreateKey(ctx context.Context, id foyer.MerchantID, in KeyInput) (key APIKey, secret string, err error) {
	now := foyer.Micro(s.now())
	if err := foyer.InvalidFields(in.faults(now)...); err != nil {
		return APIKey{}, "", err
	}
	m, err := s.ByID(ctx, id)
	if err != nil {
		return APIKey{}, "", err
	}
	key, secret = NewAPIKey(s.ids, m, "", nil, now)
	key = in.apply(key)
	return key, secret, s.store.Conclude(ctx, func(ctx context.Context) error { return s.store.CreateAPIKey(ctx, key) })
}

// Key returns one of the merchant's keys; foyer.NotFound when it is none.
func (s *Service) Key(ctx context.Context, id foyer.MerchantID, key APIKeyID) (APIKey, error) {
	return s.store.APIKey(ctx, id, key)
}

// Keys returns a page of the merchant's keys, revoked ones too, newest first.
func (s *Service) Keys(ctx context.Context, id foyer.MerchantID, page foyer.PageRequest) ([]APIKey, error) {
	return s.store.APIKeys(ctx, id, page)
}

// UpdateKey changes a key. ifVersion is the version the caller read, 0 when it does not care.
//
// Refusals: NotFound, Invalid, PreconditionFailed, Conflict (api_key.revoked, api_key.last_admin).
func (s *Service) UpdateKey(ctx context.Context, id foyer.MerchantID, key APIKeyID, in KeyInput, ifVersion int64) (APIKey, error) {
	if err := foyer.InvalidFields(in.faults(s.now())...); err != nil {
		return APIKey{}, err
	}
	return s.changeKey(ctx, id, key, ifVersion, func(k APIKey) APIKey {
		k = in.apply(k)
		k.Version++
		return k
	})
}

// RotateKey gives a key a new secret and returns it, once; the one before works for the overlap. Refusals: NotFound, Invalid,
// Conflict (api_key.revoked).
func (s *Service) RotateKey(ctx context.Context, id foyer.MerchantID, key APIKeyID, overlap time.Duration) (rotated APIKey, secret string, err error) {
	if overlap < 0 || overlap > LongestKeyOverlap {
		return APIKey{}, "", foyer.InvalidFields(foyer.FieldError{Pointer: "/overlap_seconds", Code: "input.invalid"})
	}
	m, err := s.ByID(ctx, id)
	if err != nil {
		return APIKey{}, "", err
	}
	rotated, err = s.changeKey(ctx, id, key, 0, func(k APIKey) APIKey {
		k, secret = k.Rotated(m.Mode, overlap, s.now())
		return k
	})
	return rotated, secret, err
}

// RevokeKey ends a key: the next request with it is refused. Revoking it again changes nothing.
//
// Refusals: NotFound, Conflict (api_key.last_admin).
func (s *Service) RevokeKey(ctx context.Context, id foyer.MerchantID, key APIKeyID) (APIKey, error) {
	revoked, err := s.changeKey(ctx, id, key, 0, func(k APIKey) APIKey {
		now := foyer.Micro(s.now())
		k.RevokedAt, k.PreviousHash, k.PreviousUntil = &now, nil, nil
		k.Version++
		return k
	})
	if e, refused := foyer.AsError(err); refused && e.Code == "api_key.revoked" {
		return s.store.APIKey(ctx, id, key)
	}
	return revoked, err
}

// changeKey changes one key, and sees to it that somebody can still make keys.
func (s *Service) changeKey(ctx context.Context, id foyer.MerchantID, key APIKeyID, ifVersion int64, change func(APIKey) APIKey) (changed APIKey, err error) {
	now := s.now()
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockMerchant(ctx, id); err != nil {
			return err
		}
		current, err := s.store.APIKey(ctx, id, key)
		switch {
		case err != nil:
			return err
		case current.RevokedAt != nil:
			return foyer.Refuse(foyer.Conflict, "api_key.revoked")
		case ifVersion != 0 && ifVersion != current.Version:
			return foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		changed = change(current)
		if current.administers(now) && !changed.administers(now) {
			if err := s.keepAdmin(ctx, id, key, now); err != nil {
				return err
			}
		}
		saved, err := s.store.SaveAPIKey(ctx, changed)
		if err == nil && !saved {
			err = foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		return err
	})
	return changed, err
}

// keepAdmin refuses to take away the last key that can make others: nobody could get back in.
func (s *Service) keepAdmin(ctx context.Context, id foyer.MerchantID, but APIKeyID, now time.Time) error {
	all, err := s.store.APIKeys(ctx, id, foyer.PageRequest{Limit: 1000})
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID != but && k.administers(now) {
			return nil
		}
	}
	return foyer.Refuse(foyer.Conflict, "api_key.last_admin")
}
