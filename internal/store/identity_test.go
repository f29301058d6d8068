package store_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
)

// crowd is how many try the same thing at once.
const crowd = 50

func (f *fixture) signIn(t testing.TB, change ...func(*identity.SignIn)) identity.SignIn {
	t.Helper()
	in := identity.SignIn{
		ID: identity.SignInID(f.ids(foyer.PrefixSignIn)), Merchant: f.merchant.ID, Portal: f.merchant.Portal.ID, Email: "Ann@mailbox.test",
		EmailKey: "ann@mailbox.test", Customer: f.customer.ID, Nonce: []byte{0, 1, 255}, CodeChallenge: "challenge", Locale: "de-AT",
		Target: identity.Target{Kind: identity.TargetPayment, ID: "pay_1"}, CreatedAt: start, ExpiresAt: start.Add(10 * time.Minute),
	}
	in.TokenHash = []byte("hash of " + in.ID)
	for _, c := range change {
		c(&in)
	}
	require.NoError(t, f.CreateSignIn(t.Context(), in))
	return in
}

func (f *fixture) session(t testing.TB, c billing.Customer, change ...func(*identity.Session)) identity.Session {
	t.Helper()
	s := identity.Session{
		ID: foyer.SessionID(f.ids(foyer.PrefixSession)), Merchant: c.Merchant, Customer: c.ID, Kind: identity.KindPortalSession,
		Scopes: []string{"read", "write"}, Target: identity.Target{Kind: identity.TargetOverview}, ReturnURL: "https://acme.test/back",
		Place: foyer.Place{Device: "Firefox on Linux", IP: "192.0.2.0/24"}, AuthenticatedAt: start, CreatedAt: start, LastUsedAt: start,
		IdleExpiresAt: start.Add(time.Hour), ExpiresAt: start.Add(24 * time.Hour),
	}
	for _, f := range change {
		f(&s)
	}
	require.NoError(t, f.CreateSession(t.Context(), s))
	return s
}

func TestSignIns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		in := f.signIn(t, func(s *identity.SignIn) { s.Silent, s.CodeTries = true, 2 })
		got, err := f.SignInByID(ctx, in.ID)
		require.NoError(t, err)
		require.Equal(t, in, got)
		got, err = f.SignInByTokenHash(ctx, in.TokenHash)
		require.NoError(t, err)
		require.Equal(t, in, got)
		_, err = f.SignInByID(ctx, "sgn_unknown")
		refused(t, foyer.NotFound, err)
		_, err = f.SignInByTokenHash(ctx, []byte("unknown"))
		refused(t, foyer.NotFound, err)

		// A second one with the same token is refused by the unique index.
		twin := in
		twin.ID = "sgn_twin"
		refused(t, foyer.Conflict, f.CreateSignIn(ctx, twin))

		newer := f.signIn(t, func(s *identity.SignIn) { s.Customer, s.CreatedAt = "", start.Add(time.Microsecond) })
		got, err = f.RecentSignIn(ctx, f.merchant.ID, in.EmailKey, in.CodeChallenge, start)
		require.NoError(t, err)
		require.Equal(t, newer, got)
		for name, find := range map[string]func() error{
			"merchant": func() error {
				_, err := f.RecentSignIn(ctx, f.stranger.ID, in.EmailKey, in.CodeChallenge, start)
				return err
			},
			"challenge": func() error { _, err := f.RecentSignIn(ctx, f.merchant.ID, in.EmailKey, "", start); return err },
			"too old": func() error {
				_, err := f.RecentSignIn(ctx, f.merchant.ID, in.EmailKey, in.CodeChallenge, start.Add(2*time.Microsecond))
				return err
			},
		} {
			require.ErrorIs(t, find(), foyer.NotFound, name)
		}

		// Another merchant changes nothing.
		assigned, err := f.AssignCustomer(ctx, f.stranger.ID, newer.ID, f.foreigner.ID)
		require.NoError(t, err)
		require.False(t, assigned)
		counted, err := f.CountCodeTry(ctx, f.stranger.ID, newer.ID, 5)
		require.NoError(t, err)
		require.False(t, counted)
		used, err := f.UseSignIn(ctx, f.stranger.ID, newer.ID, start)
		require.NoError(t, err)
		require.False(t, used)
		require.NoError(t, f.EndSignIns(ctx, foyer.Scope{Merchant: f.stranger.ID, Customer: f.customer.ID}, in.EmailKey, start))
		require.NoError(t, f.EndSignIns(ctx, scope(f.neighbor), "somebody@mailbox.test", start))
		for _, want := range []identity.SignIn{in, newer} {
			got, err = f.SignInByID(ctx, want.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}

		for _, first := range []bool{true, false} { // the job that makes the mail may run twice
			assigned, err = f.AssignCustomer(ctx, f.merchant.ID, newer.ID, f.customer.ID)
			require.NoError(t, err)
			require.Equal(t, first, assigned)
		}
		got, err = f.SignInByID(ctx, newer.ID)
		require.NoError(t, err)
		require.Equal(t, f.customer.ID, got.Customer)

		// The moment it expires is too late.
		used, err = f.UseSignIn(ctx, f.merchant.ID, in.ID, in.ExpiresAt)
		require.NoError(t, err)
		require.False(t, used)
		at := in.ExpiresAt.Add(-time.Microsecond)
		used, err = f.UseSignIn(ctx, f.merchant.ID, in.ID, at)
		require.NoError(t, err)
		require.True(t, used)
		require.NoError(t, f.EndSignIns(ctx, scope(f.customer), in.EmailKey, at.Add(time.Minute)))
		got, err = f.SignInByID(ctx, in.ID)
		require.NoError(t, err)
		require.Equal(t, &at, got.UsedAt, "what was used keeps its time")
		require.Equal(t, &at, got.CompletedAt)
		got, err = f.SignInByID(ctx, newer.ID)
		require.NoError(t, err)
		require.Equal(t, ptr(at.Add(time.Minute)), got.UsedAt)
		require.Nil(t, got.CompletedAt, "it was ended, not used")
		_, err = f.RecentSignIn(ctx, f.merchant.ID, in.EmailKey, in.CodeChallenge, start)
		refused(t, foyer.NotFound, err)
	})
}

func TestSignInDecidedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		second := open(t, f.url, secret)
		in := f.signIn(t)
		var used, counted atomic.Int32
		together(crowd, func(i int) {
			s := f.Store
			if i%2 == 1 {
				s = second
			}
			ok, err := s.CountCodeTry(context.Background(), f.merchant.ID, in.ID, identity.MaxCodeTries)
			assert.NoError(t, err)
			if ok {
				counted.Add(1)
			}
			ok, err = s.UseSignIn(context.Background(), f.merchant.ID, in.ID, start)
			assert.NoError(t, err)
			if ok {
				used.Add(1)
			}
		})
		require.EqualValues(t, 1, used.Load())
		require.EqualValues(t, identity.MaxCodeTries, counted.Load())
		got, err := f.SignInByID(t.Context(), in.ID)
		require.NoError(t, err)
		require.Equal(t, identity.MaxCodeTries, got.CodeTries)
	})
}

func TestCustomersWhoMaySignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		id, err := f.CustomerByEmail(ctx, f.merchant.ID, "ann@mailbox.test")
		require.NoError(t, err)
		require.Equal(t, f.customer.ID, id)
		id, err = f.CustomerByEmail(ctx, f.stranger.ID, "ann@mailbox.test")
		require.NoError(t, err)
		require.Equal(t, f.foreigner.ID, id)
		_, err = f.CustomerByEmail(ctx, f.stranger.ID, "ben@mailbox.test")
		refused(t, foyer.NotFound, err)

		for _, c := range []struct {
			scope  foyer.Scope
			active bool
		}{
			{scope(f.customer), true},
			{foyer.Scope{Merchant: f.stranger.ID, Customer: f.customer.ID}, false},
			{foyer.Scope{Merchant: f.merchant.ID, Customer: "ctm_unknown"}, false},
		} {
			active, err := f.CustomerActive(ctx, c.scope)
			require.NoError(t, err)
			require.Equal(t, c.active, active)
		}

		archived := f.customer
		archived.Archived = true
		f.save(t, f.merchant.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: archived}}})
		_, err = f.CustomerByEmail(ctx, f.merchant.ID, "ann@mailbox.test")
		refused(t, foyer.NotFound, err)
		active, err := f.CustomerActive(ctx, scope(f.customer))
		require.NoError(t, err)
		require.False(t, active)
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		s := f.session(t, f.customer)
		got, err := f.SessionByID(ctx, f.merchant.ID, s.ID)
		require.NoError(t, err)
		require.Equal(t, s, got)
		_, err = f.SessionByID(ctx, f.stranger.ID, s.ID)
		refused(t, foyer.NotFound, err)

		touched := s.Touched(start.Add(time.Minute), time.Hour)
		foreign := touched
		foreign.Merchant = f.stranger.ID
		require.NoError(t, f.TouchSession(ctx, foreign))
		got, err = f.SessionByID(ctx, f.merchant.ID, s.ID)
		require.NoError(t, err)
		require.Equal(t, s, got)
		require.NoError(t, f.TouchSession(ctx, touched))
		got, err = f.SessionByID(ctx, f.merchant.ID, s.ID)
		require.NoError(t, err)
		require.Equal(t, touched, got)

		// Neither the neighbor nor another merchant ends it, and both are told the same as for one that never was.
		for _, c := range []foyer.Scope{
			scope(f.neighbor), scope(f.foreigner), {Merchant: f.stranger.ID, Customer: f.customer.ID},
		} {
			_, err = f.RevokeSession(ctx, c, s.ID, start)
			refused(t, foyer.NotFound, err)
			ended, err := f.RevokeSessions(ctx, c, "", start)
			require.NoError(t, err)
			require.Empty(t, ended)
		}
		_, err = f.RevokeSession(ctx, scope(f.customer), "ses_unknown", start)
		refused(t, foyer.NotFound, err)

		ended, err := f.RevokeSession(ctx, scope(f.customer), s.ID, start.Add(time.Minute))
		require.NoError(t, err)
		require.True(t, ended)
		ended, err = f.RevokeSession(ctx, scope(f.customer), s.ID, start.Add(time.Hour))
		require.NoError(t, err)
		require.False(t, ended)
		require.NoError(t, f.TouchSession(ctx, touched.Touched(start.Add(time.Hour), time.Hour)), "a revoked session stays as it is")
		got, err = f.SessionByID(ctx, f.merchant.ID, s.ID)
		require.NoError(t, err)
		touched.RevokedAt = ptr(start.Add(time.Minute))
		require.Equal(t, touched, got)

		a, b, other := f.session(t, f.customer), f.session(t, f.customer), f.session(t, f.foreigner)
		ids, err := f.RevokeSessions(ctx, scope(f.customer), "", start.Add(2*time.Minute))
		require.NoError(t, err)
		require.ElementsMatch(t, []foyer.SessionID{a.ID, b.ID}, ids)
		_, err = f.RevokeSession(ctx, scope(f.foreigner), other.ID, start.Add(3*time.Minute))
		require.NoError(t, err)
		ids, err = f.SessionsRevokedSince(ctx, start.Add(2*time.Minute))
		require.NoError(t, err)
		require.ElementsMatch(t, []foyer.SessionID{a.ID, b.ID, other.ID}, ids, "of all merchants, from the moment itself")
	})
}

func TestOpenSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		living := f.session(t, f.customer)
		f.session(t, f.customer, func(s *identity.Session) { s.IdleExpiresAt = start.Add(time.Minute) })
		f.session(t, f.customer, func(s *identity.Session) { s.ExpiresAt = start.Add(time.Minute) })
		gone := f.session(t, f.customer)
		f.session(t, f.neighbor)
		f.session(t, f.foreigner)
		_, err := f.RevokeSession(t.Context(), scope(f.customer), gone.ID, start)
		require.NoError(t, err)
		got, err := f.OpenSessions(t.Context(), scope(f.customer), start.Add(time.Minute), foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []identity.Session{living}, got)
	})
}

func TestSessionRevokedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		s := f.session(t, f.customer)
		var ended atomic.Int32
		together(crowd, func(i int) {
			if i%2 == 0 {
				ok, err := f.RevokeSession(context.Background(), scope(f.customer), s.ID, start)
				assert.NoError(t, err)
				if ok {
					ended.Add(1)
				}
				return
			}
			ids, err := f.RevokeSessions(context.Background(), scope(f.customer), "", start)
			assert.NoError(t, err)
			ended.Add(int32(len(ids)))
		})
		require.EqualValues(t, 1, ended.Load())
	})
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		s := f.session(t, f.customer)
		token := identity.RefreshToken{Hash: []byte{0, 7, 255}, Merchant: f.merchant.ID, Session: s.ID, CreatedAt: start}
		require.NoError(t, f.CreateRefreshToken(ctx, token))
		refused(t, foyer.Conflict, f.CreateRefreshToken(ctx, token))
		orphan := token
		orphan.Hash, orphan.Session = []byte("other"), "ses_unknown"
		refused(t, foyer.Invalid, f.CreateRefreshToken(ctx, orphan))
		got, err := f.RefreshTokenByHash(ctx, token.Hash)
		require.NoError(t, err)
		require.Equal(t, token, got)
		_, err = f.RefreshTokenByHash(ctx, []byte("unknown"))
		refused(t, foyer.NotFound, err)

		foreign := token
		foreign.Merchant = f.stranger.ID
		used, err := f.UseRefreshToken(ctx, foreign, []byte("x"), start)
		require.NoError(t, err)
		require.False(t, used)

		var winner atomic.Pointer[string]
		var winners atomic.Int32
		together(crowd, func(i int) {
			next := fmt.Sprint("successor ", i)
			ok, err := f.UseRefreshToken(context.Background(), token, []byte(next), start.Add(time.Second))
			assert.NoError(t, err)
			if ok {
				winners.Add(1)
				winner.Store(&next)
			}
		})
		require.EqualValues(t, 1, winners.Load())
		token.UsedAt, token.SuccessorHash = ptr(start.Add(time.Second)), []byte(*winner.Load())
		got, err = f.RefreshTokenByHash(ctx, token.Hash)
		require.NoError(t, err)
		require.Equal(t, token, got)
	})
}

func newKey(t testing.TB, id string, at time.Time) identity.SigningKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return identity.SigningKey{ID: id, Public: public, Private: private, CreatedAt: at}
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		keys, err := f.SigningKeys(t.Context())
		require.NoError(t, err)
		require.Empty(t, keys)
		first, second := newKey(t, "first", start), newKey(t, "second", start.Add(time.Hour))
		require.NoError(t, f.ReplaceSigningKey(t.Context(), first))
		require.NoError(t, f.ReplaceSigningKey(t.Context(), second))
		keys, err = f.SigningKeys(t.Context())
		require.NoError(t, err)
		first.RetiredAt, first.Private = &second.CreatedAt, nil // a retired key only verifies
		require.Equal(t, []identity.SigningKey{second, first}, keys)
		refused(t, foyer.Conflict, f.ReplaceSigningKey(t.Context(), second))
		keys, err = f.SigningKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, []identity.SigningKey{second, first}, keys, "what was refused retired nothing")
	})
}

// However many processes start or rotate at once, one key signs.
func TestSigningKeyReplacedAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		second := open(t, f.url, secret)
		for round := range 3 {
			var kept atomic.Int32
			together(crowd, func(i int) {
				s := f.Store
				if i%2 == 1 {
					s = second
				}
				err := s.ReplaceSigningKey(context.Background(), newKey(t, fmt.Sprint(round, " ", i), start.Add(time.Duration(round)*time.Hour)))
				if err == nil {
					kept.Add(1)
				} else {
					assert.ErrorIs(t, err, foyer.Conflict)
				}
			})
			require.Positive(t, kept.Load())
			require.Equal(t, 1, f.count(t, "SELECT count(*) FROM signing_keys WHERE retired_at IS NULL"))
		}
		keys, err := f.SigningKeys(t.Context())
		require.NoError(t, err)
		require.NotNil(t, keys[0].CreatedAt)
	})
}

func TestActivity(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		full := foyer.Activity{
			ID: "act_2", Scope: scope(f.customer), Session: "ses_1", Type: foyer.ActivityDownloaded, Params: map[string]string{"Number": "1<&\u2028 é"},
			Place: foyer.Place{Device: "curl", IP: "2001:db8::/48"}, At: start.Add(time.Microsecond),
		}
		bare := foyer.Activity{ID: "act_1", Scope: scope(f.customer), Type: foyer.ActivitySignedIn, At: start}
		foreign := foyer.Activity{ID: "act_3", Scope: scope(f.foreigner), Type: foyer.ActivitySignedIn, At: start}
		for _, a := range []foyer.Activity{bare, full, foreign} {
			require.NoError(t, f.RecordActivity(t.Context(), a))
		}
		refused(t, foyer.Conflict, f.RecordActivity(t.Context(), bare))
		lost := bare
		lost.ID, lost.Scope.Merchant = "act_4", f.stranger.ID
		refused(t, foyer.Invalid, f.RecordActivity(t.Context(), lost)) // the customer is not that merchant's
		got, err := f.Activity(t.Context(), scope(f.customer), foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []foyer.Activity{full, bare}, got)
		got, err = f.Activity(t.Context(), scope(f.neighbor), foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

func TestMerchants(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		got, err := f.MerchantByID(ctx, f.merchant.ID)
		require.NoError(t, err)
		require.Equal(t, f.merchant, got)
		got, err = f.MerchantByPortal(ctx, f.stranger.Portal.ID)
		require.NoError(t, err)
		require.Equal(t, f.stranger, got)
		_, err = f.MerchantByID(ctx, "mer_unknown")
		refused(t, foyer.NotFound, err)
		_, err = f.MerchantByPortal(ctx, "cpl_unknown")
		refused(t, foyer.NotFound, err)
		all, err := f.Merchants(ctx)
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Contains(t, all, f.merchant)
		for origin, want := range map[string]bool{"https://acme.test": true, "https://Acme.test": false, "https://x.test": false} {
			known, err := f.OriginKnown(ctx, origin)
			require.NoError(t, err)
			require.Equal(t, want, known, origin)
		}
		refused(t, foyer.Conflict, f.CreateMerchant(ctx, f.merchant))
		require.Equal(t, 2, f.count(t, "SELECT count(*) FROM portals"))
	})
}
