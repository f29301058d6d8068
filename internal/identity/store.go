package identity

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Store keeps sign-ins, portal sessions, sessions and keys. Methods join the transaction in ctx when there is one. Those that start from
// a secret (a token's hash) look across merchants, because the secret is what tells the merchant; all others take the
// scope. Not found is foyer.NotFound.
type Store interface {
	// InTx runs fn in a transaction, or in the one that is open.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Conclude is InTx for the last transaction of a command: what is kept of the call is committed with it.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error

	CreateSignIn(ctx context.Context, s SignIn) error
	// RecentSignIn returns the newest unused sign-in of the address with the challenge made at or after since.
	RecentSignIn(ctx context.Context, merchant foyer.MerchantID, emailKey, challenge string, since time.Time) (SignIn, error)
	SignInByTokenHash(ctx context.Context, hash []byte) (SignIn, error)
	SignInByID(ctx context.Context, id SignInID) (SignIn, error)
	// CountCodeTry counts one try and returns false when the tries are used up. Commits before anything is compared.
	CountCodeTry(ctx context.Context, merchant foyer.MerchantID, id SignInID, most int) (bool, error)
	// AssignCustomer says whose sign-in it is; false when that had been said.
	AssignCustomer(ctx context.Context, merchant foyer.MerchantID, id SignInID, customer foyer.CustomerID) (bool, error)
	// UseSignIn marks the sign-in used and completed if it is unused and not expired; false when somebody else was first.
	UseSignIn(ctx context.Context, merchant foyer.MerchantID, id SignInID, now time.Time) (bool, error)
	// EndSignIns marks every unused sign-in of the customer used, those of the address too whose mail is not made yet.
	EndSignIns(ctx context.Context, scope foyer.Scope, emailKey string, now time.Time) error

	// CustomerByEmail returns the customer who may sign in with the address; archived ones are not found.
	CustomerByEmail(ctx context.Context, merchant foyer.MerchantID, emailKey string) (foyer.CustomerID, error)
	// CustomerActive tells whether the customer exists and is not archived.
	CustomerActive(ctx context.Context, scope foyer.Scope) (bool, error)

	// CreatePortalSession keeps the portal session unless its id exists.
	CreatePortalSession(ctx context.Context, p PortalSession) error
	PortalSession(ctx context.Context, merchant foyer.MerchantID, id PortalSessionID) (PortalSession, error)
	PortalSessionByTicketHash(ctx context.Context, hash []byte) (PortalSession, error)
	// PortalSessions returns a page of the merchant's portal sessions, newest first.
	PortalSessions(ctx context.Context, merchant foyer.MerchantID, filter PortalSessionFilter, page foyer.PageRequest) ([]PortalSession, error)
	// UsePortalSession marks the portal session used for the session if it is unused, not revoked and not expired; false
	// when somebody else was first.
	UsePortalSession(ctx context.Context, merchant foyer.MerchantID, id PortalSessionID, session foyer.SessionID, now time.Time) (bool, error)
	// RevokePortalSession marks the portal session revoked; false when it had been before.
	RevokePortalSession(ctx context.Context, merchant foyer.MerchantID, id PortalSessionID, now time.Time) (bool, error)
	// RevokeOpenPortalSessions revokes those of the customer that could still be used, of one origin or, when it is empty, of
	// any, and returns them.
	RevokeOpenPortalSessions(ctx context.Context, scope foyer.Scope, origin PortalSessionOrigin, now time.Time) ([]PortalSessionID, error)
	// PortalOf returns the merchant's portal, where a customer whose ticket is no longer good signs in.
	PortalOf(ctx context.Context, merchant foyer.MerchantID) (foyer.PortalID, error)

	CreateSession(ctx context.Context, s Session) error
	SessionByID(ctx context.Context, merchant foyer.MerchantID, id foyer.SessionID) (Session, error)
	// OpenSessions returns a page of the customer's sessions that live at now, newest first.
	OpenSessions(ctx context.Context, scope foyer.Scope, now time.Time, page foyer.PageRequest) ([]Session, error)
	// TouchSession saves the times of a refreshed session, unless it was revoked.
	TouchSession(ctx context.Context, s Session) error
	// RevokeSession ends one session of the customer; false when it had ended before. Unknown is foyer.NotFound.
	RevokeSession(ctx context.Context, scope foyer.Scope, id foyer.SessionID, now time.Time) (bool, error)
	// AllSessions returns a page of every session of the customer that is still kept, ended ones too, newest first.
	AllSessions(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Session, error)
	// RevokeSessions ends all sessions of the customer but the one to keep, which may be empty, and returns those that it ended.
	RevokeSessions(ctx context.Context, scope foyer.Scope, keep foyer.SessionID, now time.Time) ([]foyer.SessionID, error)
	// SessionsRevokedSince returns the sessions of all merchants that were revoked at or after since.
	SessionsRevokedSince(ctx context.Context, since time.Time) ([]foyer.SessionID, error)

	CreateRefreshToken(ctx context.Context, t RefreshToken) error
	RefreshTokenByHash(ctx context.Context, hash []byte) (RefreshToken, error)
	// UseRefreshToken marks the token used and remembers its successor, if it is unused; false when somebody was first.
	UseRefreshToken(ctx context.Context, t RefreshToken, successor []byte, now time.Time) (bool, error)

	// SigningKeys returns all keys, newest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// ReplaceSigningKey retires the current key, if there is one, and keeps the new one. When another process was first
	// the error is foyer.Conflict.
	ReplaceSigningKey(ctx context.Context, k SigningKey) error

	// LockCustomer makes commands about one customer wait for each other until the transaction ends.
	LockCustomer(ctx context.Context, scope foyer.Scope) error

	CreateEmailChange(ctx context.Context, c EmailChange) error
	EmailChange(ctx context.Context, merchant foyer.MerchantID, id EmailChangeID) (EmailChange, error)
	EmailChangeByTokenHash(ctx context.Context, hash []byte) (EmailChange, error)
	// EmailChanges returns a page of the customer's, newest first.
	EmailChanges(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]EmailChange, error)
	// UseEmailChange marks the change used if it is unused and not expired; false when somebody else was first.
	UseEmailChange(ctx context.Context, merchant foyer.MerchantID, id EmailChangeID, now time.Time) (bool, error)
	// CompleteEmailChange notes that the address was changed, and which it was before.
	CompleteEmailChange(ctx context.Context, merchant foyer.MerchantID, id EmailChangeID, previous string, now time.Time) error
	// EndEmailChanges marks every unused change of the customer used.
	EndEmailChanges(ctx context.Context, scope foyer.Scope, now time.Time) error
	// EmailTaken tells whether another customer of the merchant, archived or not, has the address.
	EmailTaken(ctx context.Context, scope foyer.Scope, emailKey string) (bool, error)

	// SignInDevices returns the devices the customer has ever signed in on, each once.
	SignInDevices(ctx context.Context, scope foyer.Scope) ([]string, error)
	RecordActivity(ctx context.Context, a foyer.Activity) error
	// RecordEvents writes that things changed, after they did, in the same transaction.
	RecordEvents(ctx context.Context, events ...foyer.Event) error
}

// PortalSessionFilter narrows a list of portal sessions; empty fields do not.
type PortalSessionFilter struct {
	Customer foyer.CustomerID
	Origin   PortalSessionOrigin
}

// Customers is what identity asks of billing, which owns customers.
type Customers interface {
	// ChangeEmail gives the customer another address, in the open transaction, and returns the one before. NotFound for an
	// archived customer, Conflict when another one has the address.
	ChangeEmail(ctx context.Context, actor foyer.Actor, email string, place foyer.Place) (previous string, err error)
}

// Jobs does later what must not delay an answer. Enqueueing joins the transaction in ctx.
type Jobs interface {
	EnqueueSignInMail(ctx context.Context, merchant foyer.MerchantID, id SignInID) error
	// EnqueueNewSignInMail is for a session that began on a device the customer had not signed in on before.
	EnqueueNewSignInMail(ctx context.Context, merchant foyer.MerchantID, signIn SignInID, session foyer.SessionID) error
	EnqueueEmailChangeMails(ctx context.Context, merchant foyer.MerchantID, id EmailChangeID, steps ...EmailChangeStep) error
}
