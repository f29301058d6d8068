package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/sandbox"
)

func TestAnAccountIsStoredAndCharged(t *testing.T) {
	t.Parallel()
	local := newLocal(t, onSQLite(t), sandbox.Options{})
	remote := newRemote(t, serve(t, local.Handler()), sandbox.RemoteOptions{})
	confirm := func(s billing.StartedSetup, iban string) *httptest.ResponseRecorder {
		return post(t, local.Public(), "/setups/"+s.Reference+"/confirm", `{"client_secret": "`+s.ClientSecret+`", "sepa_debit": {"iban": "`+iban+`"}}`)
	}
	for iban, want := range map[string]struct {
		ending string
		status billing.ChargeStatus
	}{
		"de89 3704 0044 0532 0130 00": {"•••• 3000", billing.ChargeCaptured},
		"AT611904300234573201":        {"•••• 3201", billing.ChargeCaptured},
		"DE62370400440532013001":      {"•••• 3001", billing.ChargeDeclined},
	} {
		s := newSetup(t, remote)
		for range 2 { // a device that lost the answer
			require.JSONEq(t, `{"status": "succeeded"}`, confirm(s, iban).Body.String())
		}
		result, err := remote.Setup(t.Context(), s.Reference)
		require.NoError(t, err)
		assert.Equal(t, "sepa_debit", result.Method.Type)
		assert.Equal(t, want.ending, result.Method.Identifier)
		assert.Nil(t, result.Method.Card)
		known, err := remote.Method(t.Context(), result.Method.Token)
		require.NoError(t, err)
		assert.Equal(t, result.Method, known)
		charged, err := remote.Charge(t.Context(), newCharge(result.Method.Token))
		require.NoError(t, err)
		assert.Equal(t, want.status, charged.Status)
		require.ErrorIs(t, local.ReplaceCard(t.Context(), result.Method.Token, sandbox.Replacement{Last4: "0001", ExpiryMonth: 1, ExpiryYear: 2040}), foyer.Conflict)
	}
	refused := confirm(newSetup(t, remote), "DE02120300000000202051")
	assert.Equal(t, "unknown_account", codeOf(t, refused))
	assert.NotContains(t, refused.Body.String(), "DE02")
}

func TestAReplacedCardIsToldToWhomItBelongs(t *testing.T) {
	t.Parallel()
	var local *sandbox.Local
	got := make(chan billing.GatewayNotice, 10)
	ready := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-ready
		body, _ := io.ReadAll(r.Body)
		notice, err := local.ReadWebhook(r.Context(), r.Header, body, time.Now())
		assert.NoError(t, err)
		got <- notice
	}))
	t.Cleanup(receiver.Close)
	local = newLocal(t, onSQLite(t), sandbox.Options{WebhookURL: receiver.URL})
	close(ready)
	remote := newRemote(t, serve(t, local.Handler()), sandbox.RemoteOptions{})
	owner := foyer.Scope{Merchant: "mer_1", Customer: "ctm_1"}
	replace := func(token, body string) *httptest.ResponseRecorder {
		return post(t, local.Handler(), "/methods/"+token+"/replace", body)
	}

	s := newSetup(t, remote)
	post(t, local.Public(), "/setups/"+s.Reference+"/confirm", confirmation(s.ClientSecret, "4242424242424242"))
	entered, err := remote.Setup(t.Context(), s.Reference)
	require.NoError(t, err)
	handed, err := remote.MethodByToken(t.Context(), owner, "tok_4242")
	require.NoError(t, err)
	for _, m := range []billing.GatewayMethod{entered.Method, handed} {
		require.Equal(t, http.StatusNoContent, replace(m.Token, `{"last4": "0077", "expiry_month": 2, "expiry_year": 2040}`).Code)
		notice := <-got
		assert.Equal(t, billing.GatewayNotice{ID: notice.ID, Merchant: owner.Merchant, Customer: owner.Customer}, notice)
		now, err := remote.Method(t.Context(), m.Token)
		require.NoError(t, err)
		assert.Equal(t, &billing.Card{Brand: "visa", Last4: "0077", ExpiryMonth: 2, ExpiryYear: 2040}, now.Card)
		assert.NotEqual(t, m.Fingerprint, now.Fingerprint)
		_, err = remote.MethodByToken(t.Context(), foyer.Scope{Merchant: "mer_1", Customer: "ctm_2"}, m.Token)
		require.ErrorIs(t, err, foyer.NotFound, "another customer's")
	}

	nobodys, err := remote.MethodByToken(t.Context(), foyer.Scope{}, "tok_4242")
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, replace(nobodys.Token, `{"last4": "4242", "expiry_month": 2, "expiry_year": 2040}`).Code)
	renewed, err := remote.Method(t.Context(), nobodys.Token)
	require.NoError(t, err)
	assert.Equal(t, nobodys.Fingerprint, renewed.Fingerprint, "another date is the same card")
	_, err = remote.Method(t.Context(), "tok_4242")
	require.ErrorIs(t, err, foyer.NotFound, "reading makes nothing")

	assert.Equal(t, "not_found", codeOf(t, replace("sbx_x.y", `{"last4": "0077", "expiry_month": 2, "expiry_year": 2040}`)))
	assert.Equal(t, "invalid", codeOf(t, replace(handed.Token, `{"last4": "77", "expiry_month": 2, "expiry_year": 2040}`)))
	assert.Equal(t, "invalid_expiry", codeOf(t, replace(handed.Token, `{"last4": "0077", "expiry_month": 13, "expiry_year": 2040}`)))
	select {
	case n := <-got:
		t.Errorf("told of %+v", n)
	default:
	}
}

func TestOlderBooksAreBroughtUpToDate(t *testing.T) {
	t.Parallel()
	db := open(t, "sqlite:"+filepath.Join(t.TempDir(), "gateway.db"))
	_, err := db.ExecContext(t.Context(), `CREATE TABLE sandbox_gateway_methods (id TEXT NOT NULL PRIMARY KEY, behavior TEXT NOT NULL, brand TEXT NOT NULL,
last4 TEXT NOT NULL, expiry_month BIGINT NOT NULL, expiry_year BIGINT NOT NULL, fingerprint TEXT NOT NULL, authenticated BIGINT NOT NULL,
removed BIGINT NOT NULL, created_at BIGINT NOT NULL)`)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO sandbox_gateway_methods VALUES ('m', 'succeeds', 'visa', '4242', 1, 2040, 'f', 0, 0, 1)`)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, sandbox.Migrate(t.Context(), db))
	}
	var kind string
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT type FROM sandbox_gateway_methods WHERE id = 'm'`).Scan(&kind))
	assert.Equal(t, "card", kind)
}
