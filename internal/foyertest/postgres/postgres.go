package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"foyer/internal/foyertest/tools"
)

// EnvURL names the variable with the server to use instead of one started here.
const EnvURL = "FOYER_TEST_DATABASE_URL"

// errMissing marks the errors that mean "there is no server on this machine", as opposed to one that doesn't work.
var errMissing = errors.New("no PostgreSQL server")

// shared is this test binary's server and the templates made on it.
var shared struct {
	once sync.Once
	err  error
	base *url.URL // the server's maintenance database, as a role that may create others
	stop func() error
	// strategy is how to copy a database: as files where one can choose, which takes a third of the time.
	strategy string

	mu        sync.Mutex
	templates map[string]*template
}

// template is a database that is copied and never connected to again.
type template struct {
	once sync.Once
	name string
	err  error
}

// Main runs the tests and then stops the server and removes what it left, if a test had started one. Use it from
// TestMain.
func Main(m interface{ Run() int }) (code int) {
	defer func() {
		if err := closeShared(); err != nil {
			fmt.Fprintln(os.Stderr, "foyertest/postgres:", err)
			code = max(code, 1)
		}
	}()
	return m.Run()
}

// Open returns the URL of a new, empty database, which is dropped when the test has ended.
func Open(t testing.TB) string {
	t.Helper()
	serve(t)
	// template0, because others may be connected to template1, and because it is what a fresh installation has.
	return open(t, "template0")
}

// OpenTemplate returns the URL of a new database that is a copy of what prepare made of an empty one. Prepare runs once
// per test binary and key; each test after that costs one CREATE DATABASE … TEMPLATE. Connections prepare leaves open
// are ended.
func OpenTemplate(t testing.TB, key string, prepare func(url string) error) string {
	t.Helper()
	serve(t)

	shared.mu.Lock()
	if shared.templates == nil {
		shared.templates = map[string]*template{}
	}
	tpl := shared.templates[key]
	if tpl == nil {
		tpl = &template{name: newName("template")}
		shared.templates[key] = tpl
	}
	shared.mu.Unlock()

	tpl.once.Do(func() {
		if tpl.err = create(tpl.name, "template0"); tpl.err != nil {
			return
		}
		if tpl.err = prepare(urlOf(tpl.name)); tpl.err != nil {
			return
		}
		// A database with a session in it can't be copied: end those there are, and let no more come.
		tpl.err = admin(
			"ALTER DATABASE "+quote(tpl.name)+" ALLOW_CONNECTIONS false",
			"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '"+tpl.name+"'",
		)
	})
	if tpl.err != nil {
		t.Fatalf("template database %q: %v", key, tpl.err)
	}
	return open(t, tpl.name)
}

// serve sees to it that there is a server, or ends the test.
func serve(t testing.TB) {
	t.Helper()
	shared.once.Do(func() {
		if shared.base, shared.stop, shared.err = start(); shared.err != nil {
			return
		}
		shared.err = connected(func(_ context.Context, conn *pgx.Conn) error {
			version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
			if n, err := strconv.Atoi(version); err == nil && n >= 15 {
				shared.strategy = " STRATEGY file_copy"
			}
			return nil
		})
	})
	switch {
	case errors.Is(shared.err, errMissing):
		tools.Missing(t, shared.err.Error()+": "+tools.Install("postgres")+", or set "+EnvURL)
	case shared.err != nil:
		t.Fatal(shared.err)
	}
}

// start returns the server to use and what ends it.
func start() (base *url.URL, stop func() error, err error) {
	set := os.Getenv(EnvURL)
	if set == "" {
		return startLocal()
	}
	base, err = url.Parse(set)
	if err != nil || (base.Scheme != "postgres" && base.Scheme != "postgresql") {
		// Not the parser's error: it repeats the URL with its password.
		return nil, nil, errors.New(EnvURL + " is not a postgres:// URL")
	}
	return base, func() error { return nil }, nil
}

// open makes a copy of a database and has it dropped when the test has ended.
func open(t testing.TB, source string) string {
	t.Helper()
	name := newName("test")
	if err := create(name, source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(name); err != nil {
			t.Error(err)
		}
	})
	return urlOf(name)
}

func create(name, source string) error {
	return admin("CREATE DATABASE " + quote(name) + " TEMPLATE " + quote(source) + shared.strategy)
}

// drop removes a database with whatever is still connected to it: a test may be over before its last goroutine is.
func drop(name string) error {
	return admin("DROP DATABASE IF EXISTS " + quote(name) + " WITH (FORCE)")
}

// admin runs statements in the maintenance database, each in a transaction of its own, as CREATE DATABASE demands.
func admin(statements ...string) error {
	return connected(func(ctx context.Context, conn *pgx.Conn) error {
		for _, s := range statements {
			if _, err := conn.Exec(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
}

// connected runs f with a connection to the maintenance database.
func connected(f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, shared.base.String())
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	return f(ctx, conn)
}

// closeShared drops the templates and stops the server.
func closeShared() error {
	if shared.stop == nil {
		return nil // no test asked for one, or there was none
	}
	if os.Getenv(EnvURL) == "" {
		return shared.stop() // the databases go with the folder
	}
	var errs []error
	for _, tpl := range shared.templates {
		errs = append(errs, drop(tpl.name))
	}
	return errors.Join(append(errs, shared.stop())...)
}

// newName returns a name that no other test binary on the same server uses.
func newName(kind string) string { return "foyer_" + kind + "_" + strings.ToLower(rand.Text()) }

func urlOf(name string) string {
	u := *shared.base
	u.Path = "/" + name
	return u.String()
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
