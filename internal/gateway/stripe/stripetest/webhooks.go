package stripetest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Bounds of the deliveries.
const (
	postTries    = 5
	firstBackoff = 200 * time.Millisecond
	postWithin   = 5 * time.Second
)

// poster posts events. Nobody waits for it.
type poster struct {
	o      Options
	knobs  *dial
	late   time.Duration
	client *http.Client

	mu      sync.Mutex
	url     string
	closed  bool
	running sync.WaitGroup
	// hurry is closed when the fake stops: what waits is sent at once and tried once. stop gives up.
	hurry chan struct{}
	ctx   context.Context //nolint:containedctx // the life of the goroutines, which no caller's context is
	stop  context.CancelFunc
}

func newPoster(o Options, knobs *dial) *poster {
	p := &poster{
		o: o, knobs: knobs, late: or(o.LateBy, 5*time.Second), url: o.WebhookURL, hurry: make(chan struct{}),
		client: &http.Client{
			Timeout:       postWithin,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// SetWebhookURL changes where events are posted to, because a test's server is often started after its Stripe; empty stops them.
func (f *Fake) SetWebhookURL(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.o.WebhookURL = url
	f.post.mu.Lock()
	defer f.post.mu.Unlock()
	f.post.url = url
}

// send posts an event and says whether it arrived. What the knobs drop never does.
func (p *poster) send(body []byte, arrived func(bool)) {
	p.mu.Lock()
	url := p.url
	p.mu.Unlock()
	k := p.knobs.get()
	if url == "" || chance(k.DropWebhooks) {
		return
	}
	var after time.Duration
	if chance(k.LateWebhooks) {
		after = p.late
	}
	times := 1
	if chance(k.DuplicateWebhooks) {
		times = 2
	}
	for range times {
		p.start(func() {
			p.pause(after)
			arrived(p.try(url, body))
		})
	}
}

// after does something later, unless the fake is closed before.
func (p *poster) after(d time.Duration, do func()) {
	p.start(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			do()
		case <-p.hurry:
		}
	})
}

func (p *poster) start(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.running.Go(do)
	}
}

func (p *poster) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.hurry:
	case <-p.ctx.Done():
	}
}

func (p *poster) try(url string, body []byte) bool {
	backoff := firstBackoff
	for try := range postTries {
		if p.once(url, body) {
			return true
		}
		select {
		case <-p.hurry:
			return false
		default:
		}
		if try < postTries-1 {
			p.pause(backoff)
			backoff *= 3
		}
	}
	return false
}

func (p *poster) once(url string, body []byte) bool {
	r, err := http.NewRequestWithContext(p.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set(SignatureHeader, Sign(body, p.o.Now(), p.o.WebhookSecret))
	answer, err := p.client.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	return answer.StatusCode/100 == 2
}

// close sends what waits and lets it finish, until ctx ends.
func (p *poster) close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.hurry)
	}
	p.mu.Unlock()
	defer p.stop()
	done := make(chan struct{})
	go func() {
		p.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		p.client.CloseIdleConnections()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
