package store

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"testing/fstest"
	"text/template"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// words are the names that differ between the databases.
type words struct {
	// ID is text compared byte by byte, so that keyset pages need no collation.
	ID, Time, JSON, Bytes string
	// Postgres chooses where the two differ in more than a word.
	Postgres bool
}

var dialectWords = map[Dialect]words{
	SQLite:   {ID: "text", Time: "datetime", JSON: "text", Bytes: "blob"},
	Postgres: {ID: `text COLLATE "C"`, Time: "timestamptz", JSON: "json", Bytes: "bytea", Postgres: true},
}

// rendered returns the migrations as SQL of the dialect. There is one source for both.
func rendered(d Dialect) (fs.FS, error) {
	out := fstest.MapFS{}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		source, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		t, err := template.New(name).Option("missingkey=error").Parse(string(source))
		if err != nil {
			return nil, err
		}
		var sql bytes.Buffer
		if err := t.Execute(&sql, dialectWords[d]); err != nil {
			return nil, err
		}
		out[path.Base(name)] = &fstest.MapFile{Data: sql.Bytes(), Mode: 0o444}
	}
	return out, nil
}

func (s *Store) migrator() (*goose.Provider, error) {
	files, err := rendered(s.dialect)
	if err != nil {
		return nil, err
	}
	if s.dialect == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, s.sql, files)
	}
	// Two processes that start at once: one migrates, the other waits for it.
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.sql, files, goose.WithSessionLocker(locker))
}

// Migrate brings the schema up to date and returns the names of what it applied. It only goes forward.
func (s *Store) Migrate(ctx context.Context) ([]string, error) {
	m, err := s.migrator()
	if err != nil {
		return nil, err
	}
	results, err := m.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var names []string
	for _, r := range results {
		names = append(names, path.Base(r.Source.Path))
	}
	return names, nil
}

// Migration is one step of the schema and when it was applied; AppliedAt is zero when it is pending.
type Migration struct {
	Name      string
	AppliedAt time.Time
}

// Migrations lists every step and whether it was applied.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	m, err := s.migrator()
	if err != nil {
		return nil, err
	}
	status, err := m.Status(ctx)
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, st := range status {
		out = append(out, Migration{Name: path.Base(st.Source.Path), AppliedAt: st.AppliedAt})
	}
	return out, nil
}

// Pending tells whether the schema is older than this program.
func (s *Store) Pending(ctx context.Context) (bool, error) {
	m, err := s.migrator()
	if err != nil {
		return false, err
	}
	return m.HasPending(ctx)
}
