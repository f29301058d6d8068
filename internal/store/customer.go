package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type customerRow struct {
	ID         foyer.CustomerID
	MerchantID foyer.MerchantID
	ExternalID *string
	Email      string
	EmailKey   string
	Name       string
	Locale     string
	Company    string
	TaxID      string
	Line1      string
	Line2      string
	City       string
	Region     string
	PostalCode string
	Country    foyer.Country
	Archived   bool
	Imported   *string
	EditedAt   *time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Version    int64
	Metadata   *string
}

func (customerRow) TableName() string { return "customers" }

func (r customerRow) domain() billing.Customer {
	return billing.Customer{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Email: r.Email, Name: r.Name, Locale: r.Locale,
		Company: r.Company, TaxID: r.TaxID, Archived: r.Archived, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
		Address: billing.Address{
			Line1: r.Line1, Line2: r.Line2, City: r.City, Region: r.Region, PostalCode: r.PostalCode, Country: r.Country,
		},
		Metadata: metadata(r.Metadata),
	}
}

func newCustomerRow(c billing.Customer) customerRow {
	return customerRow{
		ID: c.ID, MerchantID: c.Merchant, ExternalID: null(c.ExternalID), Email: c.Email, EmailKey: billing.EmailKey(c.Email), Name: c.Name,
		Locale: c.Locale, Company: c.Company, TaxID: c.TaxID, Line1: c.Address.Line1, Line2: c.Address.Line2, City: c.Address.City,
		Region: c.Address.Region, PostalCode: c.Address.PostalCode, Country: c.Address.Country, Archived: c.Archived,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Version: c.Version, Metadata: metadataOrNull(c.Metadata),
	}
}

// Customer implements billing.Store.
func (s *Store) Customer(ctx context.Context, scope foyer.Scope) (billing.Customer, error) {
	var row customerRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", scope.Merchant, scope.Customer).Take(&row).Error
	return row.domain(), translate(err)
}

// ListCustomers implements billing.CustomerStore.
func (s *Store) ListCustomers(ctx context.Context, merchant foyer.MerchantID, filter billing.CustomerFilter, page foyer.PageRequest) ([]billing.Customer, error) {
	query := narrowed(s.db(ctx).Where("merchant_id = ?", merchant), filter.ExternalID, filter.Archived)
	if filter.Email != "" {
		query = query.Where("email_key = ?", billing.EmailKey(filter.Email))
	}
	var rows []customerRow
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return domains(rows), nil
}

// narrowed applies the filters every list of a merchant's things has.
func narrowed(query *gorm.DB, externalID string, archived *bool) *gorm.DB {
	if externalID != "" {
		query = query.Where("external_id = ?", externalID)
	}
	if archived != nil {
		query = query.Where("archived = ?", *archived)
	}
	return query
}

// CustomerByKey implements billing.CustomerStore.
func (s *Store) CustomerByKey(ctx context.Context, merchant foyer.MerchantID, emailKey string) (foyer.CustomerID, error) {
	var row customerRow
	err := s.db(ctx).Select("id").Where("merchant_id = ? AND email_key = ?", merchant, emailKey).Take(&row).Error
	return row.ID, translate(err)
}

// CreateCustomer implements billing.CustomerStore.
func (s *Store) CreateCustomer(ctx context.Context, c billing.Customer) error {
	row := newCustomerRow(c)
	row.EditedAt = &row.UpdatedAt
	return translate(s.db(ctx).Create(&row).Error)
}

// SaveCustomer implements billing.CustomerStore: the version decides which of two changes at once is made.
func (s *Store) SaveCustomer(ctx context.Context, c billing.Customer) (bool, error) {
	row := newCustomerRow(c)
	row.EditedAt = &row.UpdatedAt
	result := s.db(ctx).Model(&customerRow{}).Where("merchant_id = ? AND id = ? AND version = ?", c.Merchant, c.ID, c.Version-1).
		Select("external_id", "email", "email_key", "archived", "metadata", "name", "locale", "company", "tax_id", "line1", "line2", "city", "region", "postal_code", "country", "edited_at", "updated_at", "version").
		UpdateColumns(&row) // Updates would set updated_at to the machine's time; the merchant's clock may have been moved
	return result.RowsAffected == 1, translate(result.Error)
}

// LockCustomer implements billing.Store.
func (s *Store) LockCustomer(ctx context.Context, scope foyer.Scope) error {
	var id []foyer.CustomerID
	err := s.locking(ctx, "").Table("customers").Where("merchant_id = ? AND id = ?", scope.Merchant, scope.Customer).Pluck("id", &id).Error
	if err == nil && len(id) == 0 {
		return foyer.ErrNotFound()
	}
	return translate(err)
}

// Customers returns the merchant's customers with the ids, by id.
func (s *Store) Customers(ctx context.Context, merchant foyer.MerchantID, ids []foyer.CustomerID) (map[foyer.CustomerID]billing.Customer, error) {
	out := map[foyer.CustomerID]billing.Customer{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []customerRow
	err := s.db(ctx).Where("merchant_id = ? AND id IN ?", merchant, ids).Find(&rows).Error
	for _, r := range rows {
		out[r.ID] = r.domain()
	}
	return out, translate(err)
}
