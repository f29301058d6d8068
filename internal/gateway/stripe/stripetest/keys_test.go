package stripetest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/gateway/stripe/stripetest"
)

// reply is an answer as it is on the wire.
type reply struct {
	status  int
	header  http.Header
	id      string
	code    string
	errType string
}

// post sends a call with an idempotency key; status 0 is a connection that was cut.
func (r *rig) post(path, key string, form url.Values) reply {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, strings.NewReader(form.Encode()))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+stripetest.DefaultKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", key)
	// A connection of its own: on a used one net/http asks again by itself, because there is a key.
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return reply{}
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	var said struct {
		ID    string
		Error struct{ Code, Type string }
	}
	require.NoError(r.t, json.Unmarshal(body, &said))
	return reply{status: res.StatusCode, header: res.Header, id: said.ID, code: said.Error.Code, errType: said.Error.Type}
}

func TestAKeyIsRemembered(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{})
	form := url.Values{"metadata[a]": {"1"}}
	first := r.post("/v1/customers", "key", form)
	require.Equal(t, 200, first.status)
	again := r.post("/v1/customers", "key", form)
	assert.Equal(t, first.id, again.id)
	assert.Empty(t, first.header.Get("Idempotent-Replayed"))
	assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	other := r.post("/v1/customers", "key", url.Values{"metadata[a]": {"2"}})
	assert.Equal(t, 400, other.status)
	assert.Equal(t, "idempotency_error", other.errType)
	other = r.post("/v1/setup_intents", "key", form)
	assert.Equal(t, 400, other.status)
	assert.Equal(t, "idempotency_error", other.errType)
	r.ForgetKeys()
	assert.NotEqual(t, first.id, r.post("/v1/customers", "key", form).id, "a day later it is a new call")

	// What was refused before anything was done is not remembered.
	assert.Equal(t, 400, r.post("/v1/payment_intents", "bad", url.Values{"amount": {"1"}}).status)
	good := url.Values{"amount": {"1000"}, "currency": {"eur"}}
	assert.Equal(t, 200, r.post("/v1/payment_intents", "bad", good).status)
	// A decline is.
	good.Set("payment_method", "pm_card_chargeDeclined")
	good.Set("payment_method_types[]", "card")
	good.Set("confirm", "true")
	declined := r.post("/v1/payment_intents", "declined", good)
	assert.Equal(t, 402, declined.status)
	again = r.post("/v1/payment_intents", "declined", good)
	assert.Equal(t, 402, again.status)
	assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	assert.Equal(t, "card_declined", again.code)
}

func TestAKeyInUse(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{})
	require.NoError(t, r.SetKnobs(stripetest.Knobs{DelayMS: 500}))
	answers := make(chan reply, 2)
	for range 2 {
		go func() { answers <- r.post("/v1/customers", "key", nil) }()
	}
	one, two := <-answers, <-answers
	assert.ElementsMatch(t, []int{200, 409}, []int{one.status, two.status})
	assert.ElementsMatch(t, []string{"", "idempotency_key_in_use"}, []string{one.code, two.code})
	assert.Equal(t, 200, r.post("/v1/customers", "key", nil).status, "and now it is known")
}

func TestKnobs(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{HangFor: 100 * time.Millisecond})
	pay := url.Values{
		"amount": {"1000"}, "currency": {"eur"}, "payment_method": {"pm_card_visa"}, "payment_method_types[]": {"card"}, "confirm": {"true"},
	}
	for _, tt := range []struct {
		name          string
		knobs         stripetest.Knobs
		status, later int
		happened      int
		kept          bool
	}{
		{"before", stripetest.Knobs{ErrorBefore: 1}, 500, 200, 0, false},
		{"stuck", stripetest.Knobs{ErrorStuck: 1}, 500, 500, 0, true},
		{"after", stripetest.Knobs{ErrorAfter: 1}, 500, 500, 1, true},
		{"reset", stripetest.Knobs{ResetAfter: 1}, 0, 200, 1, true},
		{"hang", stripetest.Knobs{Hang: 1}, 200, 200, 1, true},
		{"rate", stripetest.Knobs{RateLimit: 1}, 429, 200, 0, false},
		{"other calls", stripetest.Knobs{RateLimit: 1, Calls: []string{"POST /v1/refunds"}}, 200, 200, 1, true},
	} {
		before := len(r.Ledger())
		require.NoError(t, r.SetKnobs(tt.knobs))
		began := time.Now()
		got := r.post("/v1/payment_intents", tt.name, pay)
		assert.Equal(t, tt.status, got.status, tt.name)
		if tt.knobs.Hang > 0 {
			assert.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)
		}
		if tt.status == 429 {
			assert.Equal(t, "rate_limit", got.code)
		}
		assert.Len(t, r.Ledger(), before+tt.happened, tt.name)
		require.NoError(t, r.SetKnobs(stripetest.Knobs{}))
		later := r.post("/v1/payment_intents", tt.name, pay)
		assert.Equal(t, tt.later, later.status, tt.name)
		assert.Equal(t, tt.kept, later.header.Get("Idempotent-Replayed") == "true", tt.name)
	}
	require.Error(t, r.SetKnobs(stripetest.Knobs{Hang: 2}))
	res, err := http.Post(r.url+"/knobs", "application/json", strings.NewReader(`{"delay_ms": 5, "reset_after": 0.05, "error_after": 0.02}`))
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, 200, res.StatusCode)
}
