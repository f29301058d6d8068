package identity

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/foyer"
)

// warnOfDevice has the customer told of a sign-in on a device they had never signed in on, before it is written down. The first
// sign-in of all tells nobody anything. A ticket is no sign-in: the merchant or a mail let that customer in, for what it says.
func (s *Service) warnOfDevice(ctx context.Context, signIn SignIn, session Session) error {
	known, err := s.store.SignInDevices(ctx, session.Scope())
	if err != nil || len(known) == 0 || slices.Contains(known, session.Place.Device) {
		return err
	}
	return s.jobs.EnqueueNewSignInMail(ctx, session.Merchant, signIn.ID, session.ID)
}

// NewSignIn is what the mail about a sign-in on a new device needs to say.
type NewSignIn struct {
	Session Session
	// Locale is the language the sign-in was asked for in.
	Locale string
}

// PrepareNewSignIn says what the mail about a sign-in on a new device tells; ok is false when nobody keeps the session any more. One
// that has ended is told of too: somebody was in.
func (s *Service) PrepareNewSignIn(ctx context.Context, merchant foyer.MerchantID, signIn SignInID, session foyer.SessionID) (told NewSignIn, ok bool, err error) {
	if told.Session, err = s.store.SessionByID(ctx, merchant, session); err != nil {
		if errors.Is(err, foyer.NotFound) {
			err = nil
		}
		return NewSignIn{}, false, err
	}
	asked, err := s.store.SignInByID(ctx, signIn)
	if err == nil && asked.Merchant == merchant {
		told.Locale = asked.Locale
	}
	if err != nil && !errors.Is(err, foyer.NotFound) {
		return NewSignIn{}, false, err
	}
	return told, true, nil
}
