package foyertest

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/foyer"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/identity"
	"foyer/internal/store"
)

// Secret is the secret of every test app.
const Secret = "a-secret-of-a-test-long-enough-to-be-one-0123456789"

// Clock is the time of an app; it runs, and can be moved.
type Clock struct{ offset atomic.Int64 }

// Now returns the app's time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// App is a running app.
type App struct {
	*app.App
	Clock *Clock
	// URL is where the API answers.
	URL string
	// Log holds every line the app logged.
	Log *Log
	url string // of the database
	// gateway is where a customer's device reaches the gateway, when that is not this app.
	gateway string
	// always are the options a second process must have too.
	always []Option
}

// Option changes the configuration of a test app.
type Option func(*app.Config)

// Dialects are the databases to test on: both, but under the race detector PostgreSQL only: the embedded database is a C
// program machine-translated to Go, which runs ten times slower there, and our own code is the same.
func Dialects() []store.Dialect {
	if raceDetector {
		return []store.Dialect{store.Postgres}
	}
	return []store.Dialect{store.SQLite, store.Postgres}
}

// Each runs the test on both databases.
func Each(t *testing.T, run func(t *testing.T, a *App), options ...Option) {
	t.Helper()
	for _, dialect := range Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			run(t, New(t, dialect, options...))
		})
	}
}

// New returns an app on a fresh database, serving and working on jobs until the test ends. Rate limits are far away
// unless an option sets them.
func New(t testing.TB, dialect store.Dialect, options ...Option) *App {
	t.Helper()
	return start(t, DatabaseURL(t, dialect), options...)
}

// Second returns another app on the same database, with caches of its own: a second process, as far as the first can
// tell.
func (a *App) Second(t testing.TB, options ...Option) *App {
	t.Helper()
	second := start(t, a.url, append(slices.Clone(a.always), options...)...)
	return second
}

// DatabaseURL returns the address of a fresh, migrated database.
func DatabaseURL(t testing.TB, dialect store.Dialect) string {
	t.Helper()
	if dialect == store.Postgres {
		// A crowd at one row on a busy machine waits longer than a request may; what is tested is who wins.
		return postgres.OpenTemplate(t, "migrated", migrate) + "&lock_timeout=60000&statement_timeout=60000&connect_timeout=60"
	}
	url := "sqlite:" + filepath.Join(t.TempDir(), "foyer.db")
	require.NoError(t, migrate(url))
	return url
}

func migrate(url string) error {
	a, err := app.New(context.Background(), config(url, &Clock{}, slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer a.Close()
	_, err = a.Migrate(context.Background())
	return err
}

func config(url string, clock *Clock, log *slog.Logger) app.Config {
	limits := identity.DefaultLimits()
	for name := range limits {
		limits[name] = []identity.LimitRule{{Count: 1_000_000, Per: time.Hour}}
	}
	return app.Config{
		DatabaseURL: url, Secrets: Secret, PublicURL: "https://billing.test", SMTPURL: "outbox:", Lifetimes: identity.DefaultLifetimes,
		Limits: limits, Now: clock.Now, Log: log,
	}
}

func start(t testing.TB, url string, options ...Option) *App {
	t.Helper()
	clock, log := &Clock{}, &Log{}
	c := config(url, clock, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, option := range options {
		option(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	inner, err := app.New(ctx, c)
	require.NoError(t, err)
	a := &App{App: inner, Clock: clock, Log: log, url: url}
	loaded := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		inner.Identity.Run(ctx, func(err error) { loaded <- err })
	}()
	require.NoError(t, <-loaded)
	require.NoError(t, inner.Workers.Start(ctx))
	server := httptest.NewServer(inner.Public)
	a.URL = server.URL
	t.Cleanup(func() {
		server.Close()
		stopping, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		if err := inner.Workers.Stop(stopping); err != nil {
			t.Errorf("workers did not stop: %v", err)
		}
		cancel()
		<-done
		inner.Close()
	})
	return a
}

// WithLimits sets rate limits; those not named stay far away.
func WithLimits(limits identity.Limits) Option {
	return func(c *app.Config) {
		for name, rules := range limits {
			c.Limits[name] = rules
		}
	}
}

// WithMailServer sends mails by SMTP, also from further domains, instead of keeping them.
func WithMailServer(url string, domains ...string) Option {
	return func(c *app.Config) { c.SMTPURL, c.MailDomains = url, domains }
}

// WithLifetimes changes how long things are good for.
func WithLifetimes(change func(*identity.Lifetimes)) Option {
	return func(c *app.Config) { change(&c.Lifetimes) }
}

// Scope is the scope of a customer of a merchant.
func Scope(m foyer.MerchantID, c foyer.CustomerID) foyer.Scope {
	return foyer.Scope{Merchant: m, Customer: c}
}
