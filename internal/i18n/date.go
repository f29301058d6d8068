package i18n

import "time"

// Date returns the day of t in UTC in the locale's long form, the one documents use: "April 12, 2024", "12. April 2024",
// "2024年4月12日". The month is a word where the language has one, so that no reader takes 4/12 for 12/4.
func (l Locale) Date(t time.Time) string { return l.format().days().FmtDateLong(t.UTC()) }

// DateTime returns the day and the minute of t in UTC, and says that it is UTC: "April 12, 2024 at 15:04 UTC". The clock
// has 24 hours everywhere: it is an instant to compare with others, not an appointment.
func (l Locale) DateTime(t time.Time) string {
	f, t := l.format(), t.UTC()
	return f.days().FmtDateLong(t) + f.clock.at + t.Format("15"+f.clock.separator+"04") + f.clock.zone
}
