package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/sandbox"
)

func token(t testing.TB, l *sandbox.Local, last4 string) string {
	t.Helper()
	m, err := l.MethodByToken(t.Context(), foyer.Scope{}, "tok_"+last4)
	require.NoError(t, err)
	return m.Token
}

func TestCardsDecide(t *testing.T) {
	t.Parallel()
	l := newLocal(t, onSQLite(t), sandbox.Options{})
	for last4, want := range map[string]billing.ErrorCode{
		"4242": "", "0002": "declined", "9995": "not_enough_balance", "0069": "expired_card", "9979": "blocked_card", "0341": "", "0259": "",
	} {
		got, err := l.Charge(t.Context(), newCharge(token(t, l, last4)))
		require.NoError(t, err)
		assert.Equal(t, want, got.ErrorCode, last4)
	}
	c := newCharge(token(t, l, "3220"))
	c.OnSession = false
	got, err := l.Charge(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, billing.ErrorCode("authentication_failed"), got.ErrorCode, "the customer never confirmed this card")
	c = newCharge(token(t, l, "4242"))
	c.Amount.Amount = 0
	got, err = l.Charge(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, billing.ErrorCode("invalid_amount"), got.ErrorCode)
}

func TestKnobs(t *testing.T) {
	t.Parallel()
	l := newLocal(t, onSQLite(t), sandbox.Options{HangFor: time.Hour})
	url := serve(t, l.Handler())
	turn := func(body string) int {
		r, err := http.Post(url+"/knobs", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		return r.StatusCode
	}
	assert.Equal(t, http.StatusUnprocessableEntity, turn(`{"hang": 1.5}`))
	assert.Equal(t, http.StatusBadRequest, turn(`{"nothing": 1}`))
	remote := newRemote(t, url, sandbox.RemoteOptions{Timeout: 300 * time.Millisecond})
	good := token(t, l, "4242")
	for knob, charged := range map[string]bool{"error_before": false, "error_after": true, "reset_after": true, "hang": true} {
		require.Equal(t, http.StatusOK, turn(`{"`+knob+`": 1}`))
		c := newCharge(good)
		_, err := remote.Charge(t.Context(), c)
		require.ErrorIs(t, err, foyer.Unavailable, knob)
		got, err := remote.ChargeByKey(t.Context(), c.Merchant, c.Key)
		if charged {
			require.NoError(t, err, knob)
			assert.Equal(t, billing.ChargeCaptured, got.Status, knob)
		} else {
			require.ErrorIs(t, err, foyer.NotFound, knob)
		}
	}
	require.Equal(t, http.StatusOK, turn(`{"delay_ms": 50}`))
	began := time.Now()
	_, err := remote.Charge(t.Context(), newCharge(good))
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(began), 50*time.Millisecond)
	assert.Equal(t, sandbox.Knobs{DelayMS: 50}, l.Knobs())
	assert.JSONEq(t, `{"delay_ms":50,"error_before":0,"error_after":0,"hang":0,"reset_after":0,"duplicate_webhooks":0,"late_webhooks":0}`,
		send(t, l.Private(), http.MethodGet, "/knobs", "").Body.String())
}

// TestOnlyTheGatewaysOwnNotFoundCounts: a proxy's 404, a redirect or a page must not say that a charge never was.
func TestOnlyTheGatewaysOwnNotFoundCounts(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"plain 404":    http.NotFound,
		"redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"page":         func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>welcome") },
		"empty object": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") },
		"other problem": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"status": 404}`)
		},
		"bad gateway": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		remote := newRemote(t, serve(t, h), sandbox.RemoteOptions{})
		_, err := remote.ChargeByKey(t.Context(), "mer_1", "att_1")
		require.ErrorIs(t, err, foyer.Unavailable, name)
		for _, err := range remote.Ledger(t.Context()) {
			require.ErrorIs(t, err, foyer.Unavailable, name)
		}
	}
	remote := newRemote(t, "http://127.0.0.1:1", sandbox.RemoteOptions{})
	_, err := remote.MethodByToken(t.Context(), foyer.Scope{}, "sbx_secret")
	require.ErrorIs(t, err, foyer.Unavailable)
	assert.NotContains(t, err.Error(), "sbx_secret")
}

func TestLedgerIsWholeAndInOrder(t *testing.T) {
	t.Parallel()
	var ticks atomic.Int64
	now := func() time.Time {
		return time.Unix(1_800_000_000, 0).Add(time.Duration(ticks.Add(1)) * time.Millisecond)
	}
	l := newLocal(t, onSQLite(t), sandbox.Options{DisputeAfter: time.Nanosecond, Now: now})
	url := serve(t, l.Handler())
	good := token(t, l, "4242")
	var want []string
	for range 1203 { // more than two pages
		c := newCharge(good)
		_, err := l.Charge(t.Context(), c)
		require.NoError(t, err)
		want = append(want, c.Key)
	}
	disputed := newCharge(token(t, l, "0259"))
	_, err := l.Charge(t.Context(), disputed)
	require.NoError(t, err)
	want = append(want, disputed.Key)
	for key, amount := range map[string]int64{want[0]: 1999, want[1]: 1} {
		_, err := l.Refund(t.Context(), billing.RefundRequest{
			Key: "ref_" + key, Merchant: "mer_1", Charge: key, Amount: foyer.Money{Amount: amount, Currency: "EUR"},
		})
		require.NoError(t, err)
	}
	require.NoError(t, l.Dispute(t.Context(), want[2]))
	require.ErrorIs(t, l.Dispute(t.Context(), "att_unknown"), foyer.NotFound)

	var got []string
	var states []sandbox.EntryStatus
	for e, err := range newRemote(t, url, sandbox.RemoteOptions{}).Ledger(t.Context()) {
		require.NoError(t, err)
		got, states = append(got, e.Key), append(states, e.Status)
	}
	assert.Equal(t, want, got)
	assert.Equal(t, []sandbox.EntryStatus{sandbox.EntryRefunded, sandbox.EntryPartiallyRefunded, sandbox.EntryDisputed, sandbox.EntryCaptured}, states[:4])
	assert.Equal(t, sandbox.EntryDisputed, states[len(states)-1])

	var raw struct{ Data []map[string]any }
	require.NoError(t, json.Unmarshal(send(t, l.Private(), http.MethodGet, "/ledger", "").Body.Bytes(), &raw))
	require.Len(t, raw.Data, len(want))
	assert.Len(t, raw.Data[0], 6)
	for _, member := range []string{"key", "amount", "currency", "reference", "status", "created_at"} {
		assert.Contains(t, raw.Data[0], member)
	}
	assert.JSONEq(t, `{"data":[]}`, send(t, newLocal(t, onSQLite(t), sandbox.Options{}).Private(), http.MethodGet, "/ledger", "").Body.String())
}

func TestWebhooksTellOfChanges(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string][]string{} // charge key → message ids
	refusals := 1
	var l *sandbox.Local
	ready := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-ready
		body, _ := io.ReadAll(r.Body)
		notice, err := l.ReadWebhook(r.Context(), r.Header, body, time.Now())
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		case refusals > 0: // it is sent again
			refusals--
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			got[notice.ChargeKey] = append(got[notice.ChargeKey], notice.ID)
		}
	}))
	t.Cleanup(receiver.Close)
	l = newLocal(t, onSQLite(t), sandbox.Options{WebhookURL: receiver.URL, DisputeAfter: 10 * time.Millisecond, LateBy: time.Millisecond})
	close(ready)
	require.NoError(t, l.SetKnobs(sandbox.Knobs{DuplicateWebhooks: 1, LateWebhooks: 1}))
	c := newCharge(token(t, l, "3220"))
	asked, err := l.Charge(t.Context(), c)
	require.NoError(t, err)
	post(t, l.Public(), "/charges/"+c.Key+"/authenticate", outcome(asked.ClientSecret, true))
	disputed := newCharge(token(t, l, "0259"))
	_, err = l.Charge(t.Context(), disputed)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got[c.Key]) == 2 && len(got[disputed.Key]) == 2
	}, 10*time.Second, 5*time.Millisecond)
	assert.Equal(t, got[c.Key][0], got[c.Key][1], "sent twice, it is one message")
}

func TestNoticesInProcess(t *testing.T) {
	t.Parallel()
	notices := make(chan billing.GatewayNotice, 10)
	l := sandbox.NewLocal(onSQLite(t), sandbox.Options{OnNotice: func(n billing.GatewayNotice) { notices <- n }, DisputeAfter: time.Hour})
	c := newCharge(token(t, l, "0259"))
	_, err := l.Charge(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, l.Close(t.Context()), "what waits is sent at once")
	n := <-notices
	assert.Equal(t, c.Key, n.ChargeKey)
	assert.Equal(t, c.Merchant, n.Merchant)
	assert.NotEmpty(t, n.ID)
}

func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	db := onPostgres(t)
	_, err := db.ExecContext(t.Context(), "DROP TABLE sandbox_gateway_keys, sandbox_gateway_methods, sandbox_gateway_setups, sandbox_gateway_charges, sandbox_gateway_refunds")
	require.NoError(t, err)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() { errs[i] = sandbox.Migrate(t.Context(), db) })
	}
	all.Wait()
	for _, err := range errs {
		assert.NoError(t, err)
	}
	assert.Len(t, column(t, db, "SELECT value FROM sandbox_gateway_keys"), 1)
}

func BenchmarkCharge(b *testing.B) {
	l := newLocal(b, onSQLite(b), sandbox.Options{})
	remote := newRemote(b, serve(b, l.Handler()), sandbox.RemoteOptions{})
	good := token(b, l, "4242")
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got, err := remote.Charge(b.Context(), newCharge(good)); err != nil || got.Status != billing.ChargeCaptured {
				b.Error(fmt.Sprint(got, err))
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "charges/s")
}
