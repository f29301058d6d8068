package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// demoReturnURL is the merchant's app, where links into the portal lead back to.
const demoReturnURL = "https://app.aurora-maps.example"

// receiver is the merchant's server where webhooks arrive.
type receiver struct {
	mu       sync.Mutex
	verifier *webhooks.Webhook
	now      func() time.Time
	events   []answer
	forged   int
}

// ServeHTTP takes a webhook if its signature is good. A receiver throws away what it has seen: the same event may come twice.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	var event answer
	if err != nil || !r.verified(body, req.Header) || json.Unmarshal(body, &event.json) != nil {
		r.forged++
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, seen := range r.events {
		if seen.text("id") == event.text("id") {
			return
		}
	}
	r.events = append(r.events, event)
}

// verified tells whether a webhook is Foyer's and new. Verify does both by the machine's clock; the demo's may be another.
func (r *receiver) verified(body []byte, header http.Header) bool {
	seconds, err := strconv.ParseInt(header.Get(webhooks.HeaderWebhookTimestamp), 10, 64)
	return err == nil && r.now().Sub(time.Unix(seconds, 0)).Abs() < 5*time.Minute && r.verifier != nil && r.verifier.VerifyIgnoringTimestamp(body, header) == nil
}

// received returns the newest event that is the one asked for, and how many came in all.
func (r *receiver) received(is func(answer) bool) (found answer, all int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, event := range r.events {
		if is(event) {
			found = event
		}
	}
	return found, len(r.events)
}

// receiveWebhooks starts the merchant's receiver and tells Foyer of it.
func (d *demoData) receiveWebhooks(ctx context.Context) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		d.backend.must(false, "a free port for the merchant's receiver: %v", err)
		return
	}
	d.receiver = &receiver{now: d.app.Now}
	server := &http.Server{Handler: d.receiver, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	a := d.backend.call(ctx, 201, "POST", "/v1/merchant/webhook-endpoints", object{"url": "http://" + listener.Addr().String() + "/foyer"}, func(a answer) string {
		return "webhooks go to " + a.text("url")
	})
	d.receiver.mu.Lock()
	defer d.receiver.mu.Unlock()
	d.receiver.verifier, err = webhooks.NewWebhook(a.text("secret"))
	d.backend.must(err == nil, "a secret that verifies: %v", err)
}

// links is a customer stepping into the portal from the merchant's app, without signing in again.
func (w *walk) links(ctx context.Context) {
	w.say("── A customer already signed in to the merchant's app: the server mints a link")
	b := w.data.backend
	body := object{"customer_id": w.data.customers[demoEmail], "return_url": demoReturnURL + "/account", "scopes": []string{"read"}}
	a := b.call(ctx, 201, "POST", "/v1/merchant/portal-sessions", body, func(a answer) string {
		link, _, _ := strings.Cut(a.text("urls.overview"), "#")
		return "the link: " + link + "#ticket=…"
	})
	_, ticket, _ := strings.Cut(a.text("urls.overview"), "#ticket=")
	w.must(ticket != "" && ticket == a.text("ticket"), "a ticket in the fragment")
	token := w.token
	w.token = ""
	tokens := w.call(ctx, 200, "POST", "/v1/portal-sessions/exchange", object{"ticket": ticket}, func(a answer) string { return "in, and back to " + a.text("return_url") })
	w.call(ctx, 401, "POST", "/v1/portal-sessions/exchange", object{"ticket": ticket}, func(a answer) string { return "once: " + a.text("code") })
	w.token = tokens.text("access_token")
	w.call(ctx, 200, "GET", "/v1/me", nil, func(a answer) string { return a.text("name") })
	w.call(ctx, 403, "PATCH", "/v1/me", object{"name": "Mallory"}, func(a answer) string { return "a link for reading: " + a.text("code") })
	path := "/v1/merchant/portal-sessions/" + a.text("id")
	b.call(ctx, 200, "GET", path, nil, func(a answer) string { return a.text("status") })
	b.call(ctx, 204, "DELETE", path, nil, func(answer) string { return "the merchant ends it" })
	w.call(ctx, 401, "GET", "/v1/me", nil, func(a answer) string { return "and the token with it: " + a.text("code") })
	w.token = token
	sub := w.subscriptionTo(ctx, "Aurora Pro").text("id")
	b.call(ctx, 200, "GET", "/v1/merchant/subscriptions/"+sub, nil, func(a answer) string { return "for mails of its own: " + a.text("management_urls.cancel") })
}

// told is what the merchant's receiver heard of the months.
func (w *walk) told(ctx context.Context) {
	w.say("── What the merchant's server heard")
	b := w.data.backend
	newest := b.call(ctx, 200, "GET", "/v1/merchant/events?type=payment.completed&limit=1", nil, func(a answer) string {
		return a.text("data.0.type") + ", " + a.text("data.0.data.totals.total.display")
	})
	id := newest.text("data.0.id")
	var event answer
	var all int
	for deadline := time.Now().Add(patience); w.failed == nil && event.text("id") == "" && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		event, all = w.data.receiver.received(func(e answer) bool { return e.text("id") == id })
	}
	w.must(event.text("id") == id && id != "", "the event by webhook")
	w.must(event.text("data.id") == newest.text("data.0.subject_id"), "the payment in it")
	w.say("         webhook verified: %s of %s, %s; %d events so far", event.text("type"), event.text("subject_id"), event.text("data.invoice.number"), all)
	b.call(ctx, 200, "GET", "/v1/merchant/deliveries?event_id="+id, nil, func(a answer) string { return "delivered: " + a.text("data.0.status") })
	w.must(w.data.receiver.forged == 0, "only good signatures")
	b.call(ctx, 200, "GET", "/v1/merchant/audit-log?limit=1", nil, func(a answer) string {
		return "who did what: " + a.text("data.0.actor.kind") + " " + a.text("data.0.action")
	})
}
