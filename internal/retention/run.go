package retention

import (
	"context"

	"foyer/internal/foyer"
)

// dueBatch is how many cancellations are taken further in one transaction.
const dueBatch = 64

// RunDue does what is due of a merchant's cancellations and withdrawals by its clock, a batch at a time; more tells whether there was
// anything. Any number of processes may run it at once.
func (s *Service) RunDue(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	if more, err = s.runCancellations(ctx, merchant); more || err != nil {
		return more, err
	}
	return s.runWithdrawals(ctx, merchant)
}

func (s *Service) runCancellations(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	err = s.summing(ctx, merchant, s.store.InTx, func(ctx context.Context) error {
		now, err := s.clock(ctx, merchant)
		if err != nil {
			return err
		}
		due, err := s.store.DueCancellations(ctx, merchant, now, dueBatch)
		if err != nil {
			return err
		}
		more = len(due) > 0
		for _, c := range due {
			sub, err := s.subscriptions.Subscription(ctx, c.Scope(), c.Subscription)
			if err != nil {
				return err
			}
			next, changed := c.Pass(sub, now)
			if changed {
				err = s.write(ctx, c, next, now)
			} else if err = s.store.SaveCancellation(ctx, next, c.Version); err == nil {
				sumsOf(ctx).tallies = append(sumsOf(ctx).tallies, difference(c, next)...)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}
