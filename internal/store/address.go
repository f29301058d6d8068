package store

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type addressRow struct {
	ID          billing.AddressID
	MerchantID  foyer.MerchantID
	CustomerID  foyer.CustomerID
	ExternalID  *string
	Description string
	Line1       string
	Line2       string
	City        string
	Region      string
	PostalCode  string
	Country     foyer.Country
	Metadata    *string
	IsDefault   bool
	Archived    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

func (addressRow) TableName() string { return "addresses" }

func (r addressRow) domain() billing.CustomerAddress {
	return billing.CustomerAddress{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, ExternalID: value(r.ExternalID), Description: r.Description,
		Address:  billing.Address{Line1: r.Line1, Line2: r.Line2, City: r.City, Region: r.Region, PostalCode: r.PostalCode, Country: r.Country},
		Metadata: metadata(r.Metadata), Default: r.IsDefault, Archived: r.Archived,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}
}

func newAddressRow(a billing.CustomerAddress) addressRow {
	return addressRow{
		ID: a.ID, MerchantID: a.Merchant, CustomerID: a.Customer, ExternalID: null(a.ExternalID), Description: a.Description, Line1: a.Line1,
		Line2: a.Line2, City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country, Metadata: metadataOrNull(a.Metadata),
		IsDefault: a.Default, Archived: a.Archived, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, Version: a.Version,
	}
}

// ListAddresses implements billing.CustomerStore.
func (s *Store) ListAddresses(ctx context.Context, scope foyer.Scope, archived *bool, page foyer.PageRequest) ([]billing.CustomerAddress, error) {
	query := narrowed(s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer), "", archived)
	return pageOf[addressRow, billing.CustomerAddress](query, page)
}

// Address implements billing.CustomerStore.
func (s *Store) Address(ctx context.Context, scope foyer.Scope, id billing.AddressID) (billing.CustomerAddress, error) {
	var row addressRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ?", scope.Merchant, scope.Customer, id).Take(&row).Error
	return row.domain(), translate(err)
}

// DefaultAddress implements billing.CustomerStore.
func (s *Store) DefaultAddress(ctx context.Context, scope foyer.Scope) (billing.CustomerAddress, error) {
	var row addressRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND is_default = ?", scope.Merchant, scope.Customer, true).Take(&row).Error
	return row.domain(), translate(err)
}

// CountAddresses implements billing.CustomerStore.
func (s *Store) CountAddresses(ctx context.Context, scope foyer.Scope) (int, error) {
	var n int64
	err := s.db(ctx).Model(&addressRow{}).
		Where("merchant_id = ? AND customer_id = ? AND archived = ?", scope.Merchant, scope.Customer, false).Count(&n).Error
	return int(n), translate(err)
}

// CreateAddress implements billing.CustomerStore.
func (s *Store) CreateAddress(ctx context.Context, a billing.CustomerAddress) error {
	row := newAddressRow(a)
	return translate(s.db(ctx).Create(&row).Error)
}

// SaveAddress implements billing.CustomerStore.
func (s *Store) SaveAddress(ctx context.Context, a billing.CustomerAddress) (bool, error) {
	row := newAddressRow(a)
	return saved(s.db(ctx).Model(&addressRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND version = ?", a.Merchant, a.Customer, a.ID, a.Version-1).
		Select("external_id", "description", "line1", "line2", "city", "region", "postal_code", "country", "metadata", "is_default", "archived",
			"updated_at", "version").UpdateColumns(&row))
}

// followImport makes the default address what an import made of the customer's own.
func (s *importing) followImport(ctx context.Context, c billing.Customer) error {
	if c.Version == 1 && c.Address.Empty() {
		return nil // new, as most are; addresses come after the customers they belong to
	}
	var current *billing.CustomerAddress
	switch found, err := s.DefaultAddress(ctx, c.Scope()); {
	case err == nil:
		current = &found
	case !errors.Is(err, foyer.NotFound):
		return err
	}
	next, write := billing.FollowCustomer(c, current, s.ids, c.UpdatedAt)
	if !write {
		return nil
	}
	if next.Version == 1 {
		return s.CreateAddress(ctx, next)
	}
	saved, err := s.SaveAddress(ctx, next)
	if err == nil && !saved {
		err = foyer.Refuse(foyer.Conflict, "conflict")
	}
	return err
}
