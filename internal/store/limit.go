package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"foyer/internal/identity"
)

var _ identity.Limiter = (*Store)(nil)

// Take implements identity.Limiter. A window begins with its first use; one statement counts under all rules and tells, so
// that any number of processes share the counts.
func (s *Store) Take(ctx context.Context, name identity.LimitName, subject []byte, rules []identity.LimitRule, now time.Time) (time.Duration, error) {
	// In one order, so that two callers never wait for each other's rows; of two rules with one period the stricter decides.
	rules = slices.SortedFunc(slices.Values(rules), func(a, b identity.LimitRule) int {
		return cmp.Or(cmp.Compare(seconds(a), seconds(b)), cmp.Compare(a.Count, b.Count))
	})
	rules = slices.CompactFunc(rules, func(a, b identity.LimitRule) bool { return seconds(a) == seconds(b) })
	if len(rules) == 0 {
		return 0, nil
	}
	var args []any
	for _, rule := range rules {
		args = append(args, name, subject, seconds(rule), now.Add(rule.Per))
	}
	var windows []struct {
		Period   int64
		Used     int
		ResetsAt time.Time
	}
	err := s.db(ctx).Raw(`INSERT INTO rate_limits (name, subject, period, used, resets_at) VALUES `+
		strings.TrimSuffix(strings.Repeat("(?, ?, ?, 1, ?), ", len(rules)), ", ")+`
ON CONFLICT (name, subject, period) DO UPDATE SET
  used = CASE WHEN rate_limits.resets_at <= ? THEN 1 ELSE rate_limits.used + 1 END,
  resets_at = CASE WHEN rate_limits.resets_at <= ? THEN excluded.resets_at ELSE rate_limits.resets_at END
RETURNING period, used, resets_at`, append(args, now, now)...).Scan(&windows).Error
	if err != nil {
		return 0, translate(err)
	}
	var wait time.Duration
	for _, rule := range rules {
		for _, window := range windows {
			if window.Period == seconds(rule) && window.Used > rule.Count {
				// Another process's clock may be a moment ahead: never longer than the rule itself.
				wait = max(wait, min(window.ResetsAt.Sub(now), rule.Per))
			}
		}
	}
	return wait, nil
}

func seconds(rule identity.LimitRule) int64 { return int64(rule.Per / time.Second) }
