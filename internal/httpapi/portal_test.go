package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/foyertest"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

func TestAPortalTellsAFrontendWhatItNeedsAndNothingElse(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme", func(s *merchant.Settings) {
			s.DefaultLocale, s.RequireDeviceBinding = "de-AT", true
			s.Features = merchant.Features{PauseOff: true, EmailChangeOff: true}
			s.Branding.Color, s.Legal.TermsURL = "#1f6f54", "https://acme.test/terms"
			s.Seller.Email, s.Seller.RegistrationNumber = "inside@acme.test", "HRB 1"
		})
		answer := a.Client(t).Get("/v1/portals/" + string(m.Portal.ID)).Must(http.StatusOK)
		assert.Equal(t, map[string]any{"cancel": true, "pause": false, "quantity": true, "change": true, "email_change": false, "revisions": true}, answer.At("features"))
		assert.Equal(t, []any{"acme", "#1f6f54", "https://acme.test/terms", nil, true, true, "sandbox"}, []any{
			answer.At("name"), answer.At("branding.color"), answer.At("legal.terms_url"), answer.At("legal.privacy_url"), answer.At("sandbox"),
			answer.At("device_binding_required"), answer.At("gateway.name"),
		})
		assert.Equal(t, "de", answer.Text("default_locale"))
		assert.Len(t, answer.At("languages"), len(i18n.Locales))
		assert.Subset(t, answer.At("translated_languages"), []any{"en", "de"})
		assert.Equal(t, []any{"ar"}, answer.At("right_to_left_languages"))
		for _, inside := range []string{string(m.ID), "fsk_", "inside@acme.test", "HRB 1", "allowed_origins", "DE123456789"} {
			assert.NotContains(t, string(answer.Body), inside)
		}
	})
}

// What a page shows before anybody has signed in: the words the visitor's law gives for the buttons, and where they lead.
func TestThePortalShowsTheExitsOfTheVisitorsCountry(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	path := "/v1/portals/" + string(m.Portal.ID)
	for query, want := range map[string][]any{
		"?country=DE":           {"de", true, float64(14), "Verträge hier kündigen", "jetzt kündigen", "Vertrag widerrufen"},
		"?country=FR":           {"fr", true, float64(14), "Résilier votre contrat", "Notification de la résiliation", "Renoncer au contrat ici"},
		"?country=AT&locale=en": {"eu", false, float64(14), nil, nil, "Vertrag widerrufen"},
		"?country=US&region=CA": {"us_ca", false, float64(0), nil, nil, nil},
		"":                      {"default", false, float64(0), nil, nil, nil},
	} {
		shown := a.Client(t).Get(path + query).Must(http.StatusOK)
		assert.Equal(t, want, []any{
			shown.At("exits.profile"), shown.At("exits.demanded"), shown.At("exits.withdrawal_days"), shown.At("exits.statutory.cancel"),
			shown.At("exits.statutory.confirm_cancel"), shown.At("exits.statutory.withdraw"),
		}, query)
		assert.NotEmpty(t, shown.Text("exits.labels.confirm_cancel"))
		receipt := a.Client(t).Post(shown.Text("exits.cancellation_notices"), map[string]any{"name": "Mia", "email": "mia@mailbox.test", "contract": "Plan"}).Must(http.StatusCreated)
		assert.NotEmpty(t, receipt.Text("receipt_url"))
	}
	a.Client(t).Get(path+"?country=xx").Refused(http.StatusBadRequest, "query.invalid")
}
