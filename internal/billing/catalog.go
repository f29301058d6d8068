package billing

import (
	"time"

	"foyer/internal/foyer"
)

// Ids of the catalog.
type (
	ProductID  string
	PriceID    string
	DiscountID string
)

// Product is what a merchant sells.
type Product struct {
	ID          ProductID
	Merchant    foyer.MerchantID
	ExternalID  string
	Name        string
	Description string
	ImageURL    string
	Metadata    foyer.Metadata
	Archived    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// TaxBehavior says whether a price already contains its tax.
type TaxBehavior string

// The two tax behaviors.
const (
	TaxExclusive TaxBehavior = "exclusive"
	TaxInclusive TaxBehavior = "inclusive"
)

// Price is what a product costs, once or per billing cycle.
type Price struct {
	ID         PriceID
	Merchant   foyer.MerchantID
	ExternalID string
	// Product is empty while the product of an imported price is not known; ExternalProductID then joins them later.
	Product           ProductID
	ExternalProductID string
	Name              string
	Description       string
	UnitPrice         foyer.Money
	// Cycle is nil for a price that is paid once.
	Cycle       *foyer.Cycle
	Trial       *foyer.Cycle
	TaxRate     foyer.Rate
	TaxBehavior TaxBehavior
	// QuantityMin and QuantityMax bound the quantity; 0 means no bound.
	QuantityMin int64
	QuantityMax int64
	Metadata    foyer.Metadata
	Archived    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// DiscountType says how a discount is counted.
type DiscountType string

// The types of discount.
const (
	DiscountPercent DiscountType = "percent"
	DiscountFixed   DiscountType = "fixed"
)

// Discount lowers a price for a number of billing periods.
type Discount struct {
	ID         DiscountID
	Merchant   foyer.MerchantID
	ExternalID string
	Type       DiscountType
	// Percent is the share taken off, as a decimal of a hundred: "12.5" is 12.5 %. Only for DiscountPercent.
	Percent foyer.Rate
	// Amount is what is taken off. Only for DiscountFixed.
	Amount *foyer.Money
	// Periods is the number of billing periods it lasts; nil for ever.
	Periods *int
	// Code is what a customer types to get it. Letter case does not count, and among the merchant's discounts that are not
	// archived there is one of a code; those imported from elsewhere may break that.
	Code        string
	Description string
	Metadata    foyer.Metadata
	Archived    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// CatalogPrice is a price with the product it is a price of.
type CatalogPrice struct {
	Price
	Of Product
}

// Item is the price as a subscription keeps it: names and amounts stay as they are now, the catalog may change later.
func (p CatalogPrice) Item(quantity int64) SubscriptionItem {
	return SubscriptionItem{
		PriceID: p.ID, ExternalPriceID: p.ExternalID, ProductID: p.Product, ExternalProductID: p.ExternalProductID, ProductName: p.Of.Name,
		PriceName: p.Name, Quantity: quantity, UnitPrice: p.UnitPrice.Amount, TaxRate: p.TaxRate, TaxBehavior: string(p.TaxBehavior),
		Description: p.Of.Description,
	}
}

// Given is the discount as a subscription keeps it from now on.
func (d Discount) Given(now time.Time) *SubscriptionDiscount {
	at := foyer.Micro(now)
	given := &SubscriptionDiscount{ID: d.ID, ExternalID: d.ExternalID, Type: d.Type, Percent: d.Percent, StartsAt: &at, PeriodsLeft: d.Periods}
	if d.Amount != nil {
		given.Amount = &d.Amount.Amount
	}
	return given
}
