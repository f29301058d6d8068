package store

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type subscriptionRow struct {
	ID                billing.SubscriptionID
	MerchantID        foyer.MerchantID
	CustomerID        foyer.CustomerID
	ExternalID        *string
	Status            billing.SubscriptionStatus
	Currency          foyer.Currency
	Items             string
	RecurringTotal    int64
	AmountsUnknown    bool
	NextTotal         *int64
	CycleInterval     foyer.Interval
	CycleFrequency    int
	CollectionMode    billing.CollectionMode
	PeriodStartsAt    *time.Time
	PeriodEndsAt      *time.Time
	TrialStartsAt     *time.Time
	TrialEndsAt       *time.Time
	NextBilledAt      *time.Time
	ScheduledAction   *billing.ScheduledAction
	ScheduledAt       *time.Time
	ScheduledResumeAt *time.Time
	Discount          *string
	PaymentMethodID   *billing.PaymentMethodID
	StartedAt         *time.Time
	PausedAt          *time.Time
	CanceledAt        *time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
	Version           int64
}

func (subscriptionRow) TableName() string { return "subscriptions" }

func (r subscriptionRow) domain() (billing.Subscription, error) {
	sub := billing.Subscription{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, ExternalID: value(r.ExternalID), Status: r.Status, Currency: r.Currency,
		RecurringTotal: r.RecurringTotal, AmountsUnknown: r.AmountsUnknown, NextTotal: r.NextTotal, Cycle: foyer.Cycle{Interval: r.CycleInterval, Frequency: r.CycleFrequency},
		CollectionMode: r.CollectionMode, CurrentPeriod: period(r.PeriodStartsAt, r.PeriodEndsAt), Trial: period(r.TrialStartsAt, r.TrialEndsAt),
		NextBilledAt: utc(r.NextBilledAt), PaymentMethod: value(r.PaymentMethodID), StartedAt: utc(r.StartedAt), PausedAt: utc(r.PausedAt),
		CanceledAt: utc(r.CanceledAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}
	if r.ScheduledAction != nil && r.ScheduledAt != nil {
		sub.ScheduledChange = &billing.ScheduledChange{Action: *r.ScheduledAction, EffectiveAt: r.ScheduledAt.UTC(), ResumeAt: utc(r.ScheduledResumeAt)}
	}
	var err error
	if r.Discount != nil {
		discount, err := fromJSON[billing.SubscriptionDiscount]("subscriptions.discount", *r.Discount)
		if err != nil {
			return billing.Subscription{}, err
		}
		sub.Discount = &discount
	}
	sub.Items, err = fromJSON[[]billing.SubscriptionItem]("subscriptions.items", r.Items)
	return sub, err
}

func newSubscriptionRow(sub billing.Subscription) subscriptionRow {
	row := subscriptionRow{
		ID: sub.ID, MerchantID: sub.Merchant, CustomerID: sub.Customer, ExternalID: null(sub.ExternalID), Status: sub.Status, Currency: sub.Currency,
		Items: toJSON(sub.Items), RecurringTotal: sub.RecurringTotal, AmountsUnknown: sub.AmountsUnknown, NextTotal: sub.NextTotal, CycleInterval: sub.Cycle.Interval,
		CycleFrequency: sub.Cycle.Frequency, CollectionMode: sub.CollectionMode, NextBilledAt: sub.NextBilledAt,
		PaymentMethodID: null(sub.PaymentMethod), StartedAt: sub.StartedAt, PausedAt: sub.PausedAt, CanceledAt: sub.CanceledAt,
		CreatedAt: sub.CreatedAt, UpdatedAt: sub.UpdatedAt, Version: sub.Version,
	}
	row.PeriodStartsAt, row.PeriodEndsAt = bounds(sub.CurrentPeriod)
	row.TrialStartsAt, row.TrialEndsAt = bounds(sub.Trial)
	if c := sub.ScheduledChange; c != nil {
		row.ScheduledAction, row.ScheduledAt, row.ScheduledResumeAt = &c.Action, &c.EffectiveAt, c.ResumeAt
	}
	if sub.Discount != nil {
		row.Discount = null(toJSON(sub.Discount))
	}
	return row
}

// Subscriptions implements billing.Store.
func (s *Store) Subscriptions(ctx context.Context, scope foyer.Scope, statuses []billing.SubscriptionStatus, page foyer.PageRequest) ([]billing.Subscription, error) {
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer)
	if len(statuses) > 0 {
		query = query.Where("status IN ?", statuses)
	}
	var rows []subscriptionRow
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]billing.Subscription, len(rows))
	for i, r := range rows {
		sub, err := r.domain()
		if err != nil {
			return nil, err
		}
		out[i] = sub
	}
	return out, nil
}

// Subscription implements billing.Store.
func (s *Store) Subscription(ctx context.Context, scope foyer.Scope, id billing.SubscriptionID) (billing.Subscription, error) {
	var row subscriptionRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ?", scope.Merchant, scope.Customer, id).Take(&row).Error
	if err != nil {
		return billing.Subscription{}, translate(err)
	}
	return row.domain()
}
