package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// EmailChangeID is `emc_…`.
type EmailChangeID string

// EmailChange is a customer's wish for another address. Whoever reads that mailbox makes it true.
type EmailChange struct {
	ID       EmailChangeID
	Scope    foyer.Scope
	Session  foyer.SessionID
	Email    string
	EmailKey string
	// PreviousEmail is the address when it was asked for, and once it is completed the one that was replaced.
	PreviousEmail string
	// Nonce is the random value the token is derived from; TokenHash finds the change by its token.
	Nonce     []byte
	TokenHash []byte
	// Locale is the language the request was made in, used when the customer has chosen none.
	Locale string
	// Silent changes get no link: the address is over its limit, which the answer must not tell.
	Silent    bool
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
	// CompletedAt is when the address was changed; UsedAt is also when another change ended this one.
	CompletedAt *time.Time
}

// EmailChangeStep names a mail about a change of address.
type EmailChangeStep string

// The mails about a change of address: the link, to the new one; the warning, to the old one; what was done, to the old one.
const (
	EmailChangeLink   EmailChangeStep = "email_change"
	EmailChangeNotice EmailChangeStep = "email_change_notice"
	EmailChangeDone   EmailChangeStep = "email_changed"
)

// What a customer's activity shows of it. The mail to the new address is not among the mails sent: whether it holds a link
// would tell whether the address is a customer's.
const activityEmailChangeRequested foyer.ActivityType = "email_change.requested"

const purposeEmailChange foyer.Purpose = "email change link"

// freshSignIn is how long ago the customer may have signed in at most to change what signing in depends on.
const freshSignIn = 15 * time.Minute

// Usable tells whether the change can still be made.
func (c EmailChange) Usable(now time.Time) bool { return c.UsedAt == nil && now.Before(c.ExpiresAt) }

// Token returns the token of the link, the same each time; ok is false when no secret we have made it.
func (c EmailChange) Token(keyring *foyer.Keyring) (token string, ok bool) {
	for _, mac := range keyring.MACs(purposeEmailChange, c.Nonce) {
		token = encodeToken(mac)
		if subtle.ConstantTimeCompare(hashToken(token), c.TokenHash) == 1 {
			return token, true
		}
	}
	return "", false
}

// EmailChangeInput is a customer's wish for another address, a plain one; EmailKey is the form that identifies a customer.
type EmailChangeInput struct {
	Email, EmailKey string
	// Current is the address the customer has.
	Current string
	Locale  string
	Place   foyer.Place
}

// RequestEmailChange takes the same steps for every address, a customer's or not, over its limit or not. What is mailed is
// decided by the job (CWE-204, threats #33, #88).
//
// Refusals: Forbidden (auth.fresh_sign_in_required), RateLimited by customer.
func (s *Service) RequestEmailChange(ctx context.Context, access Access, in EmailChangeInput) (EmailChange, error) {
	now := s.now()
	if !access.Fresh(now, freshSignIn) {
		return EmailChange{}, foyer.Refuse(foyer.Forbidden, "auth.fresh_sign_in_required")
	}
	scope := access.Actor.Scope
	if err := s.take(ctx, LimitEmailChange, string(scope.Customer), now); err != nil {
		return EmailChange{}, err
	}
	change := EmailChange{
		ID: EmailChangeID(s.ids(foyer.PrefixEmailChange)), Scope: scope, Session: access.Actor.Session, Email: in.Email, EmailKey: in.EmailKey,
		PreviousEmail: in.Current, Nonce: newNonce(), Locale: in.Locale, CreatedAt: now, ExpiresAt: now.Add(s.lifetimes.MagicLink),
	}
	change.TokenHash = hashToken(encodeToken(s.keyring.MAC(purposeEmailChange, change.Nonce)))
	err := s.store.Conclude(ctx, func(ctx context.Context) error {
		// Counted with the sign-ins of the address: a mailbox gets only so many mails nobody there asked for.
		limited := s.take(ctx, LimitSignInAddress, limitAddress(in.Email), now)
		if limited != nil && !errors.Is(limited, foyer.RateLimited) {
			return limited
		}
		change.Silent = limited != nil
		if err := s.store.CreateEmailChange(ctx, change); err != nil {
			return err
		}
		session := Session{ID: access.Actor.Session, Merchant: scope.Merchant, Customer: scope.Customer}
		if err := s.record(ctx, session, activityEmailChangeRequested, in.Place, now); err != nil {
			return err
		}
		return s.jobs.EnqueueEmailChangeMails(ctx, scope.Merchant, change.ID, EmailChangeLink, EmailChangeNotice)
	})
	return change, err
}

// errInvalidEmailChange is the one answer for unknown, used, expired and an address that is another customer's by now.
func errInvalidEmailChange(merchant foyer.MerchantID) error {
	return &foyer.Error{Kind: foyer.Unauthenticated, Code: "email_change.invalid", Merchant: merchant}
}

// VerifyEmailChangeInput is the proof that somebody reads the new mailbox.
type VerifyEmailChangeInput struct {
	Token string
	Place foyer.Place
	IP    string
	// Allowed tells whether the merchant lets its customers change their address, still; nil asks nobody.
	Allowed func(ctx context.Context, merchant foyer.MerchantID) error
	Witness Witness
}

// VerifyEmailChange changes the customer's address to the one whose mailbox holds the token. Exactly one call succeeds, whatever
// the concurrency. Then everything that went to the old mailbox ends: open sign-ins, the links of mails, other changes; and every
// session but the one that asked, because somebody else may have been in (ASVS 7.4.3).
//
// Refusals: Unauthenticated (email_change.invalid), RateLimited.
func (s *Service) VerifyEmailChange(ctx context.Context, in VerifyEmailChangeInput) (EmailChange, error) {
	now := s.now()
	if err := s.take(ctx, LimitVerifyIP, limitIP(in.IP), now); err != nil {
		return EmailChange{}, err
	}
	change, err := s.store.EmailChangeByTokenHash(ctx, hashToken(in.Token))
	if errors.Is(err, foyer.NotFound) {
		return EmailChange{}, errInvalidEmailChange("")
	}
	if err != nil {
		return EmailChange{}, err
	}
	scope := change.Scope
	if in.Allowed != nil {
		if err := in.Allowed(ctx, scope.Merchant); err != nil {
			return EmailChange{}, err
		}
	}
	var ended []foyer.SessionID
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		// Locked first, as by whoever archives a customer: neither waits for what the other holds.
		if err := s.store.LockCustomer(ctx, scope); err != nil {
			return err
		}
		// The guarded update decides who is first, as for sign-ins.
		first, err := s.store.UseEmailChange(ctx, scope.Merchant, change.ID, now)
		if err != nil {
			return err
		}
		if !first {
			return errInvalidEmailChange(scope.Merchant)
		}
		// Before the address is changed, which waits for everybody who writes something of the customer's: who exchanges a ticket
		// or signs in is waited for here, and holds up nothing there.
		if ended, err = s.endOldMailbox(ctx, change, now); err != nil {
			return err
		}
		actor := foyer.Actor{Kind: foyer.ActorCustomer, Scope: scope, Session: change.Session}
		previous, err := s.customers.ChangeEmail(ctx, actor, change.Email, in.Place)
		if errors.Is(err, foyer.Conflict) || errors.Is(err, foyer.NotFound) {
			return errInvalidEmailChange(scope.Merchant) // undone with all of it: the address may become free in time
		}
		if err != nil {
			return err
		}
		change.PreviousEmail, change.UsedAt, change.CompletedAt = previous, &now, &now
		if err := s.store.CompleteEmailChange(ctx, scope.Merchant, change.ID, previous, now); err != nil {
			return err
		}
		if err := s.jobs.EnqueueEmailChangeMails(ctx, scope.Merchant, change.ID, EmailChangeDone); err != nil {
			return err
		}
		return in.Witness.of(ctx, scope, change.Session)
	})
	if err != nil {
		return EmailChange{}, err
	}
	s.revoked.add(now, ended...)
	return change, nil
}

// endOldMailbox ends what whoever reads the old mailbox, or came in by it, could still use.
func (s *Service) endOldMailbox(ctx context.Context, change EmailChange, now time.Time) ([]foyer.SessionID, error) {
	if err := s.store.EndEmailChanges(ctx, change.Scope, now); err != nil {
		return nil, err
	}
	// By the new address too: a sign-in that was asked for with it before was nobody's.
	if err := s.store.EndSignIns(ctx, change.Scope, change.EmailKey, now); err != nil {
		return nil, err
	}
	tickets, err := s.store.RevokeOpenPortalSessions(ctx, change.Scope, OriginMail, now)
	if err != nil {
		return nil, err
	}
	if err := s.ticketsRevoked(ctx, change.Scope, now, tickets...); err != nil {
		return nil, err
	}
	ended, err := s.store.RevokeSessions(ctx, change.Scope, change.Session, now)
	if err != nil {
		return nil, err
	}
	return ended, s.sessionsRevoked(ctx, change.Scope, now, ended...)
}

// EmailChangeLetter is what a mail about a change of address needs to say.
type EmailChangeLetter struct {
	Change EmailChange
	To     string
	// Token is the link's; empty when there is none to give: the address is another customer's.
	Token string
}

// PrepareEmailChange says whether and to whom a mail about a change of address goes. ok is false when there is nothing to
// send. It may be called again; the token stays the same.
func (s *Service) PrepareEmailChange(ctx context.Context, merchant foyer.MerchantID, id EmailChangeID, step EmailChangeStep) (letter EmailChangeLetter, ok bool, err error) {
	change, err := s.store.EmailChange(ctx, merchant, id)
	if errors.Is(err, foyer.NotFound) {
		return EmailChangeLetter{}, false, nil // pruned
	}
	if err != nil {
		return EmailChangeLetter{}, false, err
	}
	letter = EmailChangeLetter{Change: change, To: change.PreviousEmail}
	if step != EmailChangeLink {
		return letter, step == EmailChangeNotice || change.CompletedAt != nil, nil
	}
	letter.To = change.Email
	if change.Silent || !change.Usable(s.now()) {
		return EmailChangeLetter{}, false, nil
	}
	taken, err := s.store.EmailTaken(ctx, change.Scope, change.EmailKey)
	if err != nil || taken {
		return letter, err == nil, err
	}
	letter.Token, ok = change.Token(s.keyring)
	return letter, ok, nil
}

// EmailChanges returns a page of the customer's changes of address, newest first.
func (s *Service) EmailChanges(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]EmailChange, error) {
	return s.store.EmailChanges(ctx, scope, page)
}
