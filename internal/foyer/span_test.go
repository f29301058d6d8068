package foyer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/foyer"
)

func TestSpans(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"P31D":       from.AddDate(0, 0, 31),
		"P1M":        time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC),
		"P1Y1M":      time.Date(2027, 2, 28, 12, 0, 0, 0, time.UTC),
		"P2W":        from.AddDate(0, 0, 14),
		"PT36H":      from.Add(36 * time.Hour),
		"P1DT2H3M4S": from.AddDate(0, 0, 1).Add(2*time.Hour + 3*time.Minute + 4*time.Second),
		"P0D":        from,
		"PT1M":       from.Add(time.Minute),
	} {
		span, ok := foyer.ParseSpan(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, span.After(from), text)
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "P-1D", "-P1D", "P1.5D", "P1", "1D", "P1D ", "PT1D", "P1H", "P1D1M", "p1d", "P99999D", "P1M\n", "P1Y1Y"} {
		_, ok := foyer.ParseSpan(text)
		assert.False(t, ok, "%q", text)
	}
	assert.Equal(t, "PT2678400S", foyer.SpanText(31*24*time.Hour))
	assert.Equal(t, "PT0.000001S", foyer.SpanText(time.Microsecond))
}
