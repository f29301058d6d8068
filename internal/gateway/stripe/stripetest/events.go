package stripetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// event is a message about a change. Its object is as it stood at the change.
type event struct {
	id, kind  string
	version   string
	created   int64
	object    json.RawMessage
	previous  object // what was different before, of the events that say so
	live      bool
	delivered bool
}

// tell notes a change, of an object as it stands now, and posts it. The lock is held.
func (f *Fake) tell(kind string, about interface{ show(*Fake) object }) {
	f.tellChange(kind, about, nil)
}

// tellChange is tell for an event that says what was different before.
func (f *Fake) tellChange(kind string, about interface{ show(*Fake) object }, previous object) {
	e := &event{
		id: newID("evt"), kind: kind, version: f.version, created: f.now(), object: raw(about.show(f)), previous: previous, live: f.live(),
	}
	f.events = append(f.events, e)
	f.post.send(raw(e.show()), func(ok bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		e.delivered = e.delivered || ok
	})
}

// SetEventVersion makes later events look as an endpoint of another API version gets them.
func (f *Fake) SetEventVersion(version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version = version
}

func (e *event) show() object {
	data := object{"object": e.object}
	if e.previous != nil {
		data["previous_attributes"] = e.previous
	}
	return object{
		"id": e.id, "object": "event", "api_version": e.version, "created": e.created, "type": e.kind, "livemode": e.live,
		"pending_webhooks": 0, "request": object{"id": nil, "idempotency_key": nil}, "data": data,
	}
}

func (f *Fake) addEvents() {
	f.route("GET /v1/events", f.listEvents, append(listParams, "delivery_success", "type", "types[]", "created", "created[gte]", "created[gt]",
		"created[lte]", "created[lt]")...)
	f.route("GET /v1/events/{id}", func(c call) (object, *apiError) {
		for _, e := range f.events {
			if e.id == c.id {
				return e.show(), nil
			}
		}
		return nil, notFound("event", c.id, "id")
	})
}

func (f *Fake) listEvents(c call) (object, *apiError) {
	delivered, err := c.flag("delivery_success")
	if err != nil {
		return nil, err
	}
	if c.has("type") && c.has("types[]") {
		return nil, refused("", "types", "You may only specify one of these parameters: type, types.")
	}
	types := append(slices.Clone(c.params["type"]), c.params["types[]"]...)
	var all []object
	for _, e := range slices.Backward(f.events) {
		in, err := c.created(e.created)
		if err != nil {
			return nil, err
		}
		if !in || len(types) > 0 && !slices.Contains(types, e.kind) {
			continue
		}
		if c.has("delivery_success") && (f.o.WebhookURL == "" || e.delivered != delivered) {
			continue // without an endpoint nothing was delivered and nothing failed
		}
		all = append(all, e.show())
	}
	return c.page("/v1/events", all)
}

// Event is an event as it is posted.
type Event struct {
	ID, Type string
	Body     []byte
}

// Events returns every event so far, in order, so that a test can post them itself: twice, late, in any order.
func (f *Fake) Events() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Event, 0, len(f.events))
	for _, e := range f.events {
		out = append(out, Event{ID: e.id, Type: e.kind, Body: raw(e.show())})
	}
	return out
}

// Redeliver posts the events again that never arrived, as Stripe does for days.
func (f *Fake) Redeliver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if !e.delivered {
			f.post.send(raw(e.show()), func(ok bool) {
				f.mu.Lock()
				defer f.mu.Unlock()
				e.delivered = e.delivered || ok
			})
		}
	}
}

// SignatureHeader is the header a webhook is signed in.
const SignatureHeader = "Stripe-Signature"

// Sign returns the signature of a body sent at a time; several secrets give several signatures, as while one is replaced.
func Sign(body []byte, at time.Time, secrets ...string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	header := "t=" + t
	for _, secret := range secrets {
		h := hmac.New(sha256.New, []byte(secret))
		h.Write([]byte(t + "."))
		h.Write(body)
		header += ",v1=" + hex.EncodeToString(h.Sum(nil))
	}
	return header
}

// Signed returns the header of a webhook as this Stripe posts it now.
func (f *Fake) Signed(body []byte) http.Header {
	return http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, SignatureHeader: {Sign(body, f.o.Now(), f.o.WebhookSecret)},
	}
}
