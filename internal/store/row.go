package store

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

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
