package store

import (
	"context"
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
	Metadata    *string
	Version     int64
}

func (productRow) TableName() string { return "products" }

func (r productRow) domain() billing.Product {
	return billing.Product{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Name: r.Name, Description: r.Description, ImageURL: r.ImageURL,
		Archived: r.Archived, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Metadata: metadata(r.Metadata), Version: r.Version,
	}
}

func newProductRow(p billing.Product) productRow {
	return productRow{
		ID: p.ID, MerchantID: p.Merchant, ExternalID: null(p.ExternalID), Name: p.Name, Description: p.Description, ImageURL: p.ImageURL,
		Archived: p.Archived, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Metadata: metadataOrNull(p.Metadata), Version: p.Version,
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
	Metadata          *string
	Version           int64
}

func (priceRow) TableName() string { return "prices" }

func (r priceRow) domain() billing.Price {
	return billing.Price{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Product: value(r.ProductID), ExternalProductID: r.ExternalProductID,
		Name: r.Name, Description: r.Description, UnitPrice: foyer.Money{Amount: r.Amount, Currency: r.Currency},
		Cycle: cycle(r.CycleInterval, r.CycleFrequency), Trial: cycle(r.TrialInterval, r.TrialFrequency),
		TaxRate: r.TaxRate, TaxBehavior: r.TaxBehavior, QuantityMin: r.QuantityMin, QuantityMax: r.QuantityMax, Archived: r.Archived,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Metadata: metadata(r.Metadata), Version: r.Version,
	}
}

func newPriceRow(p billing.Price) priceRow {
	row := priceRow{
		ID: p.ID, MerchantID: p.Merchant, ExternalID: null(p.ExternalID), ProductID: null(p.Product), ExternalProductID: p.ExternalProductID,
		Name: p.Name, Description: p.Description, Amount: p.UnitPrice.Amount, Currency: p.UnitPrice.Currency,
		TaxRate: p.TaxRate, TaxBehavior: p.TaxBehavior, QuantityMin: p.QuantityMin, QuantityMax: p.QuantityMax, Archived: p.Archived,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Metadata: metadataOrNull(p.Metadata), Version: p.Version,
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
	Metadata    *string
	Version     int64
	CodeKey     *string
}

func (discountRow) TableName() string { return "discounts" }

func (r discountRow) domain() billing.Discount {
	d := billing.Discount{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Type: r.Type, Percent: r.Percent, Periods: r.Periods, Code: r.Code,
		Description: r.Description, Archived: r.Archived, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		Metadata: metadata(r.Metadata), Version: r.Version,
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
		Metadata: metadataOrNull(d.Metadata), Version: d.Version,
	}
	if d.Amount != nil {
		row.Amount, row.Currency = &d.Amount.Amount, d.Amount.Currency
	}
	return row
}

// Prices returns the merchant's prices with the ids and their products, by id. What is another merchant's is left out.
func (s *Store) Prices(ctx context.Context, merchant foyer.MerchantID, ids []billing.PriceID) (map[billing.PriceID]billing.CatalogPrice, error) {
	out := map[billing.PriceID]billing.CatalogPrice{}
	if len(ids) == 0 {
		return out, nil
	}
	var prices []priceRow
	if err := s.db(ctx).Where("merchant_id = ? AND id IN ?", merchant, ids).Find(&prices).Error; err != nil {
		return nil, translate(err)
	}
	var of []billing.ProductID
	for _, p := range prices {
		if p.ProductID != nil {
			of = append(of, *p.ProductID)
		}
	}
	var products []productRow
	if err := s.db(ctx).Where("merchant_id = ? AND id IN ?", merchant, of).Find(&products).Error; err != nil {
		return nil, translate(err)
	}
	byID := map[billing.ProductID]billing.Product{}
	for _, p := range products {
		byID[p.ID] = p.domain()
	}
	for _, p := range prices {
		out[p.ID] = billing.CatalogPrice{Price: p.domain(), Of: byID[value(p.ProductID)]}
	}
	return out, nil
}

// Discount returns one discount of the merchant.
func (s *Store) Discount(ctx context.Context, merchant foyer.MerchantID, id billing.DiscountID) (billing.Discount, error) {
	var row discountRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), translate(err)
}
