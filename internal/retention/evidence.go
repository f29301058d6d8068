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
)

// MerchantCancellations returns a page of the merchant's cancellations as they are, newest first.
func (s *Service) MerchantCancellations(ctx context.Context, merchant foyer.MerchantID, filter CancellationFilter, page foyer.PageRequest) ([]Cancellation, error) {
	return s.store.MerchantCancellations(ctx, merchant, filter, page)
}

// MerchantCancellation returns one of the merchant's, with its evidence, oldest first.
func (s *Service) MerchantCancellation(ctx context.Context, merchant foyer.MerchantID, id CancellationID) (Cancellation, []Evidence, error) {
	c, err := s.store.MerchantCancellation(ctx, merchant, id)
	if err != nil {
		return c, nil, err
	}
	evidence, err := s.store.Evidence(ctx, merchant, string(id))
	return c, evidence, err
}
