package sandbox_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/gateway/gatewaytest"
	"foyer/internal/gateway/sandbox"
	"foyer/internal/store"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

const webhookSecret = "the-secret-of-a-test's-webhooks"

func TestLocalOnSQLite(t *testing.T) {
	t.Parallel()
	gatewaytest.Suite(t, func(t *testing.T) gatewaytest.Harness { return harness(newLocal(t, onSQLite(t), sandbox.Options{})) })
}

func TestLocalOnPostgreSQL(t *testing.T) {
	t.Parallel()
	gatewaytest.Suite(t, func(t *testing.T) gatewaytest.Harness { return harness(newLocal(t, onPostgres(t), sandbox.Options{})) })
}

func TestRemote(t *testing.T) {
	t.Parallel()
	gatewaytest.Suite(t, func(t *testing.T) gatewaytest.Harness {
		local := newLocal(t, onSQLite(t), sandbox.Options{})
		h := harness(local)
		remote := newRemote(t, serve(t, local.Handler()), sandbox.RemoteOptions{})
		h.Gateway = remote
		h.Ledger = func(t testing.TB) []gatewaytest.Entry { return entries(t, remote.Ledger(t.Context())) }
		return h
	})
}

// harness plays the customer with a gateway's public routes.
func harness(l *sandbox.Local) gatewaytest.Harness {
	numbers := map[gatewaytest.Card]string{
		gatewaytest.Good: "4242424242424242", gatewaytest.Declined: "4000000000000002",
		gatewaytest.NeedsAction: "4000000000003220", gatewaytest.FailsOffSession: "4000000000000341",
	}
	device := l.Public()
	return gatewaytest.Harness{
		Gateway: l, Now: time.Now,
		Finish: func(t testing.TB, s billing.StartedSetup, card gatewaytest.Card, succeed bool) {
			got := post(t, device, "/setups/"+s.Reference+"/confirm", confirmation(s.ClientSecret, numbers[card]))
			require.Equal(t, http.StatusOK, got.Code, got.Body)
			if card == gatewaytest.NeedsAction {
				require.JSONEq(t, `{"status": "requires_action"}`, got.Body.String())
				got = post(t, device, "/setups/"+s.Reference+"/authenticate", outcome(s.ClientSecret, succeed))
			}
			require.JSONEq(t, status(succeed), got.Body.String())
		},
		Confirm: func(t testing.TB, key, secret string, succeed bool) {
			got := post(t, device, "/charges/"+key+"/confirm", `{"client_secret": "`+secret+`"}`)
			require.JSONEq(t, `{"status": "requires_action"}`, got.Body.String())
			got = post(t, device, "/charges/"+key+"/authenticate", outcome(secret, succeed))
			require.JSONEq(t, status(succeed), got.Body.String())
		},
		Ledger: func(t testing.TB) []gatewaytest.Entry { return entries(t, l.Ledger(t.Context())) },
		FailAfter: func(t testing.TB, on bool) {
			k := sandbox.Knobs{}
			if on {
				k.ErrorAfter = 1
			}
			require.NoError(t, l.SetKnobs(k))
		},
		Token: func(card gatewaytest.Card) string { return "tok_" + numbers[card][12:] },
		Sign: func(_ testing.TB, n billing.GatewayNotice, at time.Time) (http.Header, []byte) {
			body := []byte(`{"id":"` + n.ID + `","type":"charge.updated","merchant":"` + string(n.Merchant) + `","key":"` + n.ChargeKey + `"}`)
			return http.Header{"Sandbox-Signature": {sandbox.Sign(webhookSecret, body, at)}}, body
		},
	}
}

func confirmation(secret, number string) string {
	return `{"client_secret": "` + secret + `", "card": {"number": "` + number + `", "expiry_month": 12, "expiry_year": 2099, "cvc": "123"}}`
}

func outcome(secret string, succeed bool) string {
	if succeed {
		return `{"client_secret": "` + secret + `", "outcome": "succeed"}`
	}
	return `{"client_secret": "` + secret + `", "outcome": "fail"}`
}

func status(succeed bool) string {
	if succeed {
		return `{"status": "succeeded"}`
	}
	return `{"status": "failed"}`
}

func entries(t testing.TB, ledger func(func(sandbox.Entry, error) bool)) []gatewaytest.Entry {
	t.Helper()
	var out []gatewaytest.Entry
	for e, err := range ledger {
		require.NoError(t, err)
		out = append(out, gatewaytest.Entry{Key: e.Key, Amount: e.Amount})
	}
	return out
}

func newLocal(t testing.TB, db *sql.DB, o sandbox.Options) *sandbox.Local {
	t.Helper()
	o.WebhookSecret = webhookSecret
	l := sandbox.NewLocal(db, o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, l.Close(ctx))
	})
	return l
}

func newRemote(t testing.TB, url string, o sandbox.RemoteOptions) *sandbox.Remote {
	t.Helper()
	o.WebhookSecret = webhookSecret
	r, err := sandbox.NewRemote(url, o)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func onSQLite(t testing.TB) *sql.DB {
	t.Helper()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "gateway.db"))
	require.NoError(t, sandbox.Migrate(t.Context(), s))
	return s
}

func onPostgres(t testing.TB) *sql.DB {
	t.Helper()
	url := postgres.OpenTemplate(t, "sandbox", func(url string) error {
		s, err := store.Open(context.Background(), url, options())
		if err != nil {
			return err
		}
		defer s.Close()
		return sandbox.Migrate(context.Background(), s.SQL())
	})
	// A crowd at one row on a busy machine waits longer than a request may; what is tested is who wins.
	return open(t, url+"&lock_timeout=60000&statement_timeout=60000&connect_timeout=60")
}

func open(t testing.TB, url string) *sql.DB {
	t.Helper()
	s, err := store.Open(t.Context(), url, options())
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s.SQL()
}

func options() store.Options {
	keyring, err := foyer.NewKeyring("a-secret-of-a-test-long-enough-to-be-one-0123456789")
	if err != nil {
		panic(err)
	}
	return store.Options{Keyring: keyring, IDs: foyer.NewIDs(time.Now), Now: time.Now, MaxConnections: 4}
}

// post sends JSON to a handler as a browser of another origin does.
func post(t testing.TB, h http.Handler, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	return send(t, h, http.MethodPost, path, body, "Content-Type", "application/json", "Origin", "https://shop.test")
}
