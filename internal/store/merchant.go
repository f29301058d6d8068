package store

import (
	"context"
	"strings"
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
		for _, origin := range m.Portal.Settings.AllowedOrigins {
			if err := db.Exec("INSERT INTO portal_origins (merchant_id, origin) VALUES (?, ?) ON CONFLICT DO NOTHING", m.ID, origin).Error; err != nil {
				return translate(err)
			}
		}
		return nil
	})
}

// CreateAPIKey implements merchant.Store.
func (s *Store) CreateAPIKey(ctx context.Context, k merchant.APIKey) error {
	permissions := make([]string, len(k.Permissions))
	for i, p := range k.Permissions {
		permissions[i] = string(p)
	}
	return translate(s.db(ctx).Exec("INSERT INTO api_keys (id, merchant_id, name, hint, hash, permissions, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		k.ID, k.Merchant, k.Name, k.Hint, k.Hash, strings.Join(permissions, " "), k.CreatedAt).Error)
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

// SetClockOffset implements merchant.Store: the clock only goes forward, whatever two callers ask for, and only a sandbox
// merchant's.
func (s *Store) SetClockOffset(ctx context.Context, id foyer.MerchantID, offset time.Duration) error {
	return translate(s.db(ctx).Exec("UPDATE merchants SET clock_offset = ? WHERE id = ? AND mode = ? AND clock_offset < ?",
		offset.Microseconds(), id, merchant.Sandbox, offset.Microseconds()).Error)
}

// SaveSettings replaces the settings of a merchant's portal.
func (s *Store) SaveSettings(ctx context.Context, id foyer.MerchantID, settings merchant.Settings, now time.Time) error {
	return translate(s.db(ctx).Exec("UPDATE portals SET settings = ?, version = version + 1, updated_at = ? WHERE merchant_id = ?",
		toJSON(settings), now, id).Error)
}
