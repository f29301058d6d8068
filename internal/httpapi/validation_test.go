package httpapi_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/api"
	"foyer/internal/foyertest"
	"foyer/internal/i18n"
)

// fullBodies has, for each operation with a body, every field filled in, in bodies the operation could take.
var fullBodies = map[string][]string{
	"requestSignIn": {`{"email":"stranger@mailbox.test","code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","code_challenge_method":"S256",
		"locale":"de","target":{"kind":"payment","id":"pay_01kb3v5q8r9s0t1v2w3x4y5z6a"}}`},
	"submitCancellationNotice": {`{"name":"A Stranger","email":"stranger@mailbox.test","contract":"Test plan","kind":"extraordinary","reason":"It never worked.",
		"end_at":"2027-06-30T00:00:00Z"}`},
	"submitWithdrawalNotice": {`{"name":"A Stranger","email":"stranger@mailbox.test","contract":"Test plan"}`},
	"verifySignIn": {
		`{"token":"abc","code_verifier":"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}`, `{"sign_in_id":"sgn_01kb3v5q8r9s0t1v2w3x4y5z6a","code":"ABCD-EFGH"}`,
	},
	"exchangePortalSession": {`{"ticket":"abc"}`},
	"requestEmailChange":    {`{"email":"mia@new.test"}`},
	"verifyEmailChange":     {`{"token":"abc"}`},
	"refreshSession":        {`{"refresh_token":"abc"}`},
	"addPaymentMethod": {`{"setup_id":"pms_01kb3v5q8r9s0t1v2w3x4y5z6a","replaces":"paymtd_01kb3v5q8r9s0t1v2w3x4y5z6a","default":true,
		"subscription_id":"sub_01kb3v5q8r9s0t1v2w3x4y5z6a"}`},
	"answerSurvey":                 {`{"reason":"other","liked":"support","comment":"I only used it twice."}`},
	"acceptOffer":                  {`{"offer_id":"ofr_01kb3v5q8r9s0t1v2w3x4y5z6a"}`},
	"updatePaymentMethod":          {`{"default":true,"billing_name":"Mia Reyes"}`},
	"payPayment":                   {`{"payment_method_id":"paymtd_01kb3v5q8r9s0t1v2w3x4y5z6a"}`},
	"setSubscriptionPaymentMethod": {`{"payment_method_id":"paymtd_01kb3v5q8r9s0t1v2w3x4y5z6a"}`},
	"pauseSubscription":            {`{"effective":"period_end","resume_at":"2099-01-01T00:00:00Z"}`},
	"resumeSubscription":           {`{"billing":"continue_period"}`},
	"previewSubscriptionChange":    {`{"items":[{"price_id":"pri_01kb3v5q8r9s0t1v2w3x4y5z6a","quantity":1}]}`},
	"changeSubscription":           {`{"items":[{"price_id":"pri_01kb3v5q8r9s0t1v2w3x4y5z6a","quantity":1}]}`},
	"startCancellation":            {`{"confirm":true,"effective":"immediately"}`},
	"confirmCancellation":          {`{"effective":"immediately"}`},
	"createWithdrawal":             {`{"confirm":true}`},
	"receiveGatewayWebhook":        {`{"id":"msg_1","type":"charge.updated"}`},
	"reviseInvoice":                {`{"name":"Mia","company":"Mia Ltd","tax_id":"DE123456789","line1":"Street 1","line2":"Floor 2","city":"Dublin","region":"Leinster"}`},
	"createDownloadLink":           {`{"disposition":"inline","locale":"de"}`},
	"updateMe": {`{"name":"Mia","locale":"en","company":"Mia Ltd","tax_id":"IE1","address":{"line1":"1 Test Street","line2":"Back","city":"Dublin",
		"region":"D","postal_code":"D01","country":"IE"}}`},
}

// hostile are values for a string field, as JSON. Threats #9, #63, #64.
var hostile = map[string]string{
	"NUL": `"a\u0000b"`, "NUL alone": `"\u0000"`, "invalid UTF-8": "\"a\xffb\"", "overlong": "\"\xc0\xaf\"", "surrogate in UTF-8": "\"\xed\xa0\x80\"",
	"lone surrogate": `"\ud800"`, "swapped surrogates": `"\udc00\ud800"`, "10 kB": `"` + strings.Repeat("x", 10_000) + `"`,
	"right to left": `"مريم"`, "bidi override": `"a\u202eb"`, "bidi isolate": `"\u2066b"`, "emoji": `"👩‍👩‍👧"`, "astral": `"𝄞"`,
	"control": `"a\u0007b"`, "newline": `"a\r\nBcc: v@x.test"`, "delete": `"a\u007f"`, "C1": `"a\u0085"`, "line separator": `"a\u2028b"`,
	"combining": `"Z\u0351\u036b\u0343\u036a\u0302a\u035b"`, "decomposed": `"Mu\u0308ller"`, "noncharacter": `"\uffff"`, "BOM": `"\ufeffa"`,
	"number": `1`, "float": `1.5`, "huge": `1e400`, "boolean": `true`, "null": `null`, "array": `["a"]`, "object": `{"a":1}`, "empty": `""`, "blank": `" "`,
	"SQL": `"' OR 1=1--"`, "SQL time": `"1;select pg_sleep(5)--"`, "template": `"{{.Secret}}${7*7}"`, "markup": `"<script>alert(1)</script>"`, "long emoji": `"` + strings.Repeat("😀", 120) + `"`,
}

// stringFields returns the JSON pointers of every string field of a schema.
func stringFields(schema *openapi3.Schema, at string) []string {
	var out []string
	if schema.Type.Is(openapi3.TypeString) {
		out = append(out, at)
	}
	for _, part := range schema.AllOf {
		out = append(out, stringFields(part.Value, at)...)
	}
	for name, property := range schema.Properties {
		out = append(out, stringFields(property.Value, at+"/"+name)...)
	}
	return out
}

// replaced returns the body with one field's value replaced by raw JSON: the first of the bodies that has the field.
func replaced(t *testing.T, bodies []string, pointer, value string) []byte {
	t.Helper()
	require.NotEmpty(t, bodies, "fullBodies lacks %s", pointer)
	var document map[string]any
	require.NoError(t, json.Unmarshal([]byte(bodies[0]), &document))
	node, parts := document, strings.Split(pointer[1:], "/")
	for _, part := range parts[:len(parts)-1] {
		node, _ = node[part].(map[string]any)
	}
	if _, has := node[parts[len(parts)-1]]; !has {
		return replaced(t, bodies[1:], pointer, value)
	}
	node[parts[len(parts)-1]] = "@@"
	text, err := json.Marshal(document)
	require.NoError(t, err)
	return []byte(strings.Replace(string(text), `"@@"`, value, 1))
}

// refusal checks that an answer that is no success is one a client can work with, in English and German.
func refusal(t *testing.T, a *foyertest.Answer, about string) {
	t.Helper()
	assert.Less(t, a.Status, http.StatusInternalServerError, about)
	assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), about)
	keys := []string{"problem." + a.Text("code")}
	for i := range a.Len("errors") {
		keys = append(keys, "field."+a.Text(fmt.Sprintf("errors.%d.code", i)))
		assert.NotNil(t, a.At(fmt.Sprintf("errors.%d.pointer", i)), about)
	}
	spokenInEnglishAndGerman(t, keys...)
	assert.Equal(t, a.Header.Get("X-Request-Id"), a.Text("request_id"), about)
}

func spokenInEnglishAndGerman(t *testing.T, keys ...string) {
	t.Helper()
	german, _ := i18n.Parse("de")
	for _, key := range keys {
		in, auf := i18n.English.Text(key, map[string]any{"Count": 1}), german.Text(key, map[string]any{"Count": 1})
		assert.NotEqual(t, key, in, "no English text")
		assert.NotEqual(t, in, auf, "%s has no German text", key)
	}
}

// Threats #9, #63, #64: whatever stands in a string field, the answer is a clean one, and what is accepted is kept.
func TestEveryStringFieldTakesOrRefusesEveryValueCleanly(t *testing.T) {
	t.Parallel()
	spec, err := api.Spec()
	require.NoError(t, err)
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		seen := 0
		for _, o := range foyertest.CustomerOperations() {
			body := spec.Paths.Value(o.Path).GetOperation(o.Method).RequestBody
			if body == nil {
				continue
			}
			full, ok := fullBodies[o.ID]
			require.True(t, ok, "give %s a body in fullBodies", o.ID)
			for _, field := range stringFields(body.Value.Content.Get("application/json").Schema.Value, "") {
				for name, value := range hostile {
					seen++
					about := fmt.Sprintf("%s %s = %s", o.ID, field, name)
					answer := s.asMia.Raw(o.Method, at(o, s.own[parameter(o)]), replaced(t, full, field, value), "Content-Type", "application/json", idempotencyKey, rand.Text())
					if answer.Status >= http.StatusBadRequest {
						refusal(t, answer, about)
						continue
					}
					if o.ID == "updateMe" {
						kept := s.asMia.Get("/v1/me").Must(http.StatusOK).At(strings.ReplaceAll(field[1:], "/", "."))
						var sent any
						require.NoError(t, json.Unmarshal([]byte(value), &sent))
						if text, ok := sent.(string); ok {
							sent = strings.TrimSpace(text)
						}
						if sent == "" {
							sent = nil
						}
						assert.Equal(t, sent, kept, about)
					}
				}
			}
		}
		assert.Greater(t, seen, 300)
		assert.Empty(t, wentWrong(a), "inside")
	})
}

// wentWrong returns what an app logged as errors.
func wentWrong(a *foyertest.App) []string {
	var out []string
	for line := range strings.SplitSeq(a.Log.String(), "\n") {
		if strings.Contains(line, `"level":"ERROR"`) {
			out = append(out, line)
		}
	}
	return out
}

// queryValues are tried on every query parameter, escaped.
var queryValues = []string{
	"", "%00", "%ff", "a%00b", "%ED%A0%80", "%E2%80%AE", "%F0%9F%92%A3", "null", "undefined", "-1", "0", "101", "1e9", "abc", "1.5", "99999999999999999999",
	"%2B5", "0x10", "NaN", "true", "TRUE", "1", "[]", "%5B%22a%22%5D", "completed,", ",", "completed,nonsense", "2026-02-30T00:00:00Z", "2026-01-01",
	"0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00.123456789%2B23:59", "2026-01-01T00:00:60Z", "-0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
	"%27%20OR%201%3D1--", "1)or(1=1", "id%3Bselect%20pg_sleep(5)", "%27%3B%20DROP%20TABLE%20payments--", "1%20UNION%20SELECT%20*%20FROM%20customers",
	"created_at%20desc", "%22", "%5C", "..%2F..%2Fetc%2Fpasswd", "%0d%0aSet-Cookie:%20a=b", "%zz",
}

// Threats #62, #63, #64, #66: the same for every query parameter.
func TestEveryQueryParameterTakesOrRefusesEveryValueCleanly(t *testing.T) {
	t.Parallel()
	spec, err := api.Spec()
	require.NoError(t, err)
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		slowest := time.Duration(0)
		for _, o := range foyertest.CustomerOperations() {
			if o.Method != http.MethodGet {
				continue // what writes has the locale only, and would have to be undone
			}
			path := at(o, s.own[parameter(o)])
			for _, p := range spec.Paths.Value(o.Path).GetOperation(o.Method).Parameters {
				if p.Value.In != openapi3.ParameterInQuery {
					continue
				}
				name := p.Value.Name
				for _, value := range append(slices.Clone(queryValues), strings.Repeat("a", 10_000)) {
					about := fmt.Sprintf("%s?%s=%.60s", o.ID, name, value)
					started := time.Now()
					answer := s.asMia.Get(path + "?" + name + "=" + value)
					slowest = max(slowest, time.Since(started))
					if answer.Status != http.StatusOK {
						assert.Equal(t, http.StatusBadRequest, answer.Status, "%s: %s", about, answer.Body)
						refusal(t, answer, about)
					}
				}
				twice := s.asMia.Get(path + "?" + name + "=en&" + name + "=de")
				twice.Must(http.StatusBadRequest)
				s.asMia.Get(path+"?"+strings.ToUpper(name)+"=en").Refused(http.StatusBadRequest, "query.invalid")
			}
			s.asMia.Get(path+"?order_by=id").Refused(http.StatusBadRequest, "query.invalid")
			s.asMia.Get(path+"?a=1;b=2").Refused(http.StatusBadRequest, "query.invalid")
		}
		assert.Less(t, slowest, 4*time.Second, "nothing that was sent slept in the database")
		assert.Empty(t, wentWrong(a), "inside")
	})
}

func TestAQueryProblemNamesTheParameterAndTheRule(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	for query, want := range map[string][2]string{
		"limit=0": {"limit", "input.minimum"}, "limit=-1": {"limit", "input.minimum"}, "limit=101": {"limit", "input.maximum"}, "limit=1000000000": {"limit", "input.maximum"},
		"limit=abc": {"limit", "input.format"}, "limit=1.5": {"limit", "input.format"}, "limit=": {"limit", "input.format"}, "status=nonsense": {"status", "input.enum"},
		"from=yesterday": {"from", "input.date"}, "from=2026-02-30T00:00:00Z": {"from", "input.date"}, "include_zero=maybe": {"include_zero", "input.format"},
		"subscription_id=x": {"subscription_id", "input.pattern"}, "locale=e": {"locale", "input.locale"}, "nonsense=1": {"nonsense", "input.unknown"},
	} {
		answer := s.asMia.Get("/v1/payments?"+query).Refused(http.StatusBadRequest, "query.invalid")
		assert.Equal(t, want, [2]string{answer.Text("errors.0.pointer"), answer.Text("errors.0.code")}, query)
	}
	several := s.asMia.Get("/v1/payments?limit=0&status=nonsense&from=yesterday").Refused(http.StatusBadRequest, "query.invalid")
	var pointers []string
	for i := range several.Len("errors") {
		pointers = append(pointers, several.Text(fmt.Sprintf("errors.%d.pointer", i)))
	}
	assert.ElementsMatch(t, []string{"limit", "status", "from"}, pointers, "all at once")
	s.asMia.Get("/v1/payments?limit=1&limit=2").Refused(http.StatusBadRequest, "query.duplicate")
	for _, o := range foyertest.CustomerOperations() {
		if strings.HasPrefix(o.ID, "list") {
			for _, limit := range []string{"0", "-1", "101", "1000000000", "1e9", "abc", "1.5"} {
				s.asMia.Get(o.Path+"?limit="+limit).Refused(http.StatusBadRequest, "query.invalid")
			}
			s.asMia.Get(o.Path + "?limit=1").Must(http.StatusOK)
			s.asMia.Get(o.Path + "?limit=100").Must(http.StatusOK)
		}
	}
}

// faults lists the pointers of a refusal with their codes.
func faults(a *foyertest.Answer) map[string]string {
	out := map[string]string{}
	for i := range a.Len("errors") {
		out[a.Text(fmt.Sprintf("errors.%d.pointer", i))] = a.Text(fmt.Sprintf("errors.%d.code", i))
	}
	return out
}

func TestAllFaultsOfABodyAreToldAtOnce(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	tooLong := strings.Repeat("x", 201)
	broken := s.asMia.Patch("/v1/me", map[string]any{"name": tooLong, "tax_id": 5, "address": map[string]any{"city": tooLong, "country": "DEU"}})
	assert.Equal(t, map[string]string{
		"/name": "input.too_long", "/tax_id": "input.type", "/address/city": "input.too_long", "/address/country": "input.too_long",
	}, faults(broken.Refused(http.StatusUnprocessableEntity, "input.invalid")))
	rules := s.asMia.Patch("/v1/me", map[string]any{"name": "a\u202eb", "locale": "no such", "company": "\a", "address": map[string]any{"city": "\x7f", "country": "XX"}})
	assert.Equal(t, map[string]string{
		"/name": "input.text_characters", "/locale": "input.locale", "/company": "input.text_characters",
		"/address/city": "input.text_characters", "/address/country": "input.country",
	}, faults(rules.Refused(http.StatusUnprocessableEntity, "input.invalid")))
	keys := s.asMia.Patch("/v1/me", map[string]any{"Name": "x", "zip": 1, "name": 5, "address": map[string]any{"a/b~c": 1, "CITY": "x"}})
	assert.Equal(t, map[string]string{
		"/Name": "input.unknown", "/zip": "input.unknown", "/name": "input.type", "/address/a~1b~0c": "input.unknown", "/address/CITY": "input.unknown",
	}, faults(keys.Refused(http.StatusBadRequest, "json.unknown_field")))
	assert.Contains(t, keys.Text("detail"), "“Name”")
	nothing := a.Client(t).Post("/v1/portals/"+s.own["portal_id"]+"/sign-ins", map[string]any{})
	assert.Equal(t, map[string]string{"/email": "input.required"}, faults(nothing.Refused(http.StatusUnprocessableEntity, "input.invalid")))
	short := a.Client(t).Post("/v1/portals/"+s.own["portal_id"]+"/sign-ins", map[string]any{"email": "a@b.test", "locale": "d"})
	assert.Contains(t, short.Refused(http.StatusUnprocessableEntity, "input.invalid").Text("errors.0.detail"), "2")
	many := map[string]any{}
	for i := range 4000 {
		many[fmt.Sprintf("k%d", i)] = 1
	}
	assert.LessOrEqual(t, s.asMia.Patch("/v1/me", many).Refused(http.StatusBadRequest, "json.unknown_field").Len("errors"), 50)
}

// Threats #9, #10, #59, #61, #66: one reading of a body, or none.
func TestOnlyOneStrictJSONValueIsRead(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	before := string(s.asMia.Get("/v1/me").Body)
	const plain = "application/json"
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		header []string
	}{
		"unknown":                 {`{"name":"x","role":"admin"}`, 400, "json.unknown_field", nil},
		"differently cased":       {`{"Name":"x"}`, 400, "json.unknown_field", nil},
		"both cases":              {`{"name":"x","NAME":"y"}`, 400, "json.unknown_field", nil},
		"Kelvin sign":             {`{"loc\u212ale":"x"}`, 400, "json.unknown_field", nil},
		"long s":                  {`{"addre\u017f\u017f":null}`, 400, "json.unknown_field", nil},
		"twice":                   {`{"name":"x","name":"y"}`, 400, "json.duplicate_field", nil},
		"twice, escaped":          {`{"name":"x","\u006eame":"y"}`, 400, "json.duplicate_field", nil},
		"twice inside":            {`{"address":{"city":"x","city":"y"}}`, 400, "json.duplicate_field", nil},
		"prototype":               {`{"__proto__":{"name":"x"}}`, 400, "json.unknown_field", nil},
		"garbage behind":          {`{"name":"x"}x`, 400, "json.invalid", nil},
		"two values":              {`{"name":"x"}{"name":"y"}`, 400, "json.invalid", nil},
		"trailing comma":          {`{"name":"x",}`, 400, "json.invalid", nil},
		"comment":                 {`{"name":"x"/* */}`, 400, "json.invalid", nil},
		"single quotes":           {`{'name':'x'}`, 400, "json.invalid", nil},
		"cut off":                 {`{"name":"x"`, 400, "json.invalid", nil},
		"deep":                    {`{"name":` + strings.Repeat("[", 60_000), 400, "json.invalid", nil},
		"deep and closed":         {strings.Repeat(`{"address":`, 5000) + "1" + strings.Repeat("}", 5000), 400, "json.invalid", nil},
		"a number too large":      {`{"name":1e400}`, 400, "json.invalid", nil},
		"an array":                {`[{"name":"x"}]`, 422, "input.invalid", nil},
		"null":                    {`null`, 422, "input.invalid", nil},
		"a number":                {`5`, 422, "input.invalid", nil},
		"a string":                {`"name"`, 422, "input.invalid", nil},
		"nothing to change":       {`{}`, 422, "input.invalid", nil},
		"byte order mark":         {"\xef\xbb\xbf" + `{"name":"x"}`, 400, "json.invalid", nil},
		"UTF-16":                  {"\xff\xfe{\x00}\x00", 400, "json.invalid", nil},
		"empty":                   {"", 400, "body.required", nil},
		"blank":                   {" \n ", 400, "body.required", nil},
		"65,537 bytes":            {`{"name":"` + strings.Repeat("x", 65_537-11) + `"}`, 413, "body.too_large", nil},
		"100,000 keys":            {"{" + strings.Repeat(`"a":1,`, 100_000) + `"b":1}`, 413, "body.too_large", nil},
		"no media type":           {`{"name":"x"}`, 415, "media_type.unsupported", []string{"Content-Type", ""}},
		"a form":                  {`name=x`, 415, "media_type.unsupported", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"plain text":              {`{"name":"x"}`, 415, "media_type.unsupported", []string{"Content-Type", "text/plain"}},
		"XML":                     {`<name>x</name>`, 415, "media_type.unsupported", []string{"Content-Type", "application/xml"}},
		"multipart":               {`{"name":"x"}`, 415, "media_type.unsupported", []string{"Content-Type", "multipart/form-data; boundary=x"}},
		"a broken media type":     {`{"name":"x"}`, 415, "media_type.unsupported", []string{"Content-Type", "application/json; ="}},
		"two media types":         {`{"name":"x"}`, 415, "media_type.unsupported", []string{"Content-Type", "application/json, text/plain"}},
		"gzip":                    {"\x1f\x8b\x08", 415, "encoding.unsupported", []string{"Content-Type", plain, "Content-Encoding", "gzip"}},
		"brotli":                  {`{"name":"x"}`, 415, "encoding.unsupported", []string{"Content-Type", plain, "Content-Encoding", "br"}},
		"gzip twice":              {`{"name":"x"}`, 415, "encoding.unsupported", []string{"Content-Type", plain, "Content-Encoding", "identity, gzip"}},
		"a card number's fields":  {`{"card":{"number":"4242424242424242","cvc":"123"}}`, 400, "json.unknown_field", nil},
		"over-posting: id":        {`{"id":"ctm_01kb3v5q8r9s0t1v2w3x4y5z6a"}`, 400, "json.unknown_field", nil},
		"over-posting: email":     {`{"name":"x","email":"mallory@mailbox.test"}`, 400, "json.unknown_field", nil},
		"over-posting: created":   {`{"created_at":"2020-01-01T00:00:00Z"}`, 400, "json.unknown_field", nil},
		"over-posting: merchant":  {`{"merchant_id":"` + string(s.zenith.ID) + `"}`, 400, "json.unknown_field", nil},
		"over-posting: archived":  {`{"archived":false,"version":9,"balance":1,"role":"admin"}`, 400, "json.unknown_field", nil},
		"over-posting in address": {`{"address":{"id":"add_1"}}`, 400, "json.unknown_field", nil},
	} {
		header := c.header
		if header == nil {
			header = []string{"Content-Type", plain}
		}
		answer := s.asMia.Raw(http.MethodPatch, "/v1/me", []byte(c.body), header...)
		assert.Equal(t, fmt.Sprint(c.status, " ", c.code), fmt.Sprint(answer.Status, " ", answer.Text("code")), name)
		refusal(t, answer, name)
	}
	assert.Equal(t, before, string(s.asMia.Get("/v1/me").Body), "nothing was changed")
	for _, media := range []string{"application/json;charset=utf-8", "APPLICATION/JSON", "application/json ; charset=\"utf-8\""} {
		s.asMia.Raw(http.MethodPatch, "/v1/me", []byte(` {"name" : "Mia" } `), "Content-Type", media, "Content-Encoding", "identity").Must(http.StatusOK)
	}
	largest := `{"name":"x"` + strings.Repeat(" ", 65_536-12) + `}`
	s.asMia.Raw(http.MethodPatch, "/v1/me", []byte(largest), "Content-Type", plain).Must(http.StatusOK)
}

// An operation that takes no body is troubled by one only if it is too large, encoded, or an object with keys; one that reads, by none.
func TestABodyWhereNoneIsTaken(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	for _, path := range []string{"/v1/me", "/v1/payments", "/healthz"} {
		s.asMia.Raw(http.MethodGet, path, []byte(`{"id":"x"}`), "Content-Type", "application/x-www-form-urlencoded").Must(http.StatusOK)
		s.asMia.Raw(http.MethodGet, path, []byte("\x1f\x8b"), "Content-Encoding", "gzip").Must(http.StatusOK)
	}
	revoke := "/v1/sessions/" + s.own["session_id"]
	s.asMia.Raw(http.MethodDelete, revoke, []byte("\x1f\x8b"), "Content-Encoding", "gzip").Refused(http.StatusUnsupportedMediaType, "encoding.unsupported")
	s.asMia.Raw(http.MethodDelete, revoke, make([]byte, 65_537)).Refused(http.StatusRequestEntityTooLarge, "body.too_large")
	s.asMia.Raw(http.MethodDelete, revoke, []byte(`{"session_id":"x"}`), "Content-Type", "application/json").Refused(http.StatusBadRequest, "json.unknown_field")
	s.asMia.Raw(http.MethodDelete, revoke, []byte(`{}`), "Content-Type", "application/x-www-form-urlencoded").Must(http.StatusNoContent)
}

func TestTheOrderOfFaultsIsStable(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	want := ""
	for range 20 {
		answer := s.asMia.Patch("/v1/me", map[string]any{"b": 1, "a": 2, "name": 1, "tax_id": 1, "company": 1})
		got := strings.Join(slices.Sorted(maps.Keys(faults(answer))), " ") + answer.Text("detail") + answer.Text("errors.0.pointer") + answer.Text("errors.2.pointer")
		if want == "" {
			want = got
		}
		require.Equal(t, want, got)
	}
}
