package drill_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/gateway/sandbox"
	"foyer/internal/gateway/stripe"
	"foyer/internal/gateway/stripe/stripetest"
	"foyer/internal/identity"
	"foyer/internal/provider/native"
	"foyer/internal/store"
	"foyer/internal/webhook"
)

const secret = "a-secret-of-a-drill-long-enough-to-be-one-012345678"

// TestMain is also the main of the processes a drill starts: this very program again, told by a variable what to be.
func TestMain(m *testing.M) {
	switch os.Getenv("FOYER_DRILL") {
	case "worker":
		fail(work())
	case "webhooks":
		fail(deliver())
	case "gateway":
		fail(serveGateway())
	case "stripe":
		fail(serveStripe())
	default:
		os.Exit(postgres.Main(m))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func config() app.Config {
	c := app.Config{
		DatabaseURL: os.Getenv("FOYER_DRILL_DATABASE"), Secrets: secret, PublicURL: "https://billing.test", SMTPURL: "outbox:",
		Lifetimes: identity.DefaultLifetimes, Limits: identity.DefaultLimits(), SandboxGatewayURL: os.Getenv("FOYER_DRILL_GATEWAY"),
		Now: time.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if os.Getenv("FOYER_DRILL_KIND") == "stripe" {
		c.SandboxAtStripe = true
		c.Stripe = &stripe.Options{SecretKey: stripetest.DefaultKey, APIURL: c.SandboxGatewayURL}
	}
	return c
}

// work is a worker that only bills; the mails it orders are left to others.
func work() error {
	ctx := context.Background()
	a, err := app.New(ctx, config())
	if err != nil {
		return err
	}
	c := a.Engine.Config
	c.Lease = 2 * time.Second
	if os.Getenv("FOYER_DRILL_RANDOM_KEY") != "" {
		c.Gateways = forgetful{c.Gateways}
	}
	native.NewEngine(c).Run(ctx, a.Merchants, 100*time.Millisecond)
	return nil
}

// hookOptions are a schedule and a time-out at a drill's pace; the rest is as it is delivered.
func hookOptions() webhook.Options {
	schedule := webhook.Schedule{0, 50 * time.Millisecond, 200 * time.Millisecond}
	for range 15 {
		schedule = append(schedule, 500*time.Millisecond)
	}
	return webhook.Options{
		Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Schedule: schedule, Timeout: 300 * time.Millisecond,
	}
}

// deliver is a worker that only delivers webhooks.
func deliver() error {
	ctx := context.Background()
	c := config()
	c.Webhooks = hookOptions()
	a, err := app.New(ctx, c)
	if err != nil {
		return err
	}
	a.Hooks.Run(ctx)
	return nil
}

// forgetful is the mutant: every call to the gateway has a key nobody will know again.
type forgetful struct{ billing.Gateways }

// GatewayOf implements billing.Gateways.
func (f forgetful) GatewayOf(ctx context.Context, id foyer.MerchantID) (billing.Gateway, error) {
	g, err := f.Gateways.GatewayOf(ctx, id)
	return randomKeys{g}, err
}

type randomKeys struct{ billing.Gateway }

// Charge implements billing.Gateway.
func (g randomKeys) Charge(ctx context.Context, r billing.ChargeRequest) (billing.ChargeResult, error) {
	r.Key += "-" + rand.Text()
	return g.Gateway.Charge(ctx, r)
}

// serveGateway is the sandbox gateway with a ledger of its own, which nobody kills.
func serveGateway() error {
	ctx := context.Background()
	keyring, err := foyer.NewKeyring(secret)
	if err != nil {
		return err
	}
	books, err := store.Open(ctx, "sqlite:"+filepath.Join(os.Getenv("FOYER_DRILL_DATA"), "gateway.db"),
		store.Options{Keyring: keyring, IDs: foyer.NewIDs(time.Now), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	db := books.SQL()
	if err := sandbox.Migrate(ctx, db); err != nil {
		return err
	}
	return serveHandler(ctx, sandbox.NewLocal(db, sandbox.Options{}).Private())
}

// serveStripe is a fake of Stripe, which nobody kills.
func serveStripe() error {
	return serveHandler(context.Background(), stripetest.New(stripetest.Options{}))
}

func serveHandler(ctx context.Context, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr()) // the drill reads it
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(listener)
}
