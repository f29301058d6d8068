package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

type cancellationRow struct {
	ID             retention.CancellationID
	MerchantID     foyer.MerchantID
	CustomerID     foyer.CustomerID
	SubscriptionID billing.SubscriptionID
	State          retention.State
	Step           retention.Step
	Effective      billing.Effective
	EffectiveAt    *time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Version        int64
}

func (cancellationRow) TableName() string { return "cancellations" }

func (r cancellationRow) domain() retention.Cancellation {
	return retention.Cancellation{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, Subscription: r.SubscriptionID, State: r.State, Step: r.Step,
		Effective: r.Effective, EffectiveAt: utc(r.EffectiveAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}
}

var _ retention.Store = (*Store)(nil)

// Cancellation implements retention.Store.
func (s *Store) Cancellation(ctx context.Context, scope foyer.Scope, id retention.CancellationID) (retention.Cancellation, error) {
	var row cancellationRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ?", scope.Merchant, scope.Customer, id).Take(&row).Error
	return row.domain(), translate(err)
}

// OpenCancellation implements retention.Store.
func (s *Store) OpenCancellation(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) (retention.Cancellation, error) {
	var row cancellationRow
	err := s.cancellationsOf(ctx, scope, sub).Where("state = ?", retention.Open).Take(&row).Error
	return row.domain(), translate(err)
}

// ScheduledCancellations implements retention.Store.
func (s *Store) ScheduledCancellations(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) ([]retention.Cancellation, error) {
	var rows []cancellationRow
	err := s.cancellationsOf(ctx, scope, sub).Where("state = ?", retention.Scheduled).Order("created_at, id").Find(&rows).Error
	return domains(rows), translate(err)
}

func (s *Store) cancellationsOf(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) *gorm.DB {
	return s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND subscription_id = ?", scope.Merchant, scope.Customer, sub)
}

// CreateCancellation implements retention.Store: a unique index lets a subscription have one open cancellation.
func (s *Store) CreateCancellation(ctx context.Context, c retention.Cancellation) (bool, error) {
	created := s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&cancellationRow{
		ID: c.ID, MerchantID: c.Merchant, CustomerID: c.Customer, SubscriptionID: c.Subscription, State: c.State, Step: c.Step,
		Effective: c.Effective, EffectiveAt: c.EffectiveAt, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Version: c.Version,
	})
	return created.RowsAffected == 1, translate(created.Error)
}

// SaveCancellation implements retention.Store.
func (s *Store) SaveCancellation(ctx context.Context, c retention.Cancellation) error {
	saved := s.db(ctx).Model(&cancellationRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND version = ?", c.Merchant, c.Customer, c.ID, c.Version-1).
		UpdateColumns(map[string]any{
			"state": c.State, "step": c.Step, "effective": c.Effective, "effective_at": c.EffectiveAt, "updated_at": c.UpdatedAt, "version": c.Version,
		})
	if saved.Error == nil && saved.RowsAffected == 0 {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return translate(saved.Error)
}
