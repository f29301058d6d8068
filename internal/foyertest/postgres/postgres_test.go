package postgres_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"foyer/internal/foyertest/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// connect opens a connection that ends with the test.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestOpenGivesEachTestItsOwnDatabase(t *testing.T) {
	var url string
	for range 2 {
		t.Run("", func(t *testing.T) {
			url = postgres.Open(t)
			conn := connect(t, url)
			if _, err := conn.Exec(t.Context(), "CREATE TABLE mine (id int)"); err != nil {
				t.Fatal(err) // the second time, should the database be the same
			}
		})
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err == nil {
		_ = conn.Close(t.Context())
		t.Error("the database is still there after its test")
	}
}

func TestOpenTemplate(t *testing.T) {
	prepared := 0
	prepare := func(url string) error {
		prepared++
		conn, err := pgx.Connect(context.Background(), url) // never closed: it must not stand in the copies' way
		if err != nil {
			return err
		}
		_, err = conn.Exec(context.Background(), "CREATE TABLE note (body text); INSERT INTO note VALUES ('first')")
		return err
	}
	postgres.OpenTemplate(t, "notes", prepare)
	start := time.Now()
	var wg sync.WaitGroup
	const copies = 8
	for range copies {
		wg.Go(func() {
			conn := connect(t, postgres.OpenTemplate(t, "notes", prepare))
			var n int
			if err := conn.QueryRow(t.Context(), "WITH new AS (INSERT INTO note VALUES ('second')) SELECT count(*) FROM note").Scan(&n); err != nil || n != 1 {
				t.Errorf("%d notes, error %v, want the template's 1", n, err)
			}
		})
	}
	wg.Wait()
	t.Logf("%v for each of %d copies", time.Since(start)/copies, copies)
	if prepared != 1 {
		t.Errorf("prepared %d times, want once", prepared)
	}
}

// failing is a test that remembers being failed.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Fatalf(string, ...any) { f.failed = true; panic(f) }

func TestOpenTemplateFailsEveryTestAfterAFailedPreparation(t *testing.T) {
	postgres.Open(t) // skips where there is no server
	prepared := 0
	for range 2 {
		f := &failing{TB: t}
		func() {
			defer func() { _ = recover() }()
			postgres.OpenTemplate(f, "broken", func(string) error { prepared++; return errors.New("no such migration") })
		}()
		if !f.failed {
			t.Error("the test went on without its schema")
		}
	}
	if prepared != 1 {
		t.Errorf("prepared %d times, want once", prepared)
	}
}
