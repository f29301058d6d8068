package store

import (
	"context"

	"gorm.io/gorm"

	"foyer/internal/foyer"
)

// What the tests outside the package see of the inside.
var (
	Judge           = judge
	TenantTables    = tenantTables
	AcrossMerchants = acrossMerchants
	Translate       = translate
	CopyOrder       = copyOrder
)

// GORM is the handle every method uses: the open transaction of ctx, or the pool.
func (s *Store) GORM(ctx context.Context) *gorm.DB { return s.db(ctx) }

// CreateDeliveries is what RecordEvents does for the endpoints that listen.
func (s *Store) CreateDeliveries(ctx context.Context, events ...foyer.Event) error {
	return s.createDeliveries(ctx, events)
}
