package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

type transactionKey struct{}

// transaction is an open transaction, carried by the context.
type transaction struct {
	conn *sql.Conn
	tx   *sql.Tx
	gorm *gorm.DB
}

func open(ctx context.Context) *transaction {
	t, _ := ctx.Value(transactionKey{}).(*transaction)
	return t
}

// InTx runs fn in a transaction and commits it when fn returns nil. Inside another it joins that one. Nothing remote may
// happen inside; what must happen after is a job enqueued in it.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if open(ctx) != nil {
		return fn(ctx)
	}
	if err := s.Proceed(ctx); err != nil { // what was concluded before was a step of what comes now
		return err
	}
	return s.within(ctx, nil, fn)
}

// oneMoment is a transaction that sees the database as it is at its first query. It takes no lock: on PostgreSQL nobody waits for it, and
// on SQLite the driver begins what is read only deferred, whatever _txlock says, so that it reads beside the one who writes.
var oneMoment = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}

// snapshot runs queries that make up one answer, so that all of them see the same moment: otherwise what is written between two of them is
// in one part of the answer and not in another. In an open transaction they see what that one does.
func (s *Store) snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	if open(ctx) != nil {
		return fn(ctx)
	}
	return s.within(ctx, oneMoment, fn)
}

// within runs fn in a transaction of its own.
func (s *Store) within(ctx context.Context, options *sql.TxOptions, fn func(ctx context.Context) error) error {
	conn, err := s.sql.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	defer func() { _ = conn.Close() }()
	tx, err := conn.BeginTx(ctx, options)
	if err != nil {
		return translate(err)
	}
	t := s.begun(ctx, conn, tx)
	// After a commit this does nothing; after an error, a panic or the end of the goroutine it undoes everything. It runs
	// before the connection is given back, which would wait for an open transaction for ever.
	defer func() { _ = tx.Rollback() }()
	if err := fn(context.WithValue(ctx, transactionKey{}, t)); err != nil {
		return err
	}
	return translate(tx.Commit())
}

// alone returns ctx without its open transaction: for a fact that must survive the caller's refusal.
func alone(ctx context.Context) context.Context {
	return context.WithValue(ctx, transactionKey{}, (*transaction)(nil))
}

// db returns the open transaction of ctx, or the pool.
func (s *Store) db(ctx context.Context) *gorm.DB {
	if t := open(ctx); t != nil {
		return t.gorm.WithContext(ctx)
	}
	return s.gorm.WithContext(ctx)
}

// errNoTransaction says that a job was enqueued outside a transaction, where it could be lost or run too early.
var errNoTransaction = errors.New("store: no open transaction")

// SQLTx gives fn the open transaction of ctx (SQLite's job queue writes into it).
func (s *Store) SQLTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	t := open(ctx)
	if t == nil {
		return errNoTransaction
	}
	return fn(t.tx)
}

// PgxTx gives fn the open transaction of ctx as pgx knows it (PostgreSQL's job queue writes into it). The adapter works
// on the very connection the transaction is open on; committing stays with InTx.
func (s *Store) PgxTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	t := open(ctx)
	if t == nil {
		return errNoTransaction
	}
	return t.conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("store: unexpected driver connection %T", driver)
		}
		return fn(&pgxTx{connection: c.Conn()})
	})
}

// pgxTx shows a connection with an open transaction as a pgx.Tx that can't be ended.
type pgxTx struct{ *connection }

// connection is pgx.Conn under a name that leaves room for the method Conn.
type connection = pgx.Conn

var errNotOurs = errors.New("store: the transaction is ended by InTx")

// Begin opens a savepoint.
func (t *pgxTx) Begin(ctx context.Context) (pgx.Tx, error) {
	if _, err := t.Exec(ctx, "SAVEPOINT job"); err != nil {
		return nil, err
	}
	return &savepoint{pgxTx: t}, nil
}

// Commit refuses: InTx commits.
func (t *pgxTx) Commit(context.Context) error { return errNotOurs }

// Rollback refuses: InTx rolls back.
func (t *pgxTx) Rollback(context.Context) error { return errNotOurs }

// LargeObjects is not used.
func (t *pgxTx) LargeObjects() pgx.LargeObjects { panic("store: large objects are not used") }

// Conn returns the connection.
func (t *pgxTx) Conn() *pgx.Conn { return t.connection }

type savepoint struct{ *pgxTx }

// Commit releases the savepoint.
func (p *savepoint) Commit(ctx context.Context) error {
	_, err := p.Exec(ctx, "RELEASE SAVEPOINT job")
	return err
}

// Rollback goes back to the savepoint.
func (p *savepoint) Rollback(ctx context.Context) error {
	_, err := p.Exec(ctx, "ROLLBACK TO SAVEPOINT job")
	return err
}
