package retention_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/i18n"
)

func TestAnOfferSaysItsNumbersInBothLanguages(t *testing.T) {
	t.Parallel()
	german := i18n.Locale{Tag: "de", Language: "de"}
	params := func(n int) map[string]any {
		return map[string]any{"Count": n, "Price": "7 €", "Later": "10 €", "Until": "U", "Date": "D", "Plan": "Pro", "Percent": "30 %"}
	}
	for _, row := range []struct {
		locale i18n.Locale
		key    string
		count  int
		want   string
	}{
		{i18n.English, "offer.discount.body", 1, "Your next payment is 7 €. From U you pay 10 € again."},
		{i18n.English, "offer.discount.body", 3, "Your next 3 payments are 7 € each. From U you pay 10 € again."},
		{german, "offer.discount.body", 3, "Ihre nächsten 3 Zahlungen betragen je 7 €. Ab dem U zahlen Sie wieder 10 €."},
		{german, "offer.discount.headline_percent", 3, "30 % Rabatt auf Pro"},
		{i18n.English, "offer.pause.body", 2, "Your subscription is paused from D for 2 billing periods, and nothing is charged. It resumes by itself on U; the payment due then is 10 €."},
		{german, "offer.trial_extension.headline", 1, "1 Tag länger testen"},
		{german, "offer.trial_extension.headline", 7, "7 Tage länger testen"},
	} {
		assert.Equal(t, row.want, row.locale.Text(row.key, params(row.count)))
	}
	for _, offer := range []string{"discount", "pause", "plan_change", "trial_extension", "contact", "custom"} {
		parts := []string{"accept", "decline"}
		if offer != "custom" { // whose title and text are the merchant's
			parts = append(parts, "headline", "body")
		}
		for _, part := range parts {
			key := "offer." + offer + "." + part
			assert.True(t, i18n.English.HasText(key), key)
			assert.NotContains(t, german.Text(key, params(2)), "…", "every placeholder of %s is one of the offer's", key)
		}
	}
}
