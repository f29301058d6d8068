package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

type retentionSettingsRow struct {
	MerchantID foyer.MerchantID
	Settings   string
	Version    int64
	UpdatedAt  time.Time
}

func (retentionSettingsRow) TableName() string { return "retention_settings" }

// RetentionSettings implements retention.Store.
func (s *Store) RetentionSettings(ctx context.Context, merchant foyer.MerchantID) (retention.Settings, error) {
	var row retentionSettingsRow
	err := translate(s.db(ctx).Where("merchant_id = ?", merchant).Take(&row).Error)
	if errors.Is(err, foyer.NotFound) {
		return retention.Settings{}, nil
	}
	if err != nil {
		return retention.Settings{}, err
	}
	settings, err := fromJSON[retention.Settings]("retention_settings.settings", row.Settings)
	settings.Version = row.Version
	return settings, err
}

// SaveRetentionSettings implements retention.Store.
func (s *Store) SaveRetentionSettings(ctx context.Context, merchant foyer.MerchantID, settings retention.Settings, now time.Time) (bool, error) {
	row := retentionSettingsRow{MerchantID: merchant, Settings: toJSON(settings), Version: settings.Version, UpdatedAt: now}
	saved := s.db(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "merchant_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"settings", "version", "updated_at"}),
		Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "retention_settings.version = excluded.version - 1"}}},
	}).Create(&row)
	return saved.RowsAffected == 1, translate(saved.Error)
}

type receiptRow struct {
	ID         string
	MerchantID foyer.MerchantID
	CustomerID *foyer.CustomerID
	Kind       retention.ReceiptKind
	Locale     string
	Content    string
	Hash       string
	CreatedAt  time.Time
}

func (receiptRow) TableName() string { return "receipts" }

// CreateReceipt implements retention.Store.
func (s *Store) CreateReceipt(ctx context.Context, r retention.Receipt) error {
	return translate(s.db(ctx).Create(&receiptRow{
		ID: r.ID, MerchantID: r.Merchant, CustomerID: null(r.Customer), Kind: r.Kind, Locale: r.Locale, Content: toJSON(r.Content), Hash: r.Hash, CreatedAt: r.CreatedAt,
	}).Error)
}

// Receipt implements retention.Store.
func (s *Store) Receipt(ctx context.Context, merchant foyer.MerchantID, id string) (retention.Receipt, error) {
	var row receiptRow
	if err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error; err != nil {
		return retention.Receipt{}, translate(err)
	}
	content, err := fromJSON[retention.ReceiptContent]("receipts.content", row.Content)
	return retention.Receipt{
		ID: row.ID, Merchant: row.MerchantID, Customer: value(row.CustomerID), Kind: row.Kind, Locale: row.Locale, Content: content, Hash: row.Hash,
		CreatedAt: row.CreatedAt.UTC(),
	}, err
}

type receiptFileRow struct {
	MerchantID foyer.MerchantID
	ReceiptID  string
	Locale     string
	Content    []byte
}

func (receiptFileRow) TableName() string { return "receipt_files" }

// ReceiptFile returns the PDF of a receipt as it was first drawn in the locale; foyer.NotFound when it was not yet.
func (s *Store) ReceiptFile(ctx context.Context, merchant foyer.MerchantID, id, locale string) ([]byte, error) {
	var row receiptFileRow
	err := s.db(ctx).Where("merchant_id = ? AND receipt_id = ? AND locale = ?", merchant, id, locale).Take(&row).Error
	return row.Content, translate(err)
}

// KeepReceiptFile keeps a PDF, and returns the one that is kept: of two drawn at once the first.
func (s *Store) KeepReceiptFile(ctx context.Context, merchant foyer.MerchantID, id, locale string, pdf []byte) ([]byte, error) {
	row := receiptFileRow{MerchantID: merchant, ReceiptID: id, Locale: locale, Content: pdf}
	if err := s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return nil, translate(err)
	}
	return s.ReceiptFile(ctx, merchant, id, locale)
}

type evidenceRow struct {
	ID         string
	MerchantID foyer.MerchantID
	SubjectID  string
	Kind       retention.EvidenceKind
	ActorKind  foyer.ActorKind
	Shown      string
	Answers    string
	CreatedAt  time.Time
}

func (evidenceRow) TableName() string { return "evidence" }

// RecordEvidence implements retention.Store.
func (s *Store) RecordEvidence(ctx context.Context, entries ...retention.Evidence) error {
	rows := make([]evidenceRow, len(entries))
	for i, e := range entries {
		rows[i] = evidenceRow{
			ID: e.ID, MerchantID: e.Merchant, SubjectID: e.Subject, Kind: e.Kind, ActorKind: e.Actor, Shown: toJSON(e.Shown), Answers: toJSON(e.Answers), CreatedAt: e.At,
		}
	}
	return translate(s.db(ctx).Create(&rows).Error)
}

// Evidence implements retention.Store.
func (s *Store) Evidence(ctx context.Context, merchant foyer.MerchantID, subjects []string) ([]retention.Evidence, error) {
	if len(subjects) == 0 {
		return nil, nil
	}
	var rows []evidenceRow
	if err := s.db(ctx).Where("merchant_id = ? AND subject_id IN ?", merchant, subjects).Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]retention.Evidence, len(rows))
	for i, r := range rows {
		out[i] = retention.Evidence{ID: r.ID, Merchant: r.MerchantID, Subject: r.SubjectID, Kind: r.Kind, Actor: r.ActorKind, At: r.CreatedAt.UTC()}
		var err error
		if out[i].Shown, err = fromJSON[retention.Shown]("evidence.shown", r.Shown); err != nil {
			return nil, err
		}
		if out[i].Answers, err = fromJSON[retention.Answers]("evidence.answers", r.Answers); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type tallyRow struct {
	MerchantID     foyer.MerchantID
	Day            string
	ProductID      billing.ProductID
	Country        foyer.Country
	Currency       foyer.Currency
	Reason         string
	Rule           string
	OfferType      retention.OfferType
	OfferGroup     retention.Group
	Started        int64
	Saved          int64
	Canceled       int64
	Abandoned      int64
	Undone         int64
	RevenueAtStake int64
	RevenueKept    int64
	Looked30       int64 `gorm:"column:looked_30"`
	There30        int64 `gorm:"column:there_30"`
	SavedLooked30  int64 `gorm:"column:saved_looked_30"`
	SavedThere30   int64 `gorm:"column:saved_there_30"`
	Looked60       int64 `gorm:"column:looked_60"`
	There60        int64 `gorm:"column:there_60"`
	SavedLooked60  int64 `gorm:"column:saved_looked_60"`
	SavedThere60   int64 `gorm:"column:saved_there_60"`
	Looked90       int64 `gorm:"column:looked_90"`
	There90        int64 `gorm:"column:there_90"`
	SavedLooked90  int64 `gorm:"column:saved_looked_90"`
	SavedThere90   int64 `gorm:"column:saved_there_90"`
}

func (tallyRow) TableName() string { return "retention_tallies" }

// tallyKey and tallyCounts are the columns of a row: what it is for, and what is added up.
var (
	tallyKey    = []string{"merchant_id", "day", "product_id", "country", "currency", "reason", "rule", "offer_type", "offer_group"}
	tallyCounts = []string{
		"started", "saved", "canceled", "abandoned", "undone", "revenue_at_stake", "revenue_kept", "looked_30", "there_30", "saved_looked_30", "saved_there_30",
		"looked_60", "there_60", "saved_looked_60", "saved_there_60", "looked_90", "there_90", "saved_looked_90", "saved_there_90",
	}
)

// Tally implements retention.Store: one statement, rows in the order given.
func (s *Store) Tally(ctx context.Context, merchant foyer.MerchantID, entries []retention.TallyEntry) error {
	if len(entries) == 0 {
		return nil
	}
	rows := make([]tallyRow, len(entries))
	for i, e := range entries {
		k, n := e.Key, e.Add
		rows[i] = tallyRow{
			MerchantID: merchant, Day: k.Day, ProductID: k.Product, Country: k.Country, Currency: k.Currency, Reason: k.Reason, Rule: k.Rule,
			OfferType: k.OfferType, OfferGroup: k.Group, Started: n.Started, Saved: n.Saved, Canceled: n.Canceled, Abandoned: n.Abandoned, Undone: n.Undone,
			RevenueAtStake: n.RevenueAtStake, RevenueKept: n.RevenueKept,
			Looked30: n.Looked[0], There30: n.There[0], SavedLooked30: n.SavedLooked[0], SavedThere30: n.SavedThere[0],
			Looked60: n.Looked[1], There60: n.There[1], SavedLooked60: n.SavedLooked[1], SavedThere60: n.SavedThere[1],
			Looked90: n.Looked[2], There90: n.There[2], SavedLooked90: n.SavedLooked[2], SavedThere90: n.SavedThere[2],
		}
	}
	conflict := clause.OnConflict{}
	for _, name := range tallyKey {
		conflict.Columns = append(conflict.Columns, clause.Column{Name: name})
	}
	for _, name := range tallyCounts {
		conflict.DoUpdates = append(conflict.DoUpdates, clause.Assignment{
			Column: clause.Column{Name: name}, Value: clause.Expr{SQL: strings.ReplaceAll("retention_tallies.# + excluded.#", "#", name)},
		})
	}
	return translate(s.db(ctx).Clauses(conflict).Create(&rows).Error)
}
