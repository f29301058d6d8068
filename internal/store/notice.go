package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

type noticeRow struct {
	ID             retention.NoticeID
	MerchantID     foyer.MerchantID
	CustomerID     *foyer.CustomerID
	SubscriptionID *billing.SubscriptionID
	Kind           retention.NoticeKind
	State          retention.NoticeState
	Details        string
	ReceivedAt     time.Time
	UpdatedAt      time.Time
	Version        int64
}

// noticeDetails is what of a notice is only read together with it.
type noticeDetails struct {
	retention.Declaration
	Locale       string                   `json:"locale"`
	Silent       bool                     `json:"silent,omitempty"`
	Cancellation retention.CancellationID `json:"cancellation,omitempty"`
	Withdrawal   retention.WithdrawalID   `json:"withdrawal,omitempty"`
	Problem      retention.NoticeProblem  `json:"problem,omitempty"`
	Note         string                   `json:"note,omitempty"`
}

func (noticeRow) TableName() string { return "notices" }

func (r noticeRow) domain() (retention.Notice, error) {
	d, err := fromJSON[noticeDetails]("notices.details", r.Details)
	return retention.Notice{
		ID: r.ID, Merchant: r.MerchantID, Kind: r.Kind, State: r.State, Declaration: d.Declaration, Locale: d.Locale, Silent: d.Silent,
		ReceivedAt: r.ReceivedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version, Customer: value(r.CustomerID), Subscription: value(r.SubscriptionID),
		Cancellation: d.Cancellation, Withdrawal: d.Withdrawal, Problem: d.Problem, Note: d.Note,
	}, err
}

func newNoticeRow(n retention.Notice) noticeRow {
	return noticeRow{
		ID: n.ID, MerchantID: n.Merchant, CustomerID: null(n.Customer), SubscriptionID: null(n.Subscription), Kind: n.Kind, State: n.State,
		Details:    toJSON(noticeDetails{n.Declaration, n.Locale, n.Silent, n.Cancellation, n.Withdrawal, n.Problem, n.Note}),
		ReceivedAt: n.ReceivedAt, UpdatedAt: n.UpdatedAt, Version: n.Version,
	}
}

var _ retention.NoticeStore = (*Store)(nil)

// CreateNotice implements retention.NoticeStore.
func (s *Store) CreateNotice(ctx context.Context, n retention.Notice) error {
	row := newNoticeRow(n)
	return translate(s.db(ctx).Create(&row).Error)
}

// Notice implements retention.NoticeStore.
func (s *Store) Notice(ctx context.Context, merchant foyer.MerchantID, id retention.NoticeID) (retention.Notice, error) {
	found, err := notices(s.changing(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Limit(1))
	if err != nil {
		return retention.Notice{}, err
	}
	if len(found) == 0 {
		return retention.Notice{}, foyer.ErrNotFound()
	}
	return found[0], nil
}

// SaveNotice implements retention.NoticeStore.
func (s *Store) SaveNotice(ctx context.Context, n retention.Notice, from int64) error {
	row := newNoticeRow(n)
	saved := s.db(ctx).Model(&noticeRow{}).Where("merchant_id = ? AND id = ? AND version = ?", n.Merchant, n.ID, from).UpdateColumns(map[string]any{
		"customer_id": row.CustomerID, "subscription_id": row.SubscriptionID, "state": row.State, "details": row.Details, "updated_at": row.UpdatedAt,
		"version": row.Version,
	})
	if saved.Error == nil && saved.RowsAffected == 0 {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return translate(saved.Error)
}

// Notices implements retention.NoticeStore.
func (s *Store) Notices(ctx context.Context, merchant foyer.MerchantID, filter retention.NoticeFilter, page foyer.PageRequest) ([]retention.Notice, error) {
	query := s.db(ctx).Where("merchant_id = ?", merchant)
	if len(filter.Kinds) > 0 {
		query = query.Where("kind IN ?", filter.Kinds)
	}
	if len(filter.States) > 0 {
		query = query.Where("state IN ?", filter.States)
	}
	return notices(newest(query, "received_at", page))
}

// CustomerNotices implements retention.NoticeStore.
func (s *Store) CustomerNotices(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]retention.Notice, error) {
	return notices(newest(s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer), "received_at", page))
}

func notices(query *gorm.DB) ([]retention.Notice, error) {
	var rows []noticeRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]retention.Notice, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// UnmatchedEmails implements retention.NoticeStore. The index of what waits for the merchant narrows it to a state and a time.
func (s *Store) UnmatchedEmails(ctx context.Context, merchant foyer.MerchantID, since time.Time) ([]string, error) {
	var emails []string
	err := s.db(ctx).Model(&noticeRow{}).Where("merchant_id = ? AND state IN ? AND received_at > ? AND details ->> 'problem' = ?", merchant,
		[]retention.NoticeState{retention.NoticeUnmatched, retention.NoticeDismissed, retention.NoticeResolved}, since.UTC(), retention.ProblemNoMatch).
		Pluck("details ->> 'email'", &emails).Error
	return emails, translate(err)
}

// InvoicedSubscriptions implements retention.NoticeStore.
func (s *Store) InvoicedSubscriptions(ctx context.Context, scope foyer.Scope, numbers []string) ([]billing.SubscriptionID, error) {
	var payments []billing.PaymentID
	err := s.db(ctx).Table("invoices").Where("merchant_id = ? AND customer_id = ? AND number IN ?", scope.Merchant, scope.Customer, numbers).
		Pluck("payment_id", &payments).Error
	if err != nil || len(payments) == 0 {
		return nil, translate(err)
	}
	var found []*billing.SubscriptionID
	err = s.db(ctx).Table("payments").Where("merchant_id = ? AND customer_id = ? AND id IN ?", scope.Merchant, scope.Customer, payments).
		Distinct().Pluck("subscription_id", &found).Error
	out := make([]billing.SubscriptionID, len(found))
	for i, id := range found {
		out[i] = value(id)
	}
	return out, translate(err)
}
