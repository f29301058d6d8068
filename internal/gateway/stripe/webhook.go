package stripe

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	sdk "github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// tolerance is how far a message's time may be from ours, both ways (threats.md #52): a message from the future is a clock that is
// wrong, or somebody who wants it to be good for longer.
const tolerance = 5 * time.Minute

// maxSignatures is how many signatures of one message are looked at; Stripe sends two while a secret is rolled.
const maxSignatures = 10

// maxTold is how much of a name in a message is logged.
const maxTold = 80

// event is what is read of a webhook: ids only, which no version of Stripe's API has given another place.
type event struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	Type       string `json:"type"`
	APIVersion string `json:"api_version"`
	Data       struct {
		Object struct {
			ID            string          `json:"id"`
			Object        string          `json:"object"`
			PaymentIntent json.RawMessage `json:"payment_intent"`
			Customer      json.RawMessage `json:"customer"`
		} `json:"object"`
		Previous struct {
			Customer json.RawMessage `json:"customer"`
		} `json:"previous_attributes"`
	} `json:"data"`
}

// ReadWebhook implements billing.WebhookReader. What the message is about is looked up in what was kept here; nothing else of it is
// believed. A message about what is not Foyer's (the merchant may use its account for more), or one nobody here can make sense of, is
// accepted and says nothing: Stripe sends what was refused for three days, and then switches the endpoint off.
func (g *Gateway) ReadWebhook(ctx context.Context, header map[string][]string, body []byte, now time.Time) (billing.GatewayNotice, error) {
	if !g.signed(http.Header(header), body, now) {
		return billing.GatewayNotice{}, foyer.Refuse(foyer.Unauthenticated, "unauthenticated")
	}
	e, err := readEvent(body)
	if err != nil {
		return billing.GatewayNotice{}, err
	}
	if e.Object == "event" { // a thin one ("v2.core.event") is of no version
		g.noteVersion(ctx, e.APIVersion)
	}
	notice := billing.GatewayNotice{ID: e.ID}
	reference := e.about()
	if reference == "" {
		g.noteUnread(ctx, e)
		return notice, nil
	}
	merchant, subject, err := g.References.GatewaySubject(ctx, Name, reference)
	if errors.Is(err, foyer.NotFound) {
		g.noteUnread(ctx, e)
		return notice, nil
	}
	if err != nil {
		return billing.GatewayNotice{}, err
	}
	notice.Merchant = merchant
	if strings.HasPrefix(subject, string(foyer.PrefixCustomer)+"_") {
		notice.Customer = customerOf(subject)
	} else {
		notice.ChargeKey = subject
	}
	return notice, nil
}

// readEvent reads a message that Stripe signed. What has another shape than expected is read as if it were not there. Only what is no
// JSON is refused: Stripe sends none such, so something between it and us did that, and the endpoint's log should show it.
func readEvent(body []byte) (event, error) {
	var e event
	var shape *json.UnmarshalTypeError
	if err := json.Unmarshal(body, &e); err != nil && !errors.As(err, &shape) {
		return event{}, foyer.Refuse(foyer.Malformed, "malformed")
	}
	return e, nil
}

// about is the id of what was kept here that a message is about: an intent for everything of a charge, a customer for their methods.
func (e event) about() string {
	if e.Object != "event" {
		return ""
	}
	switch o := e.Data.Object; o.Object {
	case "payment_intent":
		return only(o.ID)
	case "charge", "dispute", "refund":
		return idIn(o.PaymentIntent)
	case "payment_method":
		if id := idIn(o.Customer); id != "" {
			return id
		}
		return idIn(e.Data.Previous.Customer) // one that was detached is nobody's any more
	default:
		return ""
	}
}

// idIn reads an id, or the id of the whole object that stands in its place.
func idIn(raw json.RawMessage) string {
	id, _ := sdk.ParseID(raw)
	if id == "" {
		var whole struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(raw, &whole) == nil {
			id = whole.ID
		}
	}
	return only(id)
}

// only returns what may be an id of Stripe's; what can't is nothing that was kept here, and PostgreSQL does not take any text.
func only(id string) string {
	if !plain(id) {
		return ""
	}
	return id
}

// signed checks the signature on the raw body with each secret that is accepted. The library's own check reads the machine's clock and
// takes messages from the future; the rest is its reckoning.
func (g *Gateway) signed(header http.Header, body []byte, now time.Time) bool {
	var at time.Time
	var signatures [][]byte
	for part := range strings.SplitSeq(header.Get("Stripe-Signature"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return false
			}
			at = time.Unix(seconds, 0)
		case "v1":
			if signature, err := hex.DecodeString(value); err == nil && len(signatures) < maxSignatures {
				signatures = append(signatures, signature)
			}
		}
	}
	if now.Sub(at).Abs() > tolerance {
		return false
	}
	for _, secret := range g.WebhookSecrets {
		want := webhook.ComputeSignature(at, body, secret)
		for _, signature := range signatures {
			if secret != "" && hmac.Equal(want, signature) {
				return true
			}
		}
	}
	return false
}

// noteVersion says once that messages come in another version of Stripe's API than this program speaks. They are taken all the same:
// what is read of them is the same in each, and what they are about is asked in our own version.
func (g *Gateway) noteVersion(ctx context.Context, version string) {
	if version == sdk.APIVersion {
		return
	}
	version = told(version)
	if _, known := g.versions.LoadOrStore(version, true); !known {
		g.Log.WarnContext(ctx, "stripe's webhooks come in another API version; make the endpoint anew with ours when convenient",
			"theirs", version, "ours", sdk.APIVersion)
	}
}

// noteUnread says that a message was accepted and nothing came of it.
func (g *Gateway) noteUnread(ctx context.Context, e event) {
	g.Log.InfoContext(ctx, "stripe told of something that is not foyer's",
		"event", told(e.ID), "kind", told(e.Object), "type", told(e.Type), "about", told(e.Data.Object.Object))
}

// told is an id, a type or a version of Stripe's as the log may hold it: short, and nothing when it could be anything else.
func told(name string) string {
	name = name[:min(len(name), maxTold)]
	if strings.ContainsFunc(name, func(r rune) bool { return !plain(string(r)) && r != '.' && r != '-' }) {
		return ""
	}
	return name
}
