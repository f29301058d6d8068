package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"foyer/internal/foyer"
)

// translate turns what the drivers say into the kinds the features know; the rest stays as it is and becomes a 5xx.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, gorm.ErrRecordNotFound) || errors.Is(err, sql.ErrNoRows) {
		return foyer.ErrNotFound()
	}
	if kind, code, ok := driverKind(err); ok {
		return &foyer.Error{Kind: kind, Code: code, Err: err}
	}
	return err
}

func driverKind(err error) (foyer.Kind, string, bool) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "23505": // unique_violation
			return foyer.Conflict, "conflict", true
		case "23503": // foreign_key_violation
			return foyer.Invalid, "input.invalid", true
		case "22021", "22P05": // a text with NUL or broken UTF-8: SQLite would keep it, PostgreSQL can't
			return foyer.Invalid, "input.invalid", true
		case "57014", "55P03", "40001", "40P01", "57P01", "57P02", "57P03", "53300", "25006":
			// canceled by a timeout, lock not available, serialization, deadlock, shutdown, too many connections, read only
			return foyer.Unavailable, "unavailable", true
		}
		return "", "", false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return foyer.Conflict, "conflict", true
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return foyer.Invalid, "input.invalid", true
		}
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
			return foyer.Unavailable, "unavailable", true
		}
		return "", "", false
	}
	var network net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &network) || errors.As(err, &connect) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) {
		return foyer.Unavailable, "unavailable", true
	}
	return "", "", false
}

// errSecretChanged says how to mend what can't be read any more.
var errSecretChanged = errors.New("store: FOYER_SECRET is not the one this database was written with; put the old one behind the new one, separated by a comma")
