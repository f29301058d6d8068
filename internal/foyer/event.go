package foyer

import "time"

// EventType names a change: the kind of thing and what happened or the state it is in now, "subscription.past_due".
type EventType string

// Event is one change of one thing, written in the transaction that made it, after the thing itself: the store reads the
// thing back and keeps it with the event, as the API shows it.
type Event struct {
	ID string
	// Scope is whose thing it is; Customer is empty for what belongs to no customer (the catalog).
	Scope Scope
	Type  EventType
	// Subject is the id of the thing. Sequence counts its events from 1, without a gap; whoever keeps events sets it.
	Subject  string
	Sequence int64
	At       time.Time
}
