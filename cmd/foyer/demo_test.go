package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The months of the demo are counted from today. Whatever day that is, and however short the months are that follow, the walk
// finds the same.
func TestDemoIsTheSameOnAnyDay(t *testing.T) {
	t.Parallel()
	for _, day := range []string{"2027-01-31", "2027-12-22"} {
		t.Run(day, func(t *testing.T) {
			t.Parallel()
			today, err := time.Parse(time.DateOnly, day)
			require.NoError(t, err)
			var out, errs bytes.Buffer
			p := &program{environ: newShell(t).environ, out: &out, err: &errs}
			dir := t.TempDir()
			on, err := demoListeners(t.Context(), "127.0.0.1:0", "127.0.0.1:0")
			require.NoError(t, err)
			c, err := p.demoConfig(dir, on)
			require.NoError(t, err)
			ahead := time.Until(today.Add(23 * time.Hour))
			c.Now = func() time.Time { return time.Now().Add(ahead) }
			require.NoError(t, p.showDemo(t.Context(), c, on, demoShow{dir: dir, leave: true}), "%s%s", &out, &errs)
			assert.Contains(t, out.String(), "Every step did what it must.")
			assert.NotContains(t, out.String(), "4242424242424242", "a card number is for the gateway only")
		})
	}
}
