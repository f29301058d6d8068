package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/retention"
	"foyer/internal/webhook"
)

// Database is where the queue lives: the same database as everything else, in the same transaction.
type Database interface {
	// SQL and Pool are the connections; Pool is nil on SQLite.
	SQL() *sql.DB
	Pool() *pgxpool.Pool
	// SQLTx and PgxTx give fn the transaction open in ctx.
	SQLTx(ctx context.Context, fn func(tx *sql.Tx) error) error
	PgxTx(ctx context.Context, fn func(tx pgx.Tx) error) error
}

// Queue enqueues jobs. Safe for concurrent use.
type Queue struct {
	insert func(ctx context.Context, args ...river.InsertManyParams) error
}

var (
	_ identity.Jobs = (*Queue)(nil)
	_ webhook.Mails = (*Queue)(nil)

	_ retention.NoticeJobs = (*Queue)(nil)
)

// NewQueue returns a Queue that only enqueues; see NewWorkers for the other end.
func NewQueue(db Database, log *slog.Logger) (*Queue, error) {
	config := &river.Config{Logger: log}
	if pool := db.Pool(); pool != nil {
		client, err := river.NewClient(riverpgxv5.New(pool), config)
		if err != nil {
			return nil, fmt.Errorf("jobs: %w", err)
		}
		return &Queue{insert: func(ctx context.Context, args ...river.InsertManyParams) error {
			return db.PgxTx(ctx, func(tx pgx.Tx) error {
				_, err := client.InsertManyFastTx(ctx, tx, args)
				return err
			})
		}}, nil
	}
	client, err := river.NewClient(riversqlite.New(db.SQL()), config)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Queue{insert: func(ctx context.Context, args ...river.InsertManyParams) error {
		return db.SQLTx(ctx, func(tx *sql.Tx) error {
			_, err := client.InsertManyFastTx(ctx, tx, args)
			return err
		})
	}}, nil
}

// EnqueueSignInMail implements identity.Jobs.
func (q *Queue) EnqueueSignInMail(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID) error {
	return q.insert(ctx, river.InsertManyParams{Args: signInMail{Merchant: merchant, SignIn: id}})
}

// EnqueueEmailChangeMails implements identity.Jobs.
func (q *Queue) EnqueueEmailChangeMails(ctx context.Context, merchant foyer.MerchantID, id identity.EmailChangeID, steps ...identity.EmailChangeStep) error {
	args := make([]river.InsertManyParams, len(steps))
	for i, step := range steps {
		args[i] = river.InsertManyParams{Args: emailChangeMail{Merchant: merchant, Change: id, Step: step}}
	}
	return q.insert(ctx, args...)
}

// EnqueueNewSignInMail implements identity.Jobs.
func (q *Queue) EnqueueNewSignInMail(ctx context.Context, merchant foyer.MerchantID, signIn identity.SignInID, session foyer.SessionID) error {
	return q.insert(ctx, river.InsertManyParams{Args: newSignInMail{Merchant: merchant, SignIn: signIn, Session: session}})
}

// EnqueueBillingMails enqueues a job for each ordered mail, all in one statement.
func (q *Queue) EnqueueBillingMails(ctx context.Context, orders []billing.MailOrder) error {
	if len(orders) == 0 {
		return nil
	}
	args := make([]river.InsertManyParams, len(orders))
	for i, o := range orders {
		args[i] = river.InsertManyParams{Args: billingMail{Merchant: o.Scope.Merchant, Order: o.ID}}
	}
	return q.insert(ctx, args...)
}

// EnqueueSettle enqueues looking up an attempt at the gateway.
func (q *Queue) EnqueueSettle(ctx context.Context, merchant foyer.MerchantID, id billing.AttemptID) error {
	return q.insert(ctx, river.InsertManyParams{Args: settle{Merchant: merchant, Attempt: id}})
}

// EnqueueFollowMethods implements native.MethodFollower.
func (q *Queue) EnqueueFollowMethods(ctx context.Context, scope foyer.Scope) error {
	return q.insert(ctx, river.InsertManyParams{Args: followMethods{Merchant: scope.Merchant, Customer: scope.Customer}})
}

// EnqueueEndpointMail implements webhook.Mails.
func (q *Queue) EnqueueEndpointMail(ctx context.Context, merchant foyer.MerchantID, endpoint webhook.EndpointID, mail string) error {
	return q.insert(ctx, river.InsertManyParams{Args: endpointMail{Merchant: merchant, Endpoint: endpoint, Mail: mail}})
}

// EnqueueWithdrawalMail enqueues the mail that tells a merchant that a withdrawal needs it.
func (q *Queue) EnqueueWithdrawalMail(ctx context.Context, merchant foyer.MerchantID, id retention.WithdrawalID, mail string) error {
	return q.insert(ctx, river.InsertManyParams{Args: withdrawalMail{Merchant: merchant, Withdrawal: id, Mail: mail}})
}

// EnqueueDisputeMail implements native.MerchantMails.
func (q *Queue) EnqueueDisputeMail(ctx context.Context, merchant foyer.MerchantID, d billing.Dispute, mail string) error {
	return q.insert(ctx, river.InsertManyParams{Args: disputeMail{Merchant: merchant, Dispute: d.ID, Told: d.Told, Mail: mail}})
}

// EnqueueRefundMail implements native.MerchantMails.
func (q *Queue) EnqueueRefundMail(ctx context.Context, merchant foyer.MerchantID, id billing.RefundID, mail string) error {
	return q.insert(ctx, river.InsertManyParams{Args: refundMail{Merchant: merchant, Refund: id, Mail: mail}})
}

// EnqueueNotice implements retention.NoticeJobs.
func (q *Queue) EnqueueNotice(ctx context.Context, merchant foyer.MerchantID, id retention.NoticeID, steps ...retention.NoticeStep) error {
	args := make([]river.InsertManyParams, len(steps))
	for i, step := range steps {
		args[i] = river.InsertManyParams{Args: notice{Merchant: merchant, Notice: id, Step: step}}
	}
	return q.insert(ctx, args...)
}

// migrateLock is the number of the advisory lock under which River's tables are migrated ("foyjobs" in ASCII).
const migrateLock = 0x666f796a6f6273

// Migrate brings River's own tables up to date. Of two processes that start at once one migrates, the other waits for it.
func Migrate(ctx context.Context, db Database) error {
	config := &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)}
	if pool := db.Pool(); pool != nil {
		m, err := rivermigrate.New(riverpgxv5.New(pool), config)
		if err != nil {
			return err
		}
		return oneAtATime(ctx, pool, func() error {
			_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
			return err
		})
	}
	m, err := rivermigrate.New(riversqlite.New(db.SQL()), config)
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// oneAtATime runs fn when no other process is in it. It asks again and again: a statement that waits for the lock would be
// ended by the session's lock_timeout.
func oneAtATime(ctx context.Context, pool *pgxpool.Pool, fn func() error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for {
		var ours bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", migrateLock).Scan(&ours); err != nil {
			return err
		}
		if ours {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	err = fn()
	// The lock belongs to the session: the connection goes back to the pool without it, also when ctx has ended.
	_, unlock := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrateLock)
	return errors.Join(err, unlock)
}
