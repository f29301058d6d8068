package merchant

import (
	"bytes"
	"image"
	_ "image/jpeg" // logos
	_ "image/png"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// Settings are the merchant's choices for its portal. The zero value is a portal that works.
type Settings struct {
	Name     string   `json:"name"`
	Branding Branding `json:"branding"`
	Seller   Seller   `json:"seller"`
	// FrontendURL is where mail links lead; empty means Foyer itself, which then explains how to set one.
	FrontendURL    string   `json:"frontend_url,omitempty"`
	AllowedOrigins []string `json:"allowed_origins,omitempty"`
	// ReturnURLs are where links into the portal may lead back to: a link's return URL must have the origin of one of them
	// or, for the custom scheme of an app, be one word for word.
	ReturnURLs []string `json:"return_urls,omitempty"`
	// Languages are those the portal speaks with customers, as BCP 47 tags; empty is every one there is.
	Languages []string `json:"languages,omitempty"`
	// DefaultLocale is used when neither the customer nor the request names a language; empty is English.
	DefaultLocale string   `json:"default_locale,omitempty"`
	Features      Features `json:"features"`
	// RequireDeviceBinding refuses sign-ins that were asked for without a code challenge.
	RequireDeviceBinding bool       `json:"require_device_binding,omitempty"`
	Legal                LegalLinks `json:"legal"`
	// MailSender is how the merchant's mails are signed.
	MailSender MailSender      `json:"mail_sender"`
	Dunning    Dunning         `json:"dunning"`
	Invoices   InvoiceSettings `json:"invoices"`
	// PlanPaths says to which prices a customer may change from a price; a price that is no key may be changed to every other
	// one of the merchant's. Empty allows everything.
	PlanPaths map[string][]string `json:"plan_paths,omitempty"`
}

// InvoiceSettings is what the merchant adds to its documents. Each document keeps what was set when it was issued.
type InvoiceSettings struct {
	// Footers stand at the foot of every page, Notes below the totals, by language (a BCP 47 tag as i18n writes it); "default" is
	// the one for every language that has none of its own.
	Footers map[string]string `json:"footers,omitempty"`
	Notes   map[string]string `json:"notes,omitempty"`
	// Bilingual sets the labels in English too, beside the reader's language.
	Bilingual bool `json:"bilingual,omitempty"`
	// Revisions is how often customers may correct their details on one invoice; nil is DefaultRevisions.
	Revisions *int `json:"revisions,omitempty"`
	// RefundTax gives the tax back when a business of another EU country tells its tax id after the purchase (reverse charge).
	RefundTax bool `json:"refund_tax,omitempty"`
}

// DefaultRevisions is how often customers may correct an invoice unless the merchant says otherwise: as often as at Paddle.
const DefaultRevisions = 1

// AnyLanguage is the key of a text for every language that has none of its own.
const AnyLanguage = "default"

// RevisionLimit is how often customers may correct their details on one invoice.
func (s InvoiceSettings) RevisionLimit() int {
	if s.Revisions == nil {
		return DefaultRevisions
	}
	return *s.Revisions
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
	// Texts are what the law wants said, by language: frontends show the one in the customer's.
	Texts map[string]string `json:"texts,omitempty"`
}

// Speaks tells whether the portal speaks a language with customers: it is among its languages, or it has not chosen any.
func (s Settings) Speaks(tag string) bool {
	return len(s.Languages) == 0 || slices.Contains(s.Languages, tag)
}

// Fallback is the language of whatever nothing better is known for: the portal's default, else English if it speaks that, else the first
// of its languages.
func (s Settings) Fallback() string {
	switch {
	case s.DefaultLocale != "":
		return s.DefaultLocale
	case s.Speaks("en"):
		return "en"
	}
	return s.Languages[0]
}

// MailSender is how the merchant's mails are signed.
type MailSender struct {
	// Name is shown as the sender; empty for the portal's name.
	Name string `json:"name,omitempty"`
	// ReplyTo is where answers go; empty for nowhere else than the sender's address.
	ReplyTo string `json:"reply_to,omitempty"`
	// Address is the mailbox the mails come from, of a domain the instance may send for; empty for the instance's own.
	Address string `json:"address,omitempty"`
}

// Features says what customers may do by themselves. Cancelling is not among them: it can't be switched off.
type Features struct {
	PauseOff       bool `json:"pause_off,omitempty"`
	ChangeOff      bool `json:"change_off,omitempty"`
	EmailChangeOff bool `json:"email_change_off,omitempty"`
	RevisionsOff   bool `json:"revisions_off,omitempty"`
	// QuantityOff lets customers change their plan and not how many of it they have; ChangeOff alone, the other way round.
	QuantityOff bool `json:"quantity_off,omitempty"`
}

// The bounds of settings.
const (
	maxName        = 200
	maxURLs        = 50
	maxURLLength   = 2048
	maxLegalText   = 5000
	maxInvoiceText = 2000
	maxRevisions   = 10
	maxPlanPaths   = 200
	maxDunningDays = 12
	longestDunning = 90
)

// Validate reports every setting that breaks a rule at once.
func (s Settings) Validate() error {
	v := &faults{}
	v.text("/name", s.Name, maxName, true)
	if s.Branding.LogoURL != "" && !validLink(s.Branding.LogoURL) {
		v.add("/branding/logo_url", "input.url", nil)
	}
	if s.Branding.Color != "" && !hexColor.MatchString(s.Branding.Color) {
		v.add("/branding/color", "input.color", nil)
	}
	if s.FrontendURL != "" && !ValidFrontendURL(s.FrontendURL) {
		v.add("/frontend_url", "input.frontend_url", nil)
	}
	v.list("/allowed_origins", s.AllowedOrigins, ValidOrigin, "input.origin")
	v.list("/return_urls", s.ReturnURLs, ValidReturnURL, "input.return_url")
	v.list("/languages", s.Languages, validLanguage, "input.locale")
	if s.DefaultLocale != "" && !validLanguage(s.DefaultLocale) {
		v.add("/default_locale", "input.locale", nil)
	} else if s.DefaultLocale != "" && !s.Speaks(s.DefaultLocale) {
		v.add("/default_locale", "input.locale_not_spoken", nil)
	}
	for _, link := range []struct{ pointer, url string }{
		{"/legal/terms_url", s.Legal.TermsURL},
		{"/legal/privacy_url", s.Legal.PrivacyURL},
		{"/legal/imprint_url", s.Legal.ImprintURL},
		{"/legal/support_url", s.Legal.SupportURL},
	} {
		if link.url != "" && !validLink(link.url) {
			v.add(link.pointer, "input.url", nil)
		}
	}
	v.texts("/legal/texts", s.Legal.Texts, maxLegalText)
	v.texts("/invoices/footers", s.Invoices.Footers, maxInvoiceText)
	v.texts("/invoices/notes", s.Invoices.Notes, maxInvoiceText)
	if limit := s.Invoices.RevisionLimit(); limit < 0 || limit > maxRevisions {
		v.add("/invoices/revisions", "input.maximum", map[string]any{"Max": maxRevisions})
	}
	v.text("/mail_sender/name", s.MailSender.Name, 100, false)
	if to := s.MailSender.ReplyTo; to != "" && !validMailbox(to) {
		v.add("/mail_sender/reply_to", "input.email", nil)
	}
	if from := s.MailSender.Address; from != "" && !validMailbox(from) {
		v.add("/mail_sender/address", "input.email", nil)
	}
	s.validateSeller(v)
	s.validateBilling(v)
	return foyer.InvalidFields(v.found...)
}

func (s Settings) validateSeller(v *faults) {
	seller := s.Seller
	for _, f := range []struct {
		pointer, text string
		limit         int
	}{
		{"/seller/legal_name", seller.LegalName, maxName},
		{"/seller/tax_id", seller.TaxID, 64},
		{"/seller/registration_number", seller.RegistrationNumber, 64},
		{"/seller/address/line1", seller.Address.Line1, maxName},
		{"/seller/address/line2", seller.Address.Line2, maxName},
		{"/seller/address/city", seller.Address.City, maxName},
		{"/seller/address/region", seller.Address.Region, maxName},
		{"/seller/address/postal_code", seller.Address.PostalCode, 20},
	} {
		v.text(f.pointer, f.text, f.limit, false)
	}
	if c := seller.Address.Country; c != "" && !c.Valid() {
		v.add("/seller/address/country", "input.country", nil)
	}
	if seller.Email != "" && !validMailbox(seller.Email) {
		v.add("/seller/email", "input.email", nil)
	}
}

func (s Settings) validateBilling(v *faults) {
	before := -1
	for _, day := range s.Dunning.Days {
		if day <= before || day > longestDunning {
			v.add("/dunning/days", "input.dunning_days", nil)
			break
		}
		before = day
	}
	if len(s.Dunning.Days) > maxDunningDays {
		v.add("/dunning/days", "input.too_many", map[string]any{"Max": maxDunningDays})
	}
	if then := s.Dunning.Then; then != "" && then != "cancel" && then != "pause" {
		v.add("/dunning/then", "input.enum", nil)
	}
	if len(s.PlanPaths) > maxPlanPaths {
		v.add("/plan_paths", "input.too_many", map[string]any{"Max": maxPlanPaths})
	}
	for from, to := range s.PlanPaths {
		if !foyer.ValidID(foyer.PrefixPrice, from) || len(to) > maxPlanPaths {
			v.add("/plan_paths", "input.unknown_reference", nil)
			continue
		}
		for _, price := range to {
			if !foyer.ValidID(foyer.PrefixPrice, price) {
				v.add("/plan_paths/"+from, "input.unknown_reference", nil)
				break
			}
		}
	}
}

// faults gathers what is wrong.
type faults struct{ found []foyer.FieldError }

func (v *faults) add(pointer, code string, params map[string]any) {
	v.found = append(v.found, foyer.FieldError{Pointer: pointer, Code: code, Params: params})
}

func (v *faults) text(pointer, text string, limit int, required bool) {
	switch {
	case required && strings.TrimSpace(text) == "":
		v.add(pointer, "input.required", nil)
	case !foyer.CleanText(text, false):
		v.add(pointer, "input.text_characters", nil)
	case utf8.RuneCountInString(text) > limit:
		v.add(pointer, "input.too_long", map[string]any{"Max": limit})
	}
}

// texts checks texts of several lines by language.
func (v *faults) texts(pointer string, byLanguage map[string]string, limit int) {
	for tag, text := range byLanguage {
		if !validLanguage(tag) && tag != AnyLanguage {
			v.add(pointer, "input.locale", nil)
		}
		if strings.TrimSpace(text) == "" {
			v.add(pointer+"/"+tag, "input.required", nil)
		} else if !foyer.CleanText(text, true) {
			v.add(pointer+"/"+tag, "input.text_characters", nil)
		} else if utf8.RuneCountInString(text) > limit {
			v.add(pointer+"/"+tag, "input.too_long", map[string]any{"Max": limit})
		}
	}
}

func (v *faults) list(pointer string, all []string, valid func(string) bool, code string) {
	if len(all) > maxURLs {
		v.add(pointer, "input.too_many", map[string]any{"Max": maxURLs})
	}
	for i, one := range all {
		if !valid(one) {
			v.add(pointer+"/"+strconv.Itoa(i), code, nil)
		}
	}
}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// language is the form of a BCP 47 tag; whether there are texts in it, i18n knows, and the edge asks it.
var language = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func validLanguage(tag string) bool { return len(tag) <= 35 && language.MatchString(tag) }

// validLink tells whether s can be shown as a link or a picture by a frontend: https, nothing hidden in it.
func validLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURLLength && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.Opaque == "" &&
		foyer.CleanText(s, false) && !strings.ContainsAny(s, "\\ \"<>")
}

// ValidLogo tells whether a picture can be drawn as a logo: its head alone is read, so that a small file that claims to be huge
// costs nothing (threat #48).
func ValidLogo(picture []byte) bool {
	config, format, err := image.DecodeConfig(bytes.NewReader(picture))
	return err == nil && (format == "png" || format == "jpeg") && config.Width <= 4000 && config.Height <= 4000
}

// validMailbox tells whether s is one plain address: it stands in headers of mails.
func validMailbox(s string) bool {
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s && len(s) <= 254 && foyer.CleanText(s, false) && !strings.ContainsAny(s, " \",;:<>()[]\\")
}

// ValidOrigin tells whether s is exactly what a browser sends as Origin: scheme, host and, if it is not the default,
// port; lower case, nothing behind it. http is for loopback only.
func ValidOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != s || s != strings.ToLower(s) || strings.HasSuffix(u.Hostname(), ".") {
		return false
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r == '*' || r > '~' }) {
		return false // no pattern, and browsers write other scripts' names as xn--…: neither would ever match
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
