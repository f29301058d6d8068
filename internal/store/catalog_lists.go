package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// ListProducts implements billing.CatalogStore.
func (s *Store) ListProducts(ctx context.Context, merchant foyer.MerchantID, filter billing.CatalogFilter, page foyer.PageRequest) ([]billing.Product, error) {
	return pageOf[productRow, billing.Product](s.catalog(ctx, merchant, filter), page)
}

// ListPrices implements billing.CatalogStore.
func (s *Store) ListPrices(ctx context.Context, merchant foyer.MerchantID, filter billing.CatalogFilter, page foyer.PageRequest) ([]billing.Price, error) {
	query := s.catalog(ctx, merchant, filter)
	if filter.Product != "" {
		query = query.Where("product_id = ?", filter.Product)
	}
	return pageOf[priceRow, billing.Price](query, page)
}

// ListDiscounts implements billing.CatalogStore.
func (s *Store) ListDiscounts(ctx context.Context, merchant foyer.MerchantID, filter billing.CatalogFilter, page foyer.PageRequest) ([]billing.Discount, error) {
	query := s.catalog(ctx, merchant, filter)
	if filter.Code != "" {
		query = query.Where("lower(code) = ?", billing.CodeKey(filter.Code))
	}
	return pageOf[discountRow, billing.Discount](query, page)
}

func (s *Store) catalog(ctx context.Context, merchant foyer.MerchantID, filter billing.CatalogFilter) *gorm.DB {
	return narrowed(s.db(ctx).Where("merchant_id = ?", merchant), filter.ExternalID, filter.Archived)
}

// pageOf reads one page of a table, newest first.
func pageOf[R interface{ domain() D }, D any](query *gorm.DB, page foyer.PageRequest) ([]D, error) {
	var rows []R
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return domains(rows), nil
}

// newestOf reads the newest rows of each of several owners at once, at most most of each: owners is a column of the table.
// One range of an index for each owner.
func newestOf[R any](db *gorm.DB, table, owners, where string, most int, args ...any) ([]R, error) {
	var rows []R
	err := db.Raw(fmt.Sprintf("SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY %s ORDER BY created_at DESC, id DESC) AS place FROM %s WHERE %s) AS ranked "+
		"WHERE place <= ? ORDER BY created_at DESC, id DESC", owners, table, where), append(args, most)...).Scan(&rows).Error
	return rows, translate(err)
}

// PricesOf implements billing.CatalogStore.
func (s *Store) PricesOf(ctx context.Context, merchant foyer.MerchantID, products []billing.ProductID, most int) ([]billing.Price, error) {
	if len(products) == 0 {
		return nil, nil
	}
	rows, err := newestOf[priceRow](s.db(ctx), "prices", "product_id", "merchant_id = ? AND product_id IN ? AND archived = ?", most, merchant, products, false)
	return domains(rows), err
}

// Products returns the merchant's products with the ids, by id.
func (s *Store) Products(ctx context.Context, merchant foyer.MerchantID, ids []billing.ProductID) (map[billing.ProductID]billing.Product, error) {
	out := map[billing.ProductID]billing.Product{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []productRow
	err := s.db(ctx).Where("merchant_id = ? AND id IN ?", merchant, ids).Find(&rows).Error
	for _, r := range rows {
		out[r.ID] = r.domain()
	}
	return out, translate(err)
}

// externalTables are where things of a kind that have external ids stand.
var externalTables = map[foyer.Prefix]string{
	foyer.PrefixCustomer: "customers", foyer.PrefixAddress: "addresses", foyer.PrefixProduct: "products", foyer.PrefixPrice: "prices",
	foyer.PrefixDiscount: "discounts", foyer.PrefixSubscription: "subscriptions", foyer.PrefixPayment: "payments",
	foyer.PrefixPaymentMethod: "payment_methods",
}

// ExternalOwner implements billing.ExternalOwners.
func (s *Store) ExternalOwner(ctx context.Context, merchant foyer.MerchantID, kind foyer.Prefix, externalID string) (string, error) {
	var ids []string
	query := s.db(ctx).Table(externalTables[kind]).Where("merchant_id = ? AND external_id = ?", merchant, externalID)
	if kind == foyer.PrefixPaymentMethod {
		query = query.Where("deleted_at IS NULL") // a deleted one's row stays for the attempts that name it
	}
	err := query.Limit(1).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return "", translate(err)
	}
	return ids[0], nil
}
