package merchant

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"foyer/internal/foyer"
)

// Service creates merchants and answers what their portals are like.
type Service struct {
	store Store
	ids   foyer.IDs
	now   func() time.Time
	// gateway tells whether live merchants have a gateway.
	liveGateway bool
	maySendAs   func(address string) bool

	mu        sync.Mutex
	merchants map[string]cached[Merchant] // by merchant id and by portal id
	origins   map[string]cached[bool]
}

type cached[T any] struct {
	value   T
	missing bool
	until   time.Time
}

// cacheFor is how long a process answers from memory: every request asks for the portal, and a changed setting acts in
// all processes after at most this.
const cacheFor = 500 * time.Millisecond

// cacheSize bounds the memory; an attacker who invents origins only empties it.
const cacheSize = 4096

// NewService returns a Service. liveGateway says whether a gateway for live merchants is configured.
// maySendAs says whether a merchant's mails may come from an address.
func NewService(store Store, ids foyer.IDs, now func() time.Time, liveGateway bool, maySendAs func(address string) bool) *Service {
	return &Service{
		maySendAs:   maySendAs,
		store:       store,
		ids:         ids,
		now:         now,
		liveGateway: liveGateway,
		merchants:   map[string]cached[Merchant]{},
		origins:     map[string]cached[bool]{},
	}
}

// Create makes a merchant with its portal and first API key, and returns the key's secret, which is shown once.
//
// Refusals: Invalid; Conflict (gateway.not_configured) for a live merchant without a gateway.
func (s *Service) Create(ctx context.Context, mode Mode, settings Settings) (Merchant, string, error) {
	if mode == Live && !s.liveGateway {
		return Merchant{}, "", foyer.Refuse(foyer.Conflict, "gateway.not_configured")
	}
	now := s.now()
	m, err := New(s.ids, mode, settings, now)
	if err != nil {
		return Merchant{}, "", err
	}
	key, secret := NewAPIKey(s.ids, m, "First key", Permissions, now)
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.CreateMerchant(ctx, m); err != nil {
			return err
		}
		if err := s.store.CreateAPIKey(ctx, key); err != nil {
			return err
		}
		return s.store.RecordAudit(ctx, AuditEntry{
			ID: s.ids(foyer.PrefixAuditEntry), Merchant: m.ID, Actor: foyer.ActorSystem, Action: "merchant.create", Subject: string(key.ID), At: m.CreatedAt,
		})
	})
	return m, secret, err
}

// ByPortal returns the merchant of a portal; foyer.NotFound when there is none.
func (s *Service) ByPortal(ctx context.Context, id foyer.PortalID) (Merchant, error) {
	return remember(s, s.merchants, string(id), func() (Merchant, error) { return s.store.MerchantByPortal(ctx, id) })
}

// ByID returns a merchant; foyer.NotFound when there is none.
func (s *Service) ByID(ctx context.Context, id foyer.MerchantID) (Merchant, error) {
	return remember(s, s.merchants, string(id), func() (Merchant, error) { return s.store.MerchantByID(ctx, id) })
}

// UpdatePortal changes the settings of the merchant's portal; change gets those there are and returns the ones wanted. They act
// at once in this process and within half a second in every other. ifVersion is the version the caller read, 0 when it does not care.
//
// Refusals: Invalid with every field at fault, PreconditionFailed.
func (s *Service) UpdatePortal(ctx context.Context, id foyer.MerchantID, ifVersion int64, change func(Settings) (Settings, error)) (Merchant, error) {
	var m Merchant
	err := s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockMerchant(ctx, id); err != nil {
			return err
		}
		var err error
		if m, err = s.store.MerchantByID(ctx, id); err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != m.Portal.Version {
			return foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		wanted, err := change(m.Portal.Settings)
		if err != nil {
			return err
		}
		if err := wanted.Validate(); err != nil {
			return err
		}
		if from := wanted.MailSender.Address; from != "" && from != m.Portal.Settings.MailSender.Address && !s.maySendAs(from) {
			return foyer.InvalidFields(foyer.FieldError{Pointer: "/mail_sender/address", Code: "input.mail_domain"})
		}
		if reflect.DeepEqual(wanted, m.Portal.Settings) {
			return nil
		}
		m.Portal.Settings, m.Name = wanted, wanted.Name
		m.Portal.Version++
		saved, err := s.store.SavePortal(ctx, m.Portal, foyer.Micro(s.now()))
		if err == nil && !saved {
			err = foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		return err
	})
	return m, err
}

// Forget makes this process read the merchant again: what was changed is committed now.
func (s *Service) Forget(m Merchant) {
	s.forget(string(m.ID), string(m.Portal.ID))
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.origins)
}

// All lists the merchants of the instance.
func (s *Service) All(ctx context.Context) ([]Merchant, error) { return s.store.Merchants(ctx) }

// AllowsOrigin tells whether the merchant's portal may be used from the origin; exact comparison, nothing folded.
func (s *Service) AllowsOrigin(ctx context.Context, id foyer.MerchantID, origin string) (bool, error) {
	m, err := s.ByID(ctx, id)
	if err != nil {
		return false, err
	}
	return slices.Contains(m.Portal.Settings.AllowedOrigins, origin), nil
}

// KnowsOrigin tells whether any portal of the instance may be used from the origin.
func (s *Service) KnowsOrigin(ctx context.Context, origin string) (bool, error) {
	if !ValidOrigin(origin) {
		return false, nil
	}
	return remember(s, s.origins, origin, func() (bool, error) { return s.store.OriginKnown(ctx, origin) })
}

// remember answers from memory while it is fresh. Not found is remembered too, so that invented ids cost little.
func remember[T any](s *Service, cache map[string]cached[T], key string, load func() (T, error)) (T, error) {
	now := s.now()
	s.mu.Lock()
	known, ok := cache[key]
	s.mu.Unlock()
	if ok && now.Before(known.until) {
		if known.missing {
			return known.value, foyer.ErrNotFound()
		}
		return known.value, nil
	}
	value, err := load()
	missing := errors.Is(err, foyer.NotFound)
	if err != nil && !missing {
		return value, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(cache) >= cacheSize {
		clear(cache)
	}
	cache[key] = cached[T]{value: value, missing: missing, until: now.Add(cacheFor)}
	return value, err
}
