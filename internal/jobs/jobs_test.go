package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"foyer/internal/foyer"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/identity"
	"foyer/internal/jobs"
	"foyer/internal/store"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	keyring, err := foyer.NewKeyring("a-secret-of-a-test-long-enough-to-be-one-0123456789")
	require.NoError(t, err)
	s, err := store.Open(context.Background(), url, store.Options{Keyring: keyring, IDs: foyer.NewIDs(time.Now), Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func empty(t testing.TB, dialect store.Dialect) string {
	t.Helper()
	if dialect == store.Postgres {
		return postgres.Open(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "foyer.db")
}

// each runs the test on a fresh database of both kinds with River's tables in it.
func each(t *testing.T, run func(t *testing.T, url string, s *store.Store)) {
	t.Helper()
	for _, dialect := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			url := empty(t, dialect)
			s := open(t, url)
			require.NoError(t, jobs.Migrate(t.Context(), s))
			run(t, url, s)
		})
	}
}

func enqueued(t testing.TB, s *store.Store) (n int) {
	t.Helper()
	require.NoError(t, s.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM river_job WHERE kind = 'sign_in_mail'").Scan(&n))
	return n
}

var errChangedMind = errors.New("changed my mind")

// A job exists exactly when what it follows from does.
func TestEnqueueIsInTheTransaction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ string, s *store.Store) {
		queue, err := jobs.NewQueue(s, quiet)
		require.NoError(t, err)
		ctx := t.Context()
		require.Error(t, queue.EnqueueSignInMail(ctx, "mer_1", "sgn_0"), "outside a transaction it could be lost or run too early")
		require.ErrorIs(t, s.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, queue.EnqueueSignInMail(ctx, "mer_1", "sgn_1"))
			return errChangedMind
		}), errChangedMind)
		require.Zero(t, enqueued(t, s))
		require.NoError(t, s.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, queue.EnqueueSignInMail(ctx, "mer_1", "sgn_2"))
			return s.InTx(ctx, func(ctx context.Context) error { return queue.EnqueueSignInMail(ctx, "mer_1", "sgn_3") })
		}))
		require.Equal(t, 2, enqueued(t, s))
		var args string
		column := "args::text"
		if s.Dialect() == store.SQLite {
			column = "json(args)" // River keeps JSONB there
		}
		require.NoError(t, s.SQL().QueryRowContext(ctx, "SELECT "+column+" FROM river_job ORDER BY id LIMIT 1").Scan(&args))
		require.JSONEq(t, `{"merchant":"mer_1","sign_in":"sgn_2"}`, args, "ids only")
	})
}

// ran collects what the handlers were given.
type ran struct {
	mu   sync.Mutex
	ids  []string
	more chan struct{}
}

func (r *ran) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, id)
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *ran) await(t *testing.T, n int) []string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		ids := append([]string(nil), r.ids...)
		r.mu.Unlock()
		if len(ids) >= n {
			return ids
		}
		select {
		case <-r.more:
		case <-deadline:
			require.Failf(t, "jobs did not run", "%d of %d", len(ids), n)
		}
	}
}

// Two processes work; every job runs once, one that fails runs again, and stopping waits for what runs.
func TestWorkers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, url string, s *store.Store) {
		queue, err := jobs.NewQueue(s, quiet)
		require.NoError(t, err)
		r := &ran{more: make(chan struct{}, 1)}
		var once sync.Once
		handlers := jobs.Handlers{
			SendSignIn: func(_ context.Context, merchant foyer.MerchantID, id identity.SignInID) error {
				assert.Equal(t, foyer.MerchantID("mer_1"), merchant)
				if id == "sgn_000" {
					failed := false
					once.Do(func() { failed = true })
					if failed {
						return errChangedMind
					}
				}
				r.add(string(id))
				return nil
			},
			Prune: func(context.Context) error { return nil },
		}
		for _, db := range []*store.Store{s, open(t, url)} {
			workers, err := jobs.NewWorkers(db, handlers, quiet)
			require.NoError(t, err)
			require.NoError(t, workers.Start(t.Context()))
			t.Cleanup(func() {
				stopping, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				assert.NoError(t, workers.Stop(stopping))
			})
		}
		var want []string
		for i := range 60 {
			id := fmt.Sprintf("sgn_%03d", i)
			want = append(want, id)
			require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
				return queue.EnqueueSignInMail(ctx, "mer_1", identity.SignInID(id))
			}))
		}
		require.ElementsMatch(t, want, r.await(t, len(want)))
	})
}

// On PostgreSQL a job begins at once, not at the next look.
func TestJobBeginsAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, empty(t, store.Postgres))
	require.NoError(t, jobs.Migrate(t.Context(), s))
	queue, err := jobs.NewQueue(s, quiet)
	require.NoError(t, err)
	r := &ran{more: make(chan struct{}, 1)}
	workers, err := jobs.NewWorkers(s, jobs.Handlers{
		SendSignIn: func(_ context.Context, _ foyer.MerchantID, id identity.SignInID) error { r.add(string(id)); return nil },
		Prune:      func(context.Context) error { return nil },
	}, quiet)
	require.NoError(t, err)
	require.NoError(t, workers.Start(t.Context()))
	defer workers.Stop(context.Background())
	best := time.Hour
	for i := range 5 {
		begin := time.Now()
		require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error { return queue.EnqueueSignInMail(ctx, "mer_1", "sgn_1") }))
		r.await(t, i+1)
		best = min(best, time.Since(begin))
	}
	require.Less(t, best, 500*time.Millisecond, "it was polled for, not notified of")
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ string, s *store.Store) {
		require.NoError(t, jobs.Migrate(t.Context(), s), "a second time changes nothing")
		require.Zero(t, enqueued(t, s))
	})
}

// Processes that start at once on an empty database all end well, and leave no lock behind.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for range 3 {
		url := empty(t, store.Postgres)
		var wg sync.WaitGroup
		for range 4 {
			s := open(t, url)
			wg.Go(func() { assert.NoError(t, jobs.Migrate(context.Background(), s)) })
		}
		wg.Wait()
		s := open(t, url)
		var locks int
		require.NoError(t, s.SQL().QueryRowContext(t.Context(),
			"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&locks))
		require.Zero(t, locks)
		require.Zero(t, enqueued(t, s))
	}
}

// A process that waits for another's migration gives up when it is told to.
func TestMigrateGivesUp(t *testing.T) {
	t.Parallel()
	s := open(t, empty(t, store.Postgres))
	holder, err := s.SQL().Conn(t.Context())
	require.NoError(t, err)
	defer holder.Close()
	_, err = holder.ExecContext(t.Context(), "SELECT pg_advisory_lock($1)", jobs.MigrateLock)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, jobs.Migrate(ctx, s), context.DeadlineExceeded)
}

// Stopped workers leave no goroutine. (Not parallel: it looks at all there are.)
func TestStopLeavesNothing(t *testing.T) {
	for _, dialect := range []store.Dialect{store.SQLite, store.Postgres} {
		url := empty(t, dialect)
		before := goleak.IgnoreCurrent()
		s := open(t, url)
		require.NoError(t, jobs.Migrate(t.Context(), s))
		workers, err := jobs.NewWorkers(s, jobs.Handlers{Prune: func(context.Context) error { return nil }}, quiet)
		require.NoError(t, err)
		require.NoError(t, workers.Start(t.Context()))
		require.NoError(t, workers.Stop(context.Background()))
		s.Close()
		require.NoError(t, goleak.Find(before), string(dialect))
	}
}
