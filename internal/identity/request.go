package identity

import (
	"context"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// ResendAfter is how long the same address and challenge get the same sign-in, and no second mail.
const ResendAfter = time.Minute

// RequestInput is somebody's wish to sign in.
type RequestInput struct {
	Merchant foyer.MerchantID
	Portal   foyer.PortalID
	// RequireBinding says that the portal takes only sign-ins with a code challenge.
	RequireBinding bool
	// Email is a plain address, EmailKey the form that identifies a customer.
	Email         string
	EmailKey      string
	CodeChallenge string
	Locale        string
	Target        Target
	IP            string
}

// RequestSignIn takes the same steps for every address, known or not, over its limit or not: count, insert, enqueue.
// Whether there is a mail is decided by the job that makes it, so neither the answer nor its time can tell (CWE-204,
// CWE-208).
//
// Refusals: Invalid, RateLimited (by network address or merchant; over the address's own limit the answer is the usual
// one and there is no mail).
func (s *Service) RequestSignIn(ctx context.Context, in RequestInput) (SignIn, error) {
	now := s.now()
	if in.RequireBinding && in.CodeChallenge == "" {
		return SignIn{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/code_challenge", Code: "input.required"})
	}
	if err := in.Target.Validate(); err != nil {
		return SignIn{}, err
	}
	if err := s.take(ctx, LimitSignInIP, limitIP(in.IP), now); err != nil {
		return SignIn{}, err
	}
	if err := s.take(ctx, LimitSignInMerchant, string(in.Merchant), now); err != nil {
		return SignIn{}, err
	}
	var signIn SignIn
	// The address's counter is taken in the transaction of the insert: its row lock makes a double click wait until the
	// first one's sign-in can be seen, so that both get the same id.
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		limited := s.take(ctx, LimitSignInAddress, limitAddress(in.Email), now)
		if limited != nil && !errors.Is(limited, foyer.RateLimited) {
			return limited
		}
		recent, err := s.store.RecentSignIn(ctx, in.Merchant, in.EmailKey, in.CodeChallenge, now.Add(-ResendAfter))
		if err == nil {
			signIn = recent
			return nil
		}
		if !errors.Is(err, foyer.NotFound) {
			return err
		}
		signIn = s.newSignIn(in, now)
		signIn.Silent = limited != nil
		if err := s.store.CreateSignIn(ctx, signIn); err != nil {
			return err
		}
		return s.jobs.EnqueueSignInMail(ctx, in.Merchant, signIn.ID)
	})
	return signIn, err
}

func (s *Service) newSignIn(in RequestInput, now time.Time) SignIn {
	signIn := SignIn{
		ID:            SignInID(s.ids(foyer.PrefixSignIn)),
		Merchant:      in.Merchant,
		Portal:        in.Portal,
		Email:         in.Email,
		EmailKey:      in.EmailKey,
		Nonce:         newNonce(),
		CodeChallenge: in.CodeChallenge,
		Locale:        in.Locale,
		Target:        in.Target,
		CreatedAt:     now,
		ExpiresAt:     now.Add(s.lifetimes.MagicLink),
	}
	signIn.TokenHash = hashToken(encodeToken(s.keyring.MAC(purposeLink, signIn.Nonce)))
	return signIn
}

// Letter is what a sign-in mail needs to say.
type Letter struct {
	SignIn SignIn
	Token  string
	Code   string
}

// PrepareMail says whether and to whom the mail of a sign-in goes: it finds the customer of the address and notes them.
// ok is false when there is nothing to send: nobody's address, over its limit, used, expired. It may be called again;
// token and code stay the same.
func (s *Service) PrepareMail(ctx context.Context, merchant foyer.MerchantID, id SignInID) (letter Letter, ok bool, err error) {
	signIn, err := s.store.SignInByID(ctx, id)
	if errors.Is(err, foyer.NotFound) {
		return Letter{}, false, nil // pruned: it had expired long before
	}
	if err != nil {
		return Letter{}, false, err
	}
	if signIn.Merchant != merchant || signIn.UsedAt != nil || signIn.Silent || !s.now().Before(signIn.ExpiresAt) {
		return Letter{}, false, nil
	}
	if signIn.Customer == "" {
		customer, err := s.store.CustomerByEmail(ctx, merchant, signIn.EmailKey)
		if errors.Is(err, foyer.NotFound) {
			return Letter{}, false, nil
		}
		if err != nil {
			return Letter{}, false, err
		}
		if err := s.assign(ctx, signIn, customer); err != nil {
			return Letter{}, false, err
		}
		signIn.Customer = customer
	}
	letter = Letter{SignIn: signIn}
	letter.Token, letter.Code, ok = signIn.Secrets(s.keyring)
	return letter, ok, nil
}

// assign notes whose sign-in it is, and tells the merchant of it: only now, so that asking for it takes the same steps for every
// address, and only of customers.
func (s *Service) assign(ctx context.Context, signIn SignIn, customer foyer.CustomerID) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		first, err := s.store.AssignCustomer(ctx, signIn.Merchant, signIn.ID, customer)
		if err != nil || !first {
			return err
		}
		scope := foyer.Scope{Merchant: signIn.Merchant, Customer: customer}
		return s.happened(ctx, scope, EventSignInCreated, string(signIn.ID), s.now())
	})
}
