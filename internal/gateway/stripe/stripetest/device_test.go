package stripetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/gateway/stripe/stripetest"
)

// at plays a browser at our sandbox gateway's routes.
func (r *rig) at(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, "/sandbox-gateway"+path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	assert.Equal(r.t, "*", w.Header().Get("Access-Control-Allow-Origin"), path)
	return w
}

func codeOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), w.Body)
	assert.Equal(t, w.Code, p.Status)
	assert.NotEmpty(t, p.Detail)
	return p.Code
}

func typed(secret, number string, year int) string {
	return fmt.Sprintf(`{"client_secret": %q, "card": {"number": %q, "expiry_month": 12, "expiry_year": %d, "cvc": "123"}}`, secret, number, year)
}

func TestDeviceRoutes(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{})
	c := r.customer()
	s := r.setup(c)
	path := "/setups/pms_1"
	for body, want := range map[string]string{
		typed("wrong", "4242424242424242", 2099):                                    "404 not_found",
		typed("", "4242424242424242", 2099):                                         "404 not_found",
		typed(s.ClientSecret, "4111111111111111", 2099):                             "422 unknown_card",
		typed(s.ClientSecret, "4242424242424242", 2020):                             "422 expired_card",
		typed(s.ClientSecret, "4242424242424242", 20):                               "422 invalid_expiry",
		`{"client_secret": "` + s.ClientSecret + `"}`:                               "422 unknown_card",
		`{"client_secret": "` + s.ClientSecret + `", "sepa_debit": {"iban": "DE"}}`: "422 invalid",
		`{"more": 1}`: "400 malformed",
		"":            "400 malformed",
	} {
		got := r.at(http.MethodPost, path+"/confirm", body)
		assert.Equal(t, want, fmt.Sprint(got.Code, " ", codeOf(t, got)))
	}
	assert.Equal(t, "not_found", codeOf(t, r.at(http.MethodPost, "/setups/pms_2/confirm", typed(s.ClientSecret, "4242424242424242", 2099))))
	assert.Equal(t, "not_allowed", codeOf(t, r.at(http.MethodGet, path+"/confirm", "")))
	assert.Equal(t, "unsupported_media_type", codeOf(t, r.at(http.MethodPost, path+"/confirm", "{}", "Content-Type", "text/plain")))
	assert.Equal(t, "too_large", codeOf(t, r.at(http.MethodPost, path+"/confirm", `{"client_secret": "`+strings.Repeat("x", 70<<10)+`"}`)))
	assert.Equal(t, http.StatusNoContent, r.at(http.MethodOptions, path+"/confirm", "").Code)

	answer := func(secret, outcome string) string {
		return `{"client_secret": "` + secret + `", "outcome": "` + outcome + `"}`
	}
	assert.Equal(t, "not_confirmed", codeOf(t, r.at(http.MethodPost, path+"/authenticate", answer(s.ClientSecret, "succeed"))))
	assert.Equal(t, "invalid", codeOf(t, r.at(http.MethodPost, path+"/authenticate", answer(s.ClientSecret, "maybe"))))
	for range 2 {
		got := r.at(http.MethodPost, path+"/confirm", typed(s.ClientSecret, "4000 0000 0000 3220", 2099))
		assert.JSONEq(t, `{"status": "requires_action"}`, got.Body.String())
	}
	assert.Equal(t, "other_card", codeOf(t, r.at(http.MethodPost, path+"/confirm", typed(s.ClientSecret, "4242424242424242", 2099))))
	got := r.at(http.MethodPost, path+"/authenticate", answer(s.ClientSecret, "succeed"))
	assert.JSONEq(t, `{"status": "succeeded"}`, got.Body.String())

	i, err := r.confirm(r.intent(c, r.setupNow(s.ID).PaymentMethod, "att_1").ID, false)
	require.NoError(t, err)
	assert.Equal(t, "not_found", codeOf(t, r.at(http.MethodPost, "/charges/att_2/confirm", `{"client_secret": "`+i.ClientSecret+`"}`)))
	for _, step := range [][2]string{{"confirm", "requires_action"}, {"authenticate", "succeeded"}, {"authenticate", "succeeded"}, {"confirm", "succeeded"}} {
		body := `{"client_secret": "` + i.ClientSecret + `"}`
		if step[0] == "authenticate" {
			body = answer(i.ClientSecret, "succeed")
		}
		assert.JSONEq(t, `{"status": "`+step[1]+`"}`, r.at(http.MethodPost, "/charges/att_1/"+step[0], body).Body.String())
	}
	assert.Len(t, r.Ledger(), 1)

	debit := r.setup(c)
	got = r.at(http.MethodPost, path+"/confirm", `{"client_secret": "`+debit.ClientSecret+`", "sepa_debit": {"iban": "DE89370400440532013000"}}`)
	assert.JSONEq(t, `{"status": "succeeded"}`, got.Body.String())
	ledger := httptest.NewRecorder()
	r.ServeHTTP(ledger, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ledger", nil))
	var list struct{ Data []stripetest.Entry }
	require.NoError(t, json.Unmarshal(ledger.Body.Bytes(), &list))
	assert.Equal(t, r.Ledger(), list.Data)
	for _, request := range r.Requests() {
		assert.NotContains(t, request.Form.Encode(), "4242424242424242", "a card number never comes by the API")
	}
}
