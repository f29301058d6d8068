package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

type withdrawalRow struct {
	ID             retention.WithdrawalID
	MerchantID     foyer.MerchantID
	CustomerID     foyer.CustomerID
	SubscriptionID billing.SubscriptionID
	State          retention.WithdrawalState
	DeclaredAt     *time.Time
	EndsAt         time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Version        int64
	Undoing        string
	DueAt          *time.Time
}

func (withdrawalRow) TableName() string { return "withdrawals" }

func (r withdrawalRow) withdrawal() (retention.Withdrawal, error) {
	undoing, err := fromJSON[retention.Undoing]("withdrawals.undoing", r.Undoing)
	return retention.Withdrawal{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, Subscription: r.SubscriptionID, State: r.State, DeclaredAt: utc(r.DeclaredAt),
		EndsAt: r.EndsAt.UTC(), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version, Undoing: undoing,
	}, err
}

func newWithdrawalRow(w retention.Withdrawal) withdrawalRow {
	return withdrawalRow{
		ID: w.ID, MerchantID: w.Merchant, CustomerID: w.Customer, SubscriptionID: w.Subscription, State: w.State, DeclaredAt: w.DeclaredAt,
		EndsAt: w.EndsAt, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Version: w.Version, Undoing: toJSON(w.Undoing), DueAt: w.DueAt(),
	}
}

// Withdrawal implements retention.Store.
func (s *Store) Withdrawal(ctx context.Context, scope foyer.Scope, id retention.WithdrawalID) (retention.Withdrawal, error) {
	return oneWithdrawal(s.changing(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ?", scope.Merchant, scope.Customer, id))
}

// MerchantWithdrawal implements retention.Store.
func (s *Store) MerchantWithdrawal(ctx context.Context, merchant foyer.MerchantID, id retention.WithdrawalID) (retention.Withdrawal, error) {
	return oneWithdrawal(s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id))
}

// unfinishedWithdrawal are the states a subscription has one withdrawal at most in.
var unfinishedWithdrawal = append(slices.Clone(retention.DeclaredWithdrawals), retention.WithdrawalOpen)

// CurrentWithdrawal implements retention.Store.
func (s *Store) CurrentWithdrawal(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) (retention.Withdrawal, error) {
	return oneWithdrawal(s.changing(ctx).Where("merchant_id = ? AND customer_id = ? AND subscription_id = ? AND state IN ?",
		scope.Merchant, scope.Customer, sub, unfinishedWithdrawal))
}

// AllWithdrawals implements retention.Store.
func (s *Store) AllWithdrawals(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]retention.Withdrawal, error) {
	return withdrawals(newest(s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer), "created_at", page))
}

// MerchantWithdrawals implements retention.Store.
func (s *Store) MerchantWithdrawals(ctx context.Context, merchant foyer.MerchantID, filter retention.WithdrawalFilter, page foyer.PageRequest) ([]retention.Withdrawal, error) {
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
	return withdrawals(newest(query, "created_at", page))
}

// DueWithdrawals implements retention.Store.
func (s *Store) DueWithdrawals(ctx context.Context, merchant foyer.MerchantID, now, until time.Time, limit int) (due []retention.Withdrawal, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		due, err = withdrawals(s.locking(ctx, "SKIP LOCKED").Where("merchant_id = ? AND due_at <= ?", merchant, now.UTC()).Order("due_at, id").Limit(limit))
		if err != nil || len(due) == 0 {
			return err
		}
		ids := make([]retention.WithdrawalID, len(due))
		for i, w := range due {
			ids[i] = w.ID
		}
		return translate(s.db(ctx).Model(&withdrawalRow{}).Where("merchant_id = ? AND id IN ?", merchant, ids).UpdateColumn("due_at", until.UTC()).Error)
	})
	return due, err
}

func oneWithdrawal(query *gorm.DB) (retention.Withdrawal, error) {
	var row withdrawalRow
	if err := query.Take(&row).Error; err != nil {
		return retention.Withdrawal{}, translate(err)
	}
	return row.withdrawal()
}

func withdrawals(query *gorm.DB) ([]retention.Withdrawal, error) {
	var rows []withdrawalRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]retention.Withdrawal, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.withdrawal(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// CreateWithdrawal implements retention.Store: a unique index lets a subscription have one that is open or declared.
func (s *Store) CreateWithdrawal(ctx context.Context, w retention.Withdrawal) (bool, error) {
	row := newWithdrawalRow(w)
	created := s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	return created.RowsAffected == 1, translate(created.Error)
}

// SaveWithdrawal implements retention.Store.
func (s *Store) SaveWithdrawal(ctx context.Context, w retention.Withdrawal, from int64) error {
	row := newWithdrawalRow(w)
	saved := s.db(ctx).Model(&withdrawalRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND version = ?", w.Merchant, w.Customer, w.ID, from).
		UpdateColumns(map[string]any{
			"state": w.State, "declared_at": w.DeclaredAt, "updated_at": w.UpdatedAt, "version": w.Version, "undoing": row.Undoing, "due_at": row.DueAt,
		})
	if saved.Error == nil && saved.RowsAffected == 0 {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return translate(saved.Error)
}
