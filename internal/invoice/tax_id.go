package invoice

import (
	"regexp"
	"strings"

	"foyer/internal/foyer"
)

// vatNumbers are the forms of VAT identification numbers by country, without the country's prefix: the EU's as the European Commission
// lists them for VIES (frequently asked questions, Q11), the others as their tax offices write them. Only the form is checked: whether a
// number is registered, the seller asks the register.
var vatNumbers = compiled(map[foyer.Country]string{
	"AT": `U\d{8}`, "BE": `[01]\d{9}`, "BG": `\d{9,10}`, "CY": `\d{8}[A-Z]`, "CZ": `\d{8,10}`, "DE": `\d{9}`, "DK": `\d{8}`, "EE": `\d{9}`,
	"ES": `[A-Z0-9]\d{7}[A-Z0-9]`, "FI": `\d{8}`, "FR": `[A-HJ-NP-Z0-9]{2}\d{9}`, "GR": `\d{9}`, "HR": `\d{11}`, "HU": `\d{8}`,
	"IE": `\d{7}[A-W][A-I]?|\d[A-Z0-9+*]\d{5}[A-W]`, "IT": `\d{11}|[A-Z0-9]{16}`, "LT": `\d{9}|\d{12}`, "LU": `\d{8}`, "LV": `\d{11}`, "MT": `\d{8}`,
	"NL": `[A-Z0-9+*]{9}B\d{2}`, "PL": `\d{10}`, "PT": `\d{9}`, "RO": `\d{2,10}`, "SE": `\d{12}`, "SI": `\d{8}`, "SK": `\d{10}`,
	"GB": `\d{9}|\d{12}|(GD|HA)\d{3}`, "CH": `E?\d{9}(MWST|TVA|IVA)?`, "NO": `\d{9}(MVA)?`, "AU": `\d{11}`,
})

// prefixes are those that are not the country's code: Greece's, Northern Ireland's.
var prefixes = map[foyer.Country]string{"GR": "EL"}

// other is what a number of any other country may be.
var otherTaxID = regexp.MustCompile(`^[A-Z0-9][A-Z0-9/&]{1,39}$`)

func compiled(forms map[foyer.Country]string) map[foyer.Country]*regexp.Regexp {
	out := map[foyer.Country]*regexp.Regexp{}
	for country, form := range forms {
		out[country] = regexp.MustCompile("^(" + form + ")$")
	}
	return out
}

// separators are what people write between the figures.
var separators = strings.NewReplacer(" ", "", ".", "", "-", "", "\u00a0", "")

// ValidTaxID tells whether a tax id is written as those of a country are, with the country's prefix or without.
func ValidTaxID(id string, country foyer.Country) bool {
	id = strings.ToUpper(separators.Replace(id))
	form := vatNumbers[country]
	if form == nil {
		return otherTaxID.MatchString(id)
	}
	prefix := string(country)
	if p := prefixes[country]; p != "" {
		prefix = p
	}
	if country == "GB" && strings.HasPrefix(id, "XI") { // a business of Northern Ireland
		prefix = "XI"
	}
	return form.MatchString(id) || form.MatchString(strings.TrimPrefix(id, prefix))
}
