package retention

import (
	"context"
	"time"

	"foyer/internal/billing"
)

// WithdrawalID is `wdr_…`.
type WithdrawalID string

// declareWithdrawal opens the withdrawal a notice declares.
func (s *Service) declareWithdrawal(_ context.Context, _ billing.Subscription, _ Notice, _ Reader, _ time.Time) (WithdrawalID, error) {
	return "", nil
}
