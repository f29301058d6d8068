package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

var (
	_ billing.Gateway        = (*Gateway)(nil)
	_ billing.TokenResolver  = (*Gateway)(nil)
	_ billing.ChargeCanceler = (*Gateway)(nil)
	_ billing.MethodRemover  = (*Gateway)(nil)
	_ billing.MethodReader   = (*Gateway)(nil)
	_ billing.DisputeReader  = (*Gateway)(nil)
	_ billing.RefundReader   = (*Gateway)(nil)
	_ billing.WebhookReader  = (*Gateway)(nil)
)

// Name is what rows and the API call this gateway.
const Name = "stripe"

// What is written into the metadata of Stripe's objects: our ids, so that a merchant finds in its dashboard whose they are. What is
// believed is what was kept here; a dashboard lets people change metadata.
const (
	metaMerchant = "foyer_merchant"
	metaCustomer = "foyer_customer"
	metaSetup    = "foyer_setup"
	metaPayment  = "foyer_payment"
	metaAttempt  = "foyer_attempt"
	metaMethod   = "foyer_method"
	metaSession  = "foyer_session"
	metaRefund   = "foyer_refund"
)

// Limits of one call. All of an operation's calls share Options.Timeout.
const (
	defaultTimeout = 20 * time.Second
	callTimeout    = 10 * time.Second
	// retries are Stripe's own library's: after a cut connection, a conflict of keys or an object that is locked, under the same key.
	retries = 1
	// atOnce is how many connections are kept for the next call.
	atOnce = 64
	// maxAnswer bounds what is read of an answer (threats.md #50): an intent with all that is expanded is some ten kilobytes.
	maxAnswer = 4 << 20
)

// Gateway is billing.Gateway at Stripe. Safe for concurrent use.
type Gateway struct {
	Options
	client *sdk.Client
	http   *http.Client
	// versions are the API versions of webhooks that were complained about.
	versions sync.Map
}

// New returns the gateway; it calls nobody yet.
func New(o Options) (*Gateway, error) {
	address := cmp.Or(strings.TrimRight(o.APIURL, "/"), sdk.APIURL)
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("must be the address of Stripe's API, like " + sdk.APIURL)
	}
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{Options: o, http: newClient()}
	g.client = sdk.NewClient(o.SecretKey, sdk.WithBackends(sdk.NewBackendsWithConfig(&sdk.BackendConfig{
		URL: &address, HTTPClient: g.http, MaxNetworkRetries: sdk.Int64(retries), EnableTelemetry: sdk.Bool(false),
		// Its errors are returned as well; its messages may repeat what was sent.
		LeveledLogger: &sdk.LeveledLogger{Level: sdk.LevelNull},
	})))
	return g, nil
}

func newClient() *http.Client {
	transport, _ := http.DefaultTransport.(*http.Transport)
	transport = transport.Clone()
	transport.MaxIdleConnsPerHost = atOnce
	transport.ResponseHeaderTimeout = callTimeout
	return &http.Client{
		Timeout:   callTimeout,
		Transport: bounded{transport},
		// Stripe's API redirects nobody: who does is not it, and would be sent the secret key.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded reads no more of an answer than an answer may have.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	}
	return answer, err
}

// Close lets go of the connections that are not in use.
func (g *Gateway) Close() { g.http.CloseIdleConnections() }

// Name implements billing.Gateway.
func (g *Gateway) Name() string { return Name }

// PublicKey implements billing.Gateway: the publishable key, which Stripe's form in the frontend is opened with.
func (g *Gateway) PublicKey() string { return g.PublishableKey }

// within bounds an operation: a worker that waits longer than the lease of its attempt is taken for dead.
func (g *Gateway) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, g.Timeout)
}

// dark says that nobody knows what happened: an outage, too many calls, a wrong key, an answer that is not Stripe's. It names what
// Stripe's support asks for and none of its messages, which may repeat what was sent.
func dark(doing string, err error) error {
	var e *sdk.Error
	if errors.As(err, &e) {
		err = fmt.Errorf("%s (%s %s) HTTP %d, request %s", cmp.Or(string(e.Type), "error"), e.Code, e.Param, e.HTTPStatusCode, e.RequestID)
	} else {
		err = onlyConnection(err)
	}
	return &foyer.Error{Kind: foyer.Unavailable, Code: "gateway.unavailable", Err: fmt.Errorf("stripe: %s: %w", doing, err)}
}

// onlyConnection keeps what went wrong on the way, without the address, whose path names a customer's things. Everything else is about
// what was answered, and the library's errors repeat a part of that.
func onlyConnection(err error) error {
	var e *url.Error
	switch {
	case errors.As(err, &e):
		return e.Err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	default:
		return errors.New("the answer can't be read")
	}
}

// unlike says that Stripe's answer does not fit what is known here: nothing is booked by it (threats.md #50).
func (g *Gateway) unlike(ctx context.Context, what, reference string) error {
	g.Log.ErrorContext(ctx, "stripe answered what does not fit and is not booked", "what", what, "reference", reference)
	return &foyer.Error{Kind: foyer.Unavailable, Code: "gateway.unavailable", Err: fmt.Errorf("stripe: %s of %s does not fit", what, reference)}
}

// missing tells whether Stripe says that there is no such thing; param narrows it to what was named wrongly in a request.
func missing(err error, param string) bool {
	var e *sdk.Error
	return errors.As(err, &e) && e.Code == sdk.ErrorCodeResourceMissing && (param == "" || e.Param == param)
}

// plain tells whether a text may stand in the path of a call: Stripe's ids are letters, digits and underscores.
func plain(id string) bool {
	for _, r := range id {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return id != "" && len(id) <= 255
}
