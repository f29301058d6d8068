package store

import (
	"context"
	"time"

	"gorm.io/gorm"

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
	ScheduledFirm     bool
	Discount          *string
	PaymentMethodID   *billing.PaymentMethodID
	StartedAt         *time.Time
	PausedAt          *time.Time
	CanceledAt        *time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
	Version           int64
	Provider          string
	AnchorAt          *time.Time
	Pending           *string
	OpenPaymentID     *billing.PaymentID
	DebtID            *billing.PaymentID
	// RemindAt is of rows written before there was Reminders.
	RemindAt       *time.Time
	Reminders      *string
	BillingDetails *string
	DueAt          *time.Time
	Metadata       *string
}

func (subscriptionRow) TableName() string { return "subscriptions" }

func (r subscriptionRow) domain() (billing.Subscription, error) {
	sub := billing.Subscription{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, ExternalID: value(r.ExternalID), Status: r.Status, Currency: r.Currency,
		RecurringTotal: r.RecurringTotal, AmountsUnknown: r.AmountsUnknown, NextTotal: r.NextTotal, Cycle: foyer.Cycle{Interval: r.CycleInterval, Frequency: r.CycleFrequency},
		CollectionMode: r.CollectionMode, CurrentPeriod: period(r.PeriodStartsAt, r.PeriodEndsAt), Trial: period(r.TrialStartsAt, r.TrialEndsAt),
		NextBilledAt: utc(r.NextBilledAt), PaymentMethod: value(r.PaymentMethodID), StartedAt: utc(r.StartedAt), PausedAt: utc(r.PausedAt),
		CanceledAt: utc(r.CanceledAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
		Provider: r.Provider, AnchorAt: utc(r.AnchorAt), OpenPayment: value(r.OpenPaymentID), Debt: value(r.DebtID),
		Metadata: metadata(r.Metadata),
	}
	if r.ScheduledAction != nil && r.ScheduledAt != nil {
		sub.ScheduledChange = &billing.ScheduledChange{Action: *r.ScheduledAction, EffectiveAt: r.ScheduledAt.UTC(), ResumeAt: utc(r.ScheduledResumeAt), Firm: r.ScheduledFirm}
	}
	var err error
	if sub.Discount, err = fromJSONOrNull[billing.SubscriptionDiscount]("subscriptions.discount", r.Discount); err != nil {
		return billing.Subscription{}, err
	}
	if sub.Pending, err = fromJSONOrNull[billing.Plan]("subscriptions.pending", r.Pending); err != nil {
		return billing.Subscription{}, err
	}
	if sub.BillingDetails, err = fromJSONOrNull[billing.Terms]("subscriptions.billing_details", r.BillingDetails); err != nil {
		return billing.Subscription{}, err
	}
	if sub.Items, err = fromJSON[[]billing.SubscriptionItem]("subscriptions.items", r.Items); err != nil {
		return billing.Subscription{}, err
	}
	told, err := fromJSONOrNull[remindersColumn]("subscriptions.reminders", r.Reminders)
	switch {
	case err != nil:
		return billing.Subscription{}, err
	case told != nil:
		sub.Territory, sub.Told, sub.LoweredFrom = told.Territory, told.Told, told.LoweredFrom
	default:
		sub.Territory = billing.TerritoryUnread
		if r.RemindAt == nil && sub.CurrentPeriod != nil { // what there was to tell of this period was told
			sub.Told = map[billing.MailKind]time.Time{billing.MailTrialEnding: sub.CurrentPeriod.End, billing.MailRenewalComing: sub.CurrentPeriod.End}
		}
	}
	return sub, nil
}

// remindersColumn is what is kept of the notices of a subscription.
type remindersColumn struct {
	Territory   billing.Territory              `json:"territory,omitempty"`
	Told        map[billing.MailKind]time.Time `json:"told,omitempty"`
	LoweredFrom *time.Time                     `json:"lowered_from,omitempty"`
}

// newReminders leaves the column null while nobody has asked where the customer lives.
func newReminders(sub billing.Subscription) *string {
	if sub.Territory == billing.TerritoryUnread {
		return nil
	}
	return jsonOrNull(&remindersColumn{Territory: sub.Territory, Told: sub.Told, LoweredFrom: sub.LoweredFrom})
}

func newSubscriptionRow(sub billing.Subscription) subscriptionRow {
	row := subscriptionRow{
		ID: sub.ID, MerchantID: sub.Merchant, CustomerID: sub.Customer, ExternalID: null(sub.ExternalID), Status: sub.Status, Currency: sub.Currency,
		Items: toJSON(sub.Items), RecurringTotal: sub.RecurringTotal, AmountsUnknown: sub.AmountsUnknown, NextTotal: sub.NextTotal, CycleInterval: sub.Cycle.Interval,
		CycleFrequency: sub.Cycle.Frequency, CollectionMode: sub.CollectionMode, NextBilledAt: sub.NextBilledAt,
		PaymentMethodID: null(sub.PaymentMethod), StartedAt: sub.StartedAt, PausedAt: sub.PausedAt, CanceledAt: sub.CanceledAt,
		CreatedAt: sub.CreatedAt, UpdatedAt: sub.UpdatedAt, Version: sub.Version,
		Provider: sub.Provider, AnchorAt: sub.AnchorAt, OpenPaymentID: null(sub.OpenPayment), DebtID: null(sub.Debt),
		DueAt: sub.DueAt(), Reminders: newReminders(sub), Pending: jsonOrNull(sub.Pending), BillingDetails: jsonOrNull(sub.BillingDetails), Metadata: metadataOrNull(sub.Metadata),
	}
	if row.DueAt != nil && sub.Territory == billing.TerritoryUnread {
		row.DueAt = &row.CreatedAt // the engine asks at once
	}
	row.PeriodStartsAt, row.PeriodEndsAt = bounds(sub.CurrentPeriod)
	row.TrialStartsAt, row.TrialEndsAt = bounds(sub.Trial)
	if c := sub.ScheduledChange; c != nil {
		row.ScheduledAction, row.ScheduledAt, row.ScheduledResumeAt = &c.Action, &c.EffectiveAt, c.ResumeAt
		row.ScheduledFirm = c.Firm
	}
	row.Discount = jsonOrNull(sub.Discount)
	return row
}

// Subscriptions implements billing.Store.
func (s *Store) Subscriptions(ctx context.Context, scope foyer.Scope, statuses []billing.SubscriptionStatus, page foyer.PageRequest) ([]billing.Subscription, error) {
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer)
	if len(statuses) > 0 {
		query = query.Where("status IN ?", statuses)
	}
	return subscriptions(newest(query, "created_at", page))
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

// subscriptions reads all rows of the query.
func subscriptions(query *gorm.DB) ([]billing.Subscription, error) {
	var rows []subscriptionRow
	if err := query.Find(&rows).Error; err != nil {
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

// SubscriptionsForUpdate returns the merchant's subscriptions with the ids, in the order of their ids, and keeps them from
// being changed by others until the transaction ends.
func (s *Store) SubscriptionsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...billing.SubscriptionID) ([]billing.Subscription, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return subscriptions(s.locking(ctx, "").Where("merchant_id = ? AND id IN ?", merchant, ids).Order("id"))
}

// CreateSubscriptions keeps new subscriptions.
func (s *Store) CreateSubscriptions(ctx context.Context, subs ...billing.Subscription) error {
	if len(subs) == 0 {
		return nil
	}
	rows := make([]subscriptionRow, len(subs))
	for i, sub := range subs {
		rows[i] = newSubscriptionRow(sub)
	}
	return translate(s.db(ctx).Create(&rows).Error)
}

// SaveSubscriptions implements billing.Store: one statement for all, and the versions decide.
func (s *Store) SaveSubscriptions(ctx context.Context, subs ...billing.Subscription) error {
	rows := make([]subscriptionRow, len(subs))
	for i, sub := range subs {
		rows[i] = newSubscriptionRow(sub)
	}
	return saveVersions(s.db(ctx), "subscriptions", rows, "status", "items", "recurring_total", "next_total", "cycle_interval", "cycle_frequency",
		"period_starts_at", "period_ends_at", "trial_starts_at", "trial_ends_at", "next_billed_at", "scheduled_action", "scheduled_at",
		"scheduled_resume_at", "scheduled_firm", "discount", "payment_method_id", "started_at", "paused_at", "canceled_at", "updated_at", "version", "anchor_at",
		"pending", "open_payment_id", "debt_id", "reminders", "due_at", "external_id", "metadata")
}

// DueSubscriptions returns what time alone changes by now, first due first, and keeps it for this transaction: another
// worker at the same time gets others.
func (s *Store) DueSubscriptions(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.Subscription, error) {
	return subscriptions(s.locking(ctx, "SKIP LOCKED").Where("merchant_id = ? AND due_at <= ?", merchant, now.UTC()).Order("due_at, id").Limit(limit))
}
