package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

const retentionPath = "/v1/merchant/retention"

// toldFaults are the pointers and codes of a refused body.
func toldFaults(a *foyertest.Answer) (found []string) {
	for i := range a.Len("errors") {
		at := fmt.Sprint("errors.", i)
		found = append(found, a.Text(at+".pointer")+" "+a.Text(at+".code"))
	}
	slices.Sort(found)
	return found
}

// Everything a merchant can set, set.
func everySetting(l *leaver, small billing.Price) object {
	both := func(text string) object {
		return object{"en": text, "de": text + " (deutsch)", "pt-BR": text + " (br)"}
	}
	return object{
		"survey": object{
			"enabled": true, "comment": false,
			"reasons": []any{object{"id": "too_expensive"}, object{"id": "moving", "label": both("Moving")}},
			"liked":   []any{object{"id": "coffee", "label": both("Coffee")}, object{"id": "support"}},
		},
		"value_proposition": object{"headline": both("Sure?"), "body": both("So\nmuch"), "losses": []any{both("Archive"), both("Badge")}},
		"offers": []any{
			rule("stay", "discount", percentOff("12.5", 3), object{
				"enabled": false, "priority": -7, "headline": both("Stay"), "body": both("Please"),
				"when": object{
					"reasons": []any{"moving"}, "liked": []any{"coffee"}, "products": []any{l.price.Product}, "prices": []any{l.price.ID}, "countries": []any{"DE", "IE"},
					"statuses": []any{"active", "trialing"}, "tenure_days": object{"min": 1, "max": 900}, "amount": object{"currency": "EUR", "min": 1, "max": 99999},
					"accepted_before": object{"max": 2}, "declined": []any{"break"},
				},
				"limits":    object{"cooldown_days": 30, "per_customer": 2, "budget": object{"offers": 100, "amount": object{"amount": 50000, "currency": "EUR"}}},
				"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2036-01-01T00:00:00Z",
			}),
			rule("five", "discount", object{"type": "fixed", "amount": object{"amount": 500, "currency": "EUR"}}, object{
				"when": object{"prices": []any{l.price.ID}},
			}),
			rule("break", "pause", object{"periods": 12}),
			rule("small", "plan_change", object{"price_id": small.ID, "from_price_id": l.price.ID}),
			rule("longer", "trial_extension", object{"days": 90}),
			rule("talk", "contact", object{"kind": "meeting"}, object{"url": "https://acme.test/talk?x=1"}),
			rule("gift", "custom", nil, object{"url": "https://acme.test/gift", "headline": both("Gift"), "body": both("A mug")}),
		},
		"holdout": object{"percent": 12.34, "experiment": "autumn"}, "allow_immediate": false,
		"legal": object{"max_offers": 1, "withdrawal_days": 30, "login_free_exit": true}, "withdrawal": object{"refund": "pro_rata"},
	}
}

// contains fails the test where got lacks anything of want.
func contains(t *testing.T, at string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k, v := range w {
			contains(t, at+"/"+k, v, g[k])
		}
	case []any:
		g, _ := got.([]any)
		require.Len(t, g, len(w), at)
		for i := range w {
			contains(t, fmt.Sprint(at, "/", i), w[i], g[i])
		}
	default:
		assert.Equal(t, want, got, at)
	}
}

func TestSettingsGoRoundWhole(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		untouched := l.key.Get(retentionPath).Must(http.StatusOK)
		wanted := everySetting(l, a.Price(t, l.merchant, "Small", 999))
		put := l.key.Call(http.MethodPut, retentionPath, wanted, "If-Match", untouched.Header.Get("ETag")).Must(http.StatusOK)
		var plain any
		raw, err := json.Marshal(wanted)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &plain))
		contains(t, "", plain, put.JSON)
		got := l.key.Get(retentionPath).Must(http.StatusOK)
		assert.JSONEq(t, string(put.Body), string(got.Body))
		assert.Equal(t, put.Header.Get("ETag"), got.Header.Get("ETag"))
		l.key.Get(retentionPath, "If-None-Match", got.Header.Get("ETag")).Must(http.StatusNotModified)
		again := l.key.Call(http.MethodPut, retentionPath, got.JSON, "If-Match", got.Header.Get("ETag")).Must(http.StatusOK)
		assert.JSONEq(t, string(got.Body), string(again.Body), "sent back as it was shown, it is the same")

		l.key.Call(http.MethodPut, retentionPath, object{}, "If-Match", untouched.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
		assert.JSONEq(t, string(again.Body), string(l.key.Get(retentionPath).Body))
		emptied := l.key.Call(http.MethodPut, retentionPath, object{}, "If-Match", "*").Must(http.StatusOK)
		assert.JSONEq(t, string(untouched.Body), string(emptied.Body))
		spelled := l.key.Call(http.MethodPut, retentionPath, object{"value_proposition": object{"headline": object{"pt-br": "Certeza?"}}}).Must(http.StatusOK)
		assert.Equal(t, "Certeza?", spelled.Text("value_proposition.headline.pt-BR"))
		a.Key(t, l.merchant, "read").Call(http.MethodPut, retentionPath, object{}).Refused(http.StatusForbidden, "auth.permission")
	})
}

// Everything that is wrong with a set of rules is told at once, and nothing of it is kept.
func TestEveryFaultIsToldAndNothingIsKept(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		zenith := a.Merchant(t, "zenith")
		theirs := a.Price(t, zenith, "Theirs", 100)
		dear, once := a.Price(t, l.merchant, "Dear", 9999), a.Price(t, l.merchant, "Once", 1, func(p *billing.Price) { p.Cycle = nil })
		l.decides(t, everySetting(l, a.Price(t, l.merchant, "Small", 999)))
		before := l.key.Get(retentionPath)
		fixed := func(amount int64, currency string) object {
			return object{"type": "fixed", "amount": object{"amount": amount, "currency": currency}}
		}
		when := func(pairs ...any) object {
			w := object{}
			for i := 0; i < len(pairs); i += 2 {
				w[pairs[i].(string)] = pairs[i+1]
			}
			return object{"when": w}
		}
		stay := func(more ...object) object { return rule("stay", "discount", percentOff("30", 3), more...) }
		sure := object{"headline": object{"en": "Sure?"}}
		type row struct {
			rules []any
			want  []string
		}
		rows := map[string]row{
			"twice the same key":      {[]any{stay(), rule("stay", "pause", object{"periods": 1})}, []string{"/offers/1/key input.duplicate"}},
			"no terms":                {[]any{rule("stay", "discount", nil)}, []string{"/offers/0/discount input.required"}},
			"another type's terms":    {[]any{stay(object{"pause": object{"periods": 1}})}, []string{"/offers/0/pause retention.other_type"}},
			"a link of a discount":    {[]any{stay(object{"url": "https://acme.test"})}, []string{"/offers/0/url retention.other_type"}},
			"percent and amount":      {[]any{stay(object{"discount": object{"type": "percent", "percent": "5", "amount": object{"amount": 5, "currency": "EUR"}}})}, []string{"/offers/0/discount/amount retention.other_type", "/offers/0/discount/amount/amount retention.negative_price"}},
			"nothing off":             {[]any{rule("stay", "discount", percentOff("0", 1))}, []string{"/offers/0/discount/percent input.percent"}},
			"more than all off":       {[]any{rule("stay", "discount", percentOff("100.01", 1))}, []string{"/offers/0/discount/percent input.percent"}},
			"101 %":                   {[]any{rule("stay", "discount", percentOff("101", 1))}, []string{"/offers/0/discount/percent input.percent"}},
			"no percent":              {[]any{rule("stay", "discount", object{"type": "percent"})}, []string{"/offers/0/discount/percent input.percent"}},
			"no amount":               {[]any{rule("stay", "discount", object{"type": "fixed"})}, []string{"/offers/0/discount/amount input.required"}},
			"below nothing":           {[]any{rule("stay", "discount", fixed(2000, "EUR"), when("prices", []any{l.price.ID}))}, []string{"/offers/0/discount/amount/amount retention.negative_price"}},
			"below nothing, somebody": {[]any{rule("stay", "discount", fixed(2000, "EUR"))}, []string{"/offers/0/discount/amount/amount retention.negative_price"}},
			"below nothing, of two":   {[]any{rule("stay", "discount", fixed(2000, "EUR"), when("prices", []any{dear.ID, l.price.ID}))}, []string{"/offers/0/discount/amount/amount retention.negative_price"}},
			"below nothing, product":  {[]any{rule("stay", "discount", fixed(2000, "EUR"), when("products", []any{l.price.Product}))}, []string{"/offers/0/discount/amount/amount retention.negative_price"}},
			"unknown price":           {[]any{stay(when("prices", []any{theirs.ID, "pri_x"}))}, []string{"/offers/0/when/prices/0 input.unknown_reference", "/offers/0/when/prices/1 input.unknown_reference"}},
			"unknown product":         {[]any{stay(when("products", []any{theirs.Product}))}, []string{"/offers/0/when/products/0 input.unknown_reference"}},
			"unknown answers":         {[]any{stay(when("reasons", []any{"bored"}, "liked", []any{"tea"}))}, []string{"/offers/0/when/liked/0 retention.not_in_survey", "/offers/0/when/reasons/0 retention.not_in_survey"}},
			"unknown rule":            {[]any{stay(when("declined", []any{"nope"}))}, []string{"/offers/0/when/declined/0 input.unknown_reference"}},
			"declined itself":         {[]any{stay(when("declined", []any{"stay"}))}, []string{"/offers/0/when/declined/0 retention.contradiction"}},
			"no such country":         {[]any{stay(when("countries", []any{"XX"}))}, []string{"/offers/0/when/countries/0 input.country"}},
			"no such currency":        {[]any{stay(when("amount", object{"currency": "ABC"}))}, []string{"/offers/0/when/amount/currency input.currency"}},
			"more than at most":       {[]any{stay(when("tenure_days", object{"min": 9, "max": 8}, "amount", object{"currency": "EUR", "min": 2, "max": 1}, "accepted_before", object{"min": 1, "max": 0}))}, []string{"/offers/0/when/accepted_before retention.contradiction", "/offers/0/when/amount retention.contradiction", "/offers/0/when/tenure_days retention.contradiction"}},
			"over before it begins":   {[]any{stay(object{"starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z"})}, []string{"/offers/0/ends_at retention.contradiction"}},
			"a canceled one":          {[]any{stay(when("statuses", []any{"canceled"}))}, []string{"/offers/0/when/statuses/0 input.enum", "/offers/0/when/statuses/0 retention.contradiction"}},
			"a paused one's discount": {[]any{stay(when("statuses", []any{"paused"}))}, []string{"/offers/0/when/statuses/0 retention.contradiction"}},
			"a longer active trial":   {[]any{rule("longer", "trial_extension", object{"days": 5}, when("statuses", []any{"active"}))}, []string{"/offers/0/when/statuses/0 retention.contradiction"}},
			"other currencies":        {[]any{rule("stay", "discount", fixed(5, "USD"), when("amount", object{"currency": "EUR", "min": 500}))}, []string{"/offers/0/discount/amount/amount retention.negative_price", "/offers/0/when/amount/currency retention.contradiction"}},
			"a budget of nothing":     {[]any{rule("break", "pause", object{"periods": 1}, object{"limits": object{"budget": object{"amount": object{"amount": 5, "currency": "EUR"}}}})}, []string{"/offers/0/limits/budget/amount retention.budget_without_end"}},
			"a budget without end":    {[]any{rule("stay", "discount", percentOff("5", 0), when("amount", object{"currency": "EUR"}), object{"limits": object{"budget": object{"amount": object{"amount": 5, "currency": "EUR"}}}})}, []string{"/offers/0/limits/budget/amount retention.budget_without_end"}},
			"a budget in which money": {[]any{stay(object{"limits": object{"budget": object{"amount": object{"amount": 5, "currency": "EUR"}}}})}, []string{"/offers/0/limits/budget/amount/currency retention.contradiction"}},
			"nowhere to talk":         {[]any{rule("talk", "contact", object{"kind": "link"})}, []string{"/offers/0/url input.required"}},
			"a custom without words":  {[]any{rule("gift", "custom", nil)}, []string{"/offers/0/headline input.required"}},
			"unknown new price":       {[]any{rule("small", "plan_change", object{"price_id": theirs.ID})}, []string{"/offers/0/plan_change/price_id input.unknown_reference"}},
			"unknown old price":       {[]any{rule("small", "plan_change", object{"price_id": dear.ID, "from_price_id": "pri_x"})}, []string{"/offers/0/plan_change/from_price_id input.unknown_reference"}},
			"the same price":          {[]any{rule("small", "plan_change", object{"price_id": dear.ID, "from_price_id": dear.ID})}, []string{"/offers/0/plan_change/price_id retention.not_cheaper", "/offers/0/plan_change/price_id retention.same_price"}},
			"a dearer price":          {[]any{rule("small", "plan_change", object{"price_id": dear.ID, "from_price_id": l.price.ID})}, []string{"/offers/0/plan_change/price_id retention.not_cheaper"}},
			"a price paid once":       {[]any{rule("small", "plan_change", object{"price_id": once.ID})}, []string{"/offers/0/plan_change/price_id price.one_time"}},
			"words of no language":    {[]any{stay(object{"headline": object{"xx": "?", "en": "Stay"}, "body": object{"tlh": "?"}})}, []string{"/offers/0/body/tlh input.locale", "/offers/0/headline/xx input.locale"}},
			"hidden signs":            {[]any{stay(object{"headline": object{"en": "a\u202eb"}})}, []string{"/offers/0/headline/en input.text_characters"}},
		}
		for _, bad := range []string{"javascript:alert(1)", "http://acme.test", "https://", "acme.test", "//acme.test", "https://mia:pw@acme.test", "data:text/html,x", "https://acme.test/\nx"} {
			rows["link "+bad] = row{[]any{rule("gift", "custom", nil, sure, object{"url": bad})}, []string{"/offers/0/url input.url"}}
		}
		var all []any
		var want []string
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			c := rows[name]
			assert.Equal(t, c.want, toldFaults(l.key.Call(http.MethodPut, retentionPath, object{"offers": c.rules}).Refused(http.StatusUnprocessableEntity, "input.invalid")), name)
			if len(c.rules) == 1 && !strings.Contains(name, "itself") && len(all) < 45 {
				only := maps.Clone(c.rules[0].(object))
				only["key"] = fmt.Sprint("rule-", len(all))
				for _, fault := range c.want {
					want = append(want, strings.Replace(fault, "/offers/0/", fmt.Sprint("/offers/", len(all), "/"), 1))
				}
				all = append(all, only)
			}
		}
		slices.Sort(want)
		assert.Equal(t, want, toldFaults(l.key.Call(http.MethodPut, retentionPath, object{"offers": all}).Refused(http.StatusUnprocessableEntity, "input.invalid")), "all at once")
		for pointer, body := range map[string]object{
			"/survey/reasons/1/id":           {"survey": object{"reasons": []any{object{"id": "other"}, object{"id": "other"}}}},
			"/survey/reasons/0/label":        {"survey": object{"reasons": []any{object{"id": "mine"}}}},
			"/survey/liked/0/label/xx":       {"survey": object{"liked": []any{object{"id": "mine", "label": object{"xx": "?"}}}}},
			"/value_proposition/losses/0":    {"value_proposition": object{"losses": []any{object{}}}},
			"/offers/0/when/reasons":         {"survey": object{"enabled": false}, "offers": []any{stay(when("reasons", []any{"other"}))}},
			"/holdout/percent":               {"holdout": object{"percent": 91}},
			"/value_proposition/headline/zz": {"value_proposition": object{"headline": object{"zz": "?"}}},
			"/withdrawal/refund":             {"withdrawal": object{"refund": "half"}},
			"/offers/0/trial_extension/days": {"offers": []any{rule("longer", "trial_extension", object{"days": 91})}},
			"/offers/0/limits/per_customer":  {"offers": []any{stay(object{"limits": object{"per_customer": -1}})}},
			"/offers/0/headline/en":          {"offers": []any{stay(object{"headline": object{"en": ""}})}},
			"/offers/0/type":                 {"offers": []any{object{"key": "x", "type": "bribe"}}},
			"/offers/0/pause/periods":        {"offers": []any{rule("x", "pause", object{"periods": 0})}},
			"/offers/0/key":                  {"offers": []any{rule("Has Space", "pause", object{"periods": 1})}},
			"/offers/0/discount/periods":     {"offers": []any{rule("x", "discount", object{"type": "percent", "percent": "5", "periods": 0})}},
			"/offers/0/limits/budget":        {"offers": []any{stay(object{"limits": object{"budget": object{}}})}},
		} {
			refused := l.key.Call(http.MethodPut, retentionPath, body).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, pointer, refused.Text("errors.0.pointer"), "%s", refused.Body)
			assert.Equal(t, 1, refused.Len("errors"), "%s", refused.Body)
		}
		for _, nothing := range []object{
			{"cancel_off": true}, {"legal": object{"cancel_now_always": false}}, {"offers": []any{stay(when("keep_them", true))}},
		} {
			l.key.Call(http.MethodPut, retentionPath, nothing).Refused(http.StatusBadRequest, "json.unknown_field")
		}
		after := l.key.Get(retentionPath)
		assert.JSONEq(t, string(before.Body), string(after.Body), "nothing is kept")
		assert.Equal(t, before.Header.Get("ETag"), after.Header.Get("ETag"))
	})
}
