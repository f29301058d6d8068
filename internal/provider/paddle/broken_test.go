package paddle_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/provider/paddle"
)

// brokenCase changes one place of a good file; the message must name exactly that place.
type brokenCase struct {
	file, old, new string
	line           int
	field, reason  string
}

func TestBrokenFiles(t *testing.T) {
	const txn, events, customers, subs = "transactions.json", "events.json", "customers.json", "subscriptions.json"
	for name, c := range map[string]brokenCase{
		"amount with decimals": {
			txn, `"grand_total": "57509"`, `"grand_total": "575.09"`, 128, "data[0].details.totals.grand_total",
			`must be a whole number of minor units that fits 64 bits, not "575.09"`,
		},
		"amount as a number": {
			txn, `"grand_total": "57509"`, `"grand_total": 57509`, 128, "data[0].details.totals.grand_total", `must be a string, not a number`,
		},
		"amount too large": {
			txn, `"balance": "57509"`, `"balance": "9223372036854775808"`, 132, "data[0].details.totals.balance",
			`must be a whole number of minor units that fits 64 bits, not "9223372036854775808"`,
		},
		"amount empty":     {txn, `"balance": "57509"`, `"balance": ""`, 132, "data[0].details.totals.balance", `must be a whole number of minor units that fits 64 bits, not ""`},
		"amount with plus": {txn, `"balance": "57509"`, `"balance": "+1"`, 132, "data[0].details.totals.balance", `must be a whole number of minor units that fits 64 bits, not "+1"`},
		"amount null":      {txn, `"balance": "57509"`, `"balance": null`, 132, "data[0].details.totals.balance", `must be a string, not null`},
		"amount missing":   {txn, `"balance": "57509",`, ``, 123, "data[0].details.totals.balance", `is missing`},
		"amount in a line": {
			txn, `"subtotal": "2400"`, `"subtotal": "24OO"`, 187, "data[0].details.line_items[0].unit_totals.subtotal",
			`must be a whole number of minor units that fits 64 bits, not "24OO"`,
		},
		"unknown currency":  {txn, `"currency_code": "GBP",`, `"currency_code": "GPB",`, 17, "data[0].currency_code", `must be a currency of ISO 4217, not "GPB"`},
		"currency in small": {txn, `"currency_code": "GBP",`, `"currency_code": "gbp",`, 17, "data[0].currency_code", `must be a currency of ISO 4217, not "gbp"`},
		"two currencies": {
			txn, "\"earnings\": null,\n\t\t\t\t\t\"currency_code\": \"GBP\"", "\"earnings\": null,\n\t\t\t\t\t\"currency_code\": \"EUR\"", 134,
			"data[0].details.totals.currency_code", `is "EUR", but the amounts belong to something in GBP`,
		},
		"bad time": {
			txn, `"created_at": "2024-04-12T10:33:52.610609Z"`, `"created_at": "12 April 2024"`, 19, "data[0].created_at",
			`must be a time of RFC 3339 since 1970, not "12 April 2024"`,
		},
		"time without zone": {
			txn, `"updated_at": "2024-04-12T10:33:52.610609Z"`, `"updated_at": "2024-04-12T10:33:52"`, 20, "data[0].updated_at",
			`must be a time of RFC 3339 since 1970, not "2024-04-12T10:33:52"`,
		},
		"no month 13": {
			txn, `"starts_at": "2024-05-12T10:18:47.635628Z"`, `"starts_at": "2024-13-12T10:18:47.635628Z"`, 276, "data[1].billing_period.starts_at",
			`must be a time of RFC 3339 since 1970, not "2024-13-12T10:18:47.635628Z"`,
		},
		"year 10000 in UTC": {
			txn, `"updated_at": "2024-04-12T10:33:52.610609Z"`, `"updated_at": "9999-12-31T23:59:59-01:00"`, 20, "data[0].updated_at",
			`must be a time of RFC 3339 since 1970, not "9999-12-31T23:59:59-01:00"`,
		},
		"no times at all": {customers, "\"created_at\": \"2024-04-12T10:00:00.000Z\",\n   \"updated_at\": \"2024-04-12T10:00:00.000Z\",", "", 3, "data[0].updated_at", `is missing`},
		"unknown status": {
			txn, `"status": "past_due"`, `"status": "overdue"`, 264, "data[1].status",
			`must be one of billed, canceled, completed, draft, paid, past_due, ready, not "overdue"`,
		},
		"unknown status of an attempt": {
			txn, `"status": "captured"`, `"status": "won"`, 801, "data[2].payments[0].status",
			`must be one of action_required, authorized, authorized_flagged, canceled, captured, created, dropped, error, pending, pending_no_action_required, unknown, not "won"`,
		},
		"status of another case": {
			subs, `"status": "past_due"`, `"status": "Past_due"`, 5, "data[0].status", `must be one of active, canceled, past_due, paused, trialing, not "Past_due"`,
		},
		"unknown interval":   {subs, `"interval": "month"`, `"interval": "fortnight"`, 25, "data[0].billing_cycle.interval", `must be one of day, month, week, year, not "fortnight"`},
		"frequency zero":     {subs, `"frequency": 1`, `"frequency": 0`, 26, "data[0].billing_cycle.frequency", `must be a whole number from 1 to 10000, not "0"`},
		"scheduled nonsense": {subs, `"action": "pause"`, `"action": "explode"`, 29, "data[0].scheduled_change.action", `must be one of cancel, pause, resume, not "explode"`},
		"e-mail with a name": {customers, `"email": "amelia@aeroflyer.example"`, `"email": "Amelia <amelia@aeroflyer.example>"`, 8, "data[0].email", `must be one plain e-mail address`},
		"two e-mails":        {customers, `"email": "amelia@aeroflyer.example"`, `"email": "amelia@aeroflyer.example,eve@x.example"`, 8, "data[0].email", `must be one plain e-mail address`},
		"no e-mail":          {customers, `"email": "amelia@aeroflyer.example"`, `"email": null`, 8, "data[0].email", `must be a string, not null`},
		"locale":             {customers, `"locale": "sv"`, `"locale": "Swedish!"`, 34, "data[2].locale", `must be a language tag of BCP 47, not "Swedish!"`},
		"name of a wrong type": {
			customers, `"name": "Noah Lindqvist"`, `"name": ["Noah"]`, 31, "data[2].name", `must be a string, not a list`,
		},
		"NUL": {customers, `"Noah Lindqvist"`, `"Noah\u0000"`, 31, "data[2].name", `contains a NUL character`},
		"NUL in custom data, which is not even read": {
			customers, `"custom_data": null`, "\"custom_data\": {\"a\": [\"\\u0000\"]}", 6, "data[0].custom_data.a[0]", `contains a NUL character`,
		},
		"half a surrogate pair": {customers, `"Noah Lindqvist"`, `"Noah \ud83d"`, 31, "data[2].name", `contains half a surrogate pair`},
		"not UTF-8":             {customers, `Noah`, "No\xe4h", 31, "", `is not UTF-8 text`},
		"a key twice": {
			customers, `"locale": "sv",`, "\"locale\": \"sv\",\n\"email\": \"eve@x.example\",", 35, "data[2].email", `stands twice in one object`,
		},
		"an odd key twice": {customers, `"custom_data": null`, `"custom_data": {"": 1, "": 2}`, 6, `data[0].custom_data.""`, `stands twice in one object`},
		"id of a wrong type": {
			customers, `"id": "ctm_01hszn72m8kqyqm8g1jxwxc3t3"`, `"id": 7`, 28, "data[2].id", `must be a string, not a number`,
		},
		"id without a prefix": {
			customers, `"id": "ctm_01hszn72m8kqyqm8g1jxwxc3t3"`, `"id": "7"`, 28, "data[2].id", `must be an id with a prefix such as ctm_ or txn_`,
		},
		"no id":             {customers, `"id": "ctm_01hszn72m8kqyqm8g1jxwxc3t3",`, ``, 27, "data[2].id", `is missing`},
		"id with a newline": {customers, `ctm_01hszn72m8kqyqm8g1jxwxc3t3`, `ctm_01\n`, 28, "data[2].id", `must be an id beginning with ctm_`},
		"reference to another kind": {
			txn, `"customer_id": "ctm_01hv8wt8nffez4p2t6typn4a5j"`, `"customer_id": "sub_01hv8wt8nffez4p2t6typn4a5j"`, 265, "data[1].customer_id",
			`must be an id beginning with ctm_`,
		},
		"quantity with a fraction": {txn, `"quantity": 10,`, `"quantity": 10.5,`, 151, "data[0].details.line_items[0].quantity", `must be a whole number from 0 to 9223372036854775807, not "10.5"`},
		"quantity below zero":      {txn, `"quantity": 10,`, `"quantity": -1,`, 151, "data[0].details.line_items[0].quantity", `must be a whole number from 0 to 9223372036854775807, not "-1"`},
		"tax rate":                 {txn, `"tax_rate": "0.2"`, `"tax_rate": "20 %"`, 114, "data[0].details.tax_rates_used[0].tax_rate", `must be a decimal number, not "20 %"`},
		"a card number":            {txn, `"last4": "0002"`, `"last4": "4000000000000002"`, 827, "data[2].payments[1].method_details.card.last4", `must be four digits`},
		"items as an object":       {txn, `"payments": [],`, `"payments": {},`, 257, "data[0].payments", `must be a list, not an object`},
		"an item that is null":     {txn, `"payments": [],`, `"payments": [null],`, 257, "data[0].payments[0]", `must be an object, not null`},
		"details missing":          {events, `"details": {`, `"detail": {`, 7, "data[0].data.details", `is missing`},
		"event without a time":     {events, `"occurred_at": "2024-05-27T09:55:06.825325Z",`, ``, 3, "data[0].occurred_at", `is missing`},
		"event without data":       {events, `"occurred_at": "2024-05-27T09:55:06.825325Z",`, "\"occurred_at\": \"2024-05-27T09:55:06.825325Z\" } ,{", 3, "data[0].data", `is missing`},
		"deep inside an event":     {events, `"amount": "950"`, `"amount": "9.50"`, 161, "data[0].data.payments[0].amount", `must be a whole number of minor units that fits 64 bits, not "9.50"`},
		"country": {
			"buyers.json", `"country_code": "US"`, `"country_code": "USA"`, 11, "[0].country_code", `must be a country of ISO 3166-1, not "USA"`,
		},
		"action of an adjustment": {
			"adjustments.json", `"action": "refund"`, `"action": "gift"`, 5, "data[0].action",
			`must be one of chargeback, chargeback_reverse, chargeback_warning, chargeback_warning_reverse, credit, credit_reverse, refund, not "gift"`,
		},
		"a single entity":        {"transaction.json", `"origin": "api"`, `"origin": "moon"`, 9, "data.origin", `must be one of api, subscription_charge, subscription_payment_method_change, subscription_recurring, subscription_update, web, not "moon"`},
		"trailing garbage":       {"transaction.json", "\"request_id\": \"c7db9b4e-da8c-4b05-871b-f7f47264fd72\"\n\t}\n}", "\"request_id\": \"c\"\n\t}\n}\n]", 273, "", `is not JSON: invalid character ']' after top-level value`},
		"cut off":                {"buyers.json", "\n]\n", "\n\n\n", 99, "", `is not JSON: unexpected end of JSON input`},
		"a comma too many":       {customers, `"locale": "sv",`, `"locale": "sv",,`, 34, "", `is not JSON: invalid character ',' looking for beginning of object key string`},
		"a line break in a text": {customers, `"Noah Lindqvist"`, "\"Noah\nLindqvist\"", 31, "", `is not JSON: invalid character '\n' in string literal`},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", c.file))
			require.NoError(t, err)
			require.Contains(t, string(data), c.old)
			changed := strings.Replace(string(data), c.old, c.new, 1)
			checkBroken(t, c.file, changed, c.line, c.field, c.reason)
			// Windows' line ends and a byte order mark move nothing.
			if !strings.Contains(c.new, "\n") {
				checkBroken(t, c.file, "\xef\xbb\xbf"+strings.ReplaceAll(changed, "\n", "\r\n"), c.line, c.field, c.reason)
			}
		})
	}
}

func TestFilesOfNoShape(t *testing.T) {
	const shapes = "has none of Paddle's shapes: a list or an object under data, an event, or an entity with an id"
	for text, c := range map[string]brokenCase{
		"":                               {line: 1, reason: "is not JSON: unexpected end of JSON input"},
		"\n\n":                           {line: 1, reason: "is not JSON: unexpected end of JSON input"},
		"id,email\n1,a@b.example\n":      {line: 1, reason: "is not JSON: invalid character 'i' looking for beginning of value"},
		"null":                           {line: 1, field: "the whole file", reason: "must be an object, not null"},
		`"data"`:                         {line: 1, field: "the whole file", reason: "must be an object, not a string"},
		"\n {}":                          {line: 2, field: "the whole file", reason: shapes},
		`{"meta": {}}`:                   {line: 1, field: "the whole file", reason: shapes},
		"{\n\"data\": null}":             {line: 2, field: "data", reason: "must be a list or an object, not null"},
		`{"data": "ctm_1"}`:              {line: 1, field: "data", reason: "must be a list or an object, not a string"},
		"{\"data\": [\n1]}":              {line: 2, field: "data[0]", reason: "must be an object, not a number"},
		"[\n[]]":                         {line: 2, field: "[0]", reason: "must be an object, not a list"},
		`[{"name": "x"}]`:                {line: 1, field: "[0].id", reason: "is missing"},
		`{"data": [], "data": []}`:       {line: 1, field: "data", reason: "stands twice in one object"},
		"{\"error\":\n{\"code\": \"\"}}": {line: 2, field: "error", reason: "says that this is a refusal of Paddle's API, not data"},
		`{"event_id": "evt_1", "occurred_at": "2024-01-01T00:00:00Z"}`:             {line: 1, field: "data", reason: "is missing"},
		`{"event_id": "evt_1", "occurred_at": "2024-01-01T00:00:00Z", "data": []}`: {line: 1, field: "data", reason: "must be an object, not a list"},
		`{"event_id": "txn_1", "occurred_at": "2024-01-01T00:00:00Z", "data": {}}`: {line: 1, field: "event_id", reason: "must be an id beginning with evt_"},
		`{"id": "ntf_1", "payload": 1}`:                                            {line: 1, field: "payload", reason: "must be an object, not a number"},
		strings.Repeat("[", 20000) + strings.Repeat("]", 20000):                    {line: 1, reason: "is not JSON: invalid character '[' exceeded max depth"},
	} {
		t.Run("", func(t *testing.T) { checkBroken(t, "f", text, c.line, c.field, c.reason) })
	}
}

func checkBroken(t *testing.T, file, text string, line int, field, reason string) {
	batch, err := paddle.Parse(file, []byte(text))
	var broken *paddle.BrokenFile
	require.ErrorAs(t, err, &broken)
	assert.Equal(t, paddle.BrokenFile{File: file, Line: line, Field: field, Reason: reason}, *broken)
	assert.Equal(t, billing.ImportBatch{}, batch, "nothing of a broken file comes out")
	assert.NotContains(t, err.Error(), "amelia@", "messages repeat nobody's address")
}

func TestEmptyFilesAreFine(t *testing.T) {
	for _, text := range []string{`{"data": []}`, `[]`, `{"data": [], "meta": {"request_id": "x"}}`, `{"data": {"id": "rep_1"}}`, `{"id": "ntf_1", "payload": null}`, "\xef\xbb\xbf[]"} {
		_, err := paddle.Parse("f", []byte(text))
		require.NoError(t, err, text)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range testFiles(f) {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(data)
	}
	for _, seed := range []string{"", "[]", `{"data":{"id":"txn_1"}}`, `{"event_id":"evt_1","data":{}}`, `[{"id":"sub_1","items":[{}]}]`, "\xef\xbb\xbf{}", `{"a":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		batch, err := paddle.Parse("fuzz", data)
		if err == nil {
			return
		}
		require.Equal(t, billing.ImportBatch{}, batch)
		var broken *paddle.BrokenFile
		if !errors.As(err, &broken) {
			t.Fatalf("not a BrokenFile: %v", err)
		}
		require.Positive(t, broken.Line)
		require.NotEmpty(t, broken.Reason)
		require.LessOrEqual(t, broken.Line, 1+strings.Count(string(data), "\n"))
	})
}
