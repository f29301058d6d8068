package identity

import "time"

// Lifetimes are how long things are good for; the defaults are promises of contract.md §5.
type Lifetimes struct {
	MagicLink       time.Duration
	Access          time.Duration
	RefreshIdle     time.Duration
	RefreshAbsolute time.Duration
	RefreshGrace    time.Duration
	// Download is how long a signed download link works.
	Download time.Duration
	// Ticket and MailTicket are how long links into the portal work that Foyer mints.
	Ticket     time.Duration
	MailTicket time.Duration
}

// DefaultLifetimes are the promises of contract.md §5.
var DefaultLifetimes = Lifetimes{
	MagicLink:       10 * time.Minute,
	Access:          10 * time.Minute,
	RefreshIdle:     7 * 24 * time.Hour,
	RefreshAbsolute: 30 * 24 * time.Hour,
	RefreshGrace:    10 * time.Second,
	Download:        5 * time.Minute,
	Ticket:          10 * time.Minute,
	MailTicket:      7 * 24 * time.Hour,
}
