package sandbox_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/sandbox"
)

func send(t testing.TB, h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newSetup(t testing.TB, g billing.Gateway) billing.StartedSetup {
	t.Helper()
	s, err := g.StartSetup(t.Context(), billing.SetupRequest{
		ID: billing.SetupID(ids(foyer.PrefixPaymentMethodSetup)), Merchant: "mer_1", Customer: "ctm_1",
	})
	require.NoError(t, err)
	return s
}

var ids = foyer.NewIDs(time.Now)

func codeOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), w.Body)
	assert.Equal(t, w.Code, p.Status)
	assert.NotEmpty(t, p.Type)
	assert.NotEmpty(t, p.Title)
	assert.NotEmpty(t, p.Detail)
	return p.Code
}

func TestBrowsersMayConfirm(t *testing.T) {
	t.Parallel()
	l := newLocal(t, onSQLite(t), sandbox.Options{})
	for _, path := range []string{"/setups/pms_1/confirm", "/setups/pms_1/authenticate", "/charges/att_1/confirm", "/charges/att_1/authenticate"} {
		for _, h := range []http.Handler{l.Public(), l.Handler()} {
			got := send(t, h, http.MethodOptions, path, "", "Origin", "https://shop.test", "Access-Control-Request-Method", "POST",
				"Access-Control-Request-Headers", "content-type")
			assert.Equal(t, http.StatusNoContent, got.Code)
			assert.Equal(t, "*", got.Header().Get("Access-Control-Allow-Origin"))
			assert.Contains(t, got.Header().Get("Access-Control-Allow-Methods"), "POST")
			assert.Equal(t, "Content-Type", got.Header().Get("Access-Control-Allow-Headers"))
			got = send(t, h, http.MethodGet, path, "")
			assert.Equal(t, http.StatusMethodNotAllowed, got.Code)
			assert.Equal(t, "*", got.Header().Get("Access-Control-Allow-Origin"))
			assert.Equal(t, "not_allowed", codeOf(t, got))
		}
	}
}

func TestWrongSecretAndUnknownIDLookTheSame(t *testing.T) {
	t.Parallel()
	l := newLocal(t, onSQLite(t), sandbox.Options{})
	s, other := newSetup(t, l), newSetup(t, l)
	var bodies []string
	for _, try := range []struct{ path, secret string }{
		{"/setups/" + s.Reference, "sec_wrong"},
		{"/setups/" + s.Reference, other.ClientSecret},
		{"/setups/" + s.Reference, ""},
		{"/setups/pms_unknown", s.ClientSecret},
		{"/setups/a%00b", s.ClientSecret},
		{"/setups/a%2Fb", s.ClientSecret},
		{"/charges/" + s.Reference, s.ClientSecret},
		{"/charges/unknown", s.ClientSecret},
	} {
		secret, _ := json.Marshal(try.secret)
		for _, got := range []*httptest.ResponseRecorder{
			post(t, l.Public(), try.path+"/confirm", strings.Replace(confirmation("@", "4242424242424242"), `"@"`, string(secret), 1)),
			post(t, l.Public(), try.path+"/authenticate", strings.Replace(outcome("@", true), `"@"`, string(secret), 1)),
		} {
			assert.Equal(t, http.StatusNotFound, got.Code, try.path)
			assert.Equal(t, "*", got.Header().Get("Access-Control-Allow-Origin"))
			bodies = append(bodies, got.Body.String())
		}
	}
	for _, body := range bodies {
		assert.Equal(t, bodies[0], body)
	}
}

func TestCardsAreChecked(t *testing.T) {
	t.Parallel()
	l := newLocal(t, onSQLite(t), sandbox.Options{Now: func() time.Time { return time.Date(2026, 3, 31, 23, 59, 0, 0, time.UTC) }})
	s := newSetup(t, l)
	card := func(number string, month, year int, cvc string) string {
		return fmt.Sprintf(`{"client_secret": %q, "card": {"number": %q, "expiry_month": %d, "expiry_year": %d, "cvc": %q}}`,
			s.ClientSecret, number, month, year, cvc)
	}
	path := "/setups/" + s.Reference + "/confirm"
	for body, want := range map[string]string{
		card("4111111111111111", 12, 2030, "123"):     "unknown_card",
		card("", 12, 2030, "123"):                     "unknown_card",
		card("4242424242424242", 13, 2030, "123"):     "invalid_expiry",
		card("4242424242424242", 0, 2030, "123"):      "invalid_expiry",
		card("4242424242424242", 12, 30, "123"):       "invalid_expiry",
		card("4242424242424242", 2, 2026, "123"):      "expired_card",
		card("4242424242424242", 12, 2030, "12"):      "invalid_cvc",
		card("4242424242424242", 12, 2030, "12a"):     "invalid_cvc",
		`{"client_secret": "` + s.ClientSecret + `"}`: "unknown_card",
	} {
		got := post(t, l.Public(), path, body)
		assert.Equal(t, http.StatusUnprocessableEntity, got.Code)
		assert.Equal(t, want, codeOf(t, got))
	}
	good := card("4242 4242 4242 4242", 3, 2026, "123")
	for range 2 {
		assert.JSONEq(t, `{"status": "succeeded"}`, post(t, l.Public(), path, good).Body.String(), "good to the end of its month; the same again is the same")
	}
	got := post(t, l.Public(), path, card("4000000000000002", 3, 2026, "123"))
	assert.Equal(t, http.StatusConflict, got.Code)
	assert.Equal(t, "other_card", codeOf(t, got))

	early := newSetup(t, l)
	got = post(t, l.Public(), "/setups/"+early.Reference+"/authenticate", outcome(early.ClientSecret, true))
	assert.Equal(t, http.StatusConflict, got.Code)
	assert.Equal(t, "not_confirmed", codeOf(t, got))
}

func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	l := newLocal(t, onSQLite(t), sandbox.Options{})
	s := newSetup(t, l)
	path := "/setups/" + s.Reference + "/confirm"
	for _, body := range []string{"", "[]", "{", `{"client_secret": 1}`, `{"more": 1}`, `{} {}`, confirmation(s.ClientSecret, "4242424242424242") + "x"} {
		got := post(t, l.Public(), path, body)
		assert.Equal(t, http.StatusBadRequest, got.Code, body)
		assert.Equal(t, "malformed", codeOf(t, got))
	}
	got := post(t, l.Public(), path, `{"client_secret": "`+strings.Repeat("x", 70<<10)+`"}`)
	assert.Equal(t, http.StatusRequestEntityTooLarge, got.Code)
	got = send(t, l.Public(), http.MethodPost, path, confirmation(s.ClientSecret, "4242424242424242"), "Content-Type", "text/plain")
	assert.Equal(t, http.StatusUnsupportedMediaType, got.Code)
	got = post(t, l.Public(), "/setups/"+s.Reference+"/authenticate", `{"client_secret": "`+s.ClientSecret+`", "outcome": "maybe"}`)
	assert.Equal(t, http.StatusUnprocessableEntity, got.Code)
}

func TestPublicHasNoPrivateRoute(t *testing.T) {
	t.Parallel()
	l := newLocal(t, onSQLite(t), sandbox.Options{})
	for _, route := range []string{
		"POST /setups", "GET /setups/pms_1", "POST /charges", "GET /charges/att_1", "POST /charges/att_1/cancel", "POST /charges/att_1/dispute",
		"POST /refunds", "GET /methods/tok_4242", "DELETE /methods/tok_4242", "GET /ledger", "GET /knobs", "POST /knobs", "GET /livez", "GET /",
		"GET /charges/att_1/confirm/../../../ledger",
	} {
		method, path, _ := strings.Cut(route, " ")
		got := send(t, l.Public(), method, path, "{}", "Content-Type", "application/json")
		assert.NotEqual(t, http.StatusOK, got.Code, route)
		if !strings.Contains(path, "..") {
			assert.Equal(t, http.StatusNotFound, got.Code, route)
			assert.Equal(t, "not_found", codeOf(t, got), route)
		}
	}
}

// TestNoCardNumberIsKept stores every card, charges it, makes every mistake, and then reads all rows and the log.
func TestNoCardNumberIsKept(t *testing.T) {
	t.Parallel()
	var log foyertest.Log
	db := onSQLite(t)
	l := newLocal(t, db, sandbox.Options{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	numbers := []string{
		"4242424242424242", "4000000000000002", "4000000000009995", "4000000000000069", "4000000000009979", "4000000000003220",
		"4000000000000341", "4000000000000259", "4111111111111111",
	}
	var secrets []string
	var said bytes.Buffer
	for _, number := range numbers {
		s := newSetup(t, l)
		secrets = append(secrets, s.ClientSecret)
		for _, body := range []string{
			strings.Replace(confirmation(s.ClientSecret, number), `"`+number+`"`, number, 1), confirmation("wrong", number),
			confirmation(s.ClientSecret, number) + "x", confirmation(s.ClientSecret, number),
		} {
			said.Write(post(t, l.Handler(), "/setups/"+s.Reference+"/confirm", body).Body.Bytes())
		}
		post(t, l.Handler(), "/setups/"+s.Reference+"/authenticate", outcome(s.ClientSecret, true))
		if number == "4111111111111111" {
			continue
		}
		result, err := l.Setup(t.Context(), s.Reference)
		require.NoError(t, err)
		assert.Equal(t, number[12:], result.Method.Card.Last4)
		secrets = append(secrets, result.Method.Token)
		_, err = l.Charge(t.Context(), newCharge(result.Method.Token))
		require.NoError(t, err)
	}
	rows := dump(t, db)
	require.Contains(t, rows, "not_enough_balance")
	for _, number := range numbers {
		assert.NotContains(t, rows, number)
		assert.NotContains(t, log.String(), number)
		assert.NotContains(t, said.String(), number)
	}
	for _, secret := range secrets {
		assert.NotContains(t, rows, secret)
		assert.NotContains(t, log.String(), secret)
	}
}

func newCharge(token string) billing.ChargeRequest {
	return billing.ChargeRequest{
		Key: ids(foyer.PrefixAttempt), Merchant: "mer_1", Payment: billing.PaymentID(ids(foyer.PrefixPayment)),
		Amount: foyer.Money{Amount: 1999, Currency: "EUR"}, Token: token, OnSession: true,
	}
}

// dump returns everything in the database as text.
func dump(t testing.TB, db *sql.DB) string {
	t.Helper()
	var out strings.Builder
	for _, table := range column(t, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sandbox%'") {
		for _, name := range column(t, db, "SELECT name FROM pragma_table_info('"+table+"')") {
			for _, value := range column(t, db, "SELECT CAST("+name+" AS TEXT) FROM "+table) {
				fmt.Fprintf(&out, "%s.%s=%s\n", table, name, value)
			}
		}
	}
	return out.String()
}

func column(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var value string
		require.NoError(t, rows.Scan(&value))
		out = append(out, value)
	}
	require.NoError(t, rows.Err())
	return out
}
