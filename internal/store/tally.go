package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

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

func (r tallyRow) entry() retention.TallyEntry {
	return retention.TallyEntry{
		Key: retention.TallyKey{
			Day: r.Day, Product: r.ProductID, Country: r.Country, Currency: r.Currency, Reason: r.Reason, Rule: r.Rule, OfferType: r.OfferType, Group: r.OfferGroup,
		},
		Add: retention.Counts{
			Started: r.Started, Saved: r.Saved, Canceled: r.Canceled, Abandoned: r.Abandoned, Undone: r.Undone,
			RevenueAtStake: r.RevenueAtStake, RevenueKept: r.RevenueKept,
			Looked: [3]int64{r.Looked30, r.Looked60, r.Looked90}, There: [3]int64{r.There30, r.There60, r.There90},
			SavedLooked: [3]int64{r.SavedLooked30, r.SavedLooked60, r.SavedLooked90}, SavedThere: [3]int64{r.SavedThere30, r.SavedThere60, r.SavedThere90},
		},
	}
}

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

// tallyColumns are what the groupings divide by.
var tallyColumns = map[retention.Grouping]string{
	retention.GroupByDay: "day", retention.GroupByWeek: "day", retention.GroupByMonth: "day", retention.GroupByProduct: "product_id",
	retention.GroupByReason: "reason", retention.GroupByOffer: "rule", retention.GroupByCountry: "country",
}

// Tallies implements retention.Store: one query, which the database adds up, so that what is read into memory is as long as the answer.
// The primary key begins with merchant_id and day: the days asked for are one range of it, whatever else there is, and the filters are
// looked at within it. How many cancellations a row is the sum of makes no difference.
func (s *Store) Tallies(ctx context.Context, merchant foyer.MerchantID, q retention.InsightsQuery) ([]retention.TallyEntry, error) {
	columns := []string{"currency", "offer_group"}
	if by := tallyColumns[q.By]; by != "" {
		columns = append(columns, by)
	}
	selected := slices.Clone(columns)
	for _, name := range tallyCounts {
		selected = append(selected, "CAST(sum("+name+") AS bigint) AS "+name) // PostgreSQL's sum of bigints is a numeric
	}
	query := s.db(ctx).Select(selected).Where("merchant_id = ? AND day >= ? AND day < ?", merchant, q.From.Format(time.DateOnly), q.To.Format(time.DateOnly))
	for _, filter := range []struct{ column, wanted string }{
		{"product_id", string(q.Product)}, {"reason", q.Reason}, {"rule", q.Rule}, {"country", string(q.Country)}, {"currency", string(q.Currency)},
	} {
		if filter.wanted != "" {
			query = query.Where(filter.column+" = ?", filter.wanted)
		}
	}
	var rows []tallyRow
	err := query.Group(strings.Join(columns, ", ")).Find(&rows).Error
	out := make([]retention.TallyEntry, len(rows))
	for i, r := range rows {
		out[i] = r.entry()
	}
	return out, translate(err)
}
