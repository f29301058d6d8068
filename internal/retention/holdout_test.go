package retention_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/retention"
)

// Computed with another SHA-256: the first eight bytes of the hash by 2⁶⁴. They must never change: members of a group that is being
// measured would move.
func TestTheSameSubjectStaysInOrOut(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		salt, subject string
		point         float64
	}{
		{"mer_01kb3v5q8r9s0t1v2w3x4y5z6a", "ctm_01kb3v5q8r9s0t1v2w3x4y5z6b", 0.659415416192},
		{"mer_01kb3v5q8r9s0t1v2w3x4y5z6a", "ctm_01kb3v5q8r9s0t1v2w3x4y5z6c", 0.391915874544},
		{"another", "ctm_01kb3v5q8r9s0t1v2w3x4y5z6b", 0.655490856006},
		{"", "", 0.430481649236},
	} {
		for range 3 {
			assert.False(t, retention.InHoldout(row.salt, row.subject, row.point-1e-9), row)
			assert.True(t, retention.InHoldout(row.salt, row.subject, row.point+1e-9), row)
		}
	}
}

func TestTheHoldoutIsTheShareAskedFor(t *testing.T) {
	t.Parallel()
	const subjects = 100_000
	steps := []float64{0, 0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 1}
	members := make([]int, len(steps))
	both := 0
	for i := range subjects {
		subject := fmt.Sprintf("ctm_%026d", i)
		before := false
		for n, share := range steps {
			in := retention.InHoldout("mer_a", subject, share)
			require.False(t, before && !in, "%s left at %v", subject, share)
			before = in
			if in {
				members[n]++
			}
		}
		if retention.InHoldout("mer_a", subject, 0.2) && retention.InHoldout("mer_b", subject, 0.2) {
			both++
		}
	}
	for n, share := range steps {
		// Four standard deviations: a fair draw misses that once in 15,000 times, and this one is always the same.
		assert.InDelta(t, share*subjects, members[n], 4*math.Sqrt(share*(1-share)*subjects), share)
	}
	assert.InDelta(t, 0.04*subjects, both, 4*math.Sqrt(0.04*0.96*subjects), "another salt draws another group")
}

func TestAShareThatIsNoneHasNoMembers(t *testing.T) {
	t.Parallel()
	for i := range 1000 {
		subject := fmt.Sprint(i)
		for _, share := range []float64{-1, 0, math.NaN(), math.Inf(-1)} {
			assert.False(t, retention.InHoldout("", subject, share))
		}
		for _, share := range []float64{1, 2, math.Inf(1)} {
			assert.True(t, retention.InHoldout("", subject, share))
		}
	}
}
