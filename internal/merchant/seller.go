package merchant

import "foyer/internal/foyer"

// Seller is who issues the merchant's invoices.
type Seller struct {
	LegalName          string  `json:"legal_name,omitempty"`
	Address            Address `json:"address"`
	TaxID              string  `json:"tax_id,omitempty"`
	RegistrationNumber string  `json:"registration_number,omitempty"`
	Email              string  `json:"email,omitempty"`
	// Logo is a PNG or JPEG.
	Logo []byte `json:"logo,omitempty"`
}

// Address is the seller's postal address.
type Address struct {
	Line1      string        `json:"line1,omitempty"`
	Line2      string        `json:"line2,omitempty"`
	City       string        `json:"city,omitempty"`
	Region     string        `json:"region,omitempty"`
	PostalCode string        `json:"postal_code,omitempty"`
	Country    foyer.Country `json:"country,omitempty"`
}

// MissingForInvoices names what the seller lacks to issue invoices of its own (Art. 226 of the EU VAT directive:
// full name and address of the seller).
func (s Seller) MissingForInvoices() []string {
	var missing []string
	for _, f := range []struct{ name, value string }{
		{"legal_name", s.LegalName},
		{"address.line1", s.Address.Line1},
		{"address.city", s.Address.City},
		{"address.country", string(s.Address.Country)},
	} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	return missing
}
