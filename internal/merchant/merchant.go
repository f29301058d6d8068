package merchant

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// Mode says whether a merchant moves real money.
type Mode string

// The modes of a merchant.
const (
	Sandbox Mode = "sandbox"
	Live    Mode = "live"
)

// Merchant is a tenant: a company that sells and runs its customer portal with Foyer.
type Merchant struct {
	ID        foyer.MerchantID
	Name      string
	Mode      Mode
	CreatedAt time.Time
	Portal    Portal
	// ClockOffset is how far the merchant's clock is ahead of the real one; 0 for live merchants.
	ClockOffset time.Duration
}

// Portal is what a merchant's customers see and may do.
type Portal struct {
	ID       foyer.PortalID
	Merchant foyer.MerchantID
	Settings Settings
	Version  int64
}

// Settings are the merchant's choices for its portal. The zero value is a portal that works.
type Settings struct {
	Name     string   `json:"name"`
	Branding Branding `json:"branding"`
	Seller   Seller   `json:"seller"`
	// FrontendURL is where mail links lead; empty means Foyer itself, which then explains how to set one.
	FrontendURL    string   `json:"frontend_url,omitempty"`
	AllowedOrigins []string `json:"allowed_origins,omitempty"`
	// ReturnURLs are where a customer may be led back to: addresses whose origin counts, or whole addresses of a mobile app.
	ReturnURLs []string `json:"return_urls,omitempty"`
	// DefaultLocale is used when neither the customer nor the request names a language; empty is English.
	DefaultLocale string   `json:"default_locale,omitempty"`
	Features      Features `json:"features"`
	// RequireDeviceBinding refuses sign-ins that were asked for without a code challenge.
	RequireDeviceBinding bool       `json:"require_device_binding,omitempty"`
	Legal                LegalLinks `json:"legal"`
	Dunning              Dunning    `json:"dunning"`
	// PlanPaths says to which prices a customer may change from a price; a price that is no key may be changed to every other
	// one of the merchant's. Empty allows everything.
	PlanPaths map[string][]string `json:"plan_paths,omitempty"`
}

// Dunning is how declined payments are collected: on which days after the first try, and what happens to the subscription
// when the last one fails ("cancel" or "pause"). Empty is the default of the billing engine.
type Dunning struct {
	Days []int  `json:"days,omitempty"`
	Then string `json:"then,omitempty"`
}

// Branding is how the merchant looks.
type Branding struct {
	LogoURL string `json:"logo_url,omitempty"`
	Color   string `json:"color,omitempty"`
}

// LegalLinks are the merchant's legal pages.
type LegalLinks struct {
	TermsURL   string `json:"terms_url,omitempty"`
	PrivacyURL string `json:"privacy_url,omitempty"`
	ImprintURL string `json:"imprint_url,omitempty"`
	SupportURL string `json:"support_url,omitempty"`
}

// Features says what customers may do by themselves. Cancelling is not among them: it can't be switched off.
type Features struct {
	PauseOff       bool `json:"pause_off,omitempty"`
	ChangeOff      bool `json:"change_off,omitempty"`
	EmailChangeOff bool `json:"email_change_off,omitempty"`
	RevisionsOff   bool `json:"revisions_off,omitempty"`
}

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

// New returns a merchant with a portal that works at once, or a refusal that names what is wrong with the settings.
func New(ids foyer.IDs, mode Mode, settings Settings, now time.Time) (Merchant, error) {
	if err := settings.Validate(); err != nil {
		return Merchant{}, err
	}
	if mode != Sandbox && mode != Live {
		return Merchant{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/mode", Code: "input.enum"})
	}
	m := Merchant{
		ID:        foyer.MerchantID(ids(foyer.PrefixMerchant)),
		Name:      settings.Name,
		Mode:      mode,
		CreatedAt: foyer.Micro(now),
	}
	m.Portal = Portal{ID: foyer.PortalID(ids(foyer.PrefixPortal)), Merchant: m.ID, Settings: settings, Version: 1}
	return m, nil
}

// Validate reports every setting that breaks a rule at once.
func (s Settings) Validate() error {
	var faults []foyer.FieldError
	fault := func(pointer, code string) { faults = append(faults, foyer.FieldError{Pointer: pointer, Code: code}) }
	if strings.TrimSpace(s.Name) == "" {
		fault("/name", "input.required")
	} else if !foyer.CleanText(s.Name, false) || utf8.RuneCountInString(s.Name) > 200 {
		fault("/name", "input.text_characters")
	}
	if s.FrontendURL != "" && !ValidFrontendURL(s.FrontendURL) {
		fault("/frontend_url", "input.frontend_url")
	}
	for _, o := range s.AllowedOrigins {
		if !ValidOrigin(o) {
			fault("/allowed_origins", "input.origin")
		}
	}
	for _, u := range s.ReturnURLs {
		if !ValidReturnURL(u) {
			fault("/return_urls", "input.return_url")
		}
	}
	if s.Seller.Address.Country != "" && !s.Seller.Address.Country.Valid() {
		fault("/seller/address/country", "input.country")
	}
	return foyer.InvalidFields(faults...)
}

// ValidOrigin tells whether s is exactly what a browser sends as Origin: scheme, host and, if it is not the default,
// port; lower case, nothing behind it. http is for loopback only.
func ValidOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != s || s != strings.ToLower(s) || strings.HasSuffix(u.Hostname(), ".") {
		return false
	}
	if (u.Scheme == "https" && u.Port() == "443") || (u.Scheme == "http" && u.Port() == "80") {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

// ValidFrontendURL tells whether s can be the base of links in mails: https, or http on loopback, or the custom scheme
// of a mobile app; no query, no fragment, no credentials.
func ValidFrontendURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || strings.ContainsAny(s, "?#\\ ") {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Hostname() != ""
	case "http":
		return loopback(u.Hostname())
	case "", "javascript", "data", "file", "vbscript", "blob":
		return false
	}
	return u.Host != "" && strings.Contains(u.Scheme, ".") // reverse-domain schemes only (RFC 8252 §7.1)
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
