package foyer

import (
	"regexp"
	"strconv"
	"time"
)

// Span is a duration as ISO 8601 writes it: calendar units, counted on the calendar, and exact time.
type Span struct {
	Months int
	Days   int
	Time   time.Duration
}

var spanPattern = regexp.MustCompile(`^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$`)

// ParseSpan reads a duration such as P31D, P1M or PT36H: whole numbers, at least one of them, and none after a bare T.
func ParseSpan(text string) (Span, bool) {
	found := spanPattern.FindStringSubmatch(text)
	if found == nil || text[len(text)-1] == 'P' || text[len(text)-1] == 'T' {
		return Span{}, false
	}
	n := make([]int, len(found))
	for i, digits := range found[1:] {
		if digits != "" {
			n[i], _ = strconv.Atoi(digits) // the pattern lets few digits pass
		}
	}
	return Span{
		Months: 12*n[0] + n[1], Days: 7*n[2] + n[3],
		Time: time.Duration(n[4])*time.Hour + time.Duration(n[5])*time.Minute + time.Duration(n[6])*time.Second,
	}, true
}

// After returns t moved forward by the span: months first, keeping the day of the month where there is one, as Cycle does.
func (s Span) After(t time.Time) time.Time {
	return addMonths(t.UTC(), s.Months).AddDate(0, 0, s.Days).Add(s.Time)
}

// SpanText writes an exact duration as ISO 8601, in seconds.
func SpanText(d time.Duration) string {
	return "PT" + strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S"
}
