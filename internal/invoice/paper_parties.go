package invoice

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// block is a party and what it is called.
type block struct {
	label string
	party Party
}

// parties sets two parties side by side; one of which nothing is known leaves its place to the other.
func (p *paper) parties(blocks ...block) {
	const boxWidth = (contentWidth - blockGap) / 2
	x, below := marginX, p.y
	for _, b := range blocks {
		if b.party.Empty() {
			continue
		}
		y := p.y
		for i, line := range p.partyLines(b) {
			says := p.paragraph(line.text, line.style, boxWidth, nameLimit, fewLines)
			p.set(says, x, y, boxWidth, start)
			y += says.height()
			if i == 0 {
				y += 0.8
			}
		}
		below = max(below, y)
		x += boxWidth + blockGap
	}
	if below > p.y {
		p.y = below + blockGap
	}
}

// partyLine is one line of a party's block.
type partyLine struct {
	text  string
	style style
}

// partyLines lists what a document says of a party: company above person, the address, then numbers and e-mail.
func (p *paper) partyLines(b block) []partyLine {
	lines := []partyLine{{b.label, labelStyle}}
	says := func(text string) {
		if text != "" {
			lines = append(lines, partyLine{text, bodyStyle})
		}
	}
	add := func(text string, st style) {
		if text != "" {
			lines = append(lines, partyLine{text, st.as(theirs)})
		}
	}
	who := b.party
	add(who.Company, strongStyle)
	if who.Company == "" {
		add(who.Name, strongStyle)
	} else if who.Name != who.Company {
		add(who.Name, bodyStyle)
	}
	add(who.Address.Line1, bodyStyle)
	add(who.Address.Line2, bodyStyle)
	add(cityLine(who.Address), bodyStyle)
	says(countryName(who.Address.Country, p.locale))
	add(who.Email, bodyStyle)
	if who.TaxID != "" {
		says(p.both("tax_id", nil) + ": " + p.code(who.TaxID, nameLimit))
	}
	if who.RegistrationNumber != "" {
		says(p.both("registration_number", nil) + ": " + p.code(who.RegistrationNumber, nameLimit))
	}
	return lines
}

// cityLast are countries whose addresses write the postal code after city and region; elsewhere it stands before.
const cityLast = "AU BD BR BS CA CO GB GG GI HK ID IE IM IN JE KE KY MX MY NG NZ PH PK PR SA SG TH TT TW UA UG US VE VN ZA"

// cityLine joins city, region and postal code in the order of the country.
func cityLine(a billing.Address) string {
	if a.Country != "" && strings.Contains(cityLast, string(a.Country)) {
		return joined(" ", joined(", ", a.City, a.Region), a.PostalCode)
	}
	return joined(", ", joined(" ", a.PostalCode, a.City), a.Region)
}

// countryName names a country in the language of the texts; a code without a name stays a code.
func countryName(c foyer.Country, locale i18n.Locale) string {
	region, err := language.ParseRegion(string(c))
	names := display.Regions(language.Make(locale.Language))
	if err != nil || names == nil {
		return string(c)
	}
	return first(names.Name(region), string(c))
}
