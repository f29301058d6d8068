package store

import (
	"context"
	"time"

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
}

func (customerRow) TableName() string { return "customers" }

func (r customerRow) domain() billing.Customer {
	return billing.Customer{
		ID: r.ID, Merchant: r.MerchantID, ExternalID: value(r.ExternalID), Email: r.Email, Name: r.Name, Locale: r.Locale,
		Company: r.Company, TaxID: r.TaxID, Archived: r.Archived, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
		Address: billing.Address{
			Line1: r.Line1, Line2: r.Line2, City: r.City, Region: r.Region, PostalCode: r.PostalCode, Country: r.Country,
		},
	}
}

func newCustomerRow(c billing.Customer) customerRow {
	return customerRow{
		ID: c.ID, MerchantID: c.Merchant, ExternalID: null(c.ExternalID), Email: c.Email, EmailKey: billing.EmailKey(c.Email), Name: c.Name,
		Locale: c.Locale, Company: c.Company, TaxID: c.TaxID, Line1: c.Address.Line1, Line2: c.Address.Line2, City: c.Address.City,
		Region: c.Address.Region, PostalCode: c.Address.PostalCode, Country: c.Address.Country, Archived: c.Archived,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Version: c.Version,
	}
}

// Customer implements billing.Store.
func (s *Store) Customer(ctx context.Context, scope foyer.Scope) (billing.Customer, error) {
	var row customerRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", scope.Merchant, scope.Customer).Take(&row).Error
	return row.domain(), translate(err)
}

// SaveCustomer implements billing.Store: the version decides which of two changes at once is made.
func (s *Store) SaveCustomer(ctx context.Context, c billing.Customer) (bool, error) {
	row := newCustomerRow(c)
	row.EditedAt = &row.UpdatedAt
	result := s.db(ctx).Model(&customerRow{}).Where("merchant_id = ? AND id = ? AND version = ?", c.Merchant, c.ID, c.Version-1).
		Select("name", "locale", "company", "tax_id", "line1", "line2", "city", "region", "postal_code", "country", "edited_at", "updated_at", "version").
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
