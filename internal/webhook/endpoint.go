package webhook

import (
	"fmt"
	"time"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// EndpointID is `whk_…`.
type EndpointID string

// EndpointStatus says whether an endpoint gets deliveries.
type EndpointStatus string

// Where an endpoint stands.
const (
	Enabled  EndpointStatus = "enabled"
	Disabled EndpointStatus = "disabled"
)

// DisabledReason says why an endpoint is disabled.
type DisabledReason string

// Why an endpoint is disabled.
const (
	DisabledByMerchant DisabledReason = "merchant"
	// DisabledGone: it answered 410.
	DisabledGone DisabledReason = "gone"
	// DisabledFailing: for days every try failed.
	DisabledFailing DisabledReason = "failing"
)

// Bounds of an endpoint.
const (
	// MaxEndpoints is how many a merchant has at most, archived ones not counted.
	MaxEndpoints   = 20
	maxDescription = 500
)

// Endpoint is where a merchant's system listens.
type Endpoint struct {
	ID       EndpointID
	Merchant foyer.MerchantID
	URL      string
	// EventTypes are what it wants to hear of; none is everything.
	EventTypes     []string
	Description    string
	Metadata       map[string]string
	Status         EndpointStatus
	DisabledReason DisabledReason
	DisabledAt     *time.Time
	// FailingSince is when the first of the tries failed that all failed since; nil after a success.
	FailingSince *time.Time
	// Secrets sign; where only the endpoint is shown they are left out.
	Secrets Secrets
	// OverlapUntil is until when an exchanged secret still signs.
	OverlapUntil *time.Time
	ArchivedAt   *time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Version      int64
}

// Wants tells whether the endpoint gets events of the type.
func (e Endpoint) Wants(t foyer.EventType) bool {
	return e.Status == Enabled && e.ArchivedAt == nil && matches(e.EventTypes, string(t))
}

// EndpointInput is a new endpoint as the merchant describes it.
type EndpointInput struct {
	URL         string
	EventTypes  []string
	Description string
	Metadata    map[string]string
}

// EndpointChange is what to change; nil stays as it is.
type EndpointChange struct {
	URL         *string
	EventTypes  *[]string
	Description *string
	Metadata    *map[string]string
	Status      *EndpointStatus
}

// newEndpoint returns an endpoint that gets deliveries from now on.
func newEndpoint(id EndpointID, merchant foyer.MerchantID, in EndpointInput, rules URLRules, now time.Time) (Endpoint, error) {
	e := Endpoint{
		ID: id, Merchant: merchant, URL: in.URL, EventTypes: in.EventTypes, Description: in.Description, Metadata: in.Metadata, Status: Enabled,
		Secrets: Secrets{newSecret()}, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	return e, EndpointChange{URL: &in.URL, EventTypes: &in.EventTypes, Description: &in.Description, Metadata: &in.Metadata}.validate(rules)
}

// apply changes what the merchant asked to change.
func (e Endpoint) apply(c EndpointChange, rules URLRules, now time.Time) (Endpoint, error) {
	if err := e.alive(); err != nil {
		return e, err
	}
	if err := c.validate(rules); err != nil {
		return e, err
	}
	set(&e.URL, c.URL)
	set(&e.EventTypes, c.EventTypes)
	set(&e.Description, c.Description)
	set(&e.Metadata, c.Metadata)
	if c.Status != nil && *c.Status != e.Status {
		if *c.Status == Enabled {
			e.Status, e.DisabledReason, e.DisabledAt, e.FailingSince = Enabled, "", nil, nil
		} else {
			e = e.disable(DisabledByMerchant, now)
		}
	}
	e.UpdatedAt = now
	e.Version++
	return e, nil
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// alive refuses what is archived.
func (e Endpoint) alive() error {
	if e.ArchivedAt != nil {
		return foyer.Refuse(foyer.Conflict, "webhook_endpoint.archived")
	}
	return nil
}

// reachable refuses what gets no deliveries.
func (e Endpoint) reachable() error {
	if err := e.alive(); err != nil {
		return err
	}
	if e.Status != Enabled {
		return foyer.Refuse(foyer.Conflict, "webhook_endpoint.disabled")
	}
	return nil
}

func (e Endpoint) disable(reason DisabledReason, now time.Time) Endpoint {
	e.Status, e.DisabledReason, e.DisabledAt = Disabled, reason, &now
	return e
}

// archive ends the endpoint; nothing is signed with its secrets any more.
func (e Endpoint) archive(now time.Time) Endpoint {
	if e.Status == Enabled {
		e = e.disable(DisabledByMerchant, now)
	}
	e.ArchivedAt, e.UpdatedAt, e.Secrets, e.OverlapUntil = &now, now, nil, nil
	e.Version++
	return e
}

// rotate gives the endpoint a new secret; the old one signs beside it for a while.
func (e Endpoint) rotate(now time.Time, overlap time.Duration) (Endpoint, error) {
	if err := e.alive(); err != nil {
		return e, err
	}
	until := now.Add(overlap)
	e.Secrets, e.OverlapUntil = e.Secrets.rotate(now, until), &until
	e.UpdatedAt = now
	e.Version++
	return e, nil
}

// heard is the endpoint after a try: nothing but failures for longer than patience disables it, and so does a 410. Changed
// tells whether anything is to be saved.
func (e Endpoint) heard(o Outcome, at time.Time, patience time.Duration) (after Endpoint, changed bool) {
	switch {
	case o == OutcomeSucceeded:
		changed = e.FailingSince != nil
		e.FailingSince = nil
		return e, changed
	case e.Status != Enabled:
		return e, false
	case e.FailingSince == nil:
		e.FailingSince, changed = &at, true
	}
	var reason DisabledReason
	switch {
	case o == OutcomeGone:
		reason = DisabledGone
	case at.Sub(*e.FailingSince) >= patience:
		reason = DisabledFailing
	default:
		return e, changed
	}
	e = e.disable(reason, at)
	e.UpdatedAt = at
	e.Version++
	return e, true
}

// validate reports everything that breaks a rule at once. What is not changed is not judged: rules may have become stricter.
func (c EndpointChange) validate(rules URLRules) error {
	var faults []foyer.FieldError
	fault := func(pointer, code string) { faults = append(faults, foyer.FieldError{Pointer: pointer, Code: code}) }
	if c.URL != nil && !rules.Allow(*c.URL) {
		fault("/url", "webhook.url")
	}
	if c.EventTypes != nil {
		for i, t := range *c.EventTypes {
			if !knownEventType(t) {
				fault(fmt.Sprintf("/event_types/%d", i), "webhook.event_type")
			}
		}
	}
	if c.Description != nil && (utf8.RuneCountInString(*c.Description) > maxDescription || !foyer.CleanText(*c.Description, true)) {
		fault("/description", "input.text_characters")
	}
	if c.Metadata != nil && !cleanMetadata(*c.Metadata) {
		fault("/metadata", "input.text_characters")
	}
	return foyer.InvalidFields(faults...)
}

func cleanMetadata(m map[string]string) bool {
	for key, value := range m {
		if !foyer.CleanText(key, false) || !foyer.CleanText(value, true) {
			return false
		}
	}
	return true
}
