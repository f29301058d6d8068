package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

func TestTheLanguageIsTheRequestsThenTheCustomersThenTheBrowsersThenThePortals(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		german := a.Merchant(t, "acme", func(s *merchant.Settings) { s.DefaultLocale = "de" })
		plain := a.Customer(t, german, "mia@mailbox.test")
		chosen := a.Customer(t, german, "noah@mailbox.test", func(c *billing.Customer) { c.Locale = "de" })
		a.Payment(t, plain, a.Clock.Now().Add(-time.Hour), 123456, "EUR", "")
		a.Payment(t, chosen, a.Clock.Now().Add(-time.Hour), 123456, "EUR", "")
		asPlain, asChosen := a.SignIn(t, german, "mia@mailbox.test"), a.SignIn(t, german, "noah@mailbox.test")
		for _, row := range []struct {
			name     string
			client   *foyertest.Client
			query    string
			accept   string
			language string
			display  string
			status   string
		}{
			{"the portal's default", asPlain, "", "", "de", "1.234,56 €", "Abgeschlossen"},
			{"the browser's", asPlain, "", "en", "en", "€1,234.56", "Completed"},
			{"the browser's best known", asPlain, "", "xx, tlh;q=0.9, en;q=0.5, de;q=0.7", "de", "1.234,56 €", "Abgeschlossen"},
			{"none known of the browser's", asPlain, "", "tlh, *", "de", "1.234,56 €", "Abgeschlossen"},
			{"the customer's", asChosen, "", "en", "de", "1.234,56 €", "Abgeschlossen"},
			{"the request's", asChosen, "?locale=en", "de", "en", "€1,234.56", "Completed"},
			{"French", asChosen, "?locale=fr", "", "fr", "1 234,56 €", i18n.Locale{Tag: "fr", Language: "fr"}.Text("payment.status.completed", nil)},
			{"a region of German", asPlain, "?locale=de-AT", "", "de", "1.234,56 €", "Abgeschlossen"},
			{"a language nobody has formats for is no wish", asPlain, "?locale=tlh", "en", "en", "€1,234.56", "Completed"},
			{"nor the only one", asPlain, "?locale=tlh", "", "de", "1.234,56 €", "Abgeschlossen"},
			{"letter case", asPlain, "?locale=EN", "", "en", "€1,234.56", "Completed"},
		} {
			answer := row.client.Get("/v1/payments"+row.query, "Accept-Language", row.accept).Must(http.StatusOK)
			assert.Equal(t, row.language, answer.Header.Get("Content-Language"), row.name)
			shown := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(answer.Text("data.0.totals.subtotal.display"))
			assert.Equal(t, row.display, shown, row.name)
			assert.Equal(t, row.status, answer.Text("data.0.status_text"), row.name)
		}
		nobody := a.Client(t)
		assert.Equal(t, "de", nobody.Get("/v1/portals/"+string(german.Portal.ID)).Header.Get("Content-Language"), "the portal's, before anybody signed in")
		assert.Equal(t, "en", nobody.Get("/v1/portals/"+string(german.Portal.ID), "Accept-Language", "en-GB").Header.Get("Content-Language"))
		refused := nobody.Get("/v1/me", "Accept-Language", "de").Refused(http.StatusUnauthorized, "auth.required")
		assert.Equal(t, "de", refused.Header.Get("Content-Language"))
		assert.Equal(t, "Anmeldung erforderlich", refused.Text("title"))
		assert.Equal(t, "de", nobody.Get("/v1/nothing?locale=de").Refused(http.StatusNotFound, "route.not_found").Header.Get("Content-Language"))
	})
}

func TestAMalformedLocaleIsRefusedAndAHostileHeaderIsNot(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	c, _ := mia(t, a)
	for _, wrong := range []string{"e", "no%20such", "de--AT", "1", "%00", "%ff", "../de", "de%0d%0aX:%20y", strings.Repeat("a", 36), "%E2%80%AEed"} {
		refused := c.Get("/v1/me?locale="+wrong).Refused(http.StatusBadRequest, "query.invalid")
		assert.Equal(t, "locale", refused.Text("errors.0.pointer"), wrong)
	}
	c.Get("/v1/me?locale=").Refused(http.StatusBadRequest, "query.invalid")
	c.Get("/v1/me?locale=de&locale=en").Refused(http.StatusBadRequest, "query.duplicate")
	started := time.Now()
	for _, header := range []string{
		"\xff\xfe", "de;q=NaN", "de;q=1e400", ";;;,,,", strings.Repeat("de,", 4000), strings.Repeat("de-", 4000), "de;q=" + strings.Repeat("9", 9000), "en;q=-1, *;q=2", "'",
	} {
		assert.NotEmpty(t, c.Get("/v1/me", "Accept-Language", header).Must(http.StatusOK).Header.Get("Content-Language"))
	}
	assert.Less(t, time.Since(started), 2*time.Second)
}
