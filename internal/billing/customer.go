package billing

import (
	"net/mail"
	"reflect"
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
	// Address is what future documents show: the default one of the customer's addresses.
	Address  Address
	Metadata foyer.Metadata
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

// CustomerChange is what may be changed of a customer: by the customer themselves the first five. A nil field stays as it
// is; a pointer to an empty string clears.
type CustomerChange struct {
	Name    *string
	Locale  *string
	Company *string
	TaxID   *string
	Address *AddressChange

	// What only the merchant changes. Metadata replace all that were there.
	Email      *string
	ExternalID *string
	Metadata   *foyer.Metadata
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

// Change returns the customer with the change applied, or a refusal that names every field at fault. Where nothing is
// different afterwards the version stays, so that nobody's If-Match fails for nothing.
func (c Customer) Change(change CustomerChange, now time.Time) (Customer, error) {
	before := c
	var check checks
	check.text("/name", &c.Name, change.Name, maxNameLength)
	check.text("/locale", &c.Locale, change.Locale, maxLocaleLength)
	check.text("/company", &c.Company, change.Company, maxNameLength)
	check.text("/tax_id", &c.TaxID, change.TaxID, maxTaxIDLength)
	check.address("/address", &c.Address, change.Address)
	if change.Email != nil {
		if !ValidEmail(*change.Email) {
			check.fault("/email", "input.email")
		}
		c.Email = *change.Email
	}
	check.text("/external_id", &c.ExternalID, change.ExternalID, maxExternalIDLength)
	check.metadata(&c.Metadata, change.Metadata)
	if err := check.refusal(); err != nil {
		return Customer{}, err
	}
	if c.same(before) {
		return before, nil
	}
	return c.changed(now), nil
}

// same tells whether nothing of the customer is different.
func (c Customer) same(o Customer) bool { return reflect.DeepEqual(c, o) }

func (c Customer) changed(now time.Time) Customer {
	c.UpdatedAt = foyer.Micro(now)
	c.Version++
	return c
}

// Scope is whose things the customer's are.
func (c Customer) Scope() foyer.Scope { return foyer.Scope{Merchant: c.Merchant, Customer: c.ID} }
