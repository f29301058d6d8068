package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	_ "modernc.org/sqlite" // the embedded database, without cgo

	"foyer/internal/foyer"
)

// Dialect is the kind of database.
type Dialect string

// The databases Foyer runs on.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Limits of a PostgreSQL session: no statement holds a connection or a lock longer than a request may take.
const (
	statementTimeout = 5 * time.Second
	lockTimeout      = 2 * time.Second
	idleInTxTimeout  = 15 * time.Second
)

// Options are what Open needs besides the address.
type Options struct {
	// Keyring encrypts what must not be readable at rest.
	Keyring *foyer.Keyring
	IDs     foyer.IDs
	Now     func() time.Time
	// MaxConnections bounds the pool; 0 is 20 on PostgreSQL and 8 on SQLite.
	MaxConnections int
	Log            *slog.Logger
	// Present writes what events are about as the API shows it; without it events have no object.
	Present PresentObject
}

// Store keeps everything. Safe for concurrent use.
type Store struct {
	dialect Dialect
	sql     *sql.DB
	pool    *pgxpool.Pool // nil on SQLite
	gorm    *gorm.DB
	keyring *foyer.Keyring
	ids     foyer.IDs
	now     func() time.Time
	log     *slog.Logger
	present PresentObject
}

// Open opens a database by its address: sqlite:PATH or postgres://…. It changes nothing; see Migrate.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	s := &Store{keyring: o.Keyring, ids: o.IDs, now: o.Now, log: o.Log, present: o.Present}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch {
	case strings.HasPrefix(address, "sqlite:"):
		err = s.openSQLite(strings.TrimPrefix(address, "sqlite:"), o.MaxConnections)
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		err = s.openPostgres(ctx, address, o.MaxConnections)
	default:
		// The address may hold a password: it is not repeated.
		err = errors.New("database address must start with sqlite: or postgres://")
	}
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("database does not answer: %w", err)
	}
	return s, nil
}

// openSQLite sets what makes SQLite safe for many goroutines: WAL, a busy timeout, foreign keys, transactions that take
// the write lock at once (a deferred one fails when it upgrades), and times as text in UTC so that ranges compare.
func (s *Store) openSQLite(path string, most int) error {
	if path == "" {
		return errors.New("sqlite: needs the path of a file")
	}
	// Made here, readable by its owner only; SQLite gives the files beside it the same rights.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	query := url.Values{
		"_pragma": {
			"busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(1)", "synchronous(1)", "temp_store(2)",
		},
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return err
	}
	if most == 0 {
		most = 8
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	s.dialect, s.sql = SQLite, db
	s.gorm, err = s.openGORM(sqlite.Dialector{DriverName: "sqlite", Conn: &guard{pool: db}})
	return err
}

func (s *Store) openPostgres(ctx context.Context, address string, most int) error {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return errors.New("postgres address can't be read") // pgx would repeat the password
	}
	if most == 0 {
		most = 20
	}
	if !strings.Contains(address, "pool_max_conns") {
		config.MaxConns = int32(most)
	}
	config.MinConns = min(2, config.MaxConns)
	config.MaxConnIdleTime = 5 * time.Minute
	config.MaxConnLifetime = time.Hour
	config.MaxConnLifetimeJitter = 5 * time.Minute
	if !strings.Contains(address, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = 3 * time.Second
	}
	// Never the simple protocol: it builds SQL from values (CVE-2026-41889).
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	for name, value := range map[string]time.Duration{
		"statement_timeout":                   statementTimeout,
		"lock_timeout":                        lockTimeout,
		"idle_in_transaction_session_timeout": idleInTxTimeout,
	} {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = fmt.Sprint(value.Milliseconds())
		}
	}
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "foyer"
	}
	s.pool, err = pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	s.dialect, s.sql = Postgres, stdlib.OpenDBFromPool(s.pool)
	// The pool above bounds the connections; database/sql must not keep its own set idle beside it.
	s.sql.SetMaxIdleConns(0)
	s.gorm, err = s.openGORM(postgres.New(postgres.Config{Conn: &guard{pool: s.sql}}))
	return err
}

func (s *Store) openGORM(dialector gorm.Dialector) (*gorm.DB, error) {
	return gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		TranslateError:         false, // translateError knows both drivers
		// GORM would log values; the request log has what is needed.
		Logger:  logger.Discard,
		NowFunc: func() time.Time { return foyer.Micro(s.now()) },
	})
}

// Close returns all connections.
func (s *Store) Close() {
	_ = s.sql.Close()
	if s.pool != nil {
		s.pool.Close()
	}
}

// Ping tells whether the database answers; foyer.Unavailable when not.
func (s *Store) Ping(ctx context.Context) error { return translate(s.sql.PingContext(ctx)) }

// Dialect returns the kind of database.
func (s *Store) Dialect() Dialect { return s.dialect }

// SQL returns the connections, for the job queue and migrations.
func (s *Store) SQL() *sql.DB { return s.sql }

// Pool returns the connections of PostgreSQL, nil on SQLite.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// ClockDifference returns how far the database's clock is ahead of this machine's.
func (s *Store) ClockDifference(ctx context.Context) (time.Duration, error) {
	if s.dialect == SQLite {
		return 0, nil // it has no clock of its own
	}
	var now time.Time
	if err := s.sql.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return 0, translate(err)
	}
	return now.Sub(s.now()), nil
}
