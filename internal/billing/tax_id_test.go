package billing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func TestTaxIDs(t *testing.T) {
	t.Parallel()
	valid := map[foyer.Country][]string{
		"AT": {"ATU12345678", "U12345678", "atu 1234 5678"},
		"AU": {"51 824 753 556", "AU51824753556"},
		"BE": {"BE0123456789", "BE 1123.456.789"},
		"BG": {"BG123456789", "BG1234567890"},
		"CH": {"CHE-116.281.710 MWST", "CHE116281710", "116.281.710 TVA"},
		"CY": {"CY12345678X"},
		"CZ": {"CZ12345678", "CZ1234567890"},
		"DE": {"DE123456789", "123456789", "DE 123 456 789", "FR12345678901", "ATU12345678"},
		"ES": {"ESX1234567X", "ESB12345678", "ES12345678Z"},
		"FR": {"FR12345678901", "FRXX123456789"},
		"GB": {"GB123456789", "GB 123 4567 89", "123456789012", "GBGD123", "GBHA599", "XI123456789"},
		"GR": {"EL123456789"},
		"IE": {"IE1234567X", "IE1X23456X", "IE1234567WA"},
		"IT": {"IT12345678901"},
		"LI": {"CHE116281710", "54321"},
		"LT": {"LT123456789", "LT123456789012"},
		"MC": {"FR12345678901"},
		"NL": {"NL123456789B01", "NL+12345678B99"},
		"NO": {"NO 974 760 673 MVA", "974760673"},
		"PL": {"PL1234567890", "123-456-78-90"},
		"RO": {"RO12", "RO1234567890"},
		"SE": {"SE123456789001"},
		"US": {"12-3456789", "A1"},
		"":   {"DE123456789", "7"},
	}
	for country, ids := range valid {
		for _, id := range ids {
			assert.True(t, billing.ValidTaxID(country, id), "%s: %s", country, id)
		}
	}
	invalid := map[foyer.Country][]string{
		"AT": {"", "AT12345678", "ATU1234567", "U123456789"},
		"AU": {"51 824 753 557", "5182475355"},
		"CH": {"CHE-116.281.711", "CHE11628171", "CHE116281710 VAT"},
		"DE": {"", "DE", "DE12345678", "DE1234567890", "DEI23456789", "none", "GB123456789", "DE123456789; DROP", "１２３４５６７８９"},
		"ES": {"ES123456789", "ESXX234567X"},
		"FR": {"FRO1123456789", "FRI1123456789", "FR1234567890"},
		"GB": {"GB12345678", "DE123456789"},
		"GR": {"GR123456789"},
		"NL": {"NL123456789C01", "NL123456789"},
		"NO": {"974760674", "NO974760673VAT"},
		"US": {"", "none", "n/a", "12_3"},
		"":   {"", "-", "tax id"},
	}
	for country, ids := range invalid {
		for _, id := range ids {
			assert.False(t, billing.ValidTaxID(country, id), "%s: %s", country, id)
		}
	}
}

func TestOwesTaxItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		why           string
		seller, buyer foyer.Country
		id            string
		want          bool
	}{
		{"a business in another member state", "DE", "FR", "FR12345678901", true},
		{"written without the prefix", "DE", "FR", "12345678901", true},
		{"its number is of a third member state", "DE", "FR", "ATU12345678", true},
		{"Greece's prefix is not its code", "DE", "GR", "EL123456789", true},
		{"in the same country", "DE", "DE", "DE123456789", false},
		{"with a number of the seller's country", "DE", "FR", "DE123456789", false},
		{"Monaco is France", "FR", "MC", "FR12345678901", false},
		{"outside the EU", "DE", "CH", "CHE116281710", false},
		{"from outside the EU", "CH", "DE", "DE123456789", false},
		{"no number", "DE", "FR", "", false},
		{"no such number", "DE", "FR", "FR1", false},
		{"nobody knows where", "DE", "", "FR12345678901", false},
	} {
		assert.Equal(t, c.want, billing.OwesTaxItself(c.seller, c.buyer, c.id), c.why)
	}
}
