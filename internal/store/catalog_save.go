package store

import (
	"context"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Product implements billing.CatalogStore.
func (s *Store) Product(ctx context.Context, merchant foyer.MerchantID, id billing.ProductID) (billing.Product, error) {
	var row productRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), translate(err)
}

// CreateProduct implements billing.CatalogStore.
func (s *Store) CreateProduct(ctx context.Context, p billing.Product) error {
	row := newProductRow(p)
	return translate(s.db(ctx).Create(&row).Error)
}

// SaveProduct implements billing.CatalogStore.
func (s *Store) SaveProduct(ctx context.Context, p billing.Product) (bool, error) {
	row := newProductRow(p)
	return saved(s.db(ctx).Model(&productRow{}).Where("merchant_id = ? AND id = ? AND version = ?", p.Merchant, p.ID, p.Version-1).
		Select("external_id", "name", "description", "image_url", "metadata", "archived", "updated_at", "version").UpdateColumns(&row))
}

// saved tells whether a guarded update found the version it was made of. UpdateColumns and not Updates, which would set
// updated_at to the machine's time; the merchant's clock may have been moved.
func saved(result *gorm.DB) (bool, error) {
	return result.RowsAffected == 1, translate(result.Error)
}

// Price implements billing.CatalogStore.
func (s *Store) Price(ctx context.Context, merchant foyer.MerchantID, id billing.PriceID) (billing.Price, error) {
	var row priceRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), translate(err)
}

// CreatePrice implements billing.CatalogStore.
func (s *Store) CreatePrice(ctx context.Context, p billing.Price) error {
	row := newPriceRow(p)
	return translate(s.db(ctx).Create(&row).Error)
}

// SavePrice implements billing.CatalogStore: what is paid is not among what it saves.
func (s *Store) SavePrice(ctx context.Context, p billing.Price) (bool, error) {
	row := newPriceRow(p)
	return saved(s.db(ctx).Model(&priceRow{}).Where("merchant_id = ? AND id = ? AND version = ?", p.Merchant, p.ID, p.Version-1).
		Select("external_id", "name", "description", "quantity_min", "quantity_max", "metadata", "archived", "updated_at", "version").UpdateColumns(&row))
}

// DiscountByCode implements billing.CatalogStore.
func (s *Store) DiscountByCode(ctx context.Context, merchant foyer.MerchantID, code string) (billing.Discount, error) {
	var row discountRow
	err := s.db(ctx).Where("merchant_id = ? AND lower(code) = ? AND archived = ?", merchant, billing.CodeKey(code), false).
		Order("created_at DESC, id DESC").Take(&row).Error
	return row.domain(), translate(err)
}

// CreateDiscount implements billing.CatalogStore.
func (s *Store) CreateDiscount(ctx context.Context, d billing.Discount) error {
	row := newDiscountRow(d)
	row.CodeKey = codeKey(d)
	return translate(s.db(ctx).Create(&row).Error)
}

// SaveDiscount implements billing.CatalogStore: what it takes off is not among what it saves.
func (s *Store) SaveDiscount(ctx context.Context, d billing.Discount) (bool, error) {
	row := newDiscountRow(d)
	row.CodeKey = codeKey(d)
	return saved(s.db(ctx).Model(&discountRow{}).Where("merchant_id = ? AND id = ? AND version = ?", d.Merchant, d.ID, d.Version-1).
		Select("external_id", "code", "code_key", "description", "metadata", "archived", "updated_at", "version").UpdateColumns(&row))
}

// codeKey is what makes a code one discount's; NULL where it may be others' too.
func codeKey(d billing.Discount) *string {
	if d.Archived {
		return nil
	}
	return null(billing.CodeKey(d.Code))
}
