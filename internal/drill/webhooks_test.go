package drill_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/webhook"
)

var (
	events     = flag.Int("events", 500, "how many events are delivered")
	eventKills = flag.Int("eventkills", 3, "how many webhook workers are killed, one after the other")
	eventRate  = flag.Int("eventrate", 150, "how many events happen in a second")
)

// subjects is how many things the events are about.
const subjects = 50

// receiver is a merchant's system that checks and remembers what it gets.
type receiver struct {
	url    string
	secret []byte
	mu     sync.Mutex
	rand   *rand.Rand
	fails  float64
	hangs  float64
	// accepted is when each event was first answered with a 2xx, body what it said every time, calls how often anything came.
	accepted map[string]time.Time
	body     map[string]string
	calls    int
	unsigned int
	altered  int
	stale    int
}

func newReceiver(t *testing.T, fails, hangs float64) *receiver {
	t.Helper()
	r := &receiver{rand: rand.New(rand.NewPCG(3, 4)), fails: fails, hangs: hangs, accepted: map[string]time.Time{}, body: map[string]string{}}
	server := httptest.NewServer(r)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	r.url = server.URL
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the worker was killed while it sent
	}
	luck, at := r.take(req.Header, string(body))
	switch {
	case luck < r.hangs:
		<-req.Context().Done()
	case luck < r.hangs+r.fails:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		r.mu.Lock()
		defer r.mu.Unlock()
		if _, before := r.accepted[req.Header.Get("webhook-id")]; !before {
			r.accepted[req.Header.Get("webhook-id")] = at
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// take checks what came, and draws what becomes of it.
func (r *receiver) take(header http.Header, body string) (luck float64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at = time.Now()
	r.calls++
	id := header.Get("webhook-id")
	mac := hmac.New(sha256.New, r.secret)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, header.Get("webhook-timestamp"), body)
	if header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		r.unsigned++
	}
	var sent int64
	if _, err := fmt.Sscan(header.Get("webhook-timestamp"), &sent); err != nil || at.Unix()-sent > 5 || sent-at.Unix() > 1 {
		r.stale++
	}
	if first, before := r.body[id]; before && first != body {
		r.altered++
	}
	r.body[id] = body
	return r.rand.Float64(), at
}

func (r *receiver) done() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.accepted)
}

// hookRig is a database, workers that deliver, and two receivers.
type hookRig struct {
	*app.App
	merchant      merchant.Merchant
	customers     []foyer.CustomerID
	flaky, steady *receiver
	workers       []*exec.Cmd
	happened      map[string]foyer.Event
}

func newHookRig(t *testing.T) *hookRig {
	t.Helper()
	t.Setenv("FOYER_DRILL_DATABASE", postgres.Open(t)+"&lock_timeout=30000&statement_timeout=60000")
	c := config()
	c.Webhooks = hookOptions()
	a, err := app.New(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(a.Close)
	_, err = a.Migrate(t.Context())
	require.NoError(t, err)
	r := &hookRig{App: a, flaky: newReceiver(t, 0.30, 0.05), steady: newReceiver(t, 0, 0), happened: map[string]foyer.Event{}}
	r.merchant, _, err = a.Merchants.Create(t.Context(), merchant.Sandbox, merchant.Settings{Name: "Acme"})
	require.NoError(t, err)
	for _, to := range []*receiver{r.flaky, r.steady} {
		_, secret, err := a.Hooks.CreateEndpoint(t.Context(), r.merchant.ID, webhook.EndpointInput{URL: to.url})
		require.NoError(t, err)
		to.secret, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		require.NoError(t, err)
	}
	batch := billing.ImportBatch{}
	for i := range subjects {
		id := foyer.CustomerID(a.IDs(foyer.PrefixCustomer))
		r.customers = append(r.customers, id)
		batch.Customers = append(batch.Customers, billing.ImportedCustomer{Customer: billing.Customer{
			ID: id, Merchant: r.merchant.ID, Email: fmt.Sprintf("c%d@mailbox.test", i), Name: "Zoë Ångström", CreatedAt: time.Now(), UpdatedAt: time.Now(), Version: 1,
		}})
	}
	require.NoError(t, a.Store.Importing(invoice.Party{}).Save(t.Context(), r.merchant.ID, batch))
	return r
}

// start starts a worker process in place n, instead of the one that is there.
func (r *hookRig) start(t *testing.T, n int) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	w := exec.CommandContext(t.Context(), self)
	w.Env = append(os.Environ(), "FOYER_DRILL=webhooks")
	w.Stderr = os.Stderr
	require.NoError(t, w.Start())
	for len(r.workers) <= n {
		r.workers = append(r.workers, nil)
	}
	r.workers[n] = w
}

func (r *hookRig) kill(n int) {
	_ = r.workers[n].Process.Kill() // SIGKILL: it can do nothing about it
	_ = r.workers[n].Wait()
}

// happen makes the events, each in a transaction of its own, at the rate.
func (r *hookRig) happen(t *testing.T) {
	t.Helper()
	began := time.Now()
	for i := range *events {
		if wait := time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(*eventRate))); wait > 0 {
			time.Sleep(wait)
		}
		e := foyer.Event{
			ID: r.IDs(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: r.merchant.ID, Customer: r.customers[i%subjects]}, Type: "customer.updated",
			Subject: string(r.customers[i%subjects]), Sequence: int64(i/subjects + 1), At: foyer.Micro(time.Now()),
		}
		require.NoError(t, r.Store.InTx(t.Context(), func(ctx context.Context) error {
			changed, err := r.Store.Customer(ctx, e.Scope)
			if err != nil {
				return err
			}
			changed.Name = fmt.Sprintf("Zoë Ångström %d", i) // an update that shows nothing new is none
			changed.Version++
			if _, err := r.Store.SaveCustomer(ctx, changed); err != nil {
				return err
			}
			return r.Store.RecordEvents(ctx, e)
		}))
		r.happened[e.ID] = e
	}
}

// killSome kills workers evenly over the time the events take, at random moments, and starts others.
func (r *hookRig) killSome(t *testing.T, until <-chan struct{}) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	whole := time.Duration(*events) * time.Second / time.Duration(*eventRate)
	for range *eventKills {
		pause := whole / time.Duration(*eventKills+1)
		time.Sleep(pause - 20*time.Millisecond + time.Duration(random.IntN(40))*time.Millisecond)
		victim := random.IntN(len(r.workers))
		r.kill(victim)
		r.start(t, victim)
	}
	<-until
}

// R15: workers are killed with SIGKILL while 10,000 events are delivered to a receiver that fails 30 % and hangs 5 %. Every event
// arrives at least once, under one id, signed; by sequence nothing is missing; and the healthy receiver beside it waits for nobody.
func TestWebhooksSurviveKills(t *testing.T) {
	r := newHookRig(t)
	for n := range 2 {
		r.start(t, n)
	}
	// A worker is there when a test has come through; the others start while there is work.
	_, err := r.Hooks.Test(t.Context(), r.merchant.ID, r.endpoint(t, r.steady))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return r.steady.done() == 1 }, 20*time.Second, 10*time.Millisecond)
	began, made := time.Now(), make(chan struct{})
	var killing sync.WaitGroup
	killing.Go(func() { r.killSome(t, made) })
	r.happen(t)
	close(made)
	killing.Wait()
	happened := time.Since(began)
	require.Eventually(t, func() bool { return r.flaky.done() >= *events && r.steady.done() > *events }, 2*time.Minute, 20*time.Millisecond,
		"%d and %d of %d arrived", r.flaky.done(), r.steady.done(), *events)
	took := time.Since(began)
	require.Eventually(t, func() bool { return r.count(t, "status = 'pending'") == 0 }, 20*time.Second, 20*time.Millisecond, "all is booked")
	for n := range r.workers {
		r.kill(n)
	}
	assert.Zero(t, r.count(t, "status = 'failed'"))
	for name, to := range map[string]*receiver{"flaky": r.flaky, "steady": r.steady} {
		assert.Zero(t, to.unsigned, "%s: a signature is wrong", name)
		assert.Zero(t, to.stale, "%s: a timestamp is not of the try", name)
		assert.Zero(t, to.altered, "%s: an id came with two contents", name)
		r.inOrder(t, name, to)
	}
	delays := r.delays(r.steady)
	slow := r.delays(r.flaky)
	t.Logf("%d events in %.1f s (%.0f a second), %d kills; all delivered %.1f s later: %d calls to the flaky receiver, %d to the steady one", *events, happened.Seconds(),
		float64(*events)/happened.Seconds(), *eventKills, (took - happened).Seconds(), r.flaky.calls, r.steady.calls)
	t.Logf("delay at the steady receiver: median %s, p95 %s, p99 %s, max %s; at the flaky one: median %s, p95 %s, max %s", at(delays, 50), at(delays, 95),
		at(delays, 99), at(delays, 100), at(slow, 50), at(slow, 95), at(slow, 100))
	assert.Less(t, at(delays, 100), 2*time.Second)
	assert.GreaterOrEqual(t, r.flaky.calls, *events*5/4, "it did fail")
}

func (r *hookRig) endpoint(t *testing.T, to *receiver) webhook.EndpointID {
	t.Helper()
	all, err := r.Hooks.Endpoints(t.Context(), r.merchant.ID, foyer.PageRequest{Limit: 10})
	require.NoError(t, err)
	for _, e := range all {
		if e.URL == to.url {
			return e.ID
		}
	}
	t.Fatal("no endpoint")
	return ""
}

func (r *hookRig) count(t *testing.T, where string) (n int) {
	t.Helper()
	require.NoError(t, r.Store.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM deliveries WHERE "+where).Scan(&n))
	return n
}

// inOrder puts what a receiver accepted in order by sequence, as a receiver does, and compares it with what happened.
func (r *hookRig) inOrder(t *testing.T, name string, to *receiver) {
	t.Helper()
	got := map[string][]int64{}
	for id := range to.accepted {
		e, ours := r.happened[id]
		if !ours {
			continue // the test before
		}
		var message struct {
			ID        string          `json:"id"`
			Type      string          `json:"type"`
			SubjectID string          `json:"subject_id"`
			Sequence  int64           `json:"sequence"`
			Data      json.RawMessage `json:"data"`
		}
		require.NoError(t, json.Unmarshal([]byte(to.body[id]), &message))
		require.Equal(t, []any{e.ID, string(e.Type), e.Subject, e.Sequence}, []any{message.ID, message.Type, message.SubjectID, message.Sequence})
		require.Contains(t, string(message.Data), "Zoë Ångström")
		got[e.Subject] = append(got[e.Subject], message.Sequence)
	}
	n := 0
	for subject, sequences := range got {
		slices.Sort(sequences)
		for i, s := range sequences {
			require.EqualValues(t, i+1, s, "%s: a gap at %s", name, subject)
		}
		n += len(sequences)
	}
	assert.Equal(t, *events, n, name)
}

// delays are how long after it happened each event was accepted.
func (r *hookRig) delays(to *receiver) []time.Duration {
	var out []time.Duration
	for id, e := range r.happened {
		out = append(out, to.accepted[id].Sub(e.At))
	}
	slices.Sort(out)
	return out
}

// at is a percentile of sorted durations.
func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[max(0, (len(sorted)*percent+99)/100-1)].Round(time.Millisecond)
}
