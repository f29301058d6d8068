package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/store"
)

// table is a table as both databases can tell it.
type table struct {
	Columns    []column
	PrimaryKey []string
	Indexes    []string
	References []string
}

type column struct {
	Name     string
	Class    string
	Nullable bool
}

// classes say which types of the two databases stand for the same. PostgreSQL's json is text in SQLite.
var classes = map[string]string{
	"text": "text", "json": "text",
	"bigint": "integer", "boolean": "boolean",
	"datetime": "time", "timestamp with time zone": "time",
	"blob": "bytes", "bytea": "bytes",
}

// schemaOf reads our tables from the database's catalog.
func schemaOf(t *testing.T, s *store.Store) map[string]table {
	t.Helper()
	if s.Dialect() == store.Postgres {
		return postgresSchema(t, s)
	}
	return sqliteSchema(t, s)
}

func postgresSchema(t *testing.T, s *store.Store) map[string]table {
	t.Helper()
	out := map[string]table{}
	rows(t, s, `SELECT c.table_name, c.column_name, c.data_type, c.is_nullable = 'YES'
		FROM information_schema.columns c WHERE c.table_schema = 'public' AND c.table_name <> 'goose_db_version' ORDER BY c.ordinal_position`,
		func(scan func(...any)) {
			var name, class string
			var c column
			scan(&name, &c.Name, &class, &c.Nullable)
			c.Class = classes[class]
			require.NotEmpty(t, c.Class, class)
			tab := out[name]
			tab.Columns = append(tab.Columns, c)
			out[name] = tab
		})
	rows(t, s, `SELECT r.relname, i.indisprimary, i.indisunique, i.indpred IS NOT NULL, array_to_string(array(
			SELECT coalesce(a.attname, 'expression') FROM unnest(i.indkey::int[]) WITH ORDINALITY k (num, place)
			LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num AND k.num > 0 ORDER BY k.place), ',')
		FROM pg_index i JOIN pg_class r ON r.oid = i.indrelid WHERE r.relnamespace = 'public'::regnamespace AND r.relname <> 'goose_db_version'`,
		func(scan func(...any)) {
			var name, columns string
			var primary, unique, partial bool
			scan(&name, &primary, &unique, &partial, &columns)
			tab := out[name]
			if primary {
				tab.PrimaryKey = strings.Split(columns, ",")
			}
			tab.Indexes = append(tab.Indexes, index(unique, partial, columns))
			out[name] = tab
		})
	rows(t, s, `SELECT r.relname, f.relname,
			array_to_string(array(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY k (num, place)
				JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num ORDER BY k.place), ','),
			array_to_string(array(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY k (num, place)
				JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num ORDER BY k.place), ',')
		FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid WHERE c.contype = 'f'`,
		func(scan func(...any)) {
			var name, other, from, to string
			scan(&name, &other, &from, &to)
			tab := out[name]
			tab.References = append(tab.References, from+" → "+other+" "+to)
			out[name] = tab
		})
	return sorted(out)
}

func sqliteSchema(t *testing.T, s *store.Store) map[string]table {
	t.Helper()
	out := map[string]table{}
	rows(t, s, `SELECT t.name, c.name, lower(c.type), NOT c."notnull", c.pk FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'goose_db_version' ORDER BY t.name, c.pk, c.cid`,
		func(scan func(...any)) {
			var name, class string
			var c column
			var key int
			scan(&name, &c.Name, &class, &c.Nullable, &key)
			c.Class = classes[class]
			require.NotEmpty(t, c.Class, class)
			tab := out[name]
			tab.Columns = append(tab.Columns, c)
			if key > 0 {
				tab.PrimaryKey = append(tab.PrimaryKey, c.Name)
			}
			out[name] = tab
		})
	rows(t, s, `SELECT t.name, l."unique", l.partial, (SELECT group_concat(coalesce(name, 'expression'), ',') FROM
			(SELECT name FROM pragma_index_info(l.name) ORDER BY seqno))
		FROM sqlite_schema t, pragma_index_list(t.name) l WHERE t.type = 'table' AND t.name <> 'goose_db_version'`,
		func(scan func(...any)) {
			var name, columns string
			var unique, partial bool
			scan(&name, &unique, &partial, &columns)
			tab := out[name]
			tab.Indexes = append(tab.Indexes, index(unique, partial, columns))
			out[name] = tab
		})
	rows(t, s, `SELECT t.name, f."table", group_concat(f."from", ','), group_concat(f."to", ',')
		FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' GROUP BY t.name, f.id`,
		func(scan func(...any)) {
			var name, other, from, to string
			scan(&name, &other, &from, &to)
			tab := out[name]
			tab.References = append(tab.References, from+" → "+other+" "+to)
			out[name] = tab
		})
	return sorted(out)
}

func index(unique, partial bool, columns string) string {
	return fmt.Sprintf("(%s) unique=%t partial=%t", columns, unique, partial)
}

// sorted brings what the catalogs list in no order into one.
func sorted(schema map[string]table) map[string]table {
	for name, tab := range schema {
		slices.SortFunc(tab.Columns, func(a, b column) int { return strings.Compare(a.Name, b.Name) })
		slices.Sort(tab.Indexes)
		slices.Sort(tab.References)
		schema[name] = tab
	}
	return schema
}

func rows(t *testing.T, s *store.Store, query string, each func(scan func(...any))) {
	t.Helper()
	found, err := s.SQL().QueryContext(t.Context(), query) //nolint:sqlclosecheck // closed below; the closure hides it
	require.NoError(t, err)
	defer found.Close()
	for found.Next() {
		each(func(to ...any) { require.NoError(t, found.Scan(to...)) })
	}
	require.NoError(t, found.Err())
}

func TestSchemasAreTheSame(t *testing.T) {
	t.Parallel()
	lite := schemaOf(t, open(t, migrated(t, store.SQLite), secret))
	pg := schemaOf(t, open(t, migrated(t, store.Postgres), secret))
	require.Greater(t, len(lite), 20)
	for name := range lite {
		assert.Equal(t, pg[name], lite[name], "table %s, PostgreSQL expected, SQLite actual", name)
	}
	for name := range pg {
		assert.Contains(t, lite, name)
	}
	for name, tab := range pg {
		assert.NotEmpty(t, tab.PrimaryKey, name)
		// A foreign key without an index makes every delete of what it refers to a scan.
		for _, ref := range tab.References {
			from, _, _ := strings.Cut(ref, " ")
			assert.True(t, slices.ContainsFunc(tab.Indexes, func(i string) bool {
				return strings.HasPrefix(i, "("+from+",") || strings.HasPrefix(i, "("+from+")")
			}), "%s: no index begins with %s", name, ref)
		}
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			s := open(t, empty(t, dialect), secret)
			pending, err := s.Pending(t.Context())
			require.NoError(t, err)
			require.True(t, pending)
			list, err := s.Migrations(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, list)
			for _, m := range list {
				require.Zero(t, m.AppliedAt, m.Name)
			}

			names, err := s.Migrate(t.Context())
			require.NoError(t, err)
			require.Len(t, names, len(list))
			require.Equal(t, "00001_foundation.sql", names[0])
			before := schemaOf(t, s)

			names, err = s.Migrate(t.Context())
			require.NoError(t, err)
			require.Empty(t, names)
			require.Equal(t, before, schemaOf(t, s))
			pending, err = s.Pending(t.Context())
			require.NoError(t, err)
			require.False(t, pending)
			list, err = s.Migrations(t.Context())
			require.NoError(t, err)
			for _, m := range list {
				require.NotZero(t, m.AppliedAt, m.Name)
			}
		})
	}
}

// Two processes that start on an empty database: both end well, each step is done once.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := empty(t, store.Postgres)
	var mu sync.Mutex
	var applied []string
	together(2, func(int) {
		names, err := open(t, url, secret).Migrate(context.Background())
		assert.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		applied = append(applied, names...)
	})
	s := open(t, url, secret)
	list, err := s.Migrations(t.Context())
	require.NoError(t, err)
	require.Len(t, applied, len(list))
}

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	wg.Wait()
}

// A statement of the database itself fails on what the constraints forbid.
func TestConstraints(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		for _, statement := range []string{
			"INSERT INTO merchants (id, name, mode, created_at) VALUES (NULL, 'x', 'live', '2026-01-01')",
			"INSERT INTO merchants (id, name, mode, created_at) VALUES ('mer_x', 'x', 'test', '2026-01-01')",
			"INSERT INTO portal_origins (merchant_id, origin) VALUES ('mer_unknown', 'https://x.test')",
			"UPDATE customers SET merchant_id = '" + string(f.stranger.ID) + "' WHERE id = '" + string(f.customer.ID) + "'", // the e-mail is taken there
		} {
			_, err := f.SQL().ExecContext(t.Context(), statement)
			assert.Error(t, err, statement)
		}
		var one int
		require.ErrorIs(t, f.SQL().QueryRowContext(t.Context(), "SELECT 1 FROM merchants WHERE name = 'x'").Scan(&one), sql.ErrNoRows)
	})
}
