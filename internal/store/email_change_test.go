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
)

func (f *fixture) emailChange(t testing.TB, change ...func(*identity.EmailChange)) identity.EmailChange {
	t.Helper()
	e := identity.EmailChange{
		ID: identity.EmailChangeID(f.ids(foyer.PrefixEmailChange)), Scope: scope(f.customer), Session: "ses_1", Email: "Ann@new.test", EmailKey: "ann@new.test",
		PreviousEmail: f.customer.Email, Nonce: []byte{0, 1, 255}, Locale: "de-AT", Silent: true, CreatedAt: start, ExpiresAt: start.Add(10 * time.Minute),
	}
	e.TokenHash = []byte("hash of " + e.ID)
	for _, c := range change {
		c(&e)
	}
	require.NoError(t, f.CreateEmailChange(t.Context(), e))
	return e
}

func TestEmailChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		e, other, theirs := f.emailChange(t), f.emailChange(t), f.emailChange(t, func(e *identity.EmailChange) { e.Scope = scope(f.neighbor) })
		read := func(id identity.EmailChangeID) identity.EmailChange {
			got, err := f.EmailChange(ctx, f.merchant.ID, id)
			require.NoError(t, err)
			return got
		}
		require.Equal(t, e, read(e.ID))
		got, err := f.EmailChangeByTokenHash(ctx, e.TokenHash)
		require.NoError(t, err)
		require.Equal(t, e, got)
		_, err = f.EmailChange(ctx, f.stranger.ID, e.ID)
		refused(t, foyer.NotFound, err)
		_, err = f.EmailChangeByTokenHash(ctx, []byte("unknown"))
		refused(t, foyer.NotFound, err)
		twin := e
		twin.ID = "emc_twin"
		refused(t, foyer.Conflict, f.CreateEmailChange(ctx, twin))
		lost := e
		lost.ID, lost.TokenHash, lost.Scope.Merchant = "emc_lost", []byte("lost"), f.stranger.ID
		refused(t, foyer.Invalid, f.CreateEmailChange(ctx, lost)) // the customer is not that merchant's

		use := func(m foyer.MerchantID, at time.Time) bool {
			used, err := f.UseEmailChange(ctx, m, e.ID, at)
			require.NoError(t, err)
			return used
		}
		require.False(t, use(f.stranger.ID, start))
		require.False(t, use(f.merchant.ID, e.ExpiresAt), "the moment it expires is too late")
		require.True(t, use(f.merchant.ID, start))
		require.False(t, use(f.merchant.ID, start))
		require.NoError(t, f.CompleteEmailChange(ctx, f.stranger.ID, e.ID, "x", start))
		require.Nil(t, read(e.ID).CompletedAt)
		require.NoError(t, f.CompleteEmailChange(ctx, f.merchant.ID, e.ID, "before@mailbox.test", start))
		require.Equal(t, &start, read(e.ID).CompletedAt)
		require.Equal(t, "before@mailbox.test", read(e.ID).PreviousEmail)

		later := start.Add(time.Minute)
		require.NoError(t, f.EndEmailChanges(ctx, foyer.Scope{Merchant: f.stranger.ID, Customer: f.customer.ID}, later))
		require.Nil(t, read(other.ID).UsedAt)
		require.NoError(t, f.EndEmailChanges(ctx, scope(f.customer), later))
		require.Equal(t, &later, read(other.ID).UsedAt)
		require.Equal(t, &start, read(e.ID).UsedAt, "what was used keeps its time")
		require.Nil(t, read(theirs.ID).UsedAt)

		for _, c := range []struct {
			scope foyer.Scope
			key   string
			taken bool
		}{
			{scope(f.customer), "ben@mailbox.test", true},
			{scope(f.customer), "ann@mailbox.test", false}, // their own
			{scope(f.foreigner), "ben@mailbox.test", false},
			{scope(f.customer), "free@mailbox.test", false},
		} {
			taken, err := f.EmailTaken(ctx, c.scope, c.key)
			require.NoError(t, err)
			require.Equal(t, c.taken, taken, c.key)
		}
	})
}

func TestSaveEmail(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		changed := f.customer
		changed.Email, changed.Version, changed.Name = "Ann@New.test", 2, "not this"
		saved, err := f.SaveEmail(ctx, changed)
		require.NoError(t, err)
		require.True(t, saved)
		got, err := f.Customer(ctx, scope(f.customer))
		require.NoError(t, err)
		require.Equal(t, "Ann@New.test", got.Email)
		require.Equal(t, f.customer.Name, got.Name)
		id, err := f.CustomerByEmail(ctx, f.merchant.ID, "ann@new.test")
		require.NoError(t, err)
		require.Equal(t, f.customer.ID, id)
		saved, err = f.SaveEmail(ctx, changed)
		require.NoError(t, err)
		require.False(t, saved, "somebody was first")
		changed.Version, changed.Email = 3, "BEN@mailbox.test"
		_, err = f.SaveEmail(ctx, changed)
		refused(t, foyer.Conflict, err)
		foreign := changed
		foreign.Merchant = f.stranger.ID
		saved, err = f.SaveEmail(ctx, foreign)
		require.NoError(t, err)
		require.False(t, saved)
		archived := f.neighbor
		archived.Archived = true
		f.save(t, f.merchant.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: archived}}})
		archived.Email, archived.Version = "ben@new.test", archived.Version+1
		saved, err = f.SaveEmail(ctx, archived)
		require.NoError(t, err)
		require.False(t, saved, "archived")
	})
}

func TestRevokedLinks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		used, open, mail := f.portalSession(t), f.portalSession(t), f.portalSession(t, func(p *identity.PortalSession) { p.Origin = identity.OriginMail })
		expired := f.portalSession(t, func(p *identity.PortalSession) { p.ExpiresAt = start })
		theirs := f.portalSession(t, func(p *identity.PortalSession) { p.Scope = scope(f.neighbor) })
		first, err := f.UsePortalSession(ctx, f.merchant.ID, used.ID, "ses_1", start)
		require.NoError(t, err)
		require.True(t, first)
		_, err = f.RevokePortalSession(ctx, f.stranger.ID, used.ID, start)
		refused(t, foyer.NotFound, err)
		_, err = f.RevokePortalSession(ctx, f.merchant.ID, "cpls_unknown", start)
		refused(t, foyer.NotFound, err)
		for _, want := range []bool{true, false} {
			revoked, err := f.RevokePortalSession(ctx, f.merchant.ID, used.ID, start)
			require.NoError(t, err)
			require.Equal(t, want, revoked)
		}
		ids, err := f.RevokeOpenPortalSessions(ctx, foyer.Scope{Merchant: f.stranger.ID, Customer: f.customer.ID}, "", start)
		require.NoError(t, err)
		require.Empty(t, ids)
		ids, err = f.RevokeOpenPortalSessions(ctx, scope(f.customer), identity.OriginMail, start)
		require.NoError(t, err)
		require.Equal(t, []identity.PortalSessionID{mail.ID}, ids)
		ids, err = f.RevokeOpenPortalSessions(ctx, scope(f.customer), "", start)
		require.NoError(t, err)
		require.Equal(t, []identity.PortalSessionID{open.ID}, ids)
		first, err = f.UsePortalSession(ctx, f.merchant.ID, open.ID, "ses_2", start)
		require.NoError(t, err)
		require.False(t, first, "revoked")
		for id, status := range map[identity.PortalSessionID]identity.PortalSessionStatus{
			used.ID: identity.PortalSessionRevoked, open.ID: identity.PortalSessionRevoked, mail.ID: identity.PortalSessionRevoked,
			expired.ID: identity.PortalSessionExpired, theirs.ID: identity.PortalSessionOpen,
		} {
			got, err := f.PortalSession(ctx, f.merchant.ID, id)
			require.NoError(t, err)
			require.Equal(t, status, got.Status(start))
		}
		kept, other := f.session(t, f.customer), f.session(t, f.customer)
		ended, err := f.RevokeSessions(ctx, scope(f.customer), kept.ID, start)
		require.NoError(t, err)
		require.Equal(t, []foyer.SessionID{other.ID}, ended)
	})
}

// Two who use a link and revoke it at once: either it was used before, and whoever revoked it knows the session, or it was not.
func TestRevokedOrUsed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		second := open(t, f.url, secret)
		for range 10 {
			p := f.portalSession(t)
			var used atomic.Bool
			var known atomic.Value
			together(2, func(i int) {
				if i == 0 {
					ok, err := f.UsePortalSession(context.Background(), f.merchant.ID, p.ID, "ses_1", start)
					assert.NoError(t, err)
					used.Store(ok)
					return
				}
				assert.NoError(t, second.InTx(context.Background(), func(ctx context.Context) error {
					if _, err := second.RevokePortalSession(ctx, f.merchant.ID, p.ID, start); err != nil {
						return err
					}
					got, err := second.PortalSession(ctx, f.merchant.ID, p.ID)
					known.Store(got.Session)
					return err
				}))
			})
			require.Equal(t, used.Load(), known.Load() == foyer.SessionID("ses_1"))
		}
	})
}
