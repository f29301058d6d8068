package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// mia returns a client of a customer who has nothing yet.
func mia(t *testing.T, a *foyertest.App, change ...func(*billing.Customer)) (*foyertest.Client, billing.Customer) {
	t.Helper()
	m := a.Merchant(t, "acme")
	c := a.Customer(t, m, "mia@mailbox.test", change...)
	return a.SignIn(t, m, c.Email), c
}

func TestUpdateMeTellsAbsentFromNullFromAValue(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, _ := mia(t, a)
		c.Patch("/v1/me", map[string]any{"company": "Mia Ltd", "tax_id": "IE1234567T"}).Must(http.StatusOK)
		part := c.Patch("/v1/me", map[string]any{"address": map[string]any{"city": "Cork", "line1": nil}}).Must(http.StatusOK)
		assert.Equal(t, map[string]any{"line1": nil, "line2": nil, "city": "Cork", "region": nil, "postal_code": "D01", "country": "IE"}, part.At("address"))
		assert.Equal(t, []any{"Mia Ltd", "IE1234567T", "Test Customer"}, []any{part.At("company"), part.At("tax_id"), part.At("name")}, "what is absent stays")
		cleared := c.Patch("/v1/me", map[string]any{"company": nil, "address": nil, "name": ""}).Must(http.StatusOK)
		assert.Equal(t, []any{nil, "IE1234567T", nil, nil}, []any{cleared.At("company"), cleared.At("tax_id"), cleared.At("name"), cleared.At("address")})
		assert.Equal(t, cleared.Body, c.Get("/v1/me").Must(http.StatusOK).Body, "the answer is what is read afterwards")
		anew := c.Patch("/v1/me", map[string]any{"address": map[string]any{"country": "DE"}}).Must(http.StatusOK)
		assert.Equal(t, "DE", anew.Text("address.country"))
		assert.Equal(t, "mia@mailbox.test", anew.Text("email"))
		trimmed := c.Patch("/v1/me", map[string]any{"name": "  Mia  "}).Must(http.StatusOK)
		assert.Equal(t, "Mia", trimmed.Text("name"))
		assert.Equal(t, "customer.updated", c.Get("/v1/me/activity").Must(http.StatusOK).Text("data.0.type"))
	})
}

func TestIfMatchLetsOnlyTheFirstOfTwoChangesThrough(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, _ := mia(t, a)
		tag := c.Get("/v1/me").Must(http.StatusOK).Header.Get("ETag")
		german := c.Get("/v1/me?locale=de").Must(http.StatusOK).Header.Get("ETag")
		change := map[string]any{"company": "First"}
		updated := c.Patch("/v1/me", change, "If-Match", tag).Must(http.StatusOK)
		assert.NotEqual(t, tag, updated.Header.Get("ETag"))
		assert.Equal(t, updated.Header.Get("ETag"), c.Get("/v1/me").Header.Get("ETag"))
		for _, stale := range []string{tag, german, "W/" + updated.Header.Get("ETag"), `"9999-x"`, `""`, `"abc"`, "3", `"-1-x"`, `"0-x"`, `"99999999999999999999-x"`, `"1`} {
			c.Patch("/v1/me", map[string]any{"company": "Second"}, "If-Match", stale).Refused(http.StatusPreconditionFailed, "precondition.failed")
		}
		assert.Equal(t, "First", c.Get("/v1/me").Text("company"))
		c.Patch("/v1/me", map[string]any{"company": "Third"}, "If-Match", "*").Must(http.StatusOK)
		c.Patch("/v1/me", map[string]any{"company": "Fourth"}).Must(http.StatusOK)
	})
}

func TestManyChangesAtOnceWithOneETagMakeOneChange(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, _ := mia(t, a)
		tag := c.Get("/v1/me").Must(http.StatusOK).Header.Get("ETag")
		statuses := together(20, func(i int) int {
			return c.Patch("/v1/me", map[string]any{"company": fmt.Sprint("Company ", i)}, "If-Match", tag).Status
		})
		assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: 19}, statuses)
	})
}

func TestNotModifiedOnEverySingleResource(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	for _, o := range foyertest.CustomerOperations() {
		if o.Method != http.MethodGet || strings.HasPrefix(o.ID, "list") || !strings.HasPrefix(o.Path, "/v1/") || strings.HasPrefix(o.ID, "export") {
			continue
		}
		path := at(o, s.own[parameter(o)])
		tag := s.asMia.Get(path).Must(http.StatusOK).Header.Get("ETag")
		require.NotEmpty(t, tag, o.ID)
		for _, header := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			unchanged := s.asMia.Get(path, "If-None-Match", header).Must(http.StatusNotModified)
			assert.Empty(t, unchanged.Body, o.ID)
			assert.Equal(t, tag, unchanged.Header.Get("ETag"), o.ID)
		}
		s.asMia.Get(path, "If-None-Match", `"x"`).Must(http.StatusOK)
	}
	payment := "/v1/payments/" + s.own["payment_id"]
	english := s.asMia.Get(payment).Header.Get("ETag")
	s.asMia.Get(payment+"?locale=de", "If-None-Match", english).Must(http.StatusOK)
}

func TestALocaleChosenActsAtOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, _ := mia(t, a)
		assert.Equal(t, "en", c.Get("/v1/me").Header.Get("Content-Language"))
		assert.Equal(t, "de", c.Patch("/v1/me", map[string]any{"locale": "de-AT"}).Must(http.StatusOK).Header.Get("Content-Language"))
		assert.Equal(t, "de-AT", c.Get("/v1/me").Text("locale"))
		german := c.Get("/v1/payments/pay_01kb3v5q8r9s0t1v2w3x4y5z6a").Refused(http.StatusNotFound, "not_found")
		assert.Equal(t, "Nicht gefunden", german.Text("title"))
		assert.Equal(t, "en", c.Patch("/v1/me?locale=en", map[string]any{"locale": "de"}).Must(http.StatusOK).Header.Get("Content-Language"))
		assert.Equal(t, "en", c.Patch("/v1/me", map[string]any{"locale": nil}).Must(http.StatusOK).Header.Get("Content-Language"))
		for _, wrong := range []string{"e", "no such", "de--AT", "1", strings.Repeat("a", 35), "de\u202e"} {
			refused := c.Patch("/v1/me", map[string]any{"locale": wrong}).Must(http.StatusUnprocessableEntity)
			assert.Equal(t, "/locale", refused.Text("errors.0.pointer"), wrong)
		}
	})
}

// paddleCountries are the 229 of paddle.md §5: ISO 3166-1 and XK without the 21 named there.
const (
	isoCountries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG " +
		"CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP " +
		"GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS " +
		"LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH " +
		"PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM " +
		"TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
	notPaddles = "AF AQ BY CD CF CU HT IR KP LY ML MM NI RU SD SO SS SY VE YE ZW"
)

func TestEveryCountryOfTheReferenceIsAccepted(t *testing.T) {
	t.Parallel()
	c, _ := mia(t, foyertest.New(t, "sqlite"))
	accepted := 0
	for _, country := range append(strings.Fields(isoCountries), "XK") {
		if strings.Contains(notPaddles, country) {
			continue
		}
		accepted++
		answer := c.Patch("/v1/me", map[string]any{"address": map[string]any{"country": country}}).Must(http.StatusOK)
		require.Equal(t, country, answer.Text("address.country"))
	}
	assert.Equal(t, 229, accepted)
	for _, wrong := range []string{"XX", "ZZ", "de", "D", "EU", "UK", "D ", " D", "É", "AN"} {
		c.Patch("/v1/me", map[string]any{"address": map[string]any{"country": wrong}}).Refused(http.StatusUnprocessableEntity, "input.invalid")
	}
}

func TestActivityIsToldInPlainWords(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, _ := mia(t, a)
		c.Patch("/v1/me", map[string]any{"company": "x"}).Must(http.StatusOK)
		var list *foyertest.Answer
		for range 100 { // the mail is recorded by the job that sends it
			if list = c.Get("/v1/me/activity?locale=de").Must(http.StatusOK); list.Len("data") >= 3 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		types := map[string]string{}
		for i := range list.Len("data") {
			types[list.Text(fmt.Sprintf("data.%d.type", i))] = list.Text(fmt.Sprintf("data.%d.text", i))
		}
		assert.Len(t, types, 3)
		for kind, text := range types {
			assert.NotContains(t, text, kind)
			assert.NotContains(t, text, "{{")
		}
		assert.NotContains(t, string(list.Body), "127.0.0.1", "an address is cut to its network")
		whole := list.IDs()
		var byOne []string
		for _, page := range pages(t, c, "/v1/me/activity?limit=1") {
			byOne = append(byOne, page...)
		}
		assert.Equal(t, whole, byOne)
	})
}
