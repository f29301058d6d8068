package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"foyer/internal/foyer"
)

// What is taken of an answer at most: its status is all we want to know.
const (
	maxAnswerHeader = 16 << 10
	maxAnswerBody   = 64 << 10
	// drainFor is how long the body may take; read so that the receiver's write does not fail, then forgotten.
	drainFor = time.Second
)

// connectShare is the part of the time-out a connection may take to come about.
const connectShare = 3

// courier carries messages to addresses strangers chose.
type courier struct {
	// secure goes to public addresses, plain only where whoever runs the instance allows it.
	secure, plain *http.Transport
	timeout       time.Duration
	now           func() time.Time
}

// route is what courier is made of.
type route struct {
	private  []netip.Prefix
	timeout  time.Duration
	resolver *net.Resolver
	roots    *x509.CertPool
	now      func() time.Time
}

func newCourier(r route) *courier {
	private := func(to netip.AddrPort) bool { return allowed(to.Addr(), r.private) }
	public := func(to netip.AddrPort) bool {
		return private(to) || global(to.Addr()) && slices.Contains(ports, strconv.Itoa(int(to.Port())))
	}
	return &courier{secure: r.transport(public), plain: r.transport(private), timeout: r.timeout, now: r.now}
}

// errForbidden says that an address was not dialed.
var errForbidden = errors.New("webhook: address not allowed")

// transport makes connections to the addresses permit lets pass, one for each message: a connection that was judged is never
// used for another name or another time. Names are resolved by the dialer, and what it resolved is what is judged, so a name
// that answers differently the second time gains nothing (DNS rebinding).
func (r route) transport(permit func(netip.AddrPort) bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout:   r.timeout / connectShare,
		KeepAlive: -1,
		Resolver:  r.resolver,
		Control: func(network, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !strings.HasPrefix(network, "tcp") || !permit(to) {
				return errForbidden
			}
			return nil
		},
	}
	return &http.Transport{
		Proxy:                  nil, // HTTP_PROXY and the like would dial for us, past the rule above
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.roots},
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only: less for a hostile receiver to play with
		DisableKeepAlives:      true,
		DisableCompression:     true, // a bomb stays as small as it was sent
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
}

// answer is what came of a try.
type answer struct {
	Attempt
	// retryAfter is how long the receiver wants to be left alone.
	retryAfter time.Duration
}

// parcel is one message to one address.
type parcel struct {
	url       string
	id        string
	body      []byte
	signature string
	at        time.Time
}

// send posts a message and reports what came of it; nothing is followed. It takes at most the time-out, whatever the receiver does.
func (c *courier) send(ctx context.Context, p parcel) answer {
	a := answer{Attempt: Attempt{At: foyer.Micro(p.at)}}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var way progress
	req, err := http.NewRequestWithContext(way.trace(ctx), http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		a.Outcome = OutcomeConnection // it was checked when it was given; nothing an older version let pass is dialed
		return a
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Foyer-Webhooks/1")
	req.Header.Set(standardwebhooks.HeaderWebhookID, p.id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(p.at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, p.signature)
	transport := c.plain
	if req.URL.Scheme == "https" {
		transport = c.secure
	}
	res, err := transport.RoundTrip(req) // a client would follow redirects and keep cookies
	if err != nil {
		a.Outcome = way.failed(ctx, err)
		if a.Outcome != OutcomeConnection {
			a.Took = c.now().Sub(p.at)
		}
		return a
	}
	a.Took = c.now().Sub(p.at)
	a.Status, a.Outcome = res.StatusCode, outcomeOf(res.StatusCode)
	if a.Outcome != OutcomeSucceeded {
		a.retryAfter = retryAfter(res.Header.Get("Retry-After"), p.at)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		_ = res.Body.Close() // the bare connection, which knows nothing of our time-out
		return a
	}
	drain(res.Body, cancel)
	return a
}

// drain lets the receiver finish its answer, if that is short.
func drain(body io.ReadCloser, cancel context.CancelFunc) {
	enough := time.AfterFunc(drainFor, cancel)
	_, _ = io.CopyN(io.Discard, body, maxAnswerBody)
	enough.Stop()
	_ = body.Close()
}

func outcomeOf(status int) Outcome {
	switch {
	case status >= 200 && status < 300:
		return OutcomeSucceeded
	case status >= 300 && status < 400:
		return OutcomeRedirected
	case status == http.StatusGone:
		return OutcomeGone
	}
	return OutcomeBadStatus
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3); 0 when it says nothing we understand.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// progress is how far a try came. The dialer may still be at work when the time is up.
type progress struct{ connected, established atomic.Bool }

func (w *progress) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				w.connected.Store(true)
			}
		},
		GotConn: func(httptrace.GotConnInfo) { w.established.Store(true) },
	})
}

// failed says why no answer came.
func (w *progress) failed(ctx context.Context, err error) Outcome {
	var network net.Error
	late := ctx.Err() != nil || errors.As(err, &network) && network.Timeout()
	switch {
	case !w.connected.Load():
		return OutcomeConnection
	case late:
		return OutcomeTimeout
	case !w.established.Load():
		return OutcomeTLS
	}
	return OutcomeBadResponse
}
