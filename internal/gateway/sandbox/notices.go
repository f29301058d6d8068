package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"foyer/internal/billing"
)

// Bounds of what tells Foyer about changes.
const (
	// maxNotices is how many messages may be under way; more are dropped, as a webhook may always be.
	maxNotices   = 1000
	noticeTries  = 5
	firstBackoff = 200 * time.Millisecond
	noticeWithin = 5 * time.Second
)

// notifier tells Foyer that a charge or a stored method changed, by a signed webhook or in process. Nobody waits for it.
type notifier struct {
	url, secret string
	in          func(billing.GatewayNotice)
	client      *http.Client
	knobs       *dial
	late        time.Duration
	now         func() time.Time
	log         *slog.Logger

	mu      sync.Mutex
	under   int
	closed  bool
	running sync.WaitGroup
	// hurry is closed when the gateway stops: what waits is sent at once and tried once. stop gives up.
	hurry chan struct{}
	ctx   context.Context //nolint:containedctx // the life of the goroutines, which no caller's context is
	stop  context.CancelFunc
}

// tell sends a message after a while.
func (n *notifier) tell(notice billing.GatewayNotice, after time.Duration) {
	if n.url == "" && n.in == nil {
		return
	}
	k := n.knobs.get()
	if chance(k.LateWebhooks) {
		after += n.late
	}
	times := 1
	if chance(k.DuplicateWebhooks) {
		times = 2
	}
	for range times {
		if !n.begin() {
			n.log.Warn("sandbox gateway drops a webhook", "key", notice.ChargeKey)
			return
		}
		go func() {
			defer n.end()
			n.pause(after)
			n.send(notice)
		}()
	}
}

func (n *notifier) begin() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.under == maxNotices {
		return false
	}
	n.under++
	n.running.Add(1)
	return true
}

func (n *notifier) end() {
	n.mu.Lock()
	n.under--
	n.mu.Unlock()
	n.running.Done()
}

func (n *notifier) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-n.hurry:
	case <-n.ctx.Done():
	}
}

func (n *notifier) send(notice billing.GatewayNotice) {
	if n.url == "" {
		n.in(notice)
		return
	}
	m := message{
		ID: notice.ID, Type: chargeUpdated, Merchant: string(notice.Merchant), Key: notice.ChargeKey, Customer: string(notice.Customer),
		CreatedAt: n.now().UTC().Format(time.RFC3339Nano),
	}
	if notice.ChargeKey == "" {
		m.Type = methodUpdated
	}
	body, err := json.Marshal(m)
	if err != nil {
		return // strings can always be written
	}
	backoff := firstBackoff
	for try := range noticeTries {
		if err = n.post(body); err == nil {
			return
		}
		select {
		case <-n.hurry:
			return
		default:
		}
		if try < noticeTries-1 {
			n.pause(backoff)
			backoff *= 3
		}
	}
	n.log.Warn("sandbox gateway gives up a webhook", "key", notice.ChargeKey, "error", err)
}

func (n *notifier) post(body []byte) error {
	r, err := http.NewRequestWithContext(n.ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(signatureHeader, Sign(n.secret, body, n.now()))
	answer, err := n.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d", answer.StatusCode)
	}
	return nil
}

// close sends what waits and lets it finish, until ctx ends.
func (n *notifier) close(ctx context.Context) error {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		close(n.hurry)
	}
	n.mu.Unlock()
	defer n.stop()
	done := make(chan struct{})
	go func() {
		n.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		n.client.CloseIdleConnections()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
