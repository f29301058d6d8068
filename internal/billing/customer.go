package billing

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// Address is a postal address. Country is empty when it is not known.
type Address struct {
	Line1      string
	Line2      string
	City       string
	Region     string
	PostalCode string
	Country    foyer.Country
}

// Empty tells whether nothing of the address is known.
func (a Address) Empty() bool { return a == Address{} }

// Customer is somebody who pays a merchant. One person with one address at two merchants is two customers.
type Customer struct {
	ID         foyer.CustomerID
	Merchant   foyer.MerchantID
	ExternalID string
	// Email is the address as it was given; EmailKey(Email) is what identifies the customer within the merchant.
	Email string
	Name  string
	// Locale is a BCP 47 tag, empty when the customer has not chosen.
	Locale  string
	Company string
	TaxID   string
	Address Address
	// Archived customers can't sign in.
	Archived  bool
	CreatedAt time.Time
	UpdatedAt time.Time
	// Version counts the changes; the ETag of the API is made of it.
	Version int64
}

// maxEmailLength is the longest address SMTP can carry (RFC 5321 §4.5.3.1.3, less the angle brackets).
const maxEmailLength = 254

// ValidEmail tells whether s is exactly one plain addr-spec (RFC 5322 §3.4.1): no display name, no comment, no list, no
// quoted local part, no address literal. A list would send the link to a second person (CVE-2022-35924), a quoted local
// part is read differently by different mail servers (CVE-2025-59937).
func ValidEmail(s string) bool {
	if len(s) > maxEmailLength || !utf8.ValidString(s) || !foyer.CleanText(s, false) {
		return false
	}
	if strings.ContainsAny(s, " \t\",;:<>()[]\\") || strings.Count(s, "@") != 1 {
		return false
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || parsed.Name != "" {
		return false
	}
	local, domain, _ := strings.Cut(s, "@")
	if len(local) > 64 || !strings.Contains(domain, ".") {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			// A domain may be internationalised (RFC 6531); of ASCII it has letters, digits and hyphens only.
			if r < utf8.RuneSelf && !isAlphanumeric(byte(r)) && r != '-' {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// EmailKey is the form of an address that identifies a customer within a merchant: the case of ASCII letters does not
// count, nothing else is folded. Unicode's own folding would merge look-alikes (the Kelvin sign becomes k).
func EmailKey(email string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, email)
}

// CustomerChange is what a customer may change about themselves. A nil field stays as it is; a pointer to an empty
// string clears.
type CustomerChange struct {
	Name    *string
	Locale  *string
	Company *string
	TaxID   *string
	Address *AddressChange
}

// AddressChange changes single fields of an address; Clear empties all of it first.
type AddressChange struct {
	Clear      bool
	Line1      *string
	Line2      *string
	City       *string
	Region     *string
	PostalCode *string
	Country    *string
}

// The longest texts a customer may keep, in characters.
const (
	maxNameLength    = 200
	maxTaxIDLength   = 64
	maxAddressLength = 200
)

// Change returns the customer with the change applied, or a refusal that names every field at fault. Where nothing is
// different afterwards the version stays, so that nobody's If-Match fails for nothing.
func (c Customer) Change(change CustomerChange, now time.Time) (Customer, error) {
	before := c
	var faults []foyer.FieldError
	set := func(pointer string, target *string, value *string, limit int) {
		if value == nil {
			return
		}
		text := strings.TrimSpace(*value)
		switch {
		case !foyer.CleanText(text, false):
			faults = append(faults, foyer.FieldError{Pointer: pointer, Code: "input.text_characters"})
		case utf8.RuneCountInString(text) > limit:
			faults = append(faults, foyer.FieldError{Pointer: pointer, Code: "input.too_long", Params: map[string]any{"Max": limit}})
		default:
			*target = text
		}
	}
	set("/name", &c.Name, change.Name, maxNameLength)
	set("/locale", &c.Locale, change.Locale, 35)
	set("/company", &c.Company, change.Company, maxNameLength)
	set("/tax_id", &c.TaxID, change.TaxID, maxTaxIDLength)
	if a := change.Address; a != nil {
		if a.Clear {
			c.Address = Address{}
		}
		set("/address/line1", &c.Address.Line1, a.Line1, maxAddressLength)
		set("/address/line2", &c.Address.Line2, a.Line2, maxAddressLength)
		set("/address/city", &c.Address.City, a.City, maxAddressLength)
		set("/address/region", &c.Address.Region, a.Region, maxAddressLength)
		set("/address/postal_code", &c.Address.PostalCode, a.PostalCode, 20)
		if a.Country != nil {
			country := foyer.Country(*a.Country)
			if *a.Country != "" && !country.Valid() {
				faults = append(faults, foyer.FieldError{Pointer: "/address/country", Code: "input.country"})
			} else {
				c.Address.Country = country
			}
		}
	}
	if err := foyer.InvalidFields(faults...); err != nil {
		return Customer{}, err
	}
	if c == before {
		return c, nil
	}
	c.UpdatedAt = foyer.Micro(now)
	c.Version++
	return c, nil
}
