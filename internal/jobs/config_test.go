package jobs

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
)

// MigrateLock is seen by the tests outside the package.
const MigrateLock = migrateLock

// A worker that is killed in the middle leaves its job running in the table. It is rescued soon after nobody can be working
// on it any more (River's own setting is an hour), and never before.
func TestStuckJobsAreRescued(t *testing.T) {
	t.Parallel()
	c := workerConfig(Handlers{Prune: func(context.Context) error { return nil }}, slog.New(slog.DiscardHandler))
	require.Greater(t, c.RescueStuckJobsAfter, c.JobTimeout)
	require.LessOrEqual(t, c.RescueStuckJobsAfter, 2*time.Minute)
	// What a process starts at most in a second is not what bounds it.
	require.GreaterOrEqual(t, float64(c.Queues[river.QueueDefault].MaxWorkers)/c.FetchCooldown.Seconds(), 1000.0)
	require.Len(t, c.PeriodicJobs, 2)
}
