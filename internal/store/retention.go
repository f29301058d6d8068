package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm/clause"

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

func (r receiptRow) domain() (retention.Receipt, error) {
	content, err := fromJSON[retention.ReceiptContent]("receipts.content", r.Content)
	return retention.Receipt{
		ID: r.ID, Merchant: r.MerchantID, Customer: value(r.CustomerID), Kind: r.Kind, Locale: r.Locale, Content: content, Hash: r.Hash,
		CreatedAt: r.CreatedAt.UTC(),
	}, err
}

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
	return row.domain()
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
