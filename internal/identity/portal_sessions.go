package identity

import (
	"context"
	"slices"
	"time"

	"foyer/internal/foyer"
)

// The shortest and longest life a merchant may give a link (contract.md §5).
const (
	minTicketLife = time.Minute
	maxTicketLife = 24 * time.Hour
)

// PortalSessionInput is a merchant's wish for a link, or for a session at once. That customer, subscriptions and return URL are
// the merchant's is the caller's to know.
type PortalSessionInput struct {
	Scope     foyer.Scope
	Scopes    []string
	Target    Target
	ReturnURL string
	Locale    string
	// ExpiresIn is how long the ticket is good for; 0 is the default.
	ExpiresIn time.Duration
	// Exchange gives tokens instead of a ticket, for a backend that serves a mobile app. Place is then where the call came from.
	Exchange bool
	Place    foyer.Place
}

// Minted is a portal session with its secrets: the ticket, or the tokens it was exchanged for at once.
type Minted struct {
	PortalSession
	Ticket string
	Tokens *Tokens
}

// CreatePortalSession makes a portal session for a merchant's backend. The secrets are in what it returns and nowhere else.
//
// Refusals: Invalid (an archived or foreign customer is an unknown reference), RateLimited by merchant.
func (s *Service) CreatePortalSession(ctx context.Context, in PortalSessionInput) (Minted, error) {
	now := s.now()
	if in.ExpiresIn == 0 {
		in.ExpiresIn = s.lifetimes.Ticket
	} else if in.ExpiresIn < minTicketLife || in.ExpiresIn > maxTicketLife {
		return Minted{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/expires_in", Code: "input.invalid"})
	}
	if err := in.Target.Validate(); err != nil {
		return Minted{}, err
	}
	if len(in.Scopes) == 0 || slices.ContainsFunc(in.Scopes, func(scope string) bool { return !ValidScope(scope) }) {
		return Minted{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/scopes", Code: "input.invalid"})
	}
	if err := s.take(ctx, LimitPortalSession, string(in.Scope.Merchant), now); err != nil {
		return Minted{}, err
	}
	if _, err := s.signingKey(ctx); err != nil { // may have to be made, in a transaction of its own
		return Minted{}, err
	}
	made := Minted{PortalSession: s.withTicket(PortalSession{
		ID: PortalSessionID(s.ids(foyer.PrefixPortalSession)), Scope: in.Scope, Origin: OriginAPI, Scopes: in.Scopes, Target: in.Target,
		ReturnURL: in.ReturnURL, Locale: in.Locale, CreatedAt: now, ExpiresAt: now.Add(in.ExpiresIn),
	})}
	session, refresh := s.sessionOf(made.PortalSession, in.Place, now), newRefreshToken()
	err := s.store.Conclude(ctx, func(ctx context.Context) error {
		active, err := s.store.CustomerActive(ctx, in.Scope)
		if err != nil {
			return err
		}
		if !active {
			return foyer.InvalidFields(foyer.FieldError{Pointer: "/customer_id", Code: "input.unknown_reference"})
		}
		if err := s.store.CreatePortalSession(ctx, made.PortalSession); err != nil {
			return err
		}
		if err := s.happened(ctx, in.Scope, EventPortalSessionCreated, string(made.ID), now); err != nil || !in.Exchange {
			return err
		}
		_, err = s.enter(ctx, made.PortalSession, session, refresh, now)
		return err
	})
	if err != nil {
		return Minted{}, err
	}
	if !in.Exchange {
		made.Ticket, _ = made.PortalSession.Ticket(s.keyring)
		return made, nil
	}
	made.UsedAt, made.Session = &now, session.ID
	tokens, err := s.tokens(ctx, session, refresh, now)
	made.Tokens = &tokens
	return made, err
}

// PortalSessions returns a page of the merchant's portal sessions, newest first.
func (s *Service) PortalSessions(ctx context.Context, merchant foyer.MerchantID, filter PortalSessionFilter, page foyer.PageRequest) ([]PortalSession, error) {
	return s.store.PortalSessions(ctx, merchant, filter, page)
}

// PortalSession returns one portal session of the merchant.
func (s *Service) PortalSession(ctx context.Context, merchant foyer.MerchantID, id PortalSessionID) (PortalSession, error) {
	return s.store.PortalSession(ctx, merchant, id)
}

// RevokePortalSession kills the ticket at once, and the session that came of it: its refresh token at once, its access token
// within 60 seconds in every process. Revoking it twice is not an error.
func (s *Service) RevokePortalSession(ctx context.Context, merchant foyer.MerchantID, id PortalSessionID) error {
	now := s.now()
	var ended foyer.SessionID
	err := s.store.Conclude(ctx, func(ctx context.Context) error {
		first, err := s.store.RevokePortalSession(ctx, merchant, id, now)
		if err != nil || !first {
			return err
		}
		// Read after the update, which waits for an exchange under way: either that came first and its session is here, or
		// it finds the ticket dead.
		revoked, err := s.store.PortalSession(ctx, merchant, id)
		if err != nil {
			return err
		}
		if err := s.happened(ctx, revoked.Scope, EventPortalSessionRevoked, string(id), now); err != nil || revoked.Session == "" {
			return err
		}
		open, err := s.store.RevokeSession(ctx, revoked.Scope, revoked.Session, now)
		if err != nil || !open {
			return err
		}
		ended = revoked.Session
		return s.sessionsRevoked(ctx, revoked.Scope, now, ended)
	})
	if err == nil && ended != "" {
		s.revoked.add(now, ended)
	}
	return err
}
