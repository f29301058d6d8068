package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/retention"
	"foyer/internal/webhook"
)

// Handlers is what the jobs do.
type Handlers struct {
	// SendSignIn makes and sends the mail of a sign-in.
	SendSignIn func(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID) error
	// SendNewSignIn makes and sends the mail about a sign-in on a new device.
	SendNewSignIn func(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID, session foyer.SessionID) error
	// SendEmailChange makes and sends a mail about a change of address.
	SendEmailChange func(ctx context.Context, merchant foyer.MerchantID, id identity.EmailChangeID, step identity.EmailChangeStep) error
	// SendBilling makes and sends an ordered mail about billing.
	SendBilling func(ctx context.Context, merchant foyer.MerchantID, order string) error
	// SendEndpoint makes and sends the mail that tells a merchant that a webhook endpoint was disabled.
	SendEndpoint func(ctx context.Context, merchant foyer.MerchantID, endpoint webhook.EndpointID, mail string) error
	// SendWithdrawal makes and sends the mail that tells a merchant that a withdrawal needs it.
	SendWithdrawal func(ctx context.Context, merchant foyer.MerchantID, withdrawal retention.WithdrawalID, mail string) error
	// SendDispute makes and sends the mail that tells a merchant how a dispute stands, unless a later mail tells more than its version told.
	SendDispute func(ctx context.Context, merchant foyer.MerchantID, id billing.DisputeID, told int64, mail string) error
	// SendRefundFailed makes and sends the mail that tells a merchant that a refund came back.
	SendRefundFailed func(ctx context.Context, merchant foyer.MerchantID, id billing.RefundID, mail string) error
	// Notice does a step of what follows a notice: mail its receipt, find out whose it is, mail the merchant.
	Notice func(ctx context.Context, merchant foyer.MerchantID, id retention.NoticeID, step retention.NoticeStep) error
	// Settle looks up what became of an attempt at the gateway.
	Settle func(ctx context.Context, merchant foyer.MerchantID, id billing.AttemptID) error
	// FollowMethods takes over what the gateway knows anew of a customer's stored payment methods.
	FollowMethods func(ctx context.Context, scope foyer.Scope) error
	// ChainAudit chains what was written to the audit logs since the last time.
	ChainAudit func(ctx context.Context) error
	// Prune deletes what has expired.
	Prune func(ctx context.Context) error
}

// A worker that dies leaves its job running in the table; it is rescued when it is certain that nobody works on it.
const (
	jobTimeout  = time.Minute
	rescueAfter = jobTimeout + 15*time.Second
	pruneEvery  = 10 * time.Minute
	chainEvery  = 15 * time.Second
	maxWorkers  = 20
)

type signInMail struct {
	Merchant foyer.MerchantID  `json:"merchant"`
	SignIn   identity.SignInID `json:"sign_in"`
}

// Kind names the job in the table.
func (signInMail) Kind() string { return "sign_in_mail" }

type newSignInMail struct {
	Merchant foyer.MerchantID  `json:"merchant"`
	SignIn   identity.SignInID `json:"sign_in"`
	Session  foyer.SessionID   `json:"session"`
}

// Kind names the job in the table.
func (newSignInMail) Kind() string { return "new_sign_in_mail" }

type emailChangeMail struct {
	Merchant foyer.MerchantID         `json:"merchant"`
	Change   identity.EmailChangeID   `json:"change"`
	Step     identity.EmailChangeStep `json:"step"`
}

// Kind names the job in the table.
func (emailChangeMail) Kind() string { return "email_change_mail" }

type billingMail struct {
	Merchant foyer.MerchantID `json:"merchant"`
	Order    string           `json:"order"`
}

// Kind names the job in the table.
func (billingMail) Kind() string { return "billing_mail" }

type endpointMail struct {
	Merchant foyer.MerchantID   `json:"merchant"`
	Endpoint webhook.EndpointID `json:"endpoint"`
	// Mail is the mail's id: sending it again is the same mail.
	Mail string `json:"mail"`
}

// Kind names the job in the table.
func (endpointMail) Kind() string { return "webhook_endpoint_mail" }

type withdrawalMail struct {
	Merchant   foyer.MerchantID       `json:"merchant"`
	Withdrawal retention.WithdrawalID `json:"withdrawal"`
	// Mail is the mail's id: sending it again is the same mail.
	Mail string `json:"mail"`
}

// Kind names the job in the table.
func (withdrawalMail) Kind() string { return "withdrawal_mail" }

type disputeMail struct {
	Merchant foyer.MerchantID  `json:"merchant"`
	Dispute  billing.DisputeID `json:"dispute"`
	// Told is the version of the dispute the mail is about.
	Told int64 `json:"told"`
	// Mail is the mail's id: sending it again is the same mail.
	Mail string `json:"mail"`
}

// Kind names the job in the table.
func (disputeMail) Kind() string { return "dispute_mail" }

type refundMail struct {
	Merchant foyer.MerchantID `json:"merchant"`
	Refund   billing.RefundID `json:"refund"`
	// Mail is the mail's id: sending it again is the same mail.
	Mail string `json:"mail"`
}

// Kind names the job in the table.
func (refundMail) Kind() string { return "refund_failed_mail" }

type notice struct {
	Merchant foyer.MerchantID     `json:"merchant"`
	Notice   retention.NoticeID   `json:"notice"`
	Step     retention.NoticeStep `json:"step"`
}

// Kind names the job in the table.
func (notice) Kind() string { return "notice" }

type settle struct {
	Merchant foyer.MerchantID  `json:"merchant"`
	Attempt  billing.AttemptID `json:"attempt"`
}

// Kind names the job in the table.
func (settle) Kind() string { return "settle_attempt" }

type followMethods struct {
	Merchant foyer.MerchantID `json:"merchant"`
	Customer foyer.CustomerID `json:"customer"`
}

// Kind names the job in the table.
func (followMethods) Kind() string { return "follow_methods" }

type prune struct{}

// Kind names the job in the table.
func (prune) Kind() string { return "prune" }

type chainAudit struct{}

// Kind names the job in the table.
func (chainAudit) Kind() string { return "chain_audit" }

// Workers runs jobs. Start it once; Stop lets running jobs finish.
type Workers struct {
	start func(ctx context.Context) error
	stop  func(ctx context.Context) error
}

// Start begins to work.
func (w *Workers) Start(ctx context.Context) error { return w.start(ctx) }

// Stop takes no more jobs and waits for the running ones, until ctx ends.
func (w *Workers) Stop(ctx context.Context) error { return w.stop(ctx) }

// workerConfig says what is worked on and how.
func workerConfig(h Handlers, log *slog.Logger) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[signInMail]) error {
		return h.SendSignIn(ctx, job.Args.Merchant, job.Args.SignIn)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[newSignInMail]) error {
		return h.SendNewSignIn(ctx, job.Args.Merchant, job.Args.SignIn, job.Args.Session)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[emailChangeMail]) error {
		return h.SendEmailChange(ctx, job.Args.Merchant, job.Args.Change, job.Args.Step)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[billingMail]) error {
		return h.SendBilling(ctx, job.Args.Merchant, job.Args.Order)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[endpointMail]) error {
		return h.SendEndpoint(ctx, job.Args.Merchant, job.Args.Endpoint, job.Args.Mail)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[withdrawalMail]) error {
		return h.SendWithdrawal(ctx, job.Args.Merchant, job.Args.Withdrawal, job.Args.Mail)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[disputeMail]) error {
		return h.SendDispute(ctx, job.Args.Merchant, job.Args.Dispute, job.Args.Told, job.Args.Mail)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[refundMail]) error {
		return h.SendRefundFailed(ctx, job.Args.Merchant, job.Args.Refund, job.Args.Mail)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[notice]) error {
		return h.Notice(ctx, job.Args.Merchant, job.Args.Notice, job.Args.Step)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[settle]) error {
		return h.Settle(ctx, job.Args.Merchant, job.Args.Attempt)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[followMethods]) error {
		return h.FollowMethods(ctx, foyer.Scope{Merchant: job.Args.Merchant, Customer: job.Args.Customer})
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[prune]) error { return h.Prune(ctx) }))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[chainAudit]) error { return h.ChainAudit(ctx) }))
	return &river.Config{
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: maxWorkers}},
		Workers:              workers,
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		FetchCooldown:        10 * time.Millisecond,
		FetchPollInterval:    time.Second,
		Logger:               log,
		PeriodicJobs: []*river.PeriodicJob{
			river.NewPeriodicJob(river.PeriodicInterval(pruneEvery), func() (river.JobArgs, *river.InsertOpts) { return prune{}, nil }, nil),
			river.NewPeriodicJob(river.PeriodicInterval(chainEvery), func() (river.JobArgs, *river.InsertOpts) { return chainAudit{}, nil }, nil),
		},
	}
}

// NewWorkers returns workers for the jobs of the queue and the periodic list.
func NewWorkers(db Database, h Handlers, log *slog.Logger) (*Workers, error) {
	config := workerConfig(h, log)
	if pool := db.Pool(); pool != nil {
		client, err := river.NewClient(riverpgxv5.New(pool), config)
		if err != nil {
			return nil, fmt.Errorf("jobs: %w", err)
		}
		return &Workers{start: client.Start, stop: client.Stop}, nil
	}
	// SQLite has no NOTIFY: a short poll is what makes a mail quick.
	config.FetchPollInterval = 50 * time.Millisecond
	client, err := river.NewClient(riversqlite.New(db.SQL()), config)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Workers{start: client.Start, stop: client.Stop}, nil
}
