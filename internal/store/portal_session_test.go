package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/store"
)

const someSubscription = "sub_01hzy7v8k9m0n1p2q3r4s5t6v7"

func (f *fixture) portalSession(t testing.TB, change ...func(*identity.PortalSession)) identity.PortalSession {
	t.Helper()
	p := identity.PortalSession{
		ID: identity.PortalSessionID(f.ids(foyer.PrefixPortalSession)), Scope: scope(f.customer), Origin: identity.OriginAPI, ReturnURL: "https://acme.test/back", Locale: "de-AT",
		Scopes: []string{"read", identity.ScopeCancel(someSubscription)},
		Target: identity.Target{Kind: identity.TargetCancelSubscription, ID: someSubscription}, Nonce: []byte{0, 1, 255},
		CreatedAt: start, ExpiresAt: start.Add(time.Hour),
	}
	p.TicketHash = []byte("hash of " + p.ID)
	for _, c := range change {
		c(&p)
	}
	require.NoError(t, f.CreatePortalSession(t.Context(), p))
	return p
}

func TestPortalSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		p := f.portalSession(t)
		got, err := f.PortalSession(ctx, f.merchant.ID, p.ID)
		require.NoError(t, err)
		require.Equal(t, p, got)
		got, err = f.PortalSessionByTicketHash(ctx, p.TicketHash)
		require.NoError(t, err)
		require.Equal(t, p, got)
		_, err = f.PortalSession(ctx, f.stranger.ID, p.ID)
		refused(t, foyer.NotFound, err)
		_, err = f.PortalSessionByTicketHash(ctx, []byte("unknown"))
		refused(t, foyer.NotFound, err)

		// The first one stays.
		again := p
		again.Nonce, again.TicketHash = []byte("other"), []byte("other")
		require.NoError(t, f.CreatePortalSession(ctx, again))
		got, err = f.PortalSession(ctx, f.merchant.ID, p.ID)
		require.NoError(t, err)
		require.Equal(t, p, got)
		lost := p
		lost.ID, lost.TicketHash, lost.Scope.Merchant = "cpls_lost", []byte("lost"), f.stranger.ID
		refused(t, foyer.Invalid, f.CreatePortalSession(ctx, lost)) // the customer is not that merchant's

		use := func(m foyer.MerchantID, at time.Time) bool {
			used, err := f.UsePortalSession(ctx, m, p.ID, "ses_1", at)
			require.NoError(t, err)
			return used
		}
		require.False(t, use(f.stranger.ID, start))
		require.False(t, use(f.merchant.ID, p.ExpiresAt), "the moment it expires is too late")
		at := p.ExpiresAt.Add(-time.Microsecond)
		require.True(t, use(f.merchant.ID, at))
		require.False(t, use(f.merchant.ID, at))
		got, err = f.PortalSession(ctx, f.merchant.ID, p.ID)
		require.NoError(t, err)
		require.Equal(t, &at, got.UsedAt)
		require.Equal(t, foyer.SessionID("ses_1"), got.Session)

		portal, err := f.PortalOf(ctx, f.stranger.ID)
		require.NoError(t, err)
		require.Equal(t, f.stranger.Portal.ID, portal)
		_, err = f.PortalOf(ctx, "mer_unknown")
		refused(t, foyer.NotFound, err)
	})
}

// signer is a process that signs people in, at a time that can be moved.
type signer struct {
	*identity.Service
	now *atomic.Int64
}

func (f *fixture) signer(t testing.TB, s *store.Store, secrets string) signer {
	t.Helper()
	keyring, err := foyer.NewKeyring(secrets)
	require.NoError(t, err)
	var offset atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(offset.Load())) }
	service := identity.NewService(identity.Config{
		Store: s, Limiter: s, Keyring: keyring, IDs: foyer.NewIDs(now), Now: now, Lifetimes: identity.DefaultLifetimes, Issuer: "https://billing.test",
	})
	require.NoError(t, service.Refreshed(t.Context()))
	return signer{service, &offset}
}

func (f *fixture) wish() identity.MintInput {
	return identity.MintInput{
		ID: identity.PortalSessionID(f.ids(foyer.PrefixPortalSession)), Scope: scope(f.customer), Scopes: []string{identity.ScopeCancel(someSubscription)},
		Target: identity.Target{Kind: identity.TargetCancelSubscription, ID: someSubscription}, ExpiresIn: identity.DefaultLifetimes.MailTicket,
	}
}

// noTicket fails the test unless err refuses a ticket; known says that it was ours.
func (f *fixture) noTicket(t testing.TB, err error, known bool) {
	t.Helper()
	refusal, ok := foyer.AsError(err)
	if !assert.True(t, ok, "%v", err) {
		return
	}
	assert.Equal(t, foyer.Unauthenticated, refusal.Kind)
	assert.Equal(t, "ticket.invalid", refusal.Code)
	if !known {
		assert.Empty(t, refusal.Extra)
		assert.Empty(t, refusal.Merchant)
		return
	}
	assert.Equal(t, f.merchant.ID, refusal.Merchant)
	assert.Equal(t, map[string]any{
		"portal_id": string(f.merchant.Portal.ID), "target": map[string]any{"kind": "cancel_subscription", "id": someSubscription},
	}, refusal.Extra)
}

func TestTicketMintedAgainIsTheSame(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		s := f.signer(t, f.Store, secret)
		in := f.wish()
		ticket, err := s.MintTicket(ctx, in)
		require.NoError(t, err)
		s.now.Store(int64(time.Hour))
		again, err := s.MintTicket(ctx, in)
		require.NoError(t, err)
		require.Equal(t, ticket, again)
		rotated := f.signer(t, f.Store, newSecret+","+secret)
		again, err = rotated.MintTicket(ctx, in)
		require.NoError(t, err)
		require.Equal(t, ticket, again, "after the secret was rotated")
		kept, err := f.PortalSession(ctx, f.merchant.ID, in.ID)
		require.NoError(t, err)
		require.Equal(t, start.Add(7*24*time.Hour), kept.ExpiresAt, "minting again does not make it last longer")
		_, err = f.signer(t, f.Store, secret).ExchangeTicket(ctx, ticket, foyer.Place{}, nil)
		require.NoError(t, err)
		again, err = s.MintTicket(ctx, in)
		require.NoError(t, err, "a used one too: its link says where to sign in")
		require.Equal(t, ticket, again)

		other := f.wish()
		another, err := s.MintTicket(ctx, other)
		require.NoError(t, err)
		require.NotEqual(t, ticket, another)
		for name, change := range map[string]func(*identity.MintInput){
			"customer": func(in *identity.MintInput) { in.Scope = scope(f.neighbor) },
			"merchant": func(in *identity.MintInput) { in.Scope = scope(f.foreigner) },
			"scopes":   func(in *identity.MintInput) { in.Scopes = identity.FullScope },
			"target":   func(in *identity.MintInput) { in.Target.Kind = identity.TargetSubscription },
		} {
			stolen := in
			change(&stolen)
			_, err = s.MintTicket(ctx, stolen)
			require.ErrorIs(t, err, foyer.Conflict, name)
		}

		// At once, in two processes: one row, one ticket.
		second := f.signer(t, open(t, f.url, secret), secret)
		in = f.wish()
		var tickets [crowd]string
		together(crowd, func(i int) {
			by := s
			if i%2 == 1 {
				by = second
			}
			ticket, err := by.MintTicket(context.Background(), in)
			assert.NoError(t, err)
			tickets[i] = ticket
		})
		for _, ticket := range tickets {
			require.Equal(t, tickets[0], ticket)
		}
	})
}

func TestExchangeTicket(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		s := f.signer(t, f.Store, secret)
		in := f.wish()
		ticket, err := s.MintTicket(ctx, in)
		require.NoError(t, err)
		s.now.Store(int64(6 * 24 * time.Hour))
		now := start.Add(6 * 24 * time.Hour)
		place := foyer.Place{Device: "Firefox on Linux", IP: "192.0.2.0/24"}
		tokens, err := s.ExchangeTicket(ctx, ticket, place, nil)
		require.NoError(t, err)
		session := tokens.Session
		require.Equal(t, identity.KindPortalSession, session.Kind)
		require.Equal(t, scope(f.customer), session.Scope())
		require.Equal(t, in.Scopes, session.Scopes)
		require.Equal(t, in.Target, session.Target)
		require.Equal(t, now.Add(12*time.Hour), session.ExpiresAt)
		require.Equal(t, 12*time.Hour, tokens.RefreshExpiresIn, "never idle beyond the end")
		kept, err := f.SessionByID(ctx, f.merchant.ID, session.ID)
		require.NoError(t, err)
		require.Equal(t, session, kept)
		access, err := s.Authenticate(ctx, tokens.AccessToken)
		require.NoError(t, err)
		require.Equal(t, in.Scopes, access.Actor.Scopes)
		require.False(t, access.SignedIn())
		require.False(t, access.Fresh(now, 15*time.Minute), "opening a link is no sign-in")
		told, err := f.Activity(ctx, scope(f.customer), foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Len(t, told, 1)
		require.Equal(t, identity.ActivitySignedInByLink, told[0].Type)
		require.Equal(t, place, told[0].Place)
		require.Equal(t, session.ID, told[0].Session)

		// A refresh widens nothing and moves no end.
		s.now.Add(int64(11 * time.Hour))
		refreshed, err := s.RefreshSession(ctx, tokens.RefreshToken, place)
		require.NoError(t, err)
		require.Equal(t, in.Scopes, refreshed.Session.Scopes)
		require.Equal(t, session.ExpiresAt, refreshed.Session.ExpiresAt)
		access, err = s.Authenticate(ctx, refreshed.AccessToken)
		require.NoError(t, err)
		require.Equal(t, in.Scopes, access.Actor.Scopes)
		require.False(t, access.SignedIn())
		s.now.Add(int64(time.Hour))
		_, err = s.RefreshSession(ctx, refreshed.RefreshToken, place)
		refused(t, foyer.Unauthenticated, err)

		_, err = s.ExchangeTicket(ctx, ticket, place, nil)
		f.noTicket(t, err, true)
		for _, unknown := range []string{"", "x", ticket + "x", ticket[:42], "\x00", string(in.ID)} {
			_, err = s.ExchangeTicket(ctx, unknown, place, nil)
			f.noTicket(t, err, false)
		}
		fresh := f.wish()
		ticket, err = s.MintTicket(ctx, fresh)
		require.NoError(t, err)
		s.now.Add(int64(fresh.ExpiresIn))
		_, err = s.ExchangeTicket(ctx, ticket, place, nil)
		f.noTicket(t, err, true)
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM sessions"))
	})
}

func TestArchivedCustomersCannotExchange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		s := f.signer(t, f.Store, secret)
		ticket, err := s.MintTicket(t.Context(), f.wish())
		require.NoError(t, err)
		archived := f.customer
		archived.Archived = true
		f.save(t, f.merchant.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: archived}}})
		_, err = s.ExchangeTicket(t.Context(), ticket, foyer.Place{}, nil)
		f.noTicket(t, err, true)
		require.Zero(t, f.count(t, "SELECT count(*) FROM sessions"))
	})
}

// However many click at once, in however many processes, one is let in.
//
// Mutant: UsePortalSession without `used_at IS NULL` lets dozens in on PostgreSQL.
func TestTicketExchangedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		first, second := f.signer(t, f.Store, secret), f.signer(t, open(t, f.url, secret), secret)
		ticket, err := first.MintTicket(t.Context(), f.wish())
		require.NoError(t, err)
		var in atomic.Int32
		together(crowd, func(i int) {
			s := first
			if i%2 == 1 {
				s = second
			}
			_, err := s.ExchangeTicket(context.Background(), ticket, foyer.Place{}, nil)
			if err == nil {
				in.Add(1)
				return
			}
			f.noTicket(t, err, true)
		})
		require.EqualValues(t, 1, in.Load())
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM sessions"))
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM refresh_tokens"))
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM activity"))
	})
}
