package foyer_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

func TestACycleKeepsTheDayOrTakesTheLastOfTheMonth(t *testing.T) {
	for _, row := range []struct {
		from  string
		cycle foyer.Cycle
		want  string
	}{
		{"2026-01-31", foyer.Cycle{Interval: foyer.Month, Frequency: 1}, "2026-02-28"},
		{"2028-01-31", foyer.Cycle{Interval: foyer.Month, Frequency: 1}, "2028-02-29"},
		{"2026-01-31", foyer.Cycle{Interval: foyer.Month, Frequency: 3}, "2026-04-30"},
		{"2026-02-28", foyer.Cycle{Interval: foyer.Month, Frequency: 1}, "2026-03-28"},
		{"2026-12-31", foyer.Cycle{Interval: foyer.Month, Frequency: 2}, "2027-02-28"},
		{"2026-08-31", foyer.Cycle{Interval: foyer.Month, Frequency: 6}, "2027-02-28"},
		{"2028-02-29", foyer.Cycle{Interval: foyer.Year, Frequency: 1}, "2029-02-28"},
		{"2028-02-29", foyer.Cycle{Interval: foyer.Year, Frequency: 4}, "2032-02-29"},
		{"2096-02-29", foyer.Cycle{Interval: foyer.Year, Frequency: 4}, "2100-02-28"},
		{"2026-12-15", foyer.Cycle{Interval: foyer.Month, Frequency: 1}, "2027-01-15"},
		{"2026-02-25", foyer.Cycle{Interval: foyer.Week, Frequency: 1}, "2026-03-04"},
		{"2028-02-28", foyer.Cycle{Interval: foyer.Day, Frequency: 1}, "2028-02-29"},
		{"2026-12-31", foyer.Cycle{Interval: foyer.Day, Frequency: 30}, "2027-01-30"},
		{"2026-05-05", foyer.Cycle{}, "2026-05-05"},
	} {
		from, err := time.Parse("2006-01-02", row.from)
		require.NoError(t, err)
		got := row.cycle.After(from.Add(13*time.Hour + 7*time.Microsecond))
		assert.Equal(t, row.want+"T13:00:00.000007Z", got.Format(time.RFC3339Nano), "%s + %v", row.from, row.cycle)
	}
	// Daylight saving of the caller's zone moves nothing: periods are UTC.
	berlin := time.FixedZone("CET", 3600)
	assert.Equal(t, time.Date(2026, 4, 1, 23, 0, 0, 0, time.UTC), foyer.Cycle{Interval: foyer.Month, Frequency: 1}.After(time.Date(2026, 3, 2, 0, 0, 0, 0, berlin)))
}

func TestAPeriodIsHalfOpen(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := foyer.Period{Start: start, End: start.Add(time.Hour)}
	assert.True(t, p.Contains(start))
	assert.False(t, p.Contains(p.End))
	assert.False(t, p.Contains(start.Add(-1)))
	assert.True(t, p.Contains(p.End.Add(-1)))
}

// Threat #5: ids tell the time they were made and nothing about the next one.
func TestIDs(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ids := foyer.NewIDs(func() time.Time { return now })
	seen := map[string]bool{}
	var random []string
	for range 1000 {
		id := ids(foyer.PrefixPayment)
		require.True(t, foyer.ValidID(foyer.PrefixPayment, id), id)
		require.False(t, foyer.ValidID(foyer.PrefixInvoice, id))
		require.False(t, seen[id])
		seen[id] = true
		random = append(random, id[len("pay_")+10:])
	}
	assert.False(t, slices.IsSorted(random), "within a moment there is no order")
	early := ids(foyer.PrefixPayment)
	now = now.Add(time.Millisecond)
	assert.Less(t, early, ids(foyer.PrefixPayment), "a later moment sorts later")
	good := "pay_01kb3v5q8r9s0t1v2w3x4y5z6a"
	require.True(t, foyer.ValidID(foyer.PrefixPayment, good))
	for _, wrong := range []string{
		"", "pay_", good + "0", good[:len(good)-1], strings.ToUpper(good), "pay_81kb3v5q8r9s0t1v2w3x4y5z6a", "pay_01kb3v5q8r9s0t1v2w3x4y5z6u", "pay_01kb3v5q8r9s0t1v2w3x4y5zi\x00",
		" " + good, good + "\n", "pay-01kb3v5q8r9s0t1v2w3x4y5z6a", "ipay_01kb3v5q8r9s0t1v2w3x4y5z6a", "pay_01kb3v5q8r9s0t1v2w3x4y5zéé",
	} {
		assert.False(t, foyer.ValidID(foyer.PrefixPayment, wrong), "%q", wrong)
	}
}

// Threats #39, #63; CVE-2021-42574.
func TestCleanText(t *testing.T) {
	for _, good := range []string{"", "Mia Okafor", "مريم", "陈美", "👩‍👩‍👧", "𝄞", "Z͑ͫ̓ͪ̂ͫ̽͏", "a\u200db", "a\u200cb", "Ærøskøbing", "<b>&amp;", "' OR 1=1--"} {
		assert.True(t, foyer.CleanText(good, false), "%q", good)
	}
	for _, bad := range []string{
		"\x00", "a\x07", "\x1b[31m", "a\x7f", "a\u0085", "a\u009f", "a\u2028", "a\u2029", "a\u202e", "a\u202a", "a\u2066", "a\u2069", "\xff", "\xc0\xaf", "\xed\xa0\x80",
		"\ufffd", "\ufdd0", "\uffff", "\U0001fffe",
	} {
		assert.False(t, foyer.CleanText(bad, false), "%q", bad)
		assert.False(t, foyer.CleanText(bad, true), "%q", bad)
	}
	for _, lines := range []string{"a\nb", "a\tb"} {
		assert.True(t, foyer.CleanText(lines, true))
		assert.False(t, foyer.CleanText(lines, false))
	}
	assert.False(t, foyer.CleanText("a\rb", true))
}

func TestASealIsForOnePurposeAndOneBinding(t *testing.T) {
	const old, current = "an-old-secret-of-at-least-32-bytes!!", "a-new-secret-of-at-least-32-bytes!!!"
	ring, err := foyer.NewKeyring(current + ", " + old)
	require.NoError(t, err)
	before, err := foyer.NewKeyring(old)
	require.NoError(t, err)
	stranger, err := foyer.NewKeyring(strings.Repeat("s", 32))
	require.NoError(t, err)
	sealed := ring.Seal("a", []byte("plain"), []byte("bound"))
	plain, err := ring.Open("a", sealed, []byte("bound"))
	require.NoError(t, err)
	assert.Equal(t, "plain", string(plain))
	assert.False(t, bytes.Contains(sealed, []byte("plain")))
	assert.NotEqual(t, sealed, ring.Seal("a", []byte("plain"), []byte("bound")), "no two seals are alike")
	for i := range sealed {
		changed := slices.Clone(sealed)
		changed[i] ^= 1
		_, err := ring.Open("a", changed, []byte("bound"))
		require.ErrorIs(t, err, foyer.ErrSealBroken, i)
		_, err = ring.Open("a", sealed[:i], []byte("bound"))
		require.ErrorIs(t, err, foyer.ErrSealBroken, i)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another purpose": func() ([]byte, error) { return ring.Open("b", sealed, []byte("bound")) },
		"another binding": func() ([]byte, error) { return ring.Open("a", sealed, []byte("Bound")) },
		"no binding":      func() ([]byte, error) { return ring.Open("a", sealed, nil) },
		"another secret":  func() ([]byte, error) { return stranger.Open("a", sealed, []byte("bound")) },
		"only the old":    func() ([]byte, error) { return before.Open("a", sealed, []byte("bound")) },
		"nothing":         func() ([]byte, error) { return ring.Open("a", nil, []byte("bound")) },
	} {
		_, err := open()
		require.ErrorIs(t, err, foyer.ErrSealBroken, name)
	}
	// A rotated secret still reads what it wrote.
	kept, err := ring.Open("a", before.Seal("a", []byte("kept"), nil), nil)
	require.NoError(t, err)
	assert.Equal(t, "kept", string(kept))
	assert.Equal(t, [][]byte{ring.MAC("a", []byte("x")), before.MAC("a", []byte("x"))}, ring.MACs("a", []byte("x")))
	assert.NotEqual(t, ring.MAC("a", []byte("x")), ring.MAC("b", []byte("x")))
	for _, short := range []string{"", "short", strings.Repeat("s", 31), current + ",", current + ",short"} {
		_, err := foyer.NewKeyring(short)
		require.Error(t, err, short)
		assert.NotContains(t, err.Error(), "short", "an error never holds the secret")
	}
}

func TestAKindIsFoundThroughAnyWrapping(t *testing.T) {
	cause := errors.New("the inside")
	err := fmt.Errorf("payment: %w", &foyer.Error{Kind: foyer.NotFound, Code: "not_found", Err: cause})
	require.ErrorIs(t, err, foyer.NotFound)
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, foyer.Invalid)
	e, ok := foyer.AsError(err)
	require.True(t, ok)
	assert.Equal(t, "not_found", e.Code)
	_, ok = foyer.AsError(cause)
	assert.False(t, ok)
	assert.NoError(t, foyer.InvalidFields())
	assert.Equal(t, "input.invalid /name:input.email", foyer.InvalidFields(foyer.FieldError{Pointer: "/name", Code: "input.email"}).Error())
}
