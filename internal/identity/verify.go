package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// VerifyInput is the proof that somebody reads the mailbox: a token, or a sign-in's id and its code.
type VerifyInput struct {
	Token    string
	SignIn   SignInID
	Code     string
	Verifier string
	Place    foyer.Place
	IP       string
	Witness  Witness
}

// Witness writes down who did what, in the transaction of the act; its error undoes the act. Whoever signs in, or proves that a
// mailbox is theirs, is not known before. Nil writes nothing.
type Witness func(ctx context.Context, actor foyer.Actor) error

func (w Witness) of(ctx context.Context, scope foyer.Scope, session foyer.SessionID) error {
	if w == nil {
		return nil
	}
	return w(ctx, foyer.Actor{Kind: foyer.ActorCustomer, Scope: scope, Session: session})
}

// errInvalidSignIn is the one answer for unknown, used, expired, wrong and not bound to this device.
func errInvalidSignIn(merchant foyer.MerchantID) error {
	return &foyer.Error{Kind: foyer.Unauthenticated, Code: "sign_in.invalid", Merchant: merchant}
}

// VerifySignIn turns a link's token or a code into a session. Exactly one call succeeds, whatever the concurrency and
// the number of processes; a missing or wrong verifier uses nothing up.
//
// Refusals: Unauthenticated (sign_in.invalid), RateLimited.
func (s *Service) VerifySignIn(ctx context.Context, in VerifyInput) (Tokens, error) {
	now := s.now()
	if err := s.take(ctx, LimitVerifyIP, limitIP(in.IP), now); err != nil {
		return Tokens{}, err
	}
	signIn, err := s.prove(ctx, in, now)
	if err != nil {
		return Tokens{}, err
	}
	session := s.newSession(signIn, in.Place, now)
	refresh := newRefreshToken()
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		// The guarded update decides who is first (CVE-2026-3590: two requests that both read "unused").
		first, err := s.store.UseSignIn(ctx, signIn.Merchant, signIn.ID, now)
		if err != nil {
			return err
		}
		if !first {
			return errInvalidSignIn(signIn.Merchant)
		}
		active, err := s.store.CustomerActive(ctx, session.Scope())
		if err != nil {
			return err
		}
		if !active {
			return errInvalidSignIn(signIn.Merchant)
		}
		if err := s.store.EndSignIns(ctx, session.Scope(), signIn.EmailKey, now); err != nil {
			return err
		}
		if err := s.warnOfDevice(ctx, signIn, session); err != nil {
			return err
		}
		if err := s.open(ctx, session, refresh, foyer.ActivitySignedIn, now); err != nil {
			return err
		}
		if err := s.happened(ctx, session.Scope(), EventSignInCompleted, string(signIn.ID), now); err != nil {
			return err
		}
		return in.Witness.of(ctx, session.Scope(), session.ID)
	})
	if err != nil {
		return Tokens{}, err
	}
	return s.tokens(ctx, session, refresh, now)
}

// prove finds the sign-in and checks the proof without using it up.
func (s *Service) prove(ctx context.Context, in VerifyInput, now time.Time) (SignIn, error) {
	if in.Token != "" {
		signIn, err := s.store.SignInByTokenHash(ctx, hashToken(in.Token))
		if errors.Is(err, foyer.NotFound) {
			return SignIn{}, errInvalidSignIn("")
		}
		if err != nil {
			return SignIn{}, err
		}
		if !signIn.Usable(now) || !signIn.BoundTo(in.Verifier) {
			return SignIn{}, errInvalidSignIn(signIn.Merchant)
		}
		return signIn, nil
	}
	if !foyer.ValidID(foyer.PrefixSignIn, string(in.SignIn)) {
		return SignIn{}, errInvalidSignIn("") // PostgreSQL takes no NUL
	}
	signIn, err := s.store.SignInByID(ctx, in.SignIn)
	if errors.Is(err, foyer.NotFound) {
		return SignIn{}, errInvalidSignIn("")
	}
	if err != nil {
		return SignIn{}, err
	}
	// The verifier comes first: a stranger who knows the id but not the verifier can't use up the tries.
	if !signIn.BoundTo(in.Verifier) {
		return SignIn{}, errInvalidSignIn(signIn.Merchant)
	}
	// Counted and committed before comparing, so that many guesses at once are still at most five; and for every address
	// alike, because the time of a write would tell which sign-ins are a customer's.
	counted, err := s.store.CountCodeTry(ctx, signIn.Merchant, signIn.ID, MaxCodeTries)
	if err != nil {
		return SignIn{}, err
	}
	_, code, ok := signIn.Secrets(s.keyring)
	if !counted || !ok || !signIn.Usable(now) || subtle.ConstantTimeCompare([]byte(ReadCode(in.Code)), []byte(code)) != 1 {
		return SignIn{}, errInvalidSignIn(signIn.Merchant)
	}
	return signIn, nil
}

func (s *Service) newSession(signIn SignIn, place foyer.Place, now time.Time) Session {
	session := Session{
		ID:              foyer.SessionID(s.ids(foyer.PrefixSession)),
		Merchant:        signIn.Merchant,
		Customer:        signIn.Customer,
		Kind:            KindSignIn,
		Scopes:          FullScope,
		Target:          signIn.Target,
		Place:           place,
		AuthenticatedAt: now,
		CreatedAt:       now,
		ExpiresAt:       now.Add(s.lifetimes.RefreshAbsolute),
	}
	return session.Touched(now, s.lifetimes.RefreshIdle)
}

// open writes a new session with its first refresh token, and that it began, in the open transaction.
func (s *Service) open(ctx context.Context, session Session, refresh string, began foyer.ActivityType, now time.Time) error {
	if err := s.store.CreateSession(ctx, session); err != nil {
		return err
	}
	token := RefreshToken{Hash: hashToken(refresh), Merchant: session.Merchant, Session: session.ID, CreatedAt: now}
	if err := s.store.CreateRefreshToken(ctx, token); err != nil {
		return err
	}
	if err := s.record(ctx, session, began, session.Place, now); err != nil {
		return err
	}
	return s.happened(ctx, session.Scope(), EventSessionCreated, string(session.ID), now)
}

// tokens makes what the client gets.
func (s *Service) tokens(ctx context.Context, session Session, refresh string, now time.Time) (Tokens, error) {
	key, err := s.signingKey(ctx)
	if err != nil {
		return Tokens{}, err
	}
	life := min(s.lifetimes.Access, session.ExpiresAt.Sub(now))
	access, err := sign(key, s.issuer, session, s.ids("tok"), now, life)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		AccessToken:      access,
		ExpiresIn:        life,
		RefreshToken:     refresh,
		RefreshExpiresIn: session.IdleExpiresAt.Sub(now),
		Session:          session,
	}, nil
}
