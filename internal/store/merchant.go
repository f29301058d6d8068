package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

var _ merchant.Store = (*Store)(nil)

type merchantRow struct {
	ID        foyer.MerchantID
	Name      string
	Mode      merchant.Mode
	CreatedAt time.Time
	PortalID  foyer.PortalID
	Settings  string
	Version   int64
	// ClockOffset counts microseconds.
	ClockOffset int64
}

func (r merchantRow) domain() (merchant.Merchant, error) {
	settings, err := fromJSON[merchant.Settings]("portals.settings", r.Settings)
	return merchant.Merchant{
		ID: r.ID, Name: r.Name, Mode: r.Mode, CreatedAt: r.CreatedAt.UTC(), ClockOffset: time.Duration(r.ClockOffset) * time.Microsecond,
		Portal: merchant.Portal{ID: r.PortalID, Merchant: r.ID, Settings: settings, Version: r.Version},
	}, err
}

// CreateMerchant implements merchant.Store.
func (s *Store) CreateMerchant(ctx context.Context, m merchant.Merchant) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		db := s.db(ctx)
		if err := db.Exec("INSERT INTO merchants (id, name, mode, created_at) VALUES (?, ?, ?, ?)", m.ID, m.Name, m.Mode, m.CreatedAt).Error; err != nil {
			return translate(err)
		}
		if err := db.Exec("INSERT INTO portals (id, merchant_id, settings, version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
			m.Portal.ID, m.ID, toJSON(m.Portal.Settings), m.Portal.Version, m.CreatedAt, m.CreatedAt).Error; err != nil {
			return translate(err)
		}
		return s.createOrigins(ctx, m.Portal)
	})
}

func (s *Store) merchants(ctx context.Context) *gorm.DB {
	return s.db(acrossMerchants(ctx, "the merchant is what is looked for")).Table("merchants").
		Select("merchants.id, merchants.name, merchants.mode, merchants.created_at, merchants.clock_offset, portals.id AS portal_id, portals.settings, portals.version").
		Joins("JOIN portals ON portals.merchant_id = merchants.id")
}

// MerchantByID implements merchant.Store.
func (s *Store) MerchantByID(ctx context.Context, id foyer.MerchantID) (merchant.Merchant, error) {
	var row merchantRow
	if err := s.merchants(ctx).Where("merchants.id = ?", id).Take(&row).Error; err != nil {
		return merchant.Merchant{}, translate(err)
	}
	return row.domain()
}

// MerchantByPortal implements merchant.Store.
func (s *Store) MerchantByPortal(ctx context.Context, id foyer.PortalID) (merchant.Merchant, error) {
	var row merchantRow
	if err := s.merchants(ctx).Where("portals.id = ?", id).Take(&row).Error; err != nil {
		return merchant.Merchant{}, translate(err)
	}
	return row.domain()
}

// Merchants implements merchant.Store.
func (s *Store) Merchants(ctx context.Context) ([]merchant.Merchant, error) {
	var rows []merchantRow
	if err := s.merchants(ctx).Order("merchants.created_at, merchants.id").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]merchant.Merchant, len(rows))
	for i, r := range rows {
		m, err := r.domain()
		if err != nil {
			return nil, err
		}
		out[i] = m
	}
	return out, nil
}

// OriginKnown implements merchant.Store.
func (s *Store) OriginKnown(ctx context.Context, origin string) (bool, error) {
	var found []string
	err := s.db(acrossMerchants(ctx, "a preflight does not tell the merchant")).Table("portal_origins").
		Where("origin = ?", origin).Limit(1).Pluck("origin", &found).Error
	return len(found) > 0, translate(err)
}

// AimClock implements merchant.Store.
func (s *Store) AimClock(ctx context.Context, id foyer.MerchantID, to time.Time) error {
	return translate(s.db(ctx).Exec("UPDATE merchants SET clock_target = ? WHERE id = ? AND mode = ?", to.UTC(), id, merchant.Sandbox).Error)
}

// ClockAimed implements merchant.Store.
func (s *Store) ClockAimed(ctx context.Context, id foyer.MerchantID, to time.Time) (bool, error) {
	var found []string
	err := s.db(ctx).Table("merchants").Where("id = ? AND clock_target = ?", id, to.UTC()).Limit(1).Pluck("id", &found).Error
	return len(found) > 0, translate(err)
}

// SetClockOffset implements merchant.Store: the clock only goes forward, whatever two callers ask for, and only a sandbox
// merchant's.
func (s *Store) SetClockOffset(ctx context.Context, id foyer.MerchantID, offset time.Duration) error {
	return translate(s.db(ctx).Exec("UPDATE merchants SET clock_offset = ? WHERE id = ? AND mode = ? AND clock_offset < ?",
		offset.Microseconds(), id, merchant.Sandbox, offset.Microseconds()).Error)
}

// LockMerchant implements merchant.Store.
func (s *Store) LockMerchant(ctx context.Context, id foyer.MerchantID) error {
	var locked []foyer.MerchantID
	return translate(s.locking(ctx, "").Table("merchants").Where("id = ?", id).Pluck("id", &locked).Error)
}

// SavePortal implements merchant.Store.
func (s *Store) SavePortal(ctx context.Context, p merchant.Portal, now time.Time) (saved bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		db := s.db(ctx)
		result := db.Exec("UPDATE portals SET settings = ?, version = ?, updated_at = ? WHERE merchant_id = ? AND version = ?",
			toJSON(p.Settings), p.Version, now, p.Merchant, p.Version-1)
		if saved = result.RowsAffected == 1; result.Error != nil || !saved {
			return translate(result.Error)
		}
		if err := db.Exec("UPDATE merchants SET name = ? WHERE id = ?", p.Settings.Name, p.Merchant).Error; err != nil {
			return translate(err)
		}
		if err := db.Exec("DELETE FROM portal_origins WHERE merchant_id = ?", p.Merchant).Error; err != nil {
			return translate(err)
		}
		return s.createOrigins(ctx, p)
	})
	return saved, err
}

// createOrigins writes down from where the portal may be used, for requests that do not tell the merchant.
func (s *Store) createOrigins(ctx context.Context, p merchant.Portal) error {
	for _, origin := range p.Settings.AllowedOrigins {
		if err := s.db(ctx).Exec("INSERT INTO portal_origins (merchant_id, origin) VALUES (?, ?) ON CONFLICT DO NOTHING", p.Merchant, origin).Error; err != nil {
			return translate(err)
		}
	}
	return nil
}
