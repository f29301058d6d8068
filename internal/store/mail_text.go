package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm/clause"

	"foyer/internal/foyer"
	"foyer/internal/notify"
)

var _ notify.Wordings = (*Store)(nil)

type mailTextsRow struct {
	MerchantID foyer.MerchantID
	Locale     string
	Texts      string
	Version    int64
	UpdatedAt  time.Time
}

func (mailTextsRow) TableName() string { return "mail_texts" }

// MailTexts implements notify.Wordings.
func (s *Store) MailTexts(ctx context.Context, merchant foyer.MerchantID, locale string) (notify.OwnTexts, error) {
	var row mailTextsRow
	err := translate(s.db(ctx).Where("merchant_id = ? AND locale = ?", merchant, locale).Take(&row).Error)
	if errors.Is(err, foyer.NotFound) {
		return notify.OwnTexts{}, nil
	}
	if err != nil {
		return notify.OwnTexts{}, err
	}
	texts, err := fromJSON[map[string]string]("mail_texts.texts", row.Texts)
	return notify.OwnTexts{Texts: texts, Version: row.Version}, err
}

// SaveMailTexts implements notify.Wordings.
func (s *Store) SaveMailTexts(ctx context.Context, merchant foyer.MerchantID, locale string, own notify.OwnTexts, now time.Time) (bool, error) {
	row := mailTextsRow{MerchantID: merchant, Locale: locale, Texts: toJSON(own.Texts), Version: own.Version, UpdatedAt: now}
	saved := s.db(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "merchant_id"}, {Name: "locale"}},
		DoUpdates: clause.AssignmentColumns([]string{"texts", "version", "updated_at"}),
		Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "mail_texts.version = excluded.version - 1"}}},
	}).Create(&row)
	return saved.RowsAffected == 1, translate(saved.Error)
}
