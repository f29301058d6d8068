package stripetest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// APIVersion is the version of Stripe's API that is faked.
const APIVersion = "2026-03-25.dahlia"

// What Foyer writes into metadata, by which the device's routes and the ledger find our ids.
const (
	metaSetup   = "foyer_setup"
	metaAttempt = "foyer_attempt"
	metaPayment = "foyer_payment"
)

// Options are what a Fake needs to know; the zero value is a test account that posts no webhooks.
type Options struct {
	// SecretKey is the only secret key that is let in; empty is DefaultKey. One of live mode makes everything live.
	SecretKey string
	// PublishableKey is the one of the same account, with which a customer's device looks at its own setup and at nothing else; empty is
	// DefaultPublishableKey.
	PublishableKey string
	// WebhookURL is where events are posted to, signed with WebhookSecret; empty keeps them for Events.
	WebhookURL    string
	WebhookSecret string
	// Now is Stripe's clock; nil for the system's. A merchant's clock does not move it.
	Now func() time.Time
	// DisputeAfter is how long after its capture a charge of card 0259 is disputed; 0 is a second.
	DisputeAfter time.Duration
	// HangFor is how long an answer that hangs does, LateBy how late a late webhook is; 0 is 30 and 5 seconds.
	HangFor time.Duration
	LateBy  time.Duration
}

// DefaultKey, DefaultPublishableKey and DefaultWebhookSecret are used where Options have none.
const (
	DefaultKey            = "sk_test_foyer"
	DefaultPublishableKey = "pk_test_foyer"
	DefaultWebhookSecret  = "whsec_a-secret-of-a-test"
)

// Fake is Stripe. Safe for concurrent use; Close ends its deliveries.
type Fake struct {
	o   Options
	mux *http.ServeMux

	// mu guards everything below: what is decided, is decided one after the other.
	mu        sync.Mutex
	customers map[string]*customer
	methods   map[string]*method
	setups    map[string]*setup
	intents   map[string]*intent
	charges   map[string]*charge
	refunds   map[string]*refund
	disputes  map[string]*dispute
	events    []*event
	// order is the ids of what can be listed, oldest first.
	order   map[string][]string
	ledger  []*charge
	account Account
	hooks   []WebhookEndpoint
	forbids []string
	version string // of events
	strict  bool   // setups decline cards that decline
	slow    bool   // setups of debits wait for SettleSetup

	knobs  dial
	keys   keys
	mirror mirror
	post   *poster
	seen   seen
}

// New returns a Stripe nobody has used yet.
func New(o Options) *Fake {
	if o.SecretKey == "" {
		o.SecretKey = DefaultKey
	}
	if o.PublishableKey == "" {
		o.PublishableKey = DefaultPublishableKey
	}
	if o.WebhookSecret == "" {
		o.WebhookSecret = DefaultWebhookSecret
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Fake{
		o: o, mux: http.NewServeMux(), customers: map[string]*customer{}, methods: map[string]*method{}, setups: map[string]*setup{},
		intents: map[string]*intent{}, charges: map[string]*charge{}, refunds: map[string]*refund{}, disputes: map[string]*dispute{},
		order: map[string][]string{}, account: defaultAccount(), version: APIVersion,
	}
	f.o.DisputeAfter, f.o.HangFor = or(o.DisputeAfter, time.Second), or(o.HangFor, 30*time.Second)
	f.keys.results = map[string]*result{}
	f.mirror.client.Transport = &http.Transport{MaxIdleConnsPerHost: 16}
	f.post = newPoster(f.o, &f.knobs)
	f.addCustomers()
	f.addMethods()
	f.addSetups()
	f.addIntents()
	f.addRefunds()
	f.addDisputes()
	f.addAccount()
	f.addEvents()
	f.addDevice()
	f.addOperator()
	f.mux.HandleFunc("/", f.unknownPath)
	return f
}

// ServeHTTP implements http.Handler: the API under /v1, the customer's device under /sandbox-gateway, /knobs and /ledger.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

// Close sends the events that wait, once and at once, until ctx ends.
func (f *Fake) Close(ctx context.Context) error {
	f.mirror.client.CloseIdleConnections()
	return f.post.close(ctx)
}

func (f *Fake) live() bool { return strings.Contains(f.o.SecretKey, "_live_") }

func (f *Fake) now() int64 { return f.o.Now().Unix() }

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// newID returns an id as Stripe's look.
func newID(prefix string) string { return prefix + "_" + rand.Text()[:24] }

// created notes a new object among those that can be listed.
func (f *Fake) created(kind, id string) { f.order[kind] = append(f.order[kind], id) }

// object is an answer of the API.
type object = map[string]any

// ref is the id of another object, which `expand` puts in its place.
type ref string

// link is the ref of an id, null for none.
func link(id string) any {
	if id == "" {
		return nil
	}
	return ref(id)
}

// orNull is a text, null for none.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// shown returns the object of an id; nil when there is none.
func (f *Fake) shown(id string) object {
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "cus":
		return shownOf(f, f.customers[id])
	case "pm":
		return shownOf(f, f.methods[id])
	case "seti":
		return shownOf(f, f.setups[id])
	case "pi":
		return shownOf(f, f.intents[id])
	case "ch", "py":
		return shownOf(f, f.charges[id])
	case "re":
		return shownOf(f, f.refunds[id])
	case "du":
		return shownOf(f, f.disputes[id])
	}
	return nil
}

func shownOf[T interface {
	comparable
	show(*Fake) object
}](f *Fake, t T,
) object {
	var none T
	if t == none {
		return nil
	}
	return t.show(f)
}

// expand replaces a ref by its object: "latest_charge", "data.payment_method".
func (f *Fake) expand(in any, path string) *apiError {
	head, rest, more := strings.Cut(path, ".")
	refused := &apiError{status: http.StatusBadRequest, kind: invalidRequest, message: "This property cannot be expanded (" + head + ")."}
	switch v := in.(type) {
	case []object:
		for _, o := range v {
			if err := f.expand(o, path); err != nil {
				return err
			}
		}
		return nil
	case object:
		value, there := v[head]
		if !there {
			return refused
		}
		if id, ok := value.(ref); ok {
			value = f.shown(string(id))
			v[head] = value
		}
		_, isObject := value.(object)
		_, isList := value.([]object)
		switch {
		case value == nil: // nothing is there to expand
			return nil
		case !isObject && !isList:
			return refused
		case more:
			return f.expand(value, rest)
		}
		return nil
	}
	return refused
}

// raw is an object as it stands now.
func raw(o object) json.RawMessage {
	body, err := json.Marshal(o)
	if err != nil {
		panic(err) // the fake's own maps can always be written
	}
	return body
}
