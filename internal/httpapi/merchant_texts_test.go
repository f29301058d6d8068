package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
)

// Threats #39, #63 and #76: what somebody may put into a text of a merchant's bodies is refused or kept as it is, and never
// breaks anything.
func TestTextsOfMerchantsBodies(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		customer := key.Post(customers, map[string]any{"email": "mia@mailbox.test", "address": map[string]any{"city": "Bonn"}}).Must(http.StatusCreated).Text("id")
		product := key.Post(products, map[string]any{"name": "Pro"}).Must(http.StatusCreated).Text("id")
		price := key.Post(prices, monthly(product)).Must(http.StatusCreated).Text("id")
		discount := key.Post(discounts, map[string]any{"type": "percent", "percent": "5"}).Must(http.StatusCreated).Text("id")
		addresses := customers + "/" + customer + "/addresses"
		address := key.Get(addresses).Text("data.0.id")
		method := key.Post(customers+"/"+customer+"/payment-methods", map[string]any{"gateway_token": "tok_4242"}).Must(http.StatusCreated).Text("id")
		n := 0
		bodies := []struct {
			verb, path string
			texts      []string
			with       func() map[string]any
		}{
			{http.MethodPost, customers, []string{"name", "locale", "company", "tax_id", "external_id", "email", "address/line1", "address/city", "address/postal_code", "address/country", "metadata/k"}, func() map[string]any {
				n++
				return map[string]any{"email": fmt.Sprintf("n%d@mailbox.test", n)}
			}},
			{http.MethodPatch, customers + "/" + customer, []string{"name", "locale", "company", "tax_id", "external_id", "email", "address/line2", "address/region", "metadata/k"}, nil},
			{http.MethodPost, addresses, []string{"line1", "line2", "city", "region", "postal_code", "country", "description", "external_id", "metadata/k"}, func() map[string]any {
				return map[string]any{"line1": "x"}
			}},
			{http.MethodPatch, addresses + "/" + address, []string{"line1", "line2", "city", "region", "postal_code", "country", "description", "external_id", "metadata/k"}, nil},
			{http.MethodPost, customers + "/" + customer + "/payment-methods", []string{"gateway_token"}, nil},
			{http.MethodPatch, customers + "/" + customer + "/payment-methods/" + method, []string{"billing_name"}, nil},
			{http.MethodPost, products, []string{"name", "description", "image_url", "external_id", "metadata/k"}, func() map[string]any { return map[string]any{"name": "x"} }},
			{http.MethodPatch, products + "/" + product, []string{"name", "description", "image_url", "external_id", "metadata/k"}, nil},
			{http.MethodPost, prices, []string{"product_id", "name", "description", "external_id", "metadata/k", "tax_rate", "tax_behavior", "unit_price/currency", "billing_cycle/interval"}, func() map[string]any { return monthly(product) }},
			{http.MethodPatch, prices + "/" + price, []string{"name", "description", "external_id", "metadata/k"}, nil},
			{http.MethodPost, discounts, []string{"type", "percent", "code", "description", "external_id", "metadata/k"}, func() map[string]any {
				return map[string]any{"type": "percent", "percent": "5"}
			}},
			{http.MethodPatch, discounts + "/" + discount, []string{"code", "description", "external_id", "metadata/k"}, nil},
		}
		// What may never be kept, in whatever field.
		bad := map[string]string{
			"NUL": `a\u0000b`, "lone surrogate": `a\ud800b`, "bidi override": `a\u202eb`, "isolate": `a\u2066b`, "line separator": `a\u2028b`, "escape": `a\u001bb`,
			"CRLF": `a\r\nBcc: v@x`, "10 kB": strings.Repeat("a", 10_000), "card number": "4242 4242-4242 4242", "noncharacter": `a\uffffb`,
		}
		// What may be somebody's name.
		odd := []string{`<img src=//x>`, `{{.}}`, `' OR 1=1--`, `日本`, `مرحبا`, `👩‍🚀`, `é`, `${7*7}`, `a\"b\\c`}
		for _, b := range bodies {
			for _, field := range b.texts {
				send := func(text string) int {
					body := map[string]any{}
					if b.with != nil {
						body = b.with()
					}
					outer, inner, nested := strings.Cut(field, "/")
					if nested {
						part, _ := body[outer].(map[string]any)
						if part == nil {
							part = map[string]any{}
						}
						part[inner] = "\x01"
						body[outer] = part
					} else {
						body[field] = "\x01"
					}
					raw := strings.Replace(encoded(t, body), `"\u0001"`, `"`+text+`"`, 1)
					return key.Raw(b.verb, b.path, []byte(raw), "Content-Type", "application/json").Status
				}
				for kind, text := range bad {
					status := send(text)
					assert.True(t, status >= 400 && status < 500, "%s in %s of %s %s: %d", kind, field, b.verb, b.path, status)
				}
				for _, text := range odd {
					assert.Less(t, send(text), 500, "%s in %s of %s %s", text, field, b.verb, b.path)
				}
			}
		}
		for name, metadata := range map[string]string{
			"card number as a name": `{"4242424242424242":"x"}`, "no name": `{"":"x"}`, "long name": `{"` + strings.Repeat("k", 41) + `":"x"}`, "NUL in a name": `{"a\u0000":"x"}`,
			"bidi in a name": `{"a\u202e":"x"}`, "number": `{"a":1}`, "null": `{"a":null}`, "nested": `{"a":{"b":"c"}}`, "long value": `{"a":"` + strings.Repeat("v", 501) + `"}`,
			"list": `["a"]`, "text": `"a"`, "51 entries": entries(51),
		} {
			status := key.Raw(http.MethodPatch, products+"/"+product, []byte(`{"metadata":`+metadata+`}`), "Content-Type", "application/json").Status
			assert.Equal(t, http.StatusUnprocessableEntity, status, name)
		}
		kept := key.Raw(http.MethodPatch, products+"/"+product, []byte(`{"metadata":`+entries(50)+`}`), "Content-Type", "application/json").Must(http.StatusOK)
		assert.Len(t, kept.At("metadata"), 50)
		multiline := key.Patch(products+"/"+product, map[string]any{"metadata": map[string]any{"note/1~": "two\nlines"}}).Must(http.StatusOK)
		assert.Equal(t, map[string]any{"note/1~": "two\nlines"}, multiline.At("metadata"))
	})
}

func entries(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"k%d":"%s"`, i, strings.Repeat("v", 500)))
	}
	return "{" + strings.Join(all, ",") + "}"
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}
