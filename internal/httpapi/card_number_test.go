package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
)

// Threat #76: a card number is refused wherever it is typed, and is nowhere afterwards.
func TestCardNumbersAreRefusedAndKeptNowhere(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	for _, text := range []string{
		"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242", "4242 - 4242 - 4242 - 4242", "4242\u00a04242\u00a04242\u00a04242",
		"4242–4242–4242–4242", "４２４２４２４２４２４２４２４２", "my card: 4242 4242 4242 4242, thanks", "4242 4242 4242 4242 12 27 123", "(4242424242424242)",
		"5555555555554444", "2223003122003222", "378282246310005", "3782 822463 10005", "30569309025904", "6011111111111117", "3566002020360505", "6200000000000005",
		"4222222222222", "4000000000000002", "VISA/4000056655665556",
	} {
		answer := s.asMia.Patch("/v1/me", map[string]any{"name": text}, idempotencyKey, "card").Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "input.card_number", answer.Text("errors.0.code"), text)
		assert.Equal(t, "/name", answer.Text("errors.0.pointer"), text)
		assert.NotContains(t, string(answer.Body), "4242")
		s.asMia.Patch("/v1/me", map[string]any{"address": map[string]any{"line2": text}}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		key := s.asMia.Patch("/v1/me", map[string]any{"name": "Mia", text: "x"}).Refused(http.StatusBadRequest, "json.unknown_field")
		assert.NotRegexp(t, `[0-9]{4}.?[0-9]{4}.?[0-9]{4}`, key.Text("detail")+key.Text("errors.0.pointer"))
		asked := s.asMia.Get("/v1/payments?after=x&subscription_id=" + url.QueryEscape(text))
		assert.Equal(t, "input.card_number", asked.Refused(http.StatusBadRequest, "query.invalid").Text("errors.0.code"), text)
		a.Client(t).Post("/v1/portals/"+s.own["portal_id"]+"/sign-ins", map[string]any{"email": text}).Refused(http.StatusUnprocessableEntity, "input.invalid")
	}
	for _, text := range []string{
		"4242424242424241", "1234567812345670", "+49 170 1234567", "+49 (0)30 901820", "0049 30 90182 1234", "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819",
		s.own["payment_id"], s.own["subscription_id"], "8e03978e-40d5-43dd-bc93-6894a57f9324", "2026-11-24 02:24:22", "Hangar 4242, 10115 Berlin", "INV4242424242424242",
	} {
		s.asMia.Patch("/v1/me", map[string]any{"name": text}).Must(http.StatusOK)
	}
	a.Client(t).Post("/v1/sign-ins/verify", map[string]any{"token": "4242424242424242"}).Refused(http.StatusUnauthorized, "sign_in.invalid")
	s.asMia.Patch("/v1/me", map[string]any{"name": "Mia"}, idempotencyKey, "4242424242424242").Must(http.StatusOK)

	assert.NotContains(t, a.Log.String(), "42424242")
	var rows []string
	tables, err := a.Store.SQL().QueryContext(context.Background(), "SELECT name FROM sqlite_master WHERE type = 'table'")
	require.NoError(t, err)
	for tables.Next() {
		var name string
		require.NoError(t, tables.Scan(&name))
		rows = append(rows, name)
	}
	require.NoError(t, tables.Err())
	for _, table := range rows {
		assert.NotContains(t, dumped(t, a, table), "4242 4242 4242 4242", table)
		assert.NotContains(t, dumped(t, a, table), "5555555555554444", table)
	}
}

// dumped is everything in a table, as one text.
func dumped(t *testing.T, a *foyertest.App, table string) string {
	t.Helper()
	rows, err := a.Store.SQL().QueryContext(context.Background(), `SELECT * FROM "`+table+`"`)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var b strings.Builder
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		for _, v := range values {
			if raw, ok := v.([]byte); ok {
				v = string(raw)
			}
			text, _ := json.Marshal(v)
			b.Write(text)
		}
	}
	require.NoError(t, rows.Err())
	return b.String()
}

// A body made to be looked at for long is looked at for a moment.
func TestLookingForCardNumbersIsQuick(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	c, _ := mia(t, a)
	for _, text := range []string{strings.Repeat("4 ", 30_000), strings.Repeat("4242", 15_000), strings.Repeat(".", 60_000)} {
		c.Patch("/v1/me", map[string]any{"name": text}).Must(http.StatusUnprocessableEntity)
	}
}
