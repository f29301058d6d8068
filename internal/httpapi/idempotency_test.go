package httpapi_test

import (
	"context"
	"errors"
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
	"foyer/internal/httpapi"
)

const idempotencyKey = "Idempotency-Key"

func TestARepeatedWriteGetsTheStoredAnswer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		update := func(c *foyertest.Client, key, company string, headers ...string) *foyertest.Answer {
			return c.Patch("/v1/me", map[string]any{"company": company}, append([]string{idempotencyKey, key}, headers...)...)
		}
		first := update(s.asMia, "k1", "First").Must(http.StatusOK)
		assert.Empty(t, first.Header.Get("Idempotency-Replayed"))
		s.asMia.Patch("/v1/me", map[string]any{"company": "Meanwhile"}).Must(http.StatusOK)
		again := update(s.asMia, "k1", "First").Must(http.StatusOK)
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(first.Body), string(again.Body))
		for _, name := range []string{"ETag", "Content-Type", "Content-Language", "Cache-Control"} {
			assert.Equal(t, first.Header.Get(name), again.Header.Get(name), name)
		}
		assert.NotEqual(t, first.Header.Get("X-Request-Id"), again.Header.Get("X-Request-Id"))
		assert.Equal(t, "Meanwhile", s.asMia.Get("/v1/me").Text("company"), "the change was not made again")
		spaced := s.asMia.Raw(http.MethodPatch, "/v1/me", []byte(` { "company" : "First" } `), "Content-Type", "application/json", idempotencyKey, "k1")
		assert.Equal(t, "true", spaced.Must(http.StatusOK).Header.Get("Idempotency-Replayed"), "the same content, written otherwise")

		update(s.asMia, "k1", "Other").Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")
		update(s.asMia, "k1", "First", "If-Match", "*").Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")
		s.asMia.Patch("/v1/me?locale=de", map[string]any{"company": "First"}, idempotencyKey, "k1").Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")

		// The key is the caller's and the operation's own.
		assert.Empty(t, update(s.asNoah, "k1", "Noah's").Must(http.StatusOK).Header.Get("Idempotency-Replayed"))
		assert.Empty(t, update(s.asTwin, "k1", "Twin's").Must(http.StatusOK).Header.Get("Idempotency-Replayed"))
		links := "/v1/invoices/" + s.own["invoice_id"] + "/download-links"
		link := s.asMia.Post(links, nil, idempotencyKey, "k1").Must(http.StatusCreated)
		repeated := s.asMia.Post(links, nil, idempotencyKey, "k1").Must(http.StatusCreated)
		assert.Equal(t, link.Text("url"), repeated.Text("url"))
		s.asMia.Post(links, map[string]any{"disposition": "inline"}, idempotencyKey, "k1").Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")

		// A refusal is an answer too.
		stale := update(s.asMia, "k2", "Late", "If-Match", `"1-x"`).Refused(http.StatusPreconditionFailed, "precondition.failed")
		replayed := update(s.asMia, "k2", "Late", "If-Match", `"1-x"`).Refused(http.StatusPreconditionFailed, "precondition.failed")
		assert.Equal(t, "true", replayed.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(stale.Body), string(replayed.Body))

		// A GET has nothing to repeat.
		s.asMia.Get("/v1/me", idempotencyKey, "k3").Must(http.StatusOK)
		assert.Empty(t, s.asMia.Get("/v1/me", idempotencyKey, "k3").Header.Get("Idempotency-Replayed"))
		// After a day the key still holds.
		a.Clock.Advance(23 * time.Hour)
		back := a.SignIn(t, s.acme, s.mia.Email)
		assert.Equal(t, "true", update(back, "k1", "First").Must(http.StatusOK).Header.Get("Idempotency-Replayed"))
	})
}

func TestSignOutAndRevocationsCanBeRepeated(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		revoke := "/v1/sessions/" + s.own["session_id"]
		s.asMia.Delete(revoke, idempotencyKey, "r").Must(http.StatusNoContent)
		assert.Equal(t, "true", s.asMia.Delete(revoke, idempotencyKey, "r").Must(http.StatusNoContent).Header.Get("Idempotency-Replayed"))
		s.asMia.Delete("/v1/sessions/"+s.asMia.Session, idempotencyKey, "r").Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")

		// One key, two devices: each is signed out, not told what the other was told.
		phone, laptop := a.SignIn(t, s.acme, s.mia.Email), a.SignIn(t, s.acme, s.mia.Email)
		for _, device := range []*foyertest.Client{phone, laptop} {
			answer := device.Delete("/v1/sessions/current", idempotencyKey, "out").Must(http.StatusNoContent)
			assert.Empty(t, answer.Header.Get("Idempotency-Replayed"))
			device.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
			device.Post("/v1/sessions/refresh", map[string]any{"refresh_token": device.Refresh}).Refused(http.StatusUnauthorized, "session.invalid")
		}
		s.asMia.Get("/v1/me").Must(http.StatusOK)
		s.asMia.Delete("/v1/sessions", idempotencyKey, "all").Must(http.StatusNoContent)
		s.asMia.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
	})
}

func TestAnIdempotencyKeyIsVisibleASCII(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	c, _ := mia(t, a)
	change := map[string]any{"company": "x"}
	for _, wrong := range []string{"", " ", "a b", "a\tb", "ü", "\xff", strings.Repeat("k", 256)} {
		c.Patch("/v1/me", change, idempotencyKey, wrong).Refused(http.StatusBadRequest, "idempotency.key_invalid")
	}
	c.Header[idempotencyKey] = []string{"one", "two"}
	c.Patch("/v1/me", change).Refused(http.StatusBadRequest, "idempotency.key_invalid")
	c.Header.Del(idempotencyKey)
	assert.Nil(t, c.Get("/v1/me").Must(http.StatusOK).At("company"))
	for _, right := range []string{"k", strings.Repeat("k", 255), `"8e03978e-40d5-43dd-bc93-6894a57f9324"`, "!~';--", "../x"} {
		c.Patch("/v1/me", change, idempotencyKey, right).Must(http.StatusOK)
	}
	// Where nobody is known yet the header means nothing.
	nobody := a.Client(t)
	nobody.Post("/v1/sign-ins/verify", map[string]any{"token": "x"}, idempotencyKey, "").Refused(http.StatusUnauthorized, "sign_in.invalid")
}

func TestFiftyCallsAtOnceWithOneKeyHaveOneEffect(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, _ := mia(t, a)
		before := c.Get("/v1/me/activity?limit=100").Len("data")
		second := a.Second(t)
		other := second.Client(t)
		other.Token = c.Token
		for round := range 3 {
			var made atomic.Int32
			answers := together(50, func(i int) string {
				client := c
				if i%2 == 0 {
					client = other
				}
				answer := client.Patch("/v1/me", map[string]any{"company": fmt.Sprint("Company ", round)}, idempotencyKey, fmt.Sprint("round-", round))
				if answer.Status == http.StatusOK && answer.Header.Get("Idempotency-Replayed") == "" {
					made.Add(1)
				}
				if answer.Status == http.StatusOK {
					return string(answer.Body)
				}
				return fmt.Sprint(answer.Status, " ", answer.Text("code"))
			})
			assert.Equal(t, int32(1), made.Load())
			delete(answers, "409 idempotency.in_progress")
			assert.Len(t, answers, 1, "the others got the stored answer, or were told to wait: %v", answers)
		}
		updated := 0
		list := c.Get("/v1/me/activity?limit=100")
		for i := range list.Len("data") {
			if list.Text(fmt.Sprintf("data.%d.type", i)) == "customer.updated" {
				updated++
			}
		}
		assert.Equal(t, 3, updated)
		assert.GreaterOrEqual(t, list.Len("data"), before)
	})
}

// flaky is a store that fails when it is told to.
type flaky struct {
	billing.CustomerStore
	broken atomic.Bool
}

func (f *flaky) SaveCustomer(ctx context.Context, c billing.Customer) (bool, error) {
	if f.broken.Load() {
		return false, errors.New("pq: relation \"customers\" does not exist at /srv/store.go:12")
	}
	return f.CustomerStore.SaveCustomer(ctx, c)
}

// Threat #72: what went wrong inside is told to nobody, and is no answer to keep.
func TestAFailureOfOursIsNotStoredAndSaysNothing(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, _ := mia(t, a)
		store := &flaky{CustomerStore: a.Store}
		handler, err := httpapi.New(httpapi.Config{
			Identity: a.Identity, Merchants: a.Merchants, Invoices: a.Invoices, Notify: a.Notify, Audit: a.Store, Keys: a.Store, Keyring: a.Keyring, Now: a.Now,
			PublicURL: a.PublicURL, Log: a.App.Log,
			Billing: a.Billing, Customers: billing.NewCustomers(store, nil, a.IDs, a.Merchants.Clock),
		})
		require.NoError(t, err)
		call := func() *httptest.ResponseRecorder {
			req := httptest.NewRequest(http.MethodPatch, "/v1/me", strings.NewReader(`{"company":"x"}`))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+c.Token)
			req.Header.Set(idempotencyKey, "k")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, req)
			return w
		}
		store.broken.Store(true)
		for range 2 {
			failed := call()
			assert.Equal(t, http.StatusInternalServerError, failed.Code)
			assert.Equal(t, "application/problem+json", failed.Header().Get("Content-Type"))
			assert.Empty(t, failed.Header().Get("Idempotency-Replayed"))
			body := strings.ReplaceAll(failed.Body.String(), failed.Header().Get("X-Request-Id"), "") // random letters may spell anything
			for _, leak := range []string{"pq", "relation", "customers", ".go", "store", "gorm", "SQL"} {
				assert.NotContains(t, body, leak)
			}
			assert.Contains(t, a.Log.String(), failed.Header().Get("X-Request-Id"))
		}
		assert.Contains(t, a.Log.String(), "does not exist", "whoever runs the instance is told")
		store.broken.Store(false)
		repaired := call()
		assert.Equal(t, http.StatusOK, repaired.Code, "the same key may be tried again: %s", repaired.Body)
		assert.Empty(t, repaired.Header().Get("Idempotency-Replayed"))
		assert.Equal(t, "true", call().Header().Get("Idempotency-Replayed"))
	})
}
