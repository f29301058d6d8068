package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"foyer/internal/foyer"
)

// PortalSessionID is `cpls_…`.
type PortalSessionID string

// PortalSessionOrigin says who made a portal session.
type PortalSessionOrigin string

// Who makes portal sessions: a merchant's backend by the API, or Foyer for the links of a mail.
const (
	OriginAPI  PortalSessionOrigin = "api"
	OriginMail PortalSessionOrigin = "mail"
)

// PortalSessionStatus says what has become of a portal session.
type PortalSessionStatus string

// What becomes of a portal session.
const (
	PortalSessionOpen    PortalSessionStatus = "open"
	PortalSessionUsed    PortalSessionStatus = "used"
	PortalSessionExpired PortalSessionStatus = "expired"
	PortalSessionRevoked PortalSessionStatus = "revoked"
)

// PortalSession is a link that signs one customer in once, for one purpose. Its secret, the ticket, is derived from the
// nonce and readable nowhere.
type PortalSession struct {
	ID     PortalSessionID
	Scope  foyer.Scope
	Origin PortalSessionOrigin
	// Scopes are what the session it gives may do.
	Scopes []string
	Target Target
	// ReturnURL leads back to the merchant's app, Locale is the language the link was made in; both may be empty.
	ReturnURL string
	Locale    string
	// Nonce is the random value the ticket is derived from; TicketHash finds the portal session by its ticket.
	Nonce      []byte
	TicketHash []byte
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     *time.Time
	// Session is what it was exchanged for; empty before.
	Session   foyer.SessionID
	RevokedAt *time.Time
}

const purposeTicket foyer.Purpose = "portal session ticket"

// portalSessionLife is how long a session from a ticket lasts at most (contract.md §5): whoever has the link was never
// asked who they are.
const portalSessionLife = 12 * time.Hour

// ActivitySignedInByLink is what a customer sees of an exchanged ticket, so that a link somebody else opened is told
// from a sign-in of their own.
const ActivitySignedInByLink foyer.ActivityType = "sign_in.by_link"

// neverAuthenticated is when the customer of a ticket's session proved who they are: never. No check for a fresh sign-in
// takes it for one.
var neverAuthenticated = time.Unix(0, 0).UTC()

// Usable tells whether the ticket can still be exchanged.
func (p PortalSession) Usable(now time.Time) bool { return p.Status(now) == PortalSessionOpen }

// Status says what has become of the portal session.
func (p PortalSession) Status(now time.Time) PortalSessionStatus {
	switch {
	case p.RevokedAt != nil:
		return PortalSessionRevoked
	case p.UsedAt != nil:
		return PortalSessionUsed
	case !now.Before(p.ExpiresAt):
		return PortalSessionExpired
	}
	return PortalSessionOpen
}

// Version counts the changes: made, used, revoked. Each happens once at most, so nothing has to be kept to know it.
func (p PortalSession) Version() int64 {
	version := int64(1)
	for _, at := range []*time.Time{p.UsedAt, p.RevokedAt} {
		if at != nil {
			version++
		}
	}
	return version
}

// Ticket returns the ticket, the same each time, so that a retried mail holds the same link. After the secret was
// rotated the older one still derives it; ok is false when no secret we have made it.
func (p PortalSession) Ticket(keyring *foyer.Keyring) (ticket string, ok bool) {
	for _, mac := range keyring.MACs(purposeTicket, p.Nonce) {
		ticket = encodeToken(mac)
		if subtle.ConstantTimeCompare(hashToken(ticket), p.TicketHash) == 1 {
			return ticket, true
		}
	}
	return "", false
}

// sameAs tells whether both lead the same customer to the same place with the same powers.
func (p PortalSession) sameAs(o PortalSession) bool {
	return p.Scope == o.Scope && p.Target == o.Target && slices.Equal(p.Scopes, o.Scopes)
}

// MintInput is a wish for a link into the portal.
type MintInput struct {
	// ID names the portal session. Minting it again gives the same ticket.
	ID        PortalSessionID
	Scope     foyer.Scope
	Scopes    []string
	Target    Target
	ExpiresIn time.Duration
}

// errTicketSecret says why a ticket that was made before can't be given again.
var errTicketSecret = errors.New("identity: the portal session's ticket was derived from a secret that is not in FOYER_SECRET any more")

// MintTicket returns the ticket of a mail's portal session and makes the portal session if its id is new. A ticket that has
// been used or has expired is returned like any other: its link still says where to sign in. There is no event of it: it is
// part of the mail. Its use is told.
//
// Refusals: Invalid, Conflict when the id stands for something else.
func (s *Service) MintTicket(ctx context.Context, in MintInput) (string, error) {
	now := s.now()
	if err := in.validate(); err != nil {
		return "", err
	}
	wanted := s.withTicket(PortalSession{
		ID: in.ID, Scope: in.Scope, Origin: OriginMail, Scopes: in.Scopes, Target: in.Target, CreatedAt: now, ExpiresAt: now.Add(in.ExpiresIn),
	})
	if err := s.store.CreatePortalSession(ctx, wanted); err != nil {
		return "", err
	}
	// Read back rather than returned: of two that mint at once, both give the ticket of the row that was first.
	minted, err := s.store.PortalSession(ctx, in.Scope.Merchant, in.ID)
	if err != nil && !errors.Is(err, foyer.NotFound) {
		return "", err
	}
	if err != nil || !minted.sameAs(wanted) {
		return "", foyer.Refuse(foyer.Conflict, "conflict")
	}
	ticket, ok := minted.Ticket(s.keyring)
	if !ok {
		return "", errTicketSecret
	}
	return ticket, nil
}

// withTicket gives a new portal session its nonce, from which the ticket follows.
func (s *Service) withTicket(p PortalSession) PortalSession {
	p.Nonce = newNonce()
	p.TicketHash = hashToken(encodeToken(s.keyring.MAC(purposeTicket, p.Nonce)))
	return p
}

func (in MintInput) validate() error {
	unknown := slices.ContainsFunc(in.Scopes, func(scope string) bool { return !ValidScope(scope) })
	if !foyer.ValidID(foyer.PrefixPortalSession, string(in.ID)) || len(in.Scopes) == 0 || unknown || in.ExpiresIn <= 0 {
		return foyer.Refuse(foyer.Invalid, "input.invalid")
	}
	return in.Target.Validate()
}

// ExchangeTicket turns a ticket into a session with the powers and the target it was minted with. Exactly one call
// succeeds, whatever the concurrency and the number of processes.
//
// Refusals: Unauthenticated (ticket.invalid); of a ticket that was ours, used or expired, it names portal and target, so
// that the client offers to sign in and goes on there. That tells nobody more than the link itself does.
func (s *Service) ExchangeTicket(ctx context.Context, ticket string, place foyer.Place, witness Witness) (Tokens, error) {
	now := s.now()
	minted, err := s.store.PortalSessionByTicketHash(ctx, hashToken(ticket))
	if errors.Is(err, foyer.NotFound) {
		return Tokens{}, &foyer.Error{Kind: foyer.Unauthenticated, Code: "ticket.invalid"}
	}
	if err != nil {
		return Tokens{}, err
	}
	if !minted.Usable(now) {
		return Tokens{}, s.errInvalidTicket(ctx, minted)
	}
	session := s.sessionOf(minted, place, now)
	refresh := newRefreshToken()
	var exchanged bool
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		active, err := s.store.CustomerActive(ctx, minted.Scope)
		if err != nil || !active {
			return err
		}
		if exchanged, err = s.enter(ctx, minted, session, refresh, now); err != nil || !exchanged {
			return err
		}
		return witness.of(ctx, minted.Scope, session.ID)
	})
	if err != nil {
		return Tokens{}, err
	}
	if !exchanged {
		return Tokens{}, s.errInvalidTicket(ctx, minted)
	}
	return s.tokens(ctx, session, refresh, now)
}

// enter uses a ticket up and opens its session, in the open transaction; false when somebody was first.
func (s *Service) enter(ctx context.Context, minted PortalSession, session Session, refresh string, now time.Time) (bool, error) {
	// The guarded update decides who is first, as for sign-ins.
	first, err := s.store.UsePortalSession(ctx, minted.Scope.Merchant, minted.ID, session.ID, now)
	if err != nil || !first {
		return false, err
	}
	if err := s.open(ctx, session, refresh, ActivitySignedInByLink, now); err != nil {
		return false, err
	}
	return true, s.happened(ctx, minted.Scope, EventPortalSessionUsed, string(minted.ID), now)
}

// errInvalidTicket refuses a ticket that was ours.
func (s *Service) errInvalidTicket(ctx context.Context, minted PortalSession) error {
	portal, err := s.store.PortalOf(ctx, minted.Scope.Merchant)
	if err != nil {
		return err
	}
	target := map[string]any{"kind": string(minted.Target.Kind)}
	if minted.Target.ID != "" {
		target["id"] = minted.Target.ID
	}
	return &foyer.Error{
		Kind: foyer.Unauthenticated, Code: "ticket.invalid", Merchant: minted.Scope.Merchant,
		Extra: map[string]any{"portal_id": string(portal), "target": target},
	}
}

func (s *Service) sessionOf(minted PortalSession, place foyer.Place, now time.Time) Session {
	session := Session{
		ID:              foyer.SessionID(s.ids(foyer.PrefixSession)),
		Merchant:        minted.Scope.Merchant,
		Customer:        minted.Scope.Customer,
		Kind:            KindPortalSession,
		Scopes:          minted.Scopes,
		Target:          minted.Target,
		ReturnURL:       minted.ReturnURL,
		Locale:          minted.Locale,
		Place:           place,
		AuthenticatedAt: neverAuthenticated,
		CreatedAt:       now,
		ExpiresAt:       now.Add(min(portalSessionLife, s.lifetimes.RefreshAbsolute)),
	}
	return session.Touched(now, s.lifetimes.RefreshIdle)
}
