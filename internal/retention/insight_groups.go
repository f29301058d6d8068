package retention

import (
	"cmp"
	"slices"
	"time"

	"foyer/internal/foyer"
)

// key is the group a row belongs to.
func (g Grouping) key(k TallyKey) string {
	switch g {
	case GroupByProduct:
		return string(k.Product)
	case GroupByReason:
		return k.Reason
	case GroupByOffer:
		return k.Rule
	case GroupByCountry:
		return string(k.Country)
	}
	day, _ := time.Parse(time.DateOnly, k.Day) // it was written from a time
	return g.periodOf(day)
}

func (g Grouping) periodOf(day time.Time) string {
	switch g {
	case GroupByWeek:
		sinceMonday := (int(day.Weekday()) + 6) % 7
		return day.AddDate(0, 0, -sinceMonday).Format(time.DateOnly)
	case GroupByMonth:
		return day.Format("2006-01")
	}
	return day.Format(time.DateOnly)
}

// periods are the keys of the periods of the span: one nobody left in is a number too.
func (q InsightsQuery) periods() (keys []string) {
	if !q.By.Period() {
		return nil
	}
	for day := q.From; day.Before(q.To); day = day.AddDate(0, 0, 1) {
		keys = append(keys, q.By.periodOf(day))
	}
	return slices.Compact(keys)
}

// ordered puts the groups in order, and adds up those that are too many.
func (g Grouping) ordered(groups map[string]*summed) []InsightGroup {
	keys := make([]string, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if g.Period() {
			return cmp.Compare(a, b)
		}
		return cmp.Or(cmp.Compare(groups[b].counts.Started, groups[a].counts.Started), cmp.Compare(a, b))
	})
	out := make([]InsightGroup, 0, len(keys))
	var rest summed
	for i, key := range keys {
		if i >= MaxInsightGroups && !g.Period() {
			rest.merge(*groups[key])
			continue
		}
		out = append(out, InsightGroup{Key: key, Numbers: groups[key].numbers()})
	}
	if len(out) < len(keys) {
		out = append(out, InsightGroup{Rest: true, Numbers: rest.numbers()})
	}
	return out
}

// summed adds up rows, money by currency.
type summed struct {
	counts  Counts
	revenue map[foyer.Currency]Revenue
}

func (s *summed) add(row TallyEntry) {
	s.merge(summed{row.Add, map[foyer.Currency]Revenue{
		row.Key.Currency: {Currency: row.Key.Currency, AtStake: row.Add.RevenueAtStake, Kept: row.Add.RevenueKept},
	}})
}

func (s *summed) merge(o summed) {
	s.counts = s.counts.plus(o.counts)
	if s.revenue == nil {
		s.revenue = map[foyer.Currency]Revenue{}
	}
	for currency, r := range o.revenue {
		sum := s.revenue[currency]
		s.revenue[currency] = Revenue{currency, sum.AtStake + r.AtStake, sum.Kept + r.Kept}
	}
}

func (s *summed) numbers() Numbers {
	n := Numbers{Counts: s.counts}
	n.Counts.RevenueAtStake, n.Counts.RevenueKept = 0, 0
	for _, r := range s.revenue {
		n.Revenue = append(n.Revenue, r)
	}
	slices.SortFunc(n.Revenue, func(a, b Revenue) int { return cmp.Compare(a.Currency, b.Currency) })
	return n
}
