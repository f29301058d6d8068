package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// secretBytes is how many random bytes a secret has (Standard Webhooks: 24 to 64).
const secretBytes = 32

// maxSecrets is how many sign at once: who rotates again and again within the overlap doesn't make the header grow.
const maxSecrets = 3

// Secret signs deliveries.
type Secret struct {
	Key []byte
	// Until is when it stops signing; nil for the current one.
	Until *time.Time
}

// Secrets are an endpoint's, the current one first.
type Secrets []Secret

func newSecret() Secret {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // crypto/rand never returns an error since Go 1.24
	return Secret{Key: key}
}

// spell writes a secret as receivers enter it into their library.
func (s Secret) spell() string { return "whsec_" + base64.StdEncoding.EncodeToString(s.Key) }

// rotate puts a new secret in front; those before sign until their end.
func (s Secrets) rotate(now, until time.Time) Secrets {
	out := Secrets{newSecret()}
	for _, old := range s.valid(now) {
		if old.Until == nil {
			old.Until = &until
		}
		if len(out) < maxSecrets {
			out = append(out, old)
		}
	}
	return out
}

// valid are those that sign now.
func (s Secrets) valid(now time.Time) Secrets {
	var out Secrets
	for _, secret := range s {
		if secret.Until == nil || secret.Until.After(now) {
			out = append(out, secret)
		}
	}
	return out
}

// sign returns the value of the header webhook-signature: one signature for each secret, so that a receiver that knows any of
// them can verify.
func (s Secrets) sign(id string, at time.Time, body []byte) (string, error) {
	var all []string
	for _, secret := range s.valid(at) {
		signer, err := standardwebhooks.NewWebhookRaw(secret.Key)
		if err != nil {
			return "", err
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		all = append(all, signature)
	}
	return strings.Join(all, " "), nil
}
