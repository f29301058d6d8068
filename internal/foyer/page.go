package foyer

import "time"

// PageRequest asks for one page of a list, newest first.
type PageRequest struct {
	// Limit is how many entries are returned at most; a caller that wants to know whether there are more asks for one more.
	Limit int
	// After is the last entry of the page before; nil for the first page.
	After *PageKey
	// From (inclusive) and To (exclusive) bound the time the list is sorted by; nil is open.
	From *time.Time
	To   *time.Time
}

// PageKey is the place of an entry in a list: its time and, among equals, its id.
type PageKey struct {
	At time.Time
	ID string
}
