package foyertest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"foyer/internal/app"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
	"foyer/internal/webhook"
)

// Loopback lets webhooks reach receivers of the test.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// WithWebhooks changes how webhooks are delivered; without change they may reach loopback addresses.
func WithWebhooks(change func(*webhook.Options)) Option {
	return func(c *app.Config) {
		c.Webhooks.Private = Loopback
		if change != nil {
			change(&c.Webhooks)
		}
	}
}

// Deliver delivers webhooks until the test ends, or until the function it returns is called.
func (a *App) Deliver(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { a.Hooks.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// Received is one webhook as it came.
type Received struct {
	Header http.Header
	Body   []byte
	At     time.Time
}

// Receiver is where a merchant's system listens in a test.
type Receiver struct {
	URL string
	mu  sync.Mutex
	got []Received
}

// Receiver starts one; answer may be nil, which is 204 for everything.
func (a *App) Receiver(t testing.TB, answer http.HandlerFunc) *Receiver {
	t.Helper()
	r := &Receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body := make([]byte, 0, 4096)
		for buffer := make([]byte, 4096); ; {
			n, err := req.Body.Read(buffer)
			body = append(body, buffer[:n]...)
			if err != nil {
				break
			}
		}
		r.mu.Lock()
		r.got = append(r.got, Received{req.Header.Clone(), body, a.Clock.Now()})
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, req)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	r.URL = server.URL
	return r
}

// Got returns what came so far, in the order it came.
func (r *Receiver) Got() []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Received(nil), r.got...)
}

// Happen records an event about nothing that is stored, so that there is something to deliver.
func (a *App) Happen(t testing.TB, m merchant.Merchant, kind foyer.EventType) foyer.Event {
	t.Helper()
	e := foyer.Event{
		ID: a.IDs(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: m.ID}, Type: kind, Subject: a.IDs(foyer.PrefixProduct),
		At: foyer.Micro(a.Clock.Now()),
	}
	err := a.Store.InTx(context.Background(), func(ctx context.Context) error { return a.Store.RecordEvents(ctx, e) })
	if err != nil {
		t.Fatal(err)
	}
	return e
}
