package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/merchant"
	"foyer/internal/webhook"
)

const (
	hookPath     = "/v1/merchant/webhook-endpoints"
	deliveryPath = "/v1/merchant/deliveries"
)

// quick are webhook options at a test's pace.
func quick(o *webhook.Options) {
	o.Schedule = webhook.Schedule{0, 50 * time.Millisecond, 100 * time.Millisecond}
	o.Timeout, o.Poll = 400*time.Millisecond, 20*time.Millisecond
}

func TestAWebhookEndpointsLife(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		body := map[string]any{"url": "https://hooks.acme.test/in?k=1", "event_types": []string{"payment.*", "subscription.canceled"}, "description": "Büro", "metadata": map[string]string{"team": "a"}}
		made := c.Post(hookPath, body, idempotencyKey, "h1").Must(http.StatusCreated)
		secret, id := made.Text("secret"), made.Text("id")
		assert.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, secret)
		assert.Equal(t, []any{"https://hooks.acme.test/in?k=1", "enabled", nil, nil, nil, "Büro", "a"}, []any{
			made.At("url"), made.At("status"), made.At("disabled_reason"), made.At("failing_since"), made.At("archived_at"), made.At("description"), made.At("metadata.team"),
		})
		again := c.Post(hookPath, body, idempotencyKey, "h1").Must(http.StatusCreated)
		assert.Equal(t, []any{"true", id, nil}, []any{again.Header.Get("Idempotency-Replayed"), again.At("id"), again.At("secret")}, "told once")

		path := hookPath + "/" + id
		shown := c.Get(path).Must(http.StatusOK)
		assert.NotContains(t, string(shown.Body), "whsec_")
		assert.Equal(t, made.Header.Get("ETag"), shown.Header.Get("ETag"))
		c.Get(path, "If-None-Match", shown.Header.Get("ETag")).Must(http.StatusNotModified)
		assert.NotContains(t, string(c.Get(hookPath).Must(http.StatusOK).Body), "whsec_")

		changed := c.Patch(path, map[string]any{"event_types": []string{}, "status": "disabled", "description": ""}, "If-Match", shown.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, []any{"disabled", "merchant", nil, []any{}}, []any{changed.At("status"), changed.At("disabled_reason"), changed.At("description"), changed.At("event_types")})
		assert.NotEmpty(t, changed.Text("disabled_at"))
		c.Patch(path, map[string]any{"status": "enabled"}, "If-Match", shown.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
		c.Post(path+"/test", nil).Refused(http.StatusConflict, "webhook_endpoint.disabled")
		assert.Equal(t, "enabled", c.Patch(path, map[string]any{"status": "enabled"}).Must(http.StatusOK).Text("status"))

		rotated := c.Post(path+"/rotate-secret", nil, idempotencyKey, "h2").Must(http.StatusOK)
		assert.NotEqual(t, secret, rotated.Text("secret"))
		until, err := time.Parse(time.RFC3339Nano, rotated.Text("previous_secret_expires_at"))
		require.NoError(t, err)
		assert.InDelta(t, 24*time.Hour, until.Sub(a.Clock.Now()), float64(time.Minute))
		assert.Nil(t, c.Post(path+"/rotate-secret", nil, idempotencyKey, "h2").Must(http.StatusOK).At("secret"))

		gone := c.Post(path+"/archive", nil).Must(http.StatusOK)
		assert.NotEmpty(t, gone.Text("archived_at"))
		assert.Equal(t, gone.Text("archived_at"), c.Post(path+"/archive", nil).Must(http.StatusOK).Text("archived_at"))
		assert.Zero(t, c.Get(hookPath).Must(http.StatusOK).Len("data"))
		c.Get(path).Must(http.StatusOK)
		c.Patch(path, map[string]any{"status": "enabled"}).Refused(http.StatusConflict, "webhook_endpoint.archived")
		c.Post(path+"/rotate-secret", nil).Refused(http.StatusConflict, "webhook_endpoint.archived")
		c.Post(path+"/test", nil).Refused(http.StatusConflict, "webhook_endpoint.archived")

		for range webhook.MaxEndpoints {
			c.Post(hookPath, map[string]any{"url": "https://hooks.acme.test"}).Must(http.StatusCreated)
		}
		c.Post(hookPath, map[string]any{"url": "https://hooks.acme.test"}).Refused(http.StatusConflict, "webhook_endpoint.too_many")
	})
}

// Threat #45 over HTTP, and every other way to say it wrongly. Nothing is stored of it.
func TestWebhookEndpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := a.Key(t, a.Merchant(t, "acme"))
		good := c.Post(hookPath, map[string]any{"url": "https://hooks.acme.test"}).Must(http.StatusCreated).Text("id")
		for _, url := range []string{
			"http://hooks.acme.test", "https://127.0.0.1", "https://127.1", "https://2130706433", "https://0x7f.1", "https://0177.0.0.1", "https://[::1]", "https://[::ffff:127.0.0.1]",
			"https://[fe80::1%25eth0]", "https://[64:ff9b::7f00:1]", "https://10.0.0.1", "https://169.254.169.254/latest", "https://100.64.0.1", "https://localhost", "https://x.local",
			"https://a@hooks.acme.test", "https://hooks.acme.test:22", "https://hooks.acme.test/#x", "https:hooks.acme.test", "https:/\\hooks.acme.test", "javascript:alert(1)",
			"https://hooks.acme.test/\u0000", "https://hooks.acme.test/\r\nHost: x", "https://hööks.test", "nonsense",
		} {
			for _, answer := range []*foyertest.Answer{
				c.Post(hookPath, map[string]any{"url": url}), c.Patch(hookPath+"/"+good, map[string]any{"url": url}),
			} {
				answer.Refused(http.StatusUnprocessableEntity, "input.invalid")
				assert.Equal(t, "/url", answer.Text("errors.0.pointer"), url)
				if !strings.Contains(url, "\u0000") { // which no text may hold
					assert.Equal(t, "webhook.url", answer.Text("errors.0.code"), url)
				}
				assert.NotContains(t, answer.Text("errors.0.detail"), "field.")
			}
		}
		for name, body := range map[string]map[string]any{
			"no url":          {},
			"unknown type":    {"url": "https://hooks.acme.test", "event_types": []string{"payments.completed"}},
			"type twice":      {"url": "https://hooks.acme.test", "event_types": []string{"payment.*", "payment.*"}},
			"everything":      {"url": "https://hooks.acme.test", "event_types": []string{"*"}},
			"long url":        {"url": "https://hooks.acme.test/" + strings.Repeat("a", 2048)},
			"long text":       {"url": "https://hooks.acme.test", "description": strings.Repeat("a", 501)},
			"big metadata":    {"url": "https://hooks.acme.test", "metadata": map[string]string{"a": strings.Repeat("a", 501)}},
			"hidden letters":  {"url": "https://hooks.acme.test", "description": "a\u202eb"},
			"number metadata": {"url": "https://hooks.acme.test", "metadata": map[string]any{"a": 1}},
		} {
			t.Run(name, func(t *testing.T) { c.Post(hookPath, body).Refused(http.StatusUnprocessableEntity, "input.invalid") })
		}
		for _, readOnly := range []string{"id", "secret", "status", "created_at", "archived_at", "merchant_id", "failing_since"} {
			answer := c.Post(hookPath, map[string]any{"url": "https://hooks.acme.test", readOnly: "x"})
			assert.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, answer.Status, readOnly)
		}
		c.Patch(hookPath+"/"+good, map[string]any{}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, 1, c.Get(hookPath).Must(http.StatusOK).Len("data"))
		assert.Equal(t, "https://hooks.acme.test", c.Get(hookPath+"/"+good).Must(http.StatusOK).Text("url"))
	})
}

// Another merchant's endpoints and deliveries are not there, in path, query and body; a key that may only read changes nothing.
func TestWebhooksOfOthers(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, other := a.Merchant(t, "acme"), a.Merchant(t, "other")
		c, reader, stranger := a.Key(t, m), a.Key(t, m, merchant.PermissionRead, merchant.PermissionWrite), a.Key(t, other)
		endpoint := c.Post(hookPath, map[string]any{"url": "https://hooks.acme.test"}).Must(http.StatusCreated).Text("id")
		delivery := c.Post(hookPath+"/"+endpoint+"/test", nil).Must(http.StatusCreated).Text("id")
		event := c.Get(deliveryPath + "/" + delivery).Must(http.StatusOK).Text("event_id")
		span := map[string]any{"endpoint_id": endpoint, "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
		writes := []func(c *foyertest.Client) *foyertest.Answer{
			func(c *foyertest.Client) *foyertest.Answer {
				return c.Patch(hookPath+"/"+endpoint, map[string]any{"status": "disabled"})
			},
			func(c *foyertest.Client) *foyertest.Answer { return c.Post(hookPath+"/"+endpoint+"/archive", nil) },
			func(c *foyertest.Client) *foyertest.Answer {
				return c.Post(hookPath+"/"+endpoint+"/rotate-secret", nil)
			},
			func(c *foyertest.Client) *foyertest.Answer { return c.Post(hookPath+"/"+endpoint+"/test", nil) },
			func(c *foyertest.Client) *foyertest.Answer {
				return c.Post(deliveryPath+"/"+delivery+"/redeliver", nil)
			},
		}
		stranger.Get(hookPath+"/"+endpoint).Refused(http.StatusNotFound, "not_found")
		stranger.Get(deliveryPath+"/"+delivery).Refused(http.StatusNotFound, "not_found")
		for _, write := range writes {
			write(stranger).Refused(http.StatusNotFound, "not_found")
			write(reader).Refused(http.StatusForbidden, "auth.permission")
		}
		reader.Post(deliveryPath+"/redeliver", span).Refused(http.StatusForbidden, "auth.permission")
		reader.Get(hookPath + "/" + endpoint).Must(http.StatusOK)
		for _, filter := range []string{"", "?endpoint_id=" + endpoint, "?event_id=" + event} {
			assert.Zero(t, stranger.Get(deliveryPath+filter).Must(http.StatusOK).Len("data"), filter)
			assert.Equal(t, []string{delivery}, reader.Get(deliveryPath+filter).Must(http.StatusOK).IDs(), filter)
		}
		assert.Zero(t, stranger.Get(hookPath).Must(http.StatusOK).Len("data"))
		for _, unknown := range []string{endpoint, "whk_01kb3v5q8r9s0t1v2w3x4y5z6a", "nonsense", strings.Repeat("x", 64)} {
			span["endpoint_id"] = unknown
			answer := stranger.Post(deliveryPath+"/redeliver", span).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, []string{"/endpoint_id", "input.unknown_reference"}, []string{answer.Text("errors.0.pointer"), answer.Text("errors.0.code")}, unknown)
		}
		span["endpoint_id"] = endpoint
		for _, bounds := range [][2]string{
			{"2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"}, {"2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z"}, {"2026-01-01T00:00:00Z", "2026-02-01T00:00:01Z"},
		} {
			span["from"], span["to"] = bounds[0], bounds[1]
			answer := c.Post(deliveryPath+"/redeliver", span).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "webhook.span", answer.Text("errors.0.code"), fmt.Sprint(bounds))
		}
	})
}
