package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

var _ billing.GatewayReferences = (*Store)(nil)

type gatewayReferenceRow struct {
	MerchantID foyer.MerchantID
	Gateway    string
	Subject    string
	Reference  string
	CreatedAt  time.Time
}

func (gatewayReferenceRow) TableName() string { return "gateway_references" }

// GatewayReference implements billing.GatewayReferences.
func (s *Store) GatewayReference(ctx context.Context, merchant foyer.MerchantID, gateway, subject string) (string, error) {
	var row gatewayReferenceRow
	err := s.db(ctx).Where("merchant_id = ? AND gateway = ? AND subject = ?", merchant, gateway, subject).Take(&row).Error
	return row.Reference, translate(err)
}

// KeepGatewayReference implements billing.GatewayReferences. It commits before it returns, or with the transaction in ctx.
func (s *Store) KeepGatewayReference(ctx context.Context, merchant foyer.MerchantID, gateway, subject, reference string) (string, error) {
	row := gatewayReferenceRow{MerchantID: merchant, Gateway: gateway, Subject: subject, Reference: reference, CreatedAt: foyer.Micro(s.now())}
	result := s.db(ctx).Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "merchant_id"}, {Name: "gateway"}, {Name: "subject"}}, DoNothing: true,
	}).Create(&row)
	if result.Error != nil || result.RowsAffected == 1 {
		return reference, translate(result.Error)
	}
	return s.GatewayReference(ctx, merchant, gateway, subject)
}

// GatewaySubject implements billing.GatewayReferences.
func (s *Store) GatewaySubject(ctx context.Context, gateway, reference string) (foyer.MerchantID, string, error) {
	var row gatewayReferenceRow
	ctx = acrossMerchants(ctx, "a message of the gateway names its own id only, and whose it is is what is asked")
	err := s.db(ctx).Where("gateway = ? AND reference = ?", gateway, reference).Take(&row).Error
	return row.MerchantID, row.Subject, translate(err)
}
