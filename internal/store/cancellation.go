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
	Course         *string
	DueAt          *time.Time
}

func (cancellationRow) TableName() string { return "cancellations" }

func (r cancellationRow) domain() (retention.Cancellation, error) {
	c := retention.Cancellation{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, Subscription: r.SubscriptionID, State: r.State, Step: r.Step,
		Effective: r.Effective, EffectiveAt: utc(r.EffectiveAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}
	var err error
	c.Course, err = fromJSON[retention.Course]("cancellations.course", value(r.Course))
	return c, err
}

func newCancellationRow(c retention.Cancellation) cancellationRow {
	return cancellationRow{
		ID: c.ID, MerchantID: c.Merchant, CustomerID: c.Customer, SubscriptionID: c.Subscription, State: c.State, Step: c.Step,
		Effective: c.Effective, EffectiveAt: c.EffectiveAt, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Version: c.Version,
		Course: jsonOrNull(&c.Course), DueAt: c.DueAt(),
	}
}

var _ retention.Store = (*Store)(nil)

// Cancellation implements retention.Store.
func (s *Store) Cancellation(ctx context.Context, scope foyer.Scope, id retention.CancellationID) (retention.Cancellation, error) {
	return s.oneCancellation(ctx, scope.Merchant, s.changing(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ?", scope.Merchant, scope.Customer, id))
}

// MerchantCancellation implements retention.Store.
func (s *Store) MerchantCancellation(ctx context.Context, merchant foyer.MerchantID, id retention.CancellationID) (retention.Cancellation, error) {
	return s.oneCancellation(ctx, merchant, s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id))
}

// OpenCancellation implements retention.Store.
func (s *Store) OpenCancellation(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) (retention.Cancellation, error) {
	return s.oneCancellation(ctx, scope.Merchant, s.cancellationsOf(ctx, scope, sub).Where("state IN ?", retention.Unfinished))
}

// ScheduledCancellations implements retention.Store.
func (s *Store) ScheduledCancellations(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) ([]retention.Cancellation, error) {
	return s.cancellations(ctx, scope.Merchant, s.cancellationsOf(ctx, scope, sub).Where("state = ?", retention.Scheduled).Order("created_at, id"))
}

// DueCancellations implements retention.Store.
func (s *Store) DueCancellations(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]retention.Cancellation, error) {
	return s.cancellations(ctx, merchant, s.locking(ctx, "SKIP LOCKED").Where("merchant_id = ? AND due_at <= ?", merchant, now.UTC()).Order("due_at, id").Limit(limit))
}

// MerchantCancellations implements retention.Store.
func (s *Store) MerchantCancellations(ctx context.Context, merchant foyer.MerchantID, filter retention.CancellationFilter, page foyer.PageRequest) ([]retention.Cancellation, error) {
	query := s.db(ctx).Where("merchant_id = ?", merchant)
	if filter.Customer != "" {
		query = query.Where("customer_id = ?", filter.Customer)
	}
	if filter.Subscription != "" {
		query = query.Where("subscription_id = ?", filter.Subscription)
	}
	if len(filter.States) > 0 {
		query = query.Where("state IN ?", filter.States)
	}
	return s.cancellations(ctx, merchant, newest(query, "created_at", page))
}

// AllCancellations implements retention.Store.
func (s *Store) AllCancellations(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]retention.Cancellation, error) {
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer)
	return s.cancellations(ctx, scope.Merchant, newest(query, "created_at", page))
}

// changing is db for reading what the open transaction is about to change: a worker leaves it alone meanwhile.
func (s *Store) changing(ctx context.Context) *gorm.DB {
	if open(ctx) == nil {
		return s.db(ctx)
	}
	return s.locking(ctx, "")
}

func (s *Store) cancellationsOf(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) *gorm.DB {
	return s.changing(ctx).Where("merchant_id = ? AND customer_id = ? AND subscription_id = ?", scope.Merchant, scope.Customer, sub)
}

func (s *Store) oneCancellation(ctx context.Context, merchant foyer.MerchantID, query *gorm.DB) (retention.Cancellation, error) {
	found, err := s.cancellations(ctx, merchant, query.Limit(1))
	if err == nil && len(found) == 0 {
		return retention.Cancellation{}, foyer.ErrNotFound()
	}
	if err != nil {
		return retention.Cancellation{}, err
	}
	return found[0], nil
}

// cancellations reads the rows of the query and, in one more query, the offers of those that had any.
func (s *Store) cancellations(ctx context.Context, merchant foyer.MerchantID, query *gorm.DB) ([]retention.Cancellation, error) {
	var rows []cancellationRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]retention.Cancellation, len(rows))
	place := map[retention.CancellationID]int{}
	var offered []retention.CancellationID
	for i, r := range rows {
		var err error
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
		if out[i].Rule != "" {
			place[r.ID], offered = i, append(offered, r.ID)
		}
	}
	if len(offered) == 0 {
		return out, nil
	}
	offers, err := offersOf(s.db(ctx).Where("cancellation_id IN ? AND merchant_id = ?", offered, merchant).Order("created_at, id"))
	for _, o := range offers {
		c := &out[place[o.Cancellation]]
		c.Offers = append(c.Offers, o)
	}
	return out, err
}

// CreateCancellation implements retention.Store: a unique index lets a subscription have one unfinished cancellation.
func (s *Store) CreateCancellation(ctx context.Context, c retention.Cancellation) (bool, error) {
	row := newCancellationRow(c)
	created := s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	return created.RowsAffected == 1, translate(created.Error)
}

// SaveCancellation implements retention.Store.
func (s *Store) SaveCancellation(ctx context.Context, c retention.Cancellation, from int64) error {
	row := newCancellationRow(c)
	saved := s.db(ctx).Model(&cancellationRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND version = ?", c.Merchant, c.Customer, c.ID, from).
		UpdateColumns(map[string]any{
			"state": c.State, "step": c.Step, "effective": c.Effective, "effective_at": c.EffectiveAt, "updated_at": c.UpdatedAt, "version": c.Version,
			"course": row.Course, "due_at": row.DueAt,
		})
	if saved.Error == nil && saved.RowsAffected == 0 {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return translate(saved.Error)
}
