package foyer

import (
	"time"
)

// Period is a half-open span of time: Start inclusive, End exclusive, both UTC.
type Period struct {
	Start time.Time
	End   time.Time
}

// Contains tells whether t lies in the period.
func (p Period) Contains(t time.Time) bool { return !t.Before(p.Start) && t.Before(p.End) }

// Interval is the unit of a billing cycle.
type Interval string

// The units a billing cycle may have.
const (
	Day   Interval = "day"
	Week  Interval = "week"
	Month Interval = "month"
	Year  Interval = "year"
)

// Cycle is a span counted in calendar units: Frequency times Interval, for example every 3 months.
type Cycle struct {
	Interval  Interval
	Frequency int
}

// Micro returns t in UTC cut to microseconds: the precision both databases keep, so that what was written compares
// equal to what is read.
func Micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// After returns t moved forward by one cycle. Months and years keep the day of the month where the target month has it
// and take its last day where not (31 January + 1 month = 28 February), so that a period never skips a month.
func (c Cycle) After(t time.Time) time.Time {
	t = t.UTC()
	switch c.Interval {
	case Day:
		return t.AddDate(0, 0, c.Frequency)
	case Week:
		return t.AddDate(0, 0, 7*c.Frequency)
	case Month:
		return addMonths(t, c.Frequency)
	case Year:
		return addMonths(t, 12*c.Frequency)
	}
	return t
}

func addMonths(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// Next returns the first moment after from that is a whole number of cycles from anchor. Every one is counted from the
// anchor itself, so that a day of the month a short month lacks comes back in the next one (31 January, 28 February,
// 31 March).
func (c Cycle) Next(anchor, from time.Time) time.Time {
	if c.Frequency < 1 {
		return from
	}
	n := 1
	if from.After(anchor) {
		// A first guess that is never too far; the loop below takes at most a few steps.
		days := int(from.Sub(anchor).Hours() / 24)
		n = max(1, days/c.longestDays())
	}
	for {
		next := Cycle{c.Interval, c.Frequency * n}.After(anchor)
		if next.After(from) {
			return next
		}
		n++
	}
}

// longestDays is the most days one cycle can have.
func (c Cycle) longestDays() int {
	switch c.Interval {
	case Week:
		return 7 * c.Frequency
	case Month:
		return 31 * c.Frequency
	case Year:
		return 366 * c.Frequency
	}
	return c.Frequency
}

// Days is about how many days a cycle has, for comparing cycles: a month counts 30.4375 of them.
func (c Cycle) Days() float64 {
	n := float64(c.Frequency)
	switch c.Interval {
	case Week:
		return 7 * n
	case Month:
		return 30.4375 * n
	case Year:
		return 365.25 * n
	}
	return n
}

// Valid tells whether the cycle is a known unit and at most ten years long.
func (c Cycle) Valid() bool {
	switch c.Interval {
	case Day, Week, Month, Year:
		return c.Frequency >= 1 && c.Days() <= 3653
	}
	return false
}
