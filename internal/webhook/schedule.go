package webhook

import "time"

// Schedule is how long after the try before each try comes; its length is the number of tries.
type Schedule []time.Duration

// DefaultSchedule is Standard Webhooks' own: 10 tries over 75 hours.
var DefaultSchedule = Schedule{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// longestWait bounds what a receiver may ask for with Retry-After.
const longestWait = 24 * time.Hour

// jitterFrom is the wait from which on it is spread: what failed together is not tried again together.
const jitterFrom = time.Minute

// next returns how long to wait after the number of tries made so far; false when they are used up. spread lies in [-1, 1) and moves
// the longer waits by up to a tenth. A receiver that asks for more time gets it, up to a day.
func (s Schedule) next(made int, spread float64, retryAfter time.Duration) (time.Duration, bool) {
	if made >= len(s) {
		return 0, false
	}
	wait := s[made]
	if wait >= jitterFrom {
		wait += time.Duration(float64(wait) * 0.1 * spread)
	}
	return max(wait, min(retryAfter, longestWait)), true
}
