package billing

import (
	"strings"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// The longest texts, in characters. They are shown on documents, in mails and in lists.
const (
	maxNameLength        = 200
	maxTaxIDLength       = 64
	maxAddressLength     = 200
	maxPostalCodeLength  = 20
	maxLocaleLength      = 35
	maxExternalIDLength  = 200
	maxDescriptionLength = 1000
	maxURLLength         = 2048
)

// checks collects everything that is wrong with an input, so that all of it is told at once.
type checks struct {
	faults []foyer.FieldError
}

// refusal is Invalid with every field at fault; nil when there is none.
func (c *checks) refusal() error { return foyer.InvalidFields(c.faults...) }

func (c *checks) fault(pointer, code string) {
	c.faults = append(c.faults, foyer.FieldError{Pointer: pointer, Code: code})
}

// text sets target to the text a person typed, if one is given: trimmed, on one line, without anything that makes it read
// other than it is stored.
func (c *checks) text(pointer string, target, value *string, limit int) {
	c.set(pointer, target, value, limit, false)
}

// description is text that may have several lines.
func (c *checks) description(target, value *string) {
	c.set("/description", target, value, maxDescriptionLength, true)
}

func (c *checks) set(pointer string, target, value *string, limit int, multiline bool) {
	if value == nil {
		return
	}
	text := strings.TrimSpace(*value)
	switch {
	case !foyer.CleanText(text, multiline):
		c.fault(pointer, "input.text_characters")
	case utf8.RuneCountInString(text) > limit:
		c.faults = append(c.faults, foyer.FieldError{Pointer: pointer, Code: "input.too_long", Params: map[string]any{"Max": limit}})
	default:
		*target = text
	}
}

// required is text that may not be empty.
func (c *checks) required(pointer string, target, value *string, limit int) {
	if value != nil && strings.TrimSpace(*value) == "" {
		c.fault(pointer, "input.required")
		return
	}
	c.text(pointer, target, value, limit)
}

// metadata replaces all of a thing's metadata, if any are given.
func (c *checks) metadata(target, value *foyer.Metadata) {
	if value == nil {
		return
	}
	c.faults = append(c.faults, value.Faults("/metadata")...)
	*target = value.Kept()
}

// address applies a change of an address that stands at the pointer.
func (c *checks) address(pointer string, target *Address, change *AddressChange) {
	if change == nil {
		return
	}
	if change.Clear {
		*target = Address{}
	}
	c.text(pointer+"/line1", &target.Line1, change.Line1, maxAddressLength)
	c.text(pointer+"/line2", &target.Line2, change.Line2, maxAddressLength)
	c.text(pointer+"/city", &target.City, change.City, maxAddressLength)
	c.text(pointer+"/region", &target.Region, change.Region, maxAddressLength)
	c.text(pointer+"/postal_code", &target.PostalCode, change.PostalCode, maxPostalCodeLength)
	if change.Country != nil {
		country := foyer.Country(*change.Country)
		if country != "" && !country.Valid() {
			c.fault(pointer+"/country", "input.country")
		} else {
			target.Country = country
		}
	}
}
