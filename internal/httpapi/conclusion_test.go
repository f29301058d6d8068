package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// Contract §2, threat on double charges: what was done and what was answered are kept together or not at all.
func TestAnEffectIsKeptOnlyWithItsAnswer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		set := func() *foyertest.Answer {
			return d.mia.Call(http.MethodPut, d.path("/payment-method"), map[string]any{"payment_method_id": d.method.ID}, idempotencyKey, "k")
		}
		d.keys.fail.Store(2)
		for range 2 {
			failed := set().Refused(http.StatusServiceUnavailable, "unavailable")
			assert.Empty(t, failed.Header.Get("ETag"))
			assert.Equal(t, int64(1), d.now(t).Version, "the answer could not be kept, so neither is the effect")
		}
		command := *d.provider.last.Load()
		made := set().Must(http.StatusOK)
		assert.Empty(t, made.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, int64(2), d.now(t).Version)
		assert.Equal(t, command, *d.provider.last.Load(), "the same call is known again")
		assert.LessOrEqual(t, len(command), 64)
		again := set().Must(http.StatusOK)
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(made.Body), string(again.Body))
		assert.Equal(t, int64(2), d.now(t).Version)
		d.mia.Call(http.MethodPut, d.path("/payment-method"), map[string]any{"payment_method_id": d.method.ID}, idempotencyKey, "other").Must(http.StatusOK)
		assert.NotEqual(t, command, *d.provider.last.Load())
	})
}

func TestADeclineIsKeptWithTheAttemptAndToldAgain(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		d.provider.refusal = billing.DeclinedWith("expired_card")
		resume := func() *foyertest.Answer {
			return d.mia.Post(d.path("/resume")+"?locale=de", nil, idempotencyKey, "k").Refused(http.StatusPaymentRequired, "payment.declined")
		}
		declined := resume()
		assert.Equal(t, "expired_card", declined.Text("error_code"))
		assert.Contains(t, declined.Text("error_text"), "abgelaufen")
		assert.Equal(t, int64(2), d.now(t).Version, "what the failed try left behind is kept")
		d.provider.refusal = nil
		again := resume()
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(declined.Body), string(again.Body))
		assert.Equal(t, int64(2), d.now(t).Version)
	})
}

func TestAPanicAfterTheEffectUndoesIt(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		call := func() *httptest.ResponseRecorder {
			req := httptest.NewRequest(http.MethodPost, d.path("/resume"), nil)
			req.Header.Set("Authorization", "Bearer "+d.mia.Token)
			req.Header.Set(idempotencyKey, "k")
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, req)
			return w
		}
		d.provider.after = func() { panic("the light goes out") }
		for range 2 {
			require.Equal(t, http.StatusInternalServerError, call().Code)
			assert.Equal(t, int64(1), d.now(t).Version)
		}
		d.provider.after = nil
		require.Equal(t, http.StatusOK, call().Code)
		assert.Equal(t, int64(2), d.now(t).Version)
	})
}

func TestAHundredClicksHaveOneEffect(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		var made atomic.Int32
		answers := together(100, func(int) string {
			answer := d.mia.Post(d.path("/resume"), nil, idempotencyKey, "k")
			if answer.Status != http.StatusOK {
				return fmt.Sprint(answer.Status, " ", answer.Text("code"))
			}
			if answer.Header.Get("Idempotency-Replayed") == "" {
				made.Add(1)
			}
			return string(answer.Body)
		})
		delete(answers, "409 idempotency.in_progress")
		assert.Len(t, answers, 1, "%v", answers)
		assert.Equal(t, int32(1), made.Load())
		assert.Equal(t, int64(2), d.now(t).Version)
	})
}

// A hundred different calls at once: each holds its last transaction until its answer is kept, and none waits for ever.
func TestManyCommandsAtOnceDoNotStarveEachOther(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		d.Clock.Advance(time.Minute) // what was remembered of the merchant is too old
		var ok atomic.Int64
		answers := together(100, func(i int) string {
			answer := d.mia.Post(d.path("/resume"), nil, idempotencyKey, fmt.Sprint("k", i), "Origin", "https://acme.test")
			if answer.Status == http.StatusOK {
				ok.Add(1)
				assert.Equal(t, "https://acme.test", answer.Header.Get("Access-Control-Allow-Origin"))
			}
			return fmt.Sprint(answer.Status, " ", answer.Text("code"))
		})
		assert.Equal(t, 1+ok.Load(), d.now(t).Version, "each success is one effect: %v", answers)
		assert.Positive(t, ok.Load())
		t.Log(answers)
	})
}

func TestTheBankAsksForTheCustomer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newDesk(t, a)
		c := billing.Customer{ID: d.sub.Customer, Merchant: d.sub.Merchant}
		p := a.Payment(t, c, a.Clock.Now(), 100, "EUR", "")
		d.provider.next = &billing.NextAction{Type: billing.NextActionConfirm, Charge: "att_1", ClientSecret: "secret_1"}
		items := map[string]any{"items": []any{map[string]any{"price_id": "pri_01kb3v5q8r9s0t1v2w3x4y5z6a", "quantity": 1}}}
		for path, body := range map[string]any{
			d.path("/resume"): nil, d.path("/change"): items, "/v1/payments/" + string(p.ID) + "/pay": nil,
		} {
			answer := d.mia.Post(path, body, idempotencyKey, "k").Must(http.StatusAccepted)
			assert.Equal(t, "confirm_with_gateway", answer.Text("next_action.type"), path)
			assert.Equal(t, "att_1", answer.Text("next_action.charge_id"), path)
			assert.Equal(t, "secret_1", answer.Text("next_action.client_secret"), path)
			assert.NotEmpty(t, answer.Text("id"), "the resource is there too")
			assert.Equal(t, string(answer.Body), string(d.mia.Post(path, body, idempotencyKey, "k").Must(http.StatusAccepted).Body))
		}
		assert.Nil(t, d.mia.Get(d.path("")).Must(http.StatusOK).At("next_action"))
		preview := d.mia.Post(d.path("/change/preview"), items).Must(http.StatusOK)
		assert.InDelta(t, 500, preview.At("immediate_payment.totals.balance.amount"), 0)
		assert.InDelta(t, 2500, preview.At("recurring_total.amount"), 0)
		assert.Equal(t, 1, preview.Len("immediate_payment.lines"))
	})
}

// Threat #58: numbers a total can't be made of never reach the engine.
func TestQuantitiesAreWholeAndBounded(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	d := newDesk(t, a)
	for _, path := range []string{d.path("/change"), d.path("/change/preview")} {
		body := func(items string) *foyertest.Answer {
			return d.mia.Raw(http.MethodPost, path, []byte(`{"items":`+items+`}`), "Content-Type", "application/json", idempotencyKey, items[:min(len(items), 40)])
		}
		item := func(quantity string) string { return `[{"price_id":"pri_x","quantity":` + quantity + `}]` }
		for _, wrong := range []string{
			"0", "-1", "1000001", "2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", `"5"`, "1.5", "null", "true",
		} {
			answer := body(item(strings.ReplaceAll(wrong, " ", ""))).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "/items/0/quantity", answer.Text("errors.0.pointer"), wrong)
		}
		for _, wrong := range []string{"1e400", "NaN", "01", "+1"} {
			body(item(wrong)).Refused(http.StatusBadRequest, "json.invalid")
		}
		body(`[]`).Refused(http.StatusUnprocessableEntity, "input.invalid")
		body("["+strings.Repeat(`{"price_id":"pri_x","quantity":1},`, 100)+`{"price_id":"pri_x","quantity":1}]`).Refused(http.StatusUnprocessableEntity, "input.invalid")
		body(item("1000000")).Must(http.StatusOK)
	}
}
