package store_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/store"
)

// Every table is copied, after those it refers to.
func TestCopyOrder(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, open(t, migrated(t, store.Postgres), secret))
	for name, tab := range schema {
		place := slices.Index(store.CopyOrder, name)
		require.GreaterOrEqual(t, place, 0, "%s is not copied", name)
		for _, ref := range tab.References {
			for i, other := range store.CopyOrder {
				if i > place {
					require.NotContains(t, ref, "→ "+other+" ", "%s comes before what it refers to", name)
				}
			}
		}
	}
	require.Len(t, store.CopyOrder, len(schema))
}

// What was in the embedded database is in PostgreSQL, to the last byte and microsecond.
func TestCopyTo(t *testing.T) {
	t.Parallel()
	from := newFixture(t, store.SQLite)
	batch := from.everything()
	from.save(t, from.merchant.ID, batch)
	in := from.signIn(t, func(s *identity.SignIn) { s.Silent = true })
	session := from.session(t, from.customer)
	method := from.paymentMethod(t)
	mail := from.mail(t, "eml_1", "ann@mailbox.test", start)
	key := newKey(t, "k", start)
	require.NoError(t, from.ReplaceSigningKey(t.Context(), key))
	require.NoError(t, from.write(t.Context(), "act_1"))
	require.NoError(t, from.CreateRefreshToken(t.Context(), identity.RefreshToken{Hash: []byte{0, 255}, Merchant: from.merchant.ID, Session: session.ID, CreatedAt: start}))
	_, err := from.Take(t.Context(), "test", []byte{0, 255}, []identity.LimitRule{{Count: 1, Per: 1e9}}, start)
	require.NoError(t, err)
	from.claim(t, "k", start)

	url := migrated(t, store.Postgres)
	to := &fixture{Store: open(t, url, secret), url: url, ids: from.ids, merchant: from.merchant, stranger: from.stranger, customer: from.customer}
	rows := map[string]int64{}
	require.NoError(t, from.CopyTo(t.Context(), to.Store, func(table string, n int64) { rows[table] = n }))
	for _, table := range store.CopyOrder {
		n := from.count(t, "SELECT count(*) FROM "+table)
		require.Equal(t, n, to.count(t, "SELECT count(*) FROM "+table), table)
		require.EqualValues(t, n, rows[table], table)
	}
	require.Equal(t, tidy(batch), to.load(t, batch))
	ctx := t.Context()
	gotIn, err := to.SignInByID(ctx, in.ID)
	require.NoError(t, err)
	require.Equal(t, in, gotIn)
	gotSession, err := to.SessionByID(ctx, from.merchant.ID, session.ID)
	require.NoError(t, err)
	require.Equal(t, session, gotSession)
	gotMethod, err := to.PaymentMethod(ctx, scope(from.customer), method.ID)
	require.NoError(t, err)
	require.Equal(t, method, gotMethod)
	mails, err := to.Outbox(ctx, mail.To)
	require.NoError(t, err)
	require.Len(t, mails, 1)
	require.Equal(t, mail, mails[0])
	keys, err := to.SigningKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, []identity.SigningKey{key}, keys)
	list, err := from.Invoices(ctx, scope(from.customer), foyer.PageRequest{Limit: 10})
	require.NoError(t, err)
	require.NotEmpty(t, list)
	copied, err := to.Invoices(ctx, scope(from.customer), foyer.PageRequest{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, list, copied)

	// Not twice, not the other way, and not onto what is there.
	require.Error(t, from.CopyTo(ctx, to.Store, func(string, int64) {}))
	require.Error(t, to.CopyTo(ctx, from.Store, func(string, int64) {}))
	require.Equal(t, 2, to.count(t, "SELECT count(*) FROM merchants"))
}
