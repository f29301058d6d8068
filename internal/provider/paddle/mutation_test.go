package paddle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/provider/paddle"
)

// TestAnyValueMayBeWrong puts a wrong value in every place of every file, one at a time: whatever the place, reading
// doesn't panic, and a complaint is about that place or something in it.
func TestAnyValueMayBeWrong(t *testing.T) {
	wrong := []any{nil, true, "", "x", -1, 1e300, []any{}, []any{[]any{}}, map[string]any{}, map[string]any{"id": "sub_1"}}
	index, n := regexp.MustCompile(`\[\d+\]`), 0
	for _, name := range testFiles(t) {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		var root any
		require.NoError(t, json.Unmarshal(data, &root))
		seen := map[string]bool{}
		eachPlace(root, "", func(path string, set func(any), value any) {
			// All of them took a minute; each run takes two, others for other places.
			alike := index.ReplaceAllString(path, "[]")
			if seen[alike] {
				return
			}
			seen[alike] = true
			for range 2 {
				n += 3
				bad := wrong[n%len(wrong)]
				set(bad)
				complaint := complaintAbout(t, root)
				// What an object is was told by its id or event_id: without them the complaint is about the object.
				inside, _, _ := strings.Cut(path+"\n", ".id\n")
				inside, _, _ = strings.Cut(inside, ".event_id\n")
				inside = strings.TrimSuffix(inside, "\n")
				if complaint != "" && !strings.HasPrefix(complaint, inside) {
					t.Errorf("%s: %v at %s, complaint about %s", name, bad, path, complaint)
				}
			}
			set(value)
		})
	}
}

// complaintAbout returns the field Parse finds fault with, empty when it reads the document.
func complaintAbout(t *testing.T, root any) string {
	text, err := json.Marshal(root)
	require.NoError(t, err)
	batch, err := paddle.Parse("mutated", text)
	if err == nil {
		return ""
	}
	require.Equal(t, billing.ImportBatch{}, batch)
	var broken *paddle.BrokenFile
	if !errors.As(err, &broken) {
		t.Fatalf("not a BrokenFile: %v", err)
	}
	return broken.Field
}

// eachPlace calls f for every value below the root, with its path, a way to replace it, and what it was.
func eachPlace(v any, path string, f func(path string, set func(any), value any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			inner := strings.TrimPrefix(path+"."+key, ".")
			f(inner, func(bad any) { v[key] = bad }, child)
			eachPlace(child, inner, f)
		}
	case []any:
		for i, child := range v {
			inner := fmt.Sprintf("%s[%d]", path, i)
			f(inner, func(bad any) { v[i] = bad }, child)
			eachPlace(child, inner, f)
		}
	}
}
