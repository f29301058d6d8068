package httpapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
	"foyer/internal/webhook"
)

// signedBy verifies a webhook by the letter of the specification, with code of its own.
func signedBy(secret string, r foyertest.Received) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Body)
	return slices.Contains(strings.Fields(r.Header.Get("webhook-signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func timestampOf(t *testing.T, r foyertest.Received) time.Time {
	t.Helper()
	seconds, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	require.NoError(t, err)
	return time.Unix(seconds, 0)
}

// listen makes an endpoint and returns its id and secret.
func listen(c *foyertest.Client, url string, types ...string) (id, secret string) {
	answer := c.Post(hookPath, map[string]any{"url": url, "event_types": append([]string{}, types...)}).Must(http.StatusCreated)
	return answer.Text("id"), answer.Text("secret")
}

// settled waits until a delivery is done and returns it.
func settled(t *testing.T, c *foyertest.Client, id string) *foyertest.Answer {
	t.Helper()
	var d *foyertest.Answer
	require.Eventually(t, func() bool {
		d = c.Get(deliveryPath + "/" + id).Must(http.StatusOK)
		return d.Text("status") != "pending"
	}, 20*time.Second, 20*time.Millisecond)
	return d
}

func onlyDelivery(t *testing.T, c *foyertest.Client, endpoint string) string {
	t.Helper()
	ids := c.Get(deliveryPath + "?endpoint_id=" + endpoint).Must(http.StatusOK).IDs()
	require.Len(t, ids, 1)
	return ids[0]
}

// What happens arrives as getEvent shows it, signed, at those who asked for it, and the log says so. Redelivered it is the same
// event again, with a fresh time (threat #51).
func TestEventsArriveSigned(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		everything, paymentsOnly := a.Receiver(t, nil), a.Receiver(t, nil)
		all, secret := listen(c, everything.URL+"/in?token=x")
		_, otherSecret := listen(c, paymentsOnly.URL, "payment.*")
		require.NotEqual(t, secret, otherSecret)
		stop := a.Deliver(t)
		product, payment := a.Happen(t, m, "product.created"), a.Happen(t, m, "payment.completed")
		require.Eventually(t, func() bool { return len(everything.Got()) == 2 && len(paymentsOnly.Got()) == 1 }, 10*time.Second, 10*time.Millisecond)
		for _, r := range everything.Got() {
			id := r.Header.Get("webhook-id")
			assert.Contains(t, []string{product.ID, payment.ID}, id)
			assert.True(t, signedBy(secret, r))
			assert.False(t, signedBy(otherSecret, r), "each endpoint has a secret of its own")
			assert.WithinDuration(t, r.At, timestampOf(t, r), 5*time.Second)
			assert.JSONEq(t, string(c.Get("/v1/merchant/events/"+id).Must(http.StatusOK).Body), string(r.Body))
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
			assert.WithinDuration(t, product.At, r.At, 2*time.Second)
		}
		assert.Equal(t, payment.ID, paymentsOnly.Got()[0].Header.Get("webhook-id"))

		one := c.Get(deliveryPath + foyertest.Query("endpoint_id", all, "event_id", product.ID)).Must(http.StatusOK).IDs()
		require.Len(t, one, 1)
		d := settled(t, c, one[0])
		assert.Equal(t, []any{"succeeded", float64(1), "succeeded", float64(204), nil, "product.created", 1}, []any{
			d.At("status"), d.At("tries"), d.At("last_outcome"), d.At("last_http_status"), d.At("next_try_at"), d.At("event_type"), d.Len("attempts"),
		})
		assert.Equal(t, []any{"succeeded", float64(204)}, []any{d.At("attempts.0.outcome"), d.At("attempts.0.http_status")})
		assert.NotContains(t, string(d.Body), "token=x", "nothing of the receiver is in the log")
		c.Get(deliveryPath+"/"+one[0], "If-None-Match", d.Header.Get("ETag")).Must(http.StatusNotModified)
		assert.Nil(t, c.Get(deliveryPath).Must(http.StatusOK).At("data.0.attempts"))

		time.Sleep(1100 * time.Millisecond) // the timestamp counts seconds
		again := c.Post(deliveryPath+"/"+one[0]+"/redeliver", nil, idempotencyKey, "r1").Must(http.StatusOK)
		assert.Equal(t, []any{"pending", product.ID}, []any{again.At("status"), again.At("event_id")})
		require.Eventually(t, func() bool { return len(everything.Got()) == 3 }, 10*time.Second, 10*time.Millisecond)
		first, last := everything.Got()[0], everything.Got()[2]
		if first.Header.Get("webhook-id") != product.ID {
			first = everything.Got()[1]
		}
		assert.Equal(t, []any{product.ID, string(first.Body)}, []any{last.Header.Get("webhook-id"), string(last.Body)})
		assert.True(t, timestampOf(t, last).After(timestampOf(t, first)))
		assert.True(t, signedBy(secret, last))
		assert.EqualValues(t, 2, settled(t, c, one[0]).At("tries"))
		stop()
	}, foyertest.WithWebhooks(quick))
}

// A receiver that fails gets the same id again and again, by the schedule; then the delivery has failed. A span brings back what was missed,
// also what happened while the endpoint was disabled.
func TestFailedDeliveriesAreTriedAgain(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		var broken atomic.Bool
		broken.Store(true)
		r := a.Receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			if broken.Load() {
				w.Header().Set("X-Internal", "secret of the receiver")
				w.WriteHeader(http.StatusBadGateway)
				_, _ = w.Write([]byte("secret of the receiver"))
			}
		})
		endpoint, secret := listen(c, r.URL)
		a.Deliver(t)
		began := a.Clock.Now()
		e := a.Happen(t, m, "payment.completed")
		d := settled(t, c, onlyDelivery(t, c, endpoint))
		assert.Equal(t, []any{"failed", float64(3), "bad_status", float64(502), 3}, []any{d.At("status"), d.At("tries"), d.At("last_outcome"), d.At("last_http_status"), d.Len("attempts")})
		assert.NotContains(t, string(d.Body), "secret of the receiver", "threat #49")
		got := r.Got()
		require.Len(t, got, 3)
		for i, g := range got {
			assert.Equal(t, e.ID, g.Header.Get("webhook-id"))
			assert.Equal(t, string(got[0].Body), string(g.Body))
			assert.True(t, signedBy(secret, g))
			if i > 0 {
				assert.GreaterOrEqual(t, g.At.Sub(got[i-1].At), []time.Duration{0, 50, 100}[i]*time.Millisecond)
			}
		}
		assert.NotEmpty(t, c.Get(hookPath+"/"+endpoint).Must(http.StatusOK).Text("failing_since"))

		c.Patch(hookPath+"/"+endpoint, map[string]any{"status": "disabled"}).Must(http.StatusOK)
		missed := a.Happen(t, m, "payment.past_due")
		c.Post(deliveryPath+"/"+d.Text("id")+"/redeliver", nil).Refused(http.StatusConflict, "webhook_endpoint.disabled")
		span := map[string]any{"endpoint_id": endpoint, "from": began.Add(-time.Second).Format(time.RFC3339Nano), "to": a.Clock.Now().Add(time.Second).Format(time.RFC3339Nano)}
		c.Post(deliveryPath+"/redeliver", span).Refused(http.StatusConflict, "webhook_endpoint.disabled")
		broken.Store(false)
		on := c.Patch(hookPath+"/"+endpoint, map[string]any{"status": "enabled"}).Must(http.StatusOK)
		assert.Nil(t, on.At("failing_since"))
		answer := c.Post(deliveryPath+"/redeliver", span).Must(http.StatusOK)
		assert.Equal(t, []any{float64(2), false}, []any{answer.At("count"), answer.At("has_more")})
		require.Eventually(t, func() bool { return len(r.Got()) == 5 }, 10*time.Second, 10*time.Millisecond)
		assert.ElementsMatch(t, []string{e.ID, missed.ID}, []string{r.Got()[3].Header.Get("webhook-id"), r.Got()[4].Header.Get("webhook-id")})
		require.Eventually(t, func() bool { return c.Get(deliveryPath+"?status=succeeded").Must(http.StatusOK).Len("data") == 2 }, 10*time.Second, 20*time.Millisecond)
		assert.EqualValues(t, 0, c.Post(deliveryPath+"/redeliver", span).Must(http.StatusOK).At("count"), "what succeeded is not sent again")
	}, foyertest.WithWebhooks(quick))
}

// What was due for an endpoint when it was disabled ends without a try.
func TestADisabledEndpointGetsNothing(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		r := a.Receiver(t, nil)
		endpoint, _ := listen(c, r.URL)
		a.Happen(t, m, "payment.completed")
		c.Patch(hookPath+"/"+endpoint, map[string]any{"status": "disabled"}).Must(http.StatusOK)
		a.Deliver(t)
		d := settled(t, c, onlyDelivery(t, c, endpoint))
		assert.Equal(t, []any{"failed", "endpoint_disabled", float64(0)}, []any{d.At("status"), d.At("last_outcome"), d.At("tries")})
		assert.Empty(t, r.Got())
	}, foyertest.WithWebhooks(quick))
}

// A test is one message of its own, tried once.
func TestATestDelivery(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		good, bad := a.Receiver(t, nil), a.Receiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		listening, secret := listen(c, good.URL, "payment.completed")
		broken, _ := listen(c, bad.URL)
		a.Deliver(t)
		made := c.Post(hookPath+"/"+listening+"/test", nil).Must(http.StatusCreated)
		assert.Equal(t, []any{"pending", "webhook_endpoint.test", listening}, []any{made.At("status"), made.At("event_type"), made.At("endpoint_id")})
		assert.Equal(t, "succeeded", settled(t, c, made.Text("id")).Text("status"))
		require.Len(t, good.Got(), 1)
		assert.True(t, signedBy(secret, good.Got()[0]))
		assert.Equal(t, made.Text("event_id"), good.Got()[0].Header.Get("webhook-id"))
		assert.Contains(t, string(good.Got()[0].Body), `"type":"webhook_endpoint.test"`)

		failed := settled(t, c, c.Post(hookPath+"/"+broken+"/test", nil).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, []any{"failed", float64(1), "bad_status", float64(418)}, []any{failed.At("status"), failed.At("tries"), failed.At("last_outcome"), failed.At("last_http_status")})
		assert.Nil(t, c.Get(hookPath+"/"+broken).Must(http.StatusOK).At("failing_since"), "a test says nothing about the endpoint's health")
		assert.Empty(t, c.Get("/v1/merchant/events").Must(http.StatusOK).IDs())
	}, foyertest.WithWebhooks(quick))
}

// Threat #51: after a rotation both secrets sign, until the overlap ends.
func TestBothSecretsSignDuringTheOverlap(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		r := a.Receiver(t, nil)
		endpoint, old := listen(c, r.URL)
		current := c.Post(hookPath+"/"+endpoint+"/rotate-secret", nil).Must(http.StatusOK).Text("secret")
		a.Deliver(t)
		a.Happen(t, m, "payment.completed")
		require.Eventually(t, func() bool { return len(r.Got()) == 1 }, 10*time.Second, 10*time.Millisecond)
		assert.True(t, signedBy(old, r.Got()[0]))
		assert.True(t, signedBy(current, r.Got()[0]))
		a.Clock.Advance(24 * time.Hour)
		a.Happen(t, m, "payment.completed")
		require.Eventually(t, func() bool { return len(r.Got()) == 2 }, 10*time.Second, 10*time.Millisecond)
		assert.False(t, signedBy(old, r.Got()[1]))
		assert.True(t, signedBy(current, r.Got()[1]))
		assert.Nil(t, c.Get(hookPath+"/"+endpoint).Must(http.StatusOK).At("previous_secret_expires_at"))
	}, foyertest.WithWebhooks(quick))
}

// A 410 disables the endpoint at once, days of failures do; the merchant is told once, in the portal's language, without the
// address's secrets.
func TestEndpointsAreDisabledAndTheMerchantIsTold(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		for _, test := range []struct {
			name, locale, reason, says string
			answer                     int
			wait                       time.Duration
		}{
			{"gone", "de", "gone", "410 Gone", http.StatusGone, 0},
			{"failing", "en", "failing", "has failed since", http.StatusInternalServerError, 5 * 24 * time.Hour},
		} {
			address := test.name + "@seller.test"
			m := a.Merchant(t, test.name, func(s *merchant.Settings) { s.DefaultLocale, s.Seller.Email = test.locale, address })
			c := a.Key(t, m)
			r := a.Receiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.answer) })
			endpoint, _ := listen(c, r.URL+"/hook/T0K3N")
			stop := a.Deliver(t)
			a.Happen(t, m, "payment.completed")
			settled(t, c, onlyDelivery(t, c, endpoint))
			if test.wait > 0 {
				assert.Equal(t, "enabled", c.Get(hookPath+"/"+endpoint).Must(http.StatusOK).Text("status"))
				a.Clock.Advance(test.wait)
				for range 3 {
					a.Happen(t, m, "payment.completed")
				}
			}
			var shown *foyertest.Answer
			require.Eventually(t, func() bool {
				shown = c.Get(hookPath + "/" + endpoint).Must(http.StatusOK)
				return shown.Text("status") == "disabled"
			}, 10*time.Second, 20*time.Millisecond)
			assert.Equal(t, test.reason, shown.Text("disabled_reason"))
			mail := a.AwaitMails(t, address, 1)[0]
			assert.Contains(t, mail.Text, test.says)
			assert.Contains(t, mail.Text, endpoint)
			assert.Contains(t, mail.Text, "127.0.0.1")
			assert.NotContains(t, mail.Text+mail.HTML, "T0K3N")
			assert.Equal(t, test.locale, mail.Language)
			require.Eventually(t, func() bool { return c.Get(deliveryPath+"?status=pending").Must(http.StatusOK).Len("data") == 0 }, 10*time.Second, 20*time.Millisecond)
			assert.Len(t, a.Mails(t, address), 1)
			n := len(r.Got())
			a.Happen(t, m, "payment.completed")
			time.Sleep(100 * time.Millisecond)
			assert.Len(t, r.Got(), n)
			stop()
		}
	}, foyertest.WithWebhooks(quick))
}

// One endpoint hangs with hundreds of deliveries due, another can't be reached; a third, of another merchant, and a fourth, of the
// same one, wait for neither.
func TestADeadEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, other := a.Merchant(t, "acme"), a.Merchant(t, "other")
		release := make(chan struct{})
		defer close(release)
		hanging := a.Receiver(t, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
		good, theirs := a.Receiver(t, nil), a.Receiver(t, nil)
		c := a.Key(t, m)
		listen(c, hanging.URL, "product.*")
		listen(c, "http://127.0.0.1:1/closed", "product.*")
		const flood = 600
		for range flood {
			a.Happen(t, m, "product.updated")
		}
		listen(c, good.URL, "payment.*")
		listen(a.Key(t, other), theirs.URL)
		a.Deliver(t)
		time.Sleep(500 * time.Millisecond) // the flood is under way
		var worst time.Duration
		for i := range 20 {
			sent := []foyer.Event{a.Happen(t, m, "payment.completed"), a.Happen(t, other, "payment.completed")}
			for n, r := range []*foyertest.Receiver{good, theirs} {
				require.Eventually(t, func() bool { return len(r.Got()) == i+1 }, 10*time.Second, 5*time.Millisecond)
				worst = max(worst, r.Got()[i].At.Sub(sent[n].At))
			}
		}
		t.Logf("%s: the worst delay beside %d deliveries to a hanging endpoint was %s", a.Store.Dialect(), flood, worst)
		assert.Less(t, worst, 2*time.Second)
		assert.NotEmpty(t, hanging.Got())
	}, foyertest.WithWebhooks(func(o *webhook.Options) { o.Timeout, o.PerEndpoint, o.AtOnce = 3*time.Second, 8, 16 }))
}

// A receiver that takes longer than a lease is asked once, whoever else looks for work: who sends renews.
func TestASlowReceiverIsAskedOnce(t *testing.T) {
	t.Parallel()
	slow := foyertest.WithWebhooks(func(o *webhook.Options) { o.Timeout, o.Lease, o.Poll = 5*time.Second, 400*time.Millisecond, 20*time.Millisecond })
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		r := a.Receiver(t, func(http.ResponseWriter, *http.Request) { time.Sleep(1500 * time.Millisecond) })
		endpoint, _ := listen(c, r.URL)
		a.Deliver(t)
		a.Second(t, slow).Deliver(t)
		a.Happen(t, m, "payment.completed")
		d := settled(t, c, onlyDelivery(t, c, endpoint))
		assert.Equal(t, []any{"succeeded", float64(1)}, []any{d.At("status"), d.At("tries")})
		assert.Len(t, r.Got(), 1)
	}, slow)
}

// What the API shows of deliveries is paged as every list.
func TestDeliveriesArePaged(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Key(t, m)
		listen(c, "https://hooks.acme.test")
		for range 7 {
			a.Happen(t, m, "payment.completed")
		}
		var all []string
		for path := deliveryPath + "?limit=3&status=pending"; path != ""; {
			page := c.Get(path).Must(http.StatusOK)
			all = append(all, page.IDs()...)
			path = ""
			if next := page.Text("page.next"); next != "" {
				path = deliveryPath + "?limit=3&status=pending&after=" + next
			}
		}
		assert.Len(t, all, 7)
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), 7, "each once")
		c.Get(deliveryPath+"?status=lost").Refused(http.StatusBadRequest, "query.invalid")
		c.Get(deliveryPath+"?endpoint_id=nonsense").Refused(http.StatusBadRequest, "query.invalid")
	})
}
