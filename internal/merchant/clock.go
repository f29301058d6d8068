package merchant

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Clock returns a merchant's time: the real one, or further ahead for a sandbox merchant whose clock was moved. All billing
// time comes from it; sign-ins and tokens live in real time.
func (s *Service) Clock(ctx context.Context, id foyer.MerchantID) (time.Time, error) {
	m, err := s.ByID(ctx, id)
	return foyer.Micro(s.now().Add(m.ClockOffset)), err
}

// MoveClock moves a sandbox merchant's clock forward to a moment; to one that has passed it does nothing. Other processes
// follow within two seconds. Conflict (clock.live) for a live merchant.
func (s *Service) MoveClock(ctx context.Context, id foyer.MerchantID, to time.Time) error {
	m, err := s.ByID(ctx, id)
	if err != nil {
		return err
	}
	if m.Mode != Sandbox {
		return foyer.Refuse(foyer.Conflict, "clock.live")
	}
	err = s.store.SetClockOffset(ctx, id, to.Sub(s.now()))
	s.forget(string(id), string(m.Portal.ID))
	return err
}

// AimClock writes down where a sandbox merchant's clock is to go.
func (s *Service) AimClock(ctx context.Context, id foyer.MerchantID, to time.Time) error {
	return s.store.AimClock(ctx, id, foyer.Micro(to))
}

// ClockAimed tells whether this is where the clock was last told to go.
func (s *Service) ClockAimed(ctx context.Context, id foyer.MerchantID, to time.Time) (bool, error) {
	return s.store.ClockAimed(ctx, id, foyer.Micro(to))
}

// forget makes this process read the merchant again.
func (s *Service) forget(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.merchants, key)
	}
}
