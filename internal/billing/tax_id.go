package billing

import (
	"regexp"
	"strings"

	"foyer/internal/foyer"
)

// taxIDForm is how the tax IDs of a country are written: the prefixes they may stand behind, what follows, and, where the
// country publishes one, the check digit.
type taxIDForm struct {
	prefixes []string
	number   *regexp.Regexp
	check    func(number string) bool
}

// taxIDForms are the forms we have a source for. Those of the EU and of Northern Ireland (XI): the table of structures in the
// Commission's VIES FAQ (question 11, https://ec.europa.eu/taxation_customs/vies/#/faq), which names no check digits and says
// that the member states' algorithms are not published; GB: HMRC's manual VATREG and the same table before 2021; CH: eCH-0097
// (UID) and MWSTG Art. 26 (the suffix); NO: Brønnøysundregistrene, "Organisasjonsnummeret", check digit mod 11, and the MVA
// behind it; AU: Australian Business Register, "Format of the ABN", mod 89. Looked up 2026-11.
var taxIDForms = map[foyer.Country]taxIDForm{
	"AT": euForm("AT", `U\d{8}`),
	"BE": euForm("BE", `[01]\d{9}`),
	"BG": euForm("BG", `\d{9,10}`),
	"CY": euForm("CY", `\d{8}[A-Z]`),
	"CZ": euForm("CZ", `\d{8,10}`),
	"DE": euForm("DE", `\d{9}`),
	"DK": euForm("DK", `\d{8}`),
	"EE": euForm("EE", `\d{9}`),
	"ES": euForm("ES", `(?:[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z])`),
	"FI": euForm("FI", `\d{8}`),
	"FR": euForm("FR", `[A-HJ-NP-Z0-9]{2}\d{9}`),
	"GR": euForm("EL", `\d{9}`), // the prefix is not the country's code
	"HR": euForm("HR", `\d{11}`),
	"HU": euForm("HU", `\d{8}`),
	"IE": euForm("IE", `(?:\d[A-Z0-9+*]\d{5}[A-Z]|\d{7}[A-W][A-I])`),
	"IT": euForm("IT", `\d{11}`),
	"LT": euForm("LT", `(?:\d{9}|\d{12})`),
	"LU": euForm("LU", `\d{8}`),
	"LV": euForm("LV", `\d{11}`),
	"MC": euForm("FR", `[A-HJ-NP-Z0-9]{2}\d{9}`), // Monaco is French territory for VAT (Directive 2006/112/EC Art. 7)
	"MT": euForm("MT", `\d{8}`),
	"NL": euForm("NL", `[A-Z0-9+*]{9}B\d{2}`),
	"PL": euForm("PL", `\d{10}`),
	"PT": euForm("PT", `\d{9}`),
	"RO": euForm("RO", `\d{2,10}`),
	"SE": euForm("SE", `\d{12}`),
	"SI": euForm("SI", `\d{8}`),
	"SK": euForm("SK", `\d{10}`),
	"GB": {prefixes: []string{"GB", "XI"}, number: form(`(?:\d{9}|\d{12}|GD\d{3}|HA\d{3})`)},
	"CH": {prefixes: []string{"CHE"}, number: form(`\d{9}(?:MWST|TVA|IVA)?`), check: swissUID},
	"LI": {prefixes: []string{"CHE"}, number: form(`\d{9}(?:MWST|TVA|IVA)?|\d{5}`)}, // five digits: the old numbers of Liechtenstein
	"NO": {prefixes: []string{"NO"}, number: form(`\d{9}(?:MVA)?`), check: norwegianNumber},
	"AU": {prefixes: []string{"AU"}, number: form(`\d{11}`), check: australianNumber},
}

// euMembers are the member states of the EU as VAT knows them, with the prefixes of their numbers.
var euMembers = map[foyer.Country]string{
	"AT": "AT", "BE": "BE", "BG": "BG", "CY": "CY", "CZ": "CZ", "DE": "DE", "DK": "DK", "EE": "EE", "ES": "ES", "FI": "FI", "FR": "FR", "GR": "EL",
	"HR": "HR", "HU": "HU", "IE": "IE", "IT": "IT", "LT": "LT", "LU": "LU", "LV": "LV", "MC": "FR", "MT": "MT", "NL": "NL", "PL": "PL", "PT": "PT",
	"RO": "RO", "SE": "SE", "SI": "SI", "SK": "SK",
}

func euForm(prefix, number string) taxIDForm {
	return taxIDForm{prefixes: []string{prefix}, number: form(number)}
}

func form(number string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + number + `)$`) }

// anyTaxID is what a number of a country we have no form of must look like at least: it is a number of something.
var anyTaxID = regexp.MustCompile(`^[A-Z0-9+*]*\d[A-Z0-9+*]*$`)

// compactTaxID leaves out how people group a number.
func compactTaxID(id string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-/\u00a0\u2010\u2011\u202f", r) {
			return -1
		}
		return r
	}, id))
}

// SameTaxID tells whether two tax IDs differ in how they are written only.
func SameTaxID(a, b string) bool { return compactTaxID(a) == compactTaxID(b) }

// ValidTaxID tells whether a text can be a tax ID of somebody in the country: by form, and by check digit where the country
// publishes one; whether it was ever given to anybody, only the country knows. Who is in the EU may have a number of another
// member state, written with its prefix. Of a country we know no form of, anything with a digit in it can be one.
func ValidTaxID(country foyer.Country, id string) bool {
	number := compactTaxID(id)
	if own, known := taxIDForms[country]; known {
		if own.fits(number) {
			return true
		}
		if euMembers[country] == "" {
			return false
		}
		return euPrefixOf(number) != ""
	}
	return anyTaxID.MatchString(number)
}

func (f taxIDForm) fits(number string) bool {
	for _, prefix := range f.prefixes {
		if rest, found := strings.CutPrefix(number, prefix); found && f.fitsBare(rest) {
			return true
		}
	}
	return f.fitsBare(number)
}

func (f taxIDForm) fitsBare(number string) bool {
	return f.number.MatchString(number) && (f.check == nil || f.check(number))
}

// euPrefixOf is the prefix of a number in the form of one of the member states, written with it; empty when it is none.
func euPrefixOf(number string) string {
	for country, prefix := range euMembers {
		if rest, found := strings.CutPrefix(number, prefix); found && taxIDForms[country].fitsBare(rest) {
			return prefix
		}
	}
	return ""
}

// InEU tells whether a country is in the VAT territory of the EU, as far as a country's code tells.
func InEU(c foyer.Country) bool { return euMembers[c] != "" }

// OwesTaxItself tells whether somebody in one country with the tax ID owes the tax on what somebody in another one sells them:
// both are in the EU, in different member states, and the number is one for trade between them, of another state than the
// seller's (Directive 2006/112/EC Art. 44 and 196). That the number is in force, nobody here can ask.
func OwesTaxItself(seller, buyer foyer.Country, taxID string) bool {
	if !InEU(seller) || !InEU(buyer) || euMembers[seller] == euMembers[buyer] {
		return false
	}
	number := compactTaxID(taxID)
	prefix := euPrefixOf(number)
	if prefix == "" && taxIDForms[buyer].fitsBare(number) {
		prefix = euMembers[buyer]
	}
	return prefix != "" && prefix != euMembers[seller]
}

// weighed is the sum of the first digits, each times its weight.
func weighed(number string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(number[i]-'0') * w
	}
	return sum
}

func swissUID(number string) bool {
	return (11-weighed(number, 5, 4, 3, 2, 7, 6, 5, 4)%11)%11 == int(number[8]-'0')
}

func norwegianNumber(number string) bool {
	return (11-weighed(number, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == int(number[8]-'0')
}

func australianNumber(number string) bool {
	// One is taken from the first digit before weighing.
	return (weighed(number, 10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)-10)%89 == 0
}
