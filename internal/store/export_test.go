package store

import (
	"context"

	"gorm.io/gorm"
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
