package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
)

// The law of the customer's place, whatever the merchant wishes: how many offers, the direct way out in every answer, the words of the
// buttons, the receipt.
func TestTheLawOfTheCustomersPlace(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		many := []any{}
		for i := range 5 {
			many = append(many, rule(fmt.Sprint("gift-", i), "custom", nil, object{"headline": object{"en": fmt.Sprint("Gift ", i)}}))
		}
		for i, c := range []struct {
			country, region, profile string
			offers                   int
			cancel, withdraw         any
		}{
			{"DE", "", "de", 1, "Verträge hier kündigen", "Vertrag widerrufen"},
			{"FR", "", "fr", 1, "Résilier votre contrat", "Renoncer au contrat ici"},
			{"AT", "", "eu", 1, nil, "Vertrag widerrufen"},
			{"GB", "", "uk", 2, nil, nil},
			{"US", "CA", "us_ca", 2, nil, nil},
			{"US", "NY", "us", 2, nil, nil},
			{"JP", "", "default", 2, nil, nil},
		} {
			one := l.next(t, foyertest.Email(i), func(m *billing.Customer) {
				m.Address.Country, m.Address.Region = foyer.Country(c.country), c.region
			})
			name := c.country + c.region
			for wish, most := range map[any]int{nil: c.offers, 10: c.offers, 1: 1, 0: 0} {
				legal := object{}
				if wish != nil {
					legal["max_offers"] = wish
				}
				l.decides(t, object{"offers": many, "legal": legal})
				explained := one.explained(t, object{})
				assert.EqualValues(t, most, explained.At("max_offers"), "%s, wished %v", name, wish)
				assert.Equal(t, c.profile, explained.Text("profile"))

				at := one.start(t)
				shown := 0
				seen := func() {
					assert.Equal(t, "/v1/cancellations/"+at.Text("id")+"/confirm", at.Text("actions.cancel_now.path"), "%s: cancel_now stands in every answer", name)
					assert.Equal(t, c.profile, at.Text("legal.profile"))
					assert.NotEmpty(t, at.Text("legal.labels.confirm"))
					assert.Equal(t, c.cancel, at.At("legal.statutory.cancel"), name)
					assert.Equal(t, c.withdraw, at.At("legal.statutory.withdraw"), name)
				}
				seen()
				for at = one.act(t, at, "answer").Must(http.StatusOK); at.At("offer") != nil; at = one.act(t, at, "decline_offer").Must(http.StatusOK) {
					shown++
					seen()
				}
				seen()
				assert.Equal(t, most, shown, "%s, wished %v", name, wish)
				done := one.act(t, at, "cancel_now").Must(http.StatusOK)
				assert.Equal(t, "scheduled", done.Text("state"))
				one.act(t, done, "receipt").Must(http.StatusOK)
				one.act(t, done, "keep").Must(http.StatusOK)
			}
			assert.Equal(t, 4, one.mailed(t)[billing.MailCancellationScheduled], "%s: each time it was confirmed by mail", name)
		}
	})
}
