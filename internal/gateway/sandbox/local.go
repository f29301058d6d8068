package sandbox

import (
	"context"
	"database/sql"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

var (
	_ billing.Gateway        = (*Local)(nil)
	_ billing.TokenResolver  = (*Local)(nil)
	_ billing.ChargeCanceler = (*Local)(nil)
	_ billing.MethodRemover  = (*Local)(nil)
	_ billing.MethodReader   = (*Local)(nil)
	_ billing.WebhookReader  = (*Local)(nil)
	_ billing.DisputeReader  = (*Local)(nil)
)

const (
	name      = "sandbox"
	publicKey = "pk_sandbox"
)

// Options are what a Local needs besides its database. The zero value tells nobody about changes.
type Options struct {
	// Now is the real time; nil for the system's. A merchant's clock does not move it.
	Now func() time.Time
	Log *slog.Logger
	// WebhookURL is where changes are posted to, signed with WebhookSecret; without one they go to OnNotice, which must
	// be safe for concurrent use.
	WebhookURL    string
	WebhookSecret string
	OnNotice      func(billing.GatewayNotice)
	// DisputeAfter is how long after its capture a charge of the disputed card is taken back; 0 is a second.
	DisputeAfter time.Duration
	// LateBy is how late a late webhook is, HangFor how long a charge that hangs does; 0 is 5 and 30 seconds.
	LateBy  time.Duration
	HangFor time.Duration
}

// Local is the gateway in this process. Safe for concurrent use. Its methods take connections of their own: called inside
// a transaction on the same SQLite file they would wait for it in vain.
type Local struct {
	bank   *bank
	secret string
	log    *slog.Logger
}

// NewLocal returns the gateway on a database that Migrate was run on. Close ends it; the database stays the caller's.
func NewLocal(db *sql.DB, o Options) *Local {
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // a gateway's clock is the real one
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &bank{
		books: &Books{db: db}, now: o.Now, disputeAfter: or(o.DisputeAfter, time.Second), hangFor: or(o.HangFor, 30*time.Second),
	}
	b.notices = &notifier{
		url: o.WebhookURL, secret: o.WebhookSecret, in: o.OnNotice, client: newClient(noticeWithin, 16), knobs: &b.knobs,
		late: or(o.LateBy, 5*time.Second), now: o.Now, log: o.Log, hurry: make(chan struct{}),
	}
	b.notices.ctx, b.notices.stop = context.WithCancel(context.Background())
	return &Local{bank: b, secret: o.WebhookSecret, log: o.Log}
}

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Close sends the messages that wait, until ctx ends.
func (l *Local) Close(ctx context.Context) error { return l.bank.notices.close(ctx) }

// Name implements billing.Gateway.
func (l *Local) Name() string { return name }

// PublicKey implements billing.Gateway.
func (l *Local) PublicKey() string { return publicKey }

// StartSetup implements billing.Gateway.
func (l *Local) StartSetup(ctx context.Context, r billing.SetupRequest) (billing.StartedSetup, error) {
	return l.bank.startSetup(ctx, r)
}

// Setup implements billing.Gateway.
func (l *Local) Setup(ctx context.Context, reference string) (billing.SetupResult, error) {
	return l.bank.setup(ctx, reference)
}

// Charge implements billing.Gateway. Every fault the knobs add leaves the caller in the dark, as on a wire.
func (l *Local) Charge(ctx context.Context, r billing.ChargeRequest) (billing.ChargeResult, error) {
	result, f, err := l.bank.troubled(ctx, r)
	if f != faultNone {
		return billing.ChargeResult{}, foyer.Refuse(foyer.Unavailable, "unavailable")
	}
	return result, err
}

// ChargeByKey implements billing.Gateway.
func (l *Local) ChargeByKey(ctx context.Context, merchant foyer.MerchantID, key string) (billing.ChargeResult, error) {
	c, err := l.bank.own(ctx, merchant, key)
	if err != nil {
		return billing.ChargeResult{}, err
	}
	return l.bank.result(ctx, c)
}

// CancelCharge implements billing.ChargeCanceler.
func (l *Local) CancelCharge(ctx context.Context, merchant foyer.MerchantID, key string) (billing.ChargeResult, error) {
	c, err := l.bank.own(ctx, merchant, key)
	if err != nil {
		return billing.ChargeResult{}, err
	}
	if c, err = l.bank.end(ctx, c, "canceled"); err != nil {
		return billing.ChargeResult{}, err
	}
	return l.bank.result(ctx, c)
}

// Refund implements billing.Gateway.
func (l *Local) Refund(ctx context.Context, r billing.RefundRequest) (billing.RefundResult, error) {
	return l.bank.refund(ctx, r)
}

// MethodByToken implements billing.TokenResolver: tok_ and a test card's last four digits store a new method, the token
// of a stored one finds it.
func (l *Local) MethodByToken(ctx context.Context, owner foyer.Scope, token string) (billing.GatewayMethod, error) {
	return l.bank.methodByToken(ctx, owner, token)
}

// Method implements billing.MethodReader.
func (l *Local) Method(ctx context.Context, token string) (billing.GatewayMethod, error) {
	return l.bank.storedMethod(ctx, token)
}

// ReplaceCard replaces a stored card's number and date, as card networks do by themselves.
func (l *Local) ReplaceCard(ctx context.Context, token string, r Replacement) error {
	return l.bank.replaceCard(ctx, token, r)
}

// RemoveMethod implements billing.MethodRemover.
func (l *Local) RemoveMethod(ctx context.Context, token string) error {
	return l.bank.removeMethod(ctx, token)
}

// ReadWebhook implements billing.WebhookReader.
func (l *Local) ReadWebhook(_ context.Context, header map[string][]string, body []byte, now time.Time) (billing.GatewayNotice, error) {
	return readWebhook(l.secret, header, body, now)
}

// Ledger returns every charge that really happened, in order.
func (l *Local) Ledger(ctx context.Context) iter.Seq2[Entry, error] {
	return l.bank.books.ledger(ctx, l.bank.now())
}

// Dispute takes a captured charge back, as the customer's bank does.
func (l *Local) Dispute(ctx context.Context, key string) error { return l.bank.dispute(ctx, key) }

// SetKnobs breaks the gateway, or mends it with the zero value.
func (l *Local) SetKnobs(k Knobs) error {
	if err := k.check(); err != nil {
		return err
	}
	l.bank.knobs.set(k)
	return nil
}

// Knobs returns how the gateway is broken now.
func (l *Local) Knobs() Knobs { return l.bank.knobs.get() }

// newClient returns an HTTP client that asks who it was told to ask: no proxy of the environment, no redirect to
// somewhere else.
func newClient(timeout time.Duration, connections int) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			MaxIdleConns: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
