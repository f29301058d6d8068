package retention

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Evidence is one entry of the append-only log of a cancellation, notice or withdrawal: what somebody did, and what they were shown then,
// word for word. It is what a merchant has in hand when it is said that leaving was made hard.
type Evidence struct {
	ID       string
	Merchant foyer.MerchantID
	Subject  string
	Kind     EvidenceKind
	Actor    foyer.ActorKind
	At       time.Time
	Shown    Shown
	Answers  Answers
}

// EvidenceKind says what happened.
type EvidenceKind string

// What is kept as evidence. Each entry shows what stood there afterwards.
const (
	EvidenceShown     EvidenceKind = "shown"
	EvidenceAnswered  EvidenceKind = "answered"
	EvidenceAccepted  EvidenceKind = "accepted"
	EvidenceDeclined  EvidenceKind = "declined"
	EvidenceReopened  EvidenceKind = "reopened"
	EvidenceConfirmed EvidenceKind = "confirmed"
	EvidenceAbandoned EvidenceKind = "abandoned"
	EvidenceUndone    EvidenceKind = "undone"
	EvidenceDeclared  EvidenceKind = "declared"
	EvidenceDismissed EvidenceKind = "dismissed"
	EvidenceRetried   EvidenceKind = "retried"
	EvidenceReceived  EvidenceKind = "received" // a notice; its later ones are called as its states
)

// MerchantCancellations returns a page of the merchant's cancellations as they are, newest first.
func (s *Service) MerchantCancellations(ctx context.Context, merchant foyer.MerchantID, filter CancellationFilter, page foyer.PageRequest) ([]Cancellation, error) {
	return s.store.MerchantCancellations(ctx, merchant, filter, page)
}

// History is a cancellation with its evidence, oldest first.
type History struct {
	Cancellation
	Evidence []Evidence
}

// MerchantCancellation returns one of the merchant's.
func (s *Service) MerchantCancellation(ctx context.Context, merchant foyer.MerchantID, id CancellationID) (History, error) {
	c, err := s.store.MerchantCancellation(ctx, merchant, id)
	if err != nil {
		return History{}, err
	}
	found, err := s.histories(ctx, merchant, c)
	if err != nil {
		return History{}, err
	}
	return found[0], nil
}

// Histories returns a page of the customer's cancellations, whatever became of them, newest first.
func (s *Service) Histories(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]History, error) {
	found, err := s.store.AllCancellations(ctx, scope, page)
	if err != nil {
		return nil, err
	}
	return s.histories(ctx, scope.Merchant, found...)
}

func (s *Service) histories(ctx context.Context, merchant foyer.MerchantID, cancellations ...Cancellation) ([]History, error) {
	out, place := make([]History, len(cancellations)), map[string]int{}
	subjects := make([]string, len(cancellations))
	for i, c := range cancellations {
		out[i].Cancellation, subjects[i], place[string(c.ID)] = c, string(c.ID), i
	}
	evidence, err := s.store.Evidence(ctx, merchant, subjects)
	for _, e := range evidence {
		h := &out[place[e.Subject]]
		h.Evidence = append(h.Evidence, e)
	}
	return out, err
}
