package webhook

import (
	"time"

	"foyer/internal/foyer"
)

// DeliveryID is `dlv_…`.
type DeliveryID string

// DeliveryStatus says what became of a delivery.
type DeliveryStatus string

// Where a delivery stands.
const (
	Pending   DeliveryStatus = "pending"
	Succeeded DeliveryStatus = "succeeded"
	Failed    DeliveryStatus = "failed"
)

// Outcome says what came of a try. It is all a merchant learns: an error in more words would let them look around in our network
// (threat #49).
type Outcome string

// What comes of a try.
const (
	OutcomeSucceeded Outcome = "succeeded"
	// OutcomeConnection: no connection came about. The name is not known, the port is closed or filtered, or the address is
	// not one we go to: the one code for all of them.
	OutcomeConnection Outcome = "connection_failed"
	OutcomeTLS        Outcome = "tls_failed"
	OutcomeTimeout    Outcome = "timeout"
	// OutcomeBadResponse: the answer is no HTTP, or has too large a header.
	OutcomeBadResponse Outcome = "bad_response"
	OutcomeBadStatus   Outcome = "bad_status"
	OutcomeRedirected  Outcome = "redirected"
	OutcomeGone        Outcome = "gone"
	// OutcomeDisabled: it was not tried, because the endpoint was disabled when it fell due.
	OutcomeDisabled Outcome = "endpoint_disabled"
	// OutcomeEventDeleted: it was not tried, because the event is no longer there.
	OutcomeEventDeleted Outcome = "event_deleted"
)

// Outcomes are all there are.
var Outcomes = []Outcome{
	OutcomeSucceeded, OutcomeConnection, OutcomeTLS, OutcomeTimeout, OutcomeBadResponse, OutcomeBadStatus, OutcomeRedirected, OutcomeGone, OutcomeDisabled,
	OutcomeEventDeleted,
}

// Attempt is one try.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome Outcome   `json:"outcome"`
	// Status is the HTTP status; 0 when none came.
	Status int `json:"status,omitempty"`
	// Took is how long the answer took; 0 when no connection came about, because how long that took tells a closed port from
	// a filtered one.
	Took time.Duration `json:"took,omitempty"`
}

// maxAttempts is how many tries are kept of a delivery that is redelivered again and again: the last ones.
const maxAttempts = 30

// Delivery is one event for one endpoint.
type Delivery struct {
	ID        DeliveryID
	Merchant  foyer.MerchantID
	Endpoint  EndpointID
	Event     string
	EventType foyer.EventType
	// EventAt is when it happened, by the merchant's clock; everything else here is real time.
	EventAt time.Time
	Status  DeliveryStatus
	// Tries counts all of them, Step those of the present run of the schedule.
	Tries int
	Step  int
	// DueAt is when it is tried next, or until when its worker has a lease; nil when it is done.
	DueAt *time.Time
	// Lease names who is sending it now; empty while nobody is.
	Lease       string
	LastOutcome Outcome
	LastStatus  int
	// Attempts are left out of lists.
	Attempts []Attempt
	// Message is the body of a test; an event's is rendered when it is sent.
	Message     []byte
	CreatedAt   time.Time
	CompletedAt *time.Time
}

// NewDelivery returns a delivery that is due at once.
func NewDelivery(id DeliveryID, endpoint EndpointID, e foyer.Event, now time.Time) Delivery {
	return Delivery{
		ID: id, Merchant: e.Scope.Merchant, Endpoint: endpoint, Event: e.ID, EventType: e.Type, EventAt: e.At, Status: Pending, DueAt: &now, CreatedAt: now,
	}
}

// test tells whether it is a merchant's test: tried once, and no sign of the endpoint's health when it fails.
func (d Delivery) test() bool { return d.EventType == TestType }

// tried is the delivery after a try that ended at a moment.
func (d Delivery) tried(a answer, plan Schedule, spread float64, ended time.Time) Delivery {
	d.Attempts = append(d.Attempts, a.Attempt)
	if surplus := len(d.Attempts) - maxAttempts; surplus > 0 {
		d.Attempts = d.Attempts[surplus:]
	}
	d.Tries++
	d.Step++
	d.LastOutcome, d.LastStatus, d.Lease, d.DueAt = a.Outcome, a.Status, "", nil
	if a.Outcome == OutcomeSucceeded {
		d.Status, d.CompletedAt = Succeeded, &ended
		return d
	}
	wait, again := plan.next(d.Step, spread, a.retryAfter)
	if !again || a.Outcome == OutcomeGone || d.test() {
		d.Status, d.CompletedAt = Failed, &ended
		return d
	}
	from := ended
	if a.Outcome == OutcomeConnection {
		from = a.At // how long no connection came about is nobody's business: see Attempt.Took
	}
	due := foyer.Micro(from.Add(wait))
	d.Status, d.DueAt = Pending, &due
	return d
}

// given is the delivery ended without a try.
func (d Delivery) given(up Outcome, now time.Time) Delivery {
	d.Status, d.LastOutcome, d.LastStatus, d.Lease, d.DueAt, d.CompletedAt = Failed, up, 0, "", nil, &now
	return d
}

// again is the delivery begun anew: the whole schedule from its start, under the same event id. What is being sent now is
// left alone: that is the new try.
func (d Delivery) again(now time.Time) Delivery {
	if d.Status == Pending && d.Lease != "" {
		return d
	}
	d.Status, d.Step, d.DueAt, d.Lease, d.CompletedAt = Pending, 0, &now, "", nil
	return d
}
