package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/store"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

const (
	secret    = "a-secret-of-a-test-long-enough-to-be-one-0123456789"
	newSecret = "another-secret-that-takes-its-place-0123456789abcdef"
)

// start is when the tests happen; with microseconds, which both databases keep.
var start = time.Date(2026, 3, 14, 15, 9, 26, 535897000, time.UTC)

var dialects = []store.Dialect{store.SQLite, store.Postgres}

// each runs the test on a fresh, migrated database of both kinds.
func each(t *testing.T, run func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, dialect := range dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			run(t, newFixture(t, dialect))
		})
	}
}

// fixture is a database with two merchants and two customers of the first.
type fixture struct {
	*store.Store
	url                string
	ids                foyer.IDs
	merchant, stranger merchant.Merchant
	// customer and neighbor are the merchant's; foreigner is the stranger's.
	customer, neighbor, foreigner billing.Customer
}

func newFixture(t testing.TB, dialect store.Dialect) *fixture {
	t.Helper()
	url := migrated(t, dialect)
	if dialect == store.Postgres {
		// A crowd at one row on a busy machine waits longer than a request may; what is tested is who wins.
		url += "&lock_timeout=60000&statement_timeout=60000&connect_timeout=60"
	}
	f := &fixture{Store: open(t, url, secret), url: url, ids: foyer.NewIDs(func() time.Time { return start })}
	f.merchant, f.stranger = f.newMerchant(t, "acme"), f.newMerchant(t, "other")
	f.customer = f.newCustomer(t, f.merchant, "ann@mailbox.test")
	f.neighbor = f.newCustomer(t, f.merchant, "ben@mailbox.test")
	f.foreigner = f.newCustomer(t, f.stranger, "ann@mailbox.test")
	return f
}

// empty returns the address of a database without any table.
func empty(t testing.TB, dialect store.Dialect) string {
	t.Helper()
	if dialect == store.Postgres {
		return postgres.Open(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "foyer.db")
}

func migrated(t testing.TB, dialect store.Dialect) string {
	t.Helper()
	migrate := func(url string) error {
		s, err := store.Open(context.Background(), url, options(secret))
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Migrate(context.Background())
		return err
	}
	if dialect == store.Postgres {
		return postgres.OpenTemplate(t, "store", migrate)
	}
	url := empty(t, dialect)
	require.NoError(t, migrate(url))
	return url
}

func options(secrets string) store.Options {
	keyring, err := foyer.NewKeyring(secrets)
	if err != nil {
		panic(err)
	}
	now := func() time.Time { return start }
	return store.Options{Keyring: keyring, IDs: foyer.NewIDs(now), Now: now}
}

// open returns a store on the database: another process, as far as the database can tell.
func open(t testing.TB, url, secrets string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url, options(secrets))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func (f *fixture) newMerchant(t testing.TB, name string) merchant.Merchant {
	t.Helper()
	m, err := merchant.New(f.ids, merchant.Sandbox, merchant.Settings{
		Name: name, FrontendURL: "https://" + name + ".test", AllowedOrigins: []string{"https://" + name + ".test"}, DefaultLocale: "de",
		Seller:   merchant.Seller{LegalName: name + " GmbH", Logo: []byte{0, 1, 2}, Address: merchant.Address{City: "Köln", Country: "DE"}},
		Features: merchant.Features{PauseOff: true}, Branding: merchant.Branding{Color: "#123456"},
	}, start)
	require.NoError(t, err)
	require.NoError(t, f.CreateMerchant(t.Context(), m))
	return m
}

func (f *fixture) newCustomer(t testing.TB, m merchant.Merchant, email string) billing.Customer {
	t.Helper()
	c := billing.Customer{
		ID: foyer.CustomerID(f.ids(foyer.PrefixCustomer)), Merchant: m.ID, Email: email, Name: "Ann", CreatedAt: start, UpdatedAt: start, Version: 1,
	}
	f.save(t, m.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: c}}})
	return c
}

func (f *fixture) save(t testing.TB, m foyer.MerchantID, batch billing.ImportBatch) {
	t.Helper()
	require.NoError(t, f.Importing(invoice.Party{}).Save(t.Context(), m, batch))
}

func scope(c billing.Customer) foyer.Scope { return foyer.Scope{Merchant: c.Merchant, Customer: c.ID} }

// sql replaces ? by what the database's driver wants.
func (f *fixture) sql(statement string) string {
	if f.Dialect() == store.SQLite {
		return statement
	}
	var b strings.Builder
	n := 0
	for _, r := range statement {
		if r == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// count asks the database itself, past the guard.
func (f *fixture) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, f.SQL().QueryRowContext(t.Context(), f.sql(query), args...).Scan(&n))
	return n
}

// exec changes the database itself, past the guard.
func (f *fixture) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := f.SQL().ExecContext(t.Context(), f.sql(statement), args...)
	require.NoError(t, err)
}

// ptr returns a pointer to a copy.
func ptr[T any](v T) *T { return &v }

// refused fails the test unless err is of the kind.
func refused(t testing.TB, kind foyer.Kind, err error) {
	t.Helper()
	require.ErrorIs(t, err, kind)
}
