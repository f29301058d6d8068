package identity

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Config holds what a Service depends on.
type Config struct {
	Store     Store
	Limiter   Limiter
	Jobs      Jobs
	Customers Customers
	Keyring   *foyer.Keyring
	IDs       foyer.IDs
	Now       func() time.Time
	Lifetimes Lifetimes
	Limits    Limits
	// Issuer is the `iss` of access tokens: FOYER_PUBLIC_URL.
	Issuer string
}

// Service signs customers in and knows who they are.
type Service struct {
	store     Store
	limiter   Limiter
	jobs      Jobs
	customers Customers
	keyring   *foyer.Keyring
	ids       foyer.IDs
	clock     func() time.Time
	lifetimes Lifetimes
	limits    Limits
	issuer    string
	keys      keySet
	verified  verifiedTokens
	revoked   revocations
}

// NewService returns a Service. Call Run beside it, so that what other processes revoke or rotate is seen.
func NewService(c Config) *Service {
	return &Service{
		store:     c.Store,
		limiter:   c.Limiter,
		jobs:      c.Jobs,
		customers: c.Customers,
		keyring:   c.Keyring,
		ids:       c.IDs,
		clock:     c.Now,
		lifetimes: c.Lifetimes,
		limits:    c.Limits,
		issuer:    c.Issuer,
		revoked:   revocations{sessions: map[foyer.SessionID]time.Time{}},
	}
}

// Lifetimes returns how long things are good for.
func (s *Service) Lifetimes() Lifetimes { return s.lifetimes }

func (s *Service) now() time.Time { return foyer.Micro(s.clock()) }

// refreshEvery is how often a process asks what others revoked and which keys there are. It is far below the 60 seconds
// within which a revoked access token must die.
const refreshEvery = 5 * time.Second

// Run keeps the process's knowledge of revoked sessions and signing keys fresh until ctx ends. It loads both before it
// calls ready.
func (s *Service) Run(ctx context.Context, ready func(error)) {
	err := s.Refreshed(ctx)
	ready(err)
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			// A failed look is repeated; Authenticate asks the database itself when the last good look is too old.
			_ = s.Refreshed(ctx)
		}
	}
}

// Refreshed loads the revoked sessions and the signing keys, making the first key if there is none.
func (s *Service) Refreshed(ctx context.Context) error {
	if err := s.loadRevoked(ctx); err != nil {
		return err
	}
	return s.loadKeys(ctx)
}

// record writes an entry of the customer's activity in the open transaction.
func (s *Service) record(ctx context.Context, session Session, kind foyer.ActivityType, place foyer.Place, now time.Time) error {
	return s.store.RecordActivity(ctx, foyer.Activity{
		ID:      s.ids(foyer.PrefixActivity),
		Scope:   session.Scope(),
		Session: session.ID,
		Type:    kind,
		Place:   place,
		At:      now,
	})
}
