package retention

import (
	"cmp"
	"maps"
	"slices"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// TallyKey is by what the insights can be asked: one row of numbers for each.
type TallyKey struct {
	// Day is the UTC day the cancellation began, YYYY-MM-DD: what becomes of it counts for that day.
	Day       string
	Product   billing.ProductID
	Country   foyer.Country
	Currency  foyer.Currency
	Reason    string
	Rule      string
	OfferType OfferType
	Group     Group
}

// Counts are the numbers. Revenue is a month's, in minor units of the key's currency.
type Counts struct {
	Started   int64
	Saved     int64
	Canceled  int64
	Abandoned int64
	Undone    int64
	// RevenueAtStake is what all of them brought when they began, RevenueKept what the saved ones bring with what they were given.
	RevenueAtStake int64
	RevenueKept    int64
	// Looked and There: for each of Checkpoints how many subscriptions were looked at, and how many were still there; Saved… of those
	// that were saved.
	Looked      [3]int64
	There       [3]int64
	SavedLooked [3]int64
	SavedThere  [3]int64
}

// TallyEntry adds to one row; numbers may be negative.
type TallyEntry struct {
	Key TallyKey
	Add Counts
}

// tally is what one cancellation counts as it stands. The insights' rows are the sum of it over all of a merchant's: every change takes
// off what it counted before and adds what it counts now. One that was overtaken counts nothing.
func (c Cancellation) tally() (TallyKey, Counts) {
	key := TallyKey{
		Day: c.CreatedAt.UTC().Format("2006-01-02"), Product: c.Product, Country: c.Country, Currency: c.Currency, Reason: c.Answers.Reason,
		Rule: c.Rule, OfferType: c.OfferType, Group: c.Group,
	}
	if c.Overtaken != "" {
		return key, Counts{}
	}
	n := Counts{Started: 1, RevenueAtStake: c.Revenue}
	switch c.State {
	case Saved:
		n.Saved, n.RevenueKept = 1, c.Kept
	case Scheduled, Canceled:
		n.Canceled = 1
	case Abandoned, Expired:
		n.Abandoned = 1
	case Undone:
		n.Undone = 1
	}
	for i, there := range c.There {
		n.Looked[i] = 1
		if there {
			n.There[i] = 1
		}
		if c.State == Saved {
			n.SavedLooked[i], n.SavedThere[i] = n.Looked[i], n.There[i]
		}
	}
	return key, n
}

// difference is what a change adds to the rows. Cancellations begun before there were insights count nothing.
func difference(before, after Cancellation) []TallyEntry {
	if after.Group == "" {
		return nil
	}
	key, n := after.tally()
	entries := []TallyEntry{{key, n}}
	if before.ID != "" {
		was, count := before.tally()
		entries = append(entries, TallyEntry{was, Counts{}.minus(count)})
	}
	return entries
}

// AddUp adds cancellations, as they stand, to sums: what the rows must be. They come in the order of their keys, without those of nothing.
func AddUp(sums []TallyEntry, cancellations ...Cancellation) []TallyEntry {
	entries := slices.Clone(sums)
	for _, c := range cancellations {
		entries = append(entries, difference(Cancellation{}, c)...)
	}
	return merged(entries)
}

// merged adds up the entries of each key, in the order of the keys.
func merged(entries []TallyEntry) []TallyEntry {
	byKey := map[TallyKey]Counts{}
	for _, e := range entries {
		byKey[e.Key] = byKey[e.Key].plus(e.Add)
	}
	var out []TallyEntry
	for _, key := range slices.SortedFunc(maps.Keys(byKey), TallyKey.compare) {
		if byKey[key] != (Counts{}) {
			out = append(out, TallyEntry{key, byKey[key]})
		}
	}
	return out
}

func (k TallyKey) compare(o TallyKey) int {
	return cmp.Or(
		cmp.Compare(k.Day, o.Day), cmp.Compare(k.Product, o.Product), cmp.Compare(k.Country, o.Country), cmp.Compare(k.Currency, o.Currency),
		cmp.Compare(k.Reason, o.Reason), cmp.Compare(k.Rule, o.Rule), cmp.Compare(k.OfferType, o.OfferType), cmp.Compare(k.Group, o.Group),
	)
}

func (n Counts) plus(o Counts) Counts { return n.minus(Counts{}.minus(o)) }

func (n Counts) minus(o Counts) Counts {
	n.Started -= o.Started
	n.Saved -= o.Saved
	n.Canceled -= o.Canceled
	n.Abandoned -= o.Abandoned
	n.Undone -= o.Undone
	n.RevenueAtStake -= o.RevenueAtStake
	n.RevenueKept -= o.RevenueKept
	for i := range Checkpoints {
		n.Looked[i] -= o.Looked[i]
		n.There[i] -= o.There[i]
		n.SavedLooked[i] -= o.SavedLooked[i]
		n.SavedThere[i] -= o.SavedThere[i]
	}
	return n
}
