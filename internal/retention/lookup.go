package retention

import (
	"context"

	"foyer/internal/foyer"
)

// AllCancellations returns a page of the customer's cancellations, whatever became of them, newest first.
func (s *Service) AllCancellations(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Cancellation, error) {
	return s.store.AllCancellations(ctx, scope, page)
}
