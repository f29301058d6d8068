package store

import (
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type productRow struct {
	ID          billing.ProductID
	MerchantID  foyer.MerchantID
	ExternalID  *string
	Name        string
	Description string
	ImageURL    string
	Archived    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (productRow) TableName() string { return "products" }

func (r productRow) domain() billing.Product {
	return billing.Product{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Name: r.Name, Description: r.Description, ImageURL: r.ImageURL,
		Archived: r.Archived, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func newProductRow(p billing.Product) productRow {
	return productRow{
		ID: p.ID, MerchantID: p.Merchant, ExternalID: null(p.ExternalID), Name: p.Name, Description: p.Description, ImageURL: p.ImageURL,
		Archived: p.Archived, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
}

type priceRow struct {
	ID                billing.PriceID
	MerchantID        foyer.MerchantID
	ExternalID        *string
	ProductID         *billing.ProductID
	ExternalProductID string
	Name              string
	Description       string
	Amount            int64
	Currency          foyer.Currency
	CycleInterval     *string
	CycleFrequency    *int64
	TrialInterval     *string
	TrialFrequency    *int64
	TaxRate           foyer.Rate
	TaxBehavior       billing.TaxBehavior
	QuantityMin       int64
	QuantityMax       int64
	Archived          bool
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

func (priceRow) TableName() string { return "prices" }

func (r priceRow) domain() billing.Price {
	return billing.Price{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Product: value(r.ProductID), ExternalProductID: r.ExternalProductID,
		Name: r.Name, Description: r.Description, UnitPrice: foyer.Money{Amount: r.Amount, Currency: r.Currency},
		Cycle: cycle(r.CycleInterval, r.CycleFrequency), Trial: cycle(r.TrialInterval, r.TrialFrequency),
		TaxRate: r.TaxRate, TaxBehavior: r.TaxBehavior, QuantityMin: r.QuantityMin, QuantityMax: r.QuantityMax, Archived: r.Archived,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func newPriceRow(p billing.Price) priceRow {
	row := priceRow{
		ID: p.ID, MerchantID: p.Merchant, ExternalID: null(p.ExternalID), ProductID: null(p.Product), ExternalProductID: p.ExternalProductID,
		Name: p.Name, Description: p.Description, Amount: p.UnitPrice.Amount, Currency: p.UnitPrice.Currency,
		TaxRate: p.TaxRate, TaxBehavior: p.TaxBehavior, QuantityMin: p.QuantityMin, QuantityMax: p.QuantityMax, Archived: p.Archived,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	row.CycleInterval, row.CycleFrequency = uncycle(p.Cycle)
	row.TrialInterval, row.TrialFrequency = uncycle(p.Trial)
	return row
}

func uncycle(c *foyer.Cycle) (interval *string, frequency *int64) {
	if c == nil {
		return nil, nil
	}
	text, n := string(c.Interval), int64(c.Frequency)
	return &text, &n
}

type discountRow struct {
	ID          billing.DiscountID
	MerchantID  foyer.MerchantID
	ExternalID  *string
	Type        billing.DiscountType
	Percent     foyer.Rate
	Amount      *int64
	Currency    foyer.Currency
	Periods     *int
	Code        string
	Description string
	Archived    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (discountRow) TableName() string { return "discounts" }

func (r discountRow) domain() billing.Discount {
	d := billing.Discount{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Type: r.Type, Percent: r.Percent, Periods: r.Periods, Code: r.Code,
		Description: r.Description, Archived: r.Archived, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	if r.Amount != nil {
		d.Amount = &foyer.Money{Amount: *r.Amount, Currency: r.Currency}
	}
	return d
}

func newDiscountRow(d billing.Discount) discountRow {
	row := discountRow{
		ID: d.ID, MerchantID: d.Merchant, ExternalID: null(d.ExternalID), Type: d.Type, Percent: d.Percent, Periods: d.Periods, Code: d.Code,
		Description: d.Description, Archived: d.Archived, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
	if d.Amount != nil {
		row.Amount, row.Currency = &d.Amount.Amount, d.Amount.Currency
	}
	return row
}
