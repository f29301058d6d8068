package store

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

type concludingKey struct{}

// concluding is the last transaction of a command, held open until the answer to the call is written into it.
type concluding struct {
	t *transaction
}

// WithConclusion returns a context in which Conclude does not commit, and what commits instead: finish runs fn, if
// there is one, in the transaction Conclude left open, or in a new one when there was none, and commits both together. Without finish being called
// everything is rolled back by abandon, which must be called in any case.
//
// So the answer to a call that moved money is kept if, and only if, the movement is.
func (s *Store) WithConclusion(ctx context.Context) (held context.Context, finish func(fn func(ctx context.Context) error) error, abandon func()) {
	c := &concluding{}
	held = context.WithValue(ctx, concludingKey{}, c)
	finish = func(fn func(ctx context.Context) error) error {
		switch {
		case c.t == nil && fn == nil:
			return nil
		case c.t == nil:
			return s.InTx(ctx, fn)
		case fn == nil:
			return translate(c.t.tx.Commit())
		}
		if err := fn(context.WithValue(ctx, transactionKey{}, c.t)); err != nil {
			return err
		}
		return translate(c.t.tx.Commit())
	}
	return held, finish, func() { c.end() }
}

func (c *concluding) end() {
	if c.t != nil {
		_ = c.t.tx.Rollback() // after a commit this does nothing
		_ = c.t.conn.Close()
		c.t = nil
	}
}

// Conclude implements billing.Store.
func (s *Store) Conclude(ctx context.Context, fn func(ctx context.Context) error) error {
	c, held := ctx.Value(concludingKey{}).(*concluding)
	if !held || open(ctx) != nil {
		return s.InTx(ctx, fn)
	}
	if err := s.Proceed(ctx); err != nil {
		return err // a command concludes once; what came before was a step of it
	}
	conn, err := s.sql.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		_ = conn.Close()
		return translate(err)
	}
	t := s.begun(ctx, conn, tx)
	c.t = t
	if err := fn(context.WithValue(ctx, transactionKey{}, t)); err != nil {
		c.end()
		return err
	}
	return nil
}

// Proceed commits what Conclude holds open, because the command goes on: what comes next may be remote, and must find it
// committed.
func (s *Store) Proceed(ctx context.Context) error {
	c, held := ctx.Value(concludingKey{}).(*concluding)
	if !held || c.t == nil {
		return nil
	}
	err := c.t.tx.Commit()
	c.end()
	return translate(err)
}

// begun is an open transaction GORM and the guard work in.
func (s *Store) begun(ctx context.Context, conn *sql.Conn, tx *sql.Tx) *transaction {
	t := &transaction{conn: conn, tx: tx}
	// Context makes GORM copy the statement; without it the pool set below would be set for everybody.
	t.gorm = s.gorm.Session(&gorm.Session{NewDB: true, Context: ctx})
	t.gorm.Statement.ConnPool = &guard{pool: tx}
	return t
}
