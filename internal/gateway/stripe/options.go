package stripe

import (
	"log/slog"
	"time"

	"foyer/internal/billing"
)

// Options are what the gateway needs to know.
type Options struct {
	// SecretKey is sk_… or a restricted rk_…, PublishableKey pk_… of the same account and mode.
	SecretKey      string
	PublishableKey string
	// WebhookSecrets are the signing secrets whsec_… that are accepted: several while one is replaced.
	WebhookSecrets []string
	// APIURL is where Stripe's API is; empty for the real one.
	APIURL string
	// Timeout bounds one operation, with its retries; 0 is 20 seconds, less than the engine's lease of 30.
	Timeout time.Duration

	References billing.GatewayReferences
	Log        *slog.Logger
}
