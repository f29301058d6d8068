package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"foyer/internal/foyer"
)

// toJSON writes a value of ours; it can't fail for the types the rows hold.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: %T can't be written: %v", v, err))
	}
	return string(b)
}

// fromJSON reads what toJSON wrote.
func fromJSON[T any](column, text string) (T, error) {
	var v T
	if text == "" {
		return v, nil
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("store: column %s: %w", column, err)
	}
	return v, nil
}

// fromJSONOrNull reads what jsonOrNull wrote.
func fromJSONOrNull[T any](column string, text *string) (*T, error) {
	if text == nil {
		return nil, nil
	}
	v, err := fromJSON[T](column, *text)
	return &v, err
}

// jsonOrNull writes a value of ours, NULL for none.
func jsonOrNull[T any](v *T) *string {
	if v == nil {
		return nil
	}
	text := toJSON(v)
	return &text
}

// null returns nil for the empty value, so that "not known" is NULL.
func null[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func period(start, end *time.Time) *foyer.Period {
	if start == nil || end == nil {
		return nil
	}
	return &foyer.Period{Start: start.UTC(), End: end.UTC()}
}

func bounds(p *foyer.Period) (start, end *time.Time) {
	if p == nil {
		return nil, nil
	}
	return &p.Start, &p.End
}

func cycle(interval *string, frequency *int64) *foyer.Cycle {
	if interval == nil || frequency == nil {
		return nil
	}
	return &foyer.Cycle{Interval: foyer.Interval(*interval), Frequency: int(*frequency)}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// newest asks for one page, newest first by column and then id: one range of an index, however far in.
func newest(db *gorm.DB, column string, page foyer.PageRequest) *gorm.DB {
	if page.From != nil {
		db = db.Where(column+" >= ?", page.From.UTC())
	}
	if page.To != nil {
		db = db.Where(column+" < ?", page.To.UTC())
	}
	if page.After != nil {
		db = db.Where("("+column+", id) < (?, ?)", page.After.At.UTC(), page.After.ID)
	}
	return db.Order(column + " DESC, id DESC").Limit(page.Limit)
}

// locking is db for reading rows that are about to be changed: PostgreSQL locks them; SQLite has one writer at a time. with
// may be SKIP LOCKED, for rows any of which will do. NO KEY: what refers to such a row by foreign key is written meanwhile, and
// doesn't wait in the wrong order.
func (s *Store) locking(ctx context.Context, with string) *gorm.DB {
	db := s.db(ctx)
	if s.dialect == Postgres {
		db = db.Clauses(clause.Locking{Strength: "NO KEY UPDATE", Options: with})
	}
	return db
}

// saveVersions saves changed rows in one statement, each if its version is still the one before; Conflict when one is not.
// An INSERT that always meets its row is the one statement both databases have for changing many rows at once.
func saveVersions[R any](db *gorm.DB, table string, rows []R, columns ...string) error {
	if len(rows) == 0 {
		return nil
	}
	result := db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns(columns),
		Where: clause.Where{Exprs: []clause.Expression{clause.Expr{
			SQL: table + ".version = excluded.version - 1 AND " + table + ".merchant_id = excluded.merchant_id",
		}}},
	}).Create(&rows)
	if result.Error != nil {
		return translate(result.Error)
	}
	if result.RowsAffected != int64(len(rows)) {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return nil
}

// metadata reads what metadataOrNull wrote. What is there we wrote ourselves; a row that can't be read has none.
func metadata(text *string) foyer.Metadata {
	if text == nil {
		return nil
	}
	m, err := fromJSON[foyer.Metadata]("metadata", *text)
	if err != nil {
		return nil
	}
	return m.Kept()
}

func metadataOrNull(m foyer.Metadata) *string {
	if len(m) == 0 {
		return nil
	}
	text := toJSON(m)
	return &text
}

// changedOne is Conflict when a guarded update found nothing to change: somebody was quicker.
func changedOne(result *gorm.DB) error {
	if result.Error == nil && result.RowsAffected != 1 {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return translate(result.Error)
}
