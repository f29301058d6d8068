package billing

import (
	"math/big"
	"net/url"
	"reflect"
	"strings"
	"time"

	"foyer/internal/foyer"
)

// ProductChange is what may be changed of a product. A nil field stays as it is; a pointer to an empty string clears.
type ProductChange struct {
	Name        *string
	Description *string
	ImageURL    *string
	ExternalID  *string
	Metadata    *foyer.Metadata
}

// Change returns the product with the change applied, or a refusal that names every field at fault.
func (p Product) Change(change ProductChange, now time.Time) (Product, error) {
	before := p
	var check checks
	check.required("/name", &p.Name, change.Name, maxNameLength)
	check.description(&p.Description, change.Description)
	check.text("/external_id", &p.ExternalID, change.ExternalID, maxExternalIDLength)
	check.metadata(&p.Metadata, change.Metadata)
	check.text("/image_url", &p.ImageURL, change.ImageURL, maxURLLength)
	if change.ImageURL != nil && p.ImageURL != "" && !shownURL(p.ImageURL) {
		check.fault("/image_url", "input.https_url")
	}
	if err := check.refusal(); err != nil {
		return Product{}, err
	}
	if reflect.DeepEqual(p, before) {
		return before, nil
	}
	p.UpdatedAt, p.Version = foyer.Micro(now), p.Version+1
	return p, nil
}

// shownURL tells whether a frontend may be told to load an address: https, a host, nobody's name and password, nothing a
// browser reads otherwise. Foyer itself never loads it.
func shownURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.Hostname() != "" && u.User == nil && u.Opaque == "" &&
		!strings.ContainsAny(text, "\\ \"<>`{}|^")
}

// Archive returns the product no longer sold.
func (p Product) Archive(now time.Time) Product {
	if !p.Archived {
		p.Archived, p.UpdatedAt, p.Version = true, foyer.Micro(now), p.Version+1
	}
	return p
}

// Quantity bounds how many of a price may be bought; 0 means no bound.
type Quantity struct {
	Min int64
	Max int64
}

// PriceChange is what may be changed of a price. What is paid is not among it: who subscribed did so to that. A nil field
// stays as it is; a pointer to an empty value clears.
type PriceChange struct {
	Name        *string
	Description *string
	Quantity    *Quantity
	ExternalID  *string
	Metadata    *foyer.Metadata
}

// Change returns the price with the change applied, or a refusal that names every field at fault.
func (p Price) Change(change PriceChange, now time.Time) (Price, error) {
	before := p
	var check checks
	p.describe(&check, change)
	if change.Quantity != nil { // what an import brought is nobody's mistake now
		check.faults = append(check.faults, p.quantityFaults()...)
	}
	if err := check.refusal(); err != nil {
		return Price{}, err
	}
	if reflect.DeepEqual(p, before) {
		return before, nil
	}
	p.UpdatedAt, p.Version = foyer.Micro(now), p.Version+1
	return p, nil
}

// describe sets what may be changed of a price.
func (p *Price) describe(check *checks, change PriceChange) {
	check.text("/name", &p.Name, change.Name, maxNameLength)
	check.description(&p.Description, change.Description)
	check.text("/external_id", &p.ExternalID, change.ExternalID, maxExternalIDLength)
	check.metadata(&p.Metadata, change.Metadata)
	if change.Quantity != nil {
		p.QuantityMin, p.QuantityMax = change.Quantity.Min, change.Quantity.Max
	}
}

func (p Price) quantityFaults() []foyer.FieldError {
	if p.QuantityMin < 0 || p.QuantityMin > MaxQuantity || p.QuantityMax < 0 || p.QuantityMax > MaxQuantity || p.QuantityMax > 0 && p.QuantityMin > p.QuantityMax {
		return []foyer.FieldError{{Pointer: "/quantity", Code: "input.quantity"}}
	}
	return nil
}

// Archive returns the price no longer sold.
func (p Price) Archive(now time.Time) Price {
	if !p.Archived {
		p.Archived, p.UpdatedAt, p.Version = true, foyer.Micro(now), p.Version+1
	}
	return p
}

// checked returns a new price with its texts as they are kept, or a refusal that names every field at fault: an unknown
// currency, an amount below zero or beyond what can be charged, a cycle, rate or bounds that make no sense.
func (p Price) checked() (Price, error) {
	var check checks
	p.describe(&check, PriceChange{Name: &p.Name, Description: &p.Description, ExternalID: &p.ExternalID, Metadata: &p.Metadata})
	if !p.UnitPrice.Currency.Valid() {
		check.fault("/unit_price/currency", "input.currency")
	}
	if p.UnitPrice.Amount < 0 || p.UnitPrice.Amount > MaxAmount {
		check.fault("/unit_price/amount", "input.invalid")
	}
	if p.Cycle != nil && !p.Cycle.Valid() {
		check.fault("/billing_cycle", "input.invalid")
	}
	if p.Trial != nil && (!p.Trial.Valid() || p.Cycle == nil) {
		check.fault("/trial", "input.invalid")
	}
	if rate, ok := p.TaxRate.Rat(); p.TaxRate != "" && (!ok || rate.Sign() < 0 || rate.Cmp(big.NewRat(1, 1)) > 0) {
		check.fault("/tax_rate", "input.invalid")
	}
	if p.TaxBehavior != "" && p.TaxBehavior != TaxExclusive && p.TaxBehavior != TaxInclusive {
		check.fault("/tax_behavior", "input.enum")
	}
	check.faults = append(check.faults, p.quantityFaults()...)
	if p.TaxRate == "" {
		p.TaxRate = "0"
	}
	if p.TaxBehavior == "" {
		p.TaxBehavior = TaxExclusive
	}
	return p, check.refusal()
}

// DiscountChange is what may be changed of a discount. A nil field stays as it is; a pointer to an empty string clears.
type DiscountChange struct {
	Description *string
	Code        *string
	ExternalID  *string
	Metadata    *foyer.Metadata
}

// Change returns the discount with the change applied, or a refusal that names every field at fault.
func (d Discount) Change(change DiscountChange, now time.Time) (Discount, error) {
	before := d
	var check checks
	d.describe(&check, change)
	if err := check.refusal(); err != nil {
		return Discount{}, err
	}
	if reflect.DeepEqual(d, before) {
		return before, nil
	}
	d.UpdatedAt, d.Version = foyer.Micro(now), d.Version+1
	return d, nil
}

// maxCodeLength bounds what a customer has to type.
const maxCodeLength = 64

func (d *Discount) describe(check *checks, change DiscountChange) {
	check.description(&d.Description, change.Description)
	check.text("/external_id", &d.ExternalID, change.ExternalID, maxExternalIDLength)
	check.metadata(&d.Metadata, change.Metadata)
	check.text("/code", &d.Code, change.Code, maxCodeLength)
	if change.Code != nil && d.Code != "" && !typeable(d.Code) {
		check.fault("/code", "input.pattern")
	}
}

// typeable tells whether a code has nothing but what is found on every keyboard and looks like nothing else.
func typeable(code string) bool {
	for i := range len(code) {
		if c := code[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// CodeKey is the form of a discount's code that makes it unique: the case of ASCII letters does not count.
func CodeKey(code string) string { return EmailKey(code) }

// Archive returns the discount no longer given.
func (d Discount) Archive(now time.Time) Discount {
	if !d.Archived {
		d.Archived, d.UpdatedAt, d.Version = true, foyer.Micro(now), d.Version+1
	}
	return d
}

// checked returns a new discount with its texts as they are kept, or a refusal that names every field at fault.
func (d Discount) checked() (Discount, error) {
	var check checks
	d.describe(&check, DiscountChange{Description: &d.Description, Code: &d.Code, ExternalID: &d.ExternalID, Metadata: &d.Metadata})
	switch d.Type {
	case DiscountPercent:
		if d.Percent == "" {
			check.fault("/percent", "input.required")
		} else if percent, ok := d.Percent.Rat(); !ok || percent.Sign() <= 0 || percent.Cmp(big.NewRat(100, 1)) > 0 {
			check.fault("/percent", "input.invalid")
		}
		if d.Amount != nil {
			check.fault("/amount", "input.not_together")
		}
	case DiscountFixed:
		if d.Amount == nil {
			check.fault("/amount", "input.required")
		} else if d.Amount.Amount <= 0 || d.Amount.Amount > MaxAmount {
			check.fault("/amount", "input.invalid")
		} else if !d.Amount.Currency.Valid() {
			check.fault("/amount/currency", "input.currency")
		}
		if d.Percent != "" {
			check.fault("/percent", "input.not_together")
		}
	default:
		check.fault("/type", "input.enum")
	}
	if d.Periods != nil && (*d.Periods < 1 || *d.Periods > maxPeriods) {
		check.fault("/periods", "input.invalid")
	}
	return d, check.refusal()
}

// maxPeriods is longer than any subscription that has an end.
const maxPeriods = 1200
