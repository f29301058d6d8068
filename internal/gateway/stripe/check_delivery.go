package stripe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	sdk "github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"
)

// delivery sends Foyer a message as Stripe would, once with each secret: Stripe tells nobody which secrets its endpoints have, but the
// running server tells whether it has ours.
func (c *checker) delivery(ctx context.Context) {
	const what = "stripe secret"
	body, err := json.Marshal(map[string]any{
		"id": "evt_foyer_doctor", "object": "event", "type": "foyer.doctor", "api_version": sdk.APIVersion, "created": c.now.Unix(),
		"livemode": c.Live(), "data": map[string]any{"object": map[string]any{}},
	})
	if err != nil {
		c.bad(what, "a message can't be written", "")
		return
	}
	for i, secret := range c.WebhookSecrets {
		which := "FOYER_STRIPE_WEBHOOK_SECRET"
		if len(c.WebhookSecrets) > 1 {
			which = fmt.Sprintf("secret %d of %d in %s", i+1, len(c.WebhookSecrets), which)
		}
		signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: c.now})
		code, err := c.post(ctx, body, signed.Header)
		switch {
		case err != nil:
			c.warn(what, "no Foyer answers at "+c.public, "start foyer serve, and run foyer doctor where that address can be reached, to see whether Stripe's messages are accepted")
			return
		case code == http.StatusNoContent:
			c.ok(what, "the running server accepts messages signed with "+which)
		case code == http.StatusUnauthorized:
			c.bad(what, "the running server refuses messages signed with "+which, "restart foyer serve with the settings doctor was run with; else this machine's clock or the server's is wrong by minutes")
		case code == http.StatusNotFound:
			c.bad(what, "what answers at "+c.public+" takes no messages of Stripe", "start foyer serve with FOYER_GATEWAY=stripe; if it is, FOYER_PUBLIC_URL or the proxy leads elsewhere")
			return
		default:
			c.bad(what, fmt.Sprintf("what answers at %s says status %d instead of 204", c.public, code), "let the proxy pass POST "+WebhookPath+" on as it is: no redirect, no sign-in, no body changed")
			return
		}
	}
}

// post sends a signed body to the running server and returns the status of its answer.
func (c *checker) post(ctx context.Context, body []byte, signature string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.public+WebhookPath, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Stripe-Signature", signature)
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
