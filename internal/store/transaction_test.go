package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"foyer/internal/foyer"
	"foyer/internal/store"
)

var errChangedMind = errors.New("changed my mind")

func (f *fixture) write(ctx context.Context, id string) error {
	return f.RecordActivity(ctx, foyer.Activity{ID: id, Scope: scope(f.customer), Type: foyer.ActivityUpdated, At: start})
}

func (f *fixture) written(t testing.TB) int {
	t.Helper()
	return f.count(t, "SELECT count(*) FROM activity")
}

func TestInTx(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		// Nested ones join: what the inner one wrote goes with the outer one.
		err := f.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, f.write(ctx, "act_1"))
			require.NoError(t, f.InTx(ctx, func(ctx context.Context) error { return f.write(ctx, "act_2") }))
			return errChangedMind
		})
		require.ErrorIs(t, err, errChangedMind)
		require.Zero(t, f.written(t))

		require.PanicsWithValue(t, "lost", func() {
			_ = f.InTx(ctx, func(ctx context.Context) error {
				require.NoError(t, f.write(ctx, "act_1"))
				panic("lost")
			})
		})
		require.Zero(t, f.written(t))

		// A goroutine that ends in the middle, as a failed test does, gives its connection back.
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = f.InTx(ctx, func(ctx context.Context) error {
				assert.NoError(t, f.write(ctx, "act_1"))
				runtime.Goexit()
				return nil
			})
		}()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			require.Fail(t, "the connection is waited for for ever")
		}
		require.Zero(t, f.written(t))

		canceled, cancel := context.WithCancel(ctx)
		err = f.InTx(canceled, func(ctx context.Context) error {
			require.NoError(t, f.write(ctx, "act_1"))
			cancel()
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, f.written(t))
		require.Error(t, f.InTx(canceled, func(context.Context) error { return nil }))

		require.NoError(t, f.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, f.write(ctx, "act_1"))
			return f.InTx(ctx, func(ctx context.Context) error { return f.write(ctx, "act_2") })
		}))
		require.Equal(t, 2, f.written(t))
		require.Zero(t, f.SQL().Stats().InUse, "every connection was given back")
	})
}

// Two transactions and a query outside them at once: each on its own connection. (Setting the pool of a GORM session
// without copying its statement set it for everybody.)
func TestTransactionsKeepApart(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Postgres)
	session := func(ctx context.Context) (pid int) {
		assert.NoError(t, f.GORM(ctx).Raw("SELECT pg_backend_pid()").Scan(&pid).Error)
		return pid
	}
	sees := func(ctx context.Context) int {
		entries, err := f.Activity(ctx, scope(f.customer), foyer.PageRequest{Limit: 10})
		assert.NoError(t, err)
		return len(entries)
	}
	var inside, looked, done sync.WaitGroup
	inside.Add(2)
	looked.Add(2)
	pids := make([]int, 2)
	release := make(chan struct{})
	for i := range 2 {
		done.Go(func() {
			assert.NoError(t, f.InTx(context.Background(), func(ctx context.Context) error {
				pids[i] = session(ctx)
				assert.NoError(t, f.write(ctx, fmt.Sprint("act_", i)))
				inside.Done()
				inside.Wait()
				assert.Equal(t, 1, sees(ctx), "its own and not the other's")
				looked.Done()
				<-release
				assert.Equal(t, pids[i], session(ctx))
				return nil
			}))
		})
	}
	looked.Wait()
	outside := session(t.Context())
	assert.NotContains(t, pids, outside)
	assert.NotEqual(t, pids[0], pids[1])
	assert.Zero(t, sees(t.Context()), "nothing is committed yet")
	close(release)
	done.Wait()
	require.Equal(t, 2, sees(t.Context()))
}

func TestManyTransactionsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		second := open(t, f.url, secret)
		var failed atomic.Int32
		together(200, func(i int) {
			s := f.Store
			if i%2 == 1 {
				s = second
			}
			err := s.InTx(context.Background(), func(ctx context.Context) error {
				if _, err := s.Customer(ctx, scope(f.customer)); err != nil { // reads first, and writes then
					return err
				}
				return s.RecordActivity(ctx, foyer.Activity{ID: fmt.Sprint("act_", i), Scope: scope(f.customer), Type: foyer.ActivityUpdated, At: start})
			})
			if !assert.NoError(t, err) {
				failed.Add(1)
			}
		})
		require.Zero(t, failed.Load())
		require.Equal(t, 200, f.written(t))
	})
}

func TestJobTransactions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		require.Error(t, f.SQLTx(ctx, func(*sql.Tx) error { return nil }))
		require.Error(t, f.PgxTx(ctx, func(pgx.Tx) error { return nil }))
		if f.Dialect() == store.SQLite {
			require.ErrorIs(t, f.InTx(ctx, func(ctx context.Context) error {
				return f.SQLTx(ctx, func(tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, "DELETE FROM portal_origins")
					require.NoError(t, err)
					return errChangedMind
				})
			}), errChangedMind)
			require.Equal(t, 2, f.count(t, "SELECT count(*) FROM portal_origins"))
			return
		}
		require.ErrorIs(t, f.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, f.write(ctx, "act_1"))
			return f.PgxTx(ctx, func(tx pgx.Tx) error {
				var n int
				require.NoError(t, tx.QueryRow(ctx, "SELECT count(*) FROM activity").Scan(&n))
				require.Equal(t, 1, n, "it is the same transaction")
				require.Error(t, tx.Commit(ctx), "ending it is not the queue's")
				require.Error(t, tx.Rollback(ctx))
				// A part of it may fail alone.
				part, err := tx.Begin(ctx)
				require.NoError(t, err)
				_, err = part.Exec(ctx, "DELETE FROM activity WHERE no_such_column = 1")
				require.Error(t, err)
				require.NoError(t, part.Rollback(ctx))
				part, err = tx.Begin(ctx)
				require.NoError(t, err)
				_, err = part.Exec(ctx, "DELETE FROM portal_origins")
				require.NoError(t, err)
				require.NoError(t, part.Commit(ctx))
				return errChangedMind
			})
		}), errChangedMind)
		require.Zero(t, f.written(t))
		require.Equal(t, 2, f.count(t, "SELECT count(*) FROM portal_origins"))
	})
}

func TestPostgresLimits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Postgres)
	f.url, _, _ = strings.Cut(f.url, "&")
	plain := open(t, f.url, secret)
	for name, want := range map[string]string{
		"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "15s", "TimeZone": "UTC", "application_name": "foyer",
	} {
		var got string
		require.NoError(t, plain.SQL().QueryRowContext(t.Context(), "SELECT current_setting($1)", name).Scan(&got))
		assert.Equal(t, want, got, name)
	}
	// The address may say otherwise.
	own := open(t, f.url+"&statement_timeout=100&pool_max_conns=3", secret)
	require.EqualValues(t, 3, own.Pool().Config().MaxConns)
	err := store.Translate(own.SQL().QueryRowContext(t.Context(), "SELECT pg_sleep(3)").Scan(new(any)))
	refused(t, foyer.Unavailable, err)

	// A lock somebody holds is not waited for longer than that.
	holding, err := f.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer holding.Rollback()
	_, err = holding.ExecContext(t.Context(), "UPDATE customers SET name = name")
	require.NoError(t, err)
	changed := f.customer
	changed.Version++
	impatient := open(t, f.url+"&lock_timeout=100", secret)
	_, err = impatient.SaveCustomer(t.Context(), changed)
	refused(t, foyer.Unavailable, err)
}

func TestErrorsAreTranslated(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.Translate(nil))
	require.ErrorIs(t, store.Translate(errChangedMind), errChangedMind)
	refused(t, foyer.NotFound, store.Translate(sql.ErrNoRows))
	refused(t, foyer.Unavailable, store.Translate(fmt.Errorf("wrapped: %w", context.DeadlineExceeded)))
	refused(t, foyer.Unavailable, store.Translate(&net.OpError{Op: "dial", Err: errChangedMind}))
	each(t, func(t *testing.T, f *fixture) {
		exec := func(statement string) error {
			_, err := f.SQL().ExecContext(t.Context(), statement)
			return store.Translate(err)
		}
		refused(t, foyer.Conflict, exec("INSERT INTO portal_origins (merchant_id, origin) SELECT merchant_id, origin FROM portal_origins"))
		refused(t, foyer.Invalid, exec("INSERT INTO portal_origins (merchant_id, origin) VALUES ('x', 'x')"))
		err := exec("SELECT no_such_column FROM customers")
		_, told := foyer.AsError(err)
		require.Error(t, err)
		require.False(t, told, "what is our mistake is no refusal")

		// A connection that is gone, or a file that is.
		f.Close()
		err = f.Ping(context.Background())
		require.Error(t, err)
	})
}

// A text that PostgreSQL can't keep is the caller's mistake, not ours.
func TestTextNoDatabaseKeeps(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Postgres)
	for _, text := range []string{"a\x00b", "\xff\xfe"} {
		_, err := f.CustomerByEmail(t.Context(), f.merchant.ID, text)
		refused(t, foyer.Invalid, err)
		changed := f.customer
		changed.Name, changed.Version = text, 2
		_, err = f.SaveCustomer(t.Context(), changed)
		refused(t, foyer.Invalid, err)
	}
}

// No error repeats the password of the address, whatever is wrong with it.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const password = "hunter2-hunter2"
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	addresses := map[string]string{
		"nobody listens": "postgres://foyer:" + password + "@" + closed.Addr().String() + "/foyer?sslmode=disable",
		"bad port":       "postgres://foyer:" + password + "@127.0.0.1:port/foyer",
		"bad escape":     "postgres://foyer:" + password + "%zz@127.0.0.1/foyer",
		"bad option":     "postgres://foyer:" + password + "@127.0.0.1/foyer?sslmode=" + password,
		"mysql":          "mysql://foyer:" + password + "@127.0.0.1/foyer",
		"nothing":        password,
		"no path":        "sqlite:",
		"no folder":      "sqlite:/no/such/folder/foyer.db",
	}
	if good, err := url.Parse(migrated(t, store.Postgres)); assert.NoError(t, err) {
		good.User = url.UserPassword(good.User.Username(), password)
		addresses["wrong password"] = good.String()
	}
	for name, address := range addresses {
		s, err := store.Open(t.Context(), address, options(secret))
		if assert.Error(t, err, name) {
			assert.NotContains(t, err.Error(), password, name)
			assert.NotContains(t, fmt.Sprintf("%+v", err), password, name)
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				assert.NotContains(t, cause.Error(), password, name)
			}
		} else {
			s.Close()
		}
		if name == "nobody listens" {
			assert.ErrorIs(t, err, foyer.Unavailable)
		}
	}
}

// Names with what an address would read otherwise.
func TestSQLitePaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space.db", "100%.db", "q?mark.db", "h#sh.db", "ünï.db"} {
		path := t.TempDir() + "/" + name
		s := open(t, "sqlite:"+path, secret)
		_, err := s.Migrate(t.Context())
		require.NoError(t, err, name)
		require.FileExists(t, path)
	}
}

func TestClockDifference(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		d, err := f.ClockDifference(t.Context())
		require.NoError(t, err)
		if f.Dialect() == store.SQLite {
			require.Zero(t, d)
			return
		}
		require.InDelta(t, time.Since(start).Seconds(), d.Seconds(), 60)
		require.Equal(t, f.Dialect() == store.Postgres, f.Pool() != nil)
	})
}

// Close leaves no goroutine behind. (Not parallel: it looks at all there are.)
func TestCloseLeavesNothing(t *testing.T) {
	for _, dialect := range dialects {
		address := migrated(t, dialect)
		before := goleak.IgnoreCurrent()
		s, err := store.Open(t.Context(), address, options(secret))
		require.NoError(t, err)
		_ = s.InTx(t.Context(), func(context.Context) error { return errChangedMind })
		_, err = s.Merchants(t.Context())
		require.NoError(t, err)
		s.Close()
		require.NoError(t, goleak.Find(before), string(dialect))
	}
}
