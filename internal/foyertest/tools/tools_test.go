package tools_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"foyer/internal/foyertest/tools"
)

// verdict stands in for a test and remembers how it was ended.
type verdict struct {
	testing.TB
	skipped, failed string
}

func (v *verdict) Helper() {}

func (v *verdict) Skip(args ...any) {
	v.skipped = fmt.Sprint(args...)
	runtime.Goexit()
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// require runs RequireTool as a test of its own would, in a goroutine that Skip and Fatalf may end.
func require(v *verdict, name string) (path string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		path = tools.RequireTool(v, name)
	}()
	<-done
	return path
}

func TestRequireToolFindsAProgram(t *testing.T) {
	v := &verdict{TB: t}
	if path := require(v, "go"); !strings.HasPrefix(path, "/") && runtime.GOOS != "windows" {
		t.Errorf("path %q, want an absolute one", path)
	}
	if v.skipped+v.failed != "" {
		t.Errorf("skipped %q, failed %q, want neither", v.skipped, v.failed)
	}
}

func TestRequireToolWithoutTheProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, tt := range []struct{ required, skipped, failed string }{
		{"", "pdftotext is not installed: apt-get install poppler-utils", ""},
		{"0", "pdftotext is not installed: apt-get install poppler-utils", ""},
		{"1", "", "pdftotext is not installed: apt-get install poppler-utils (FOYER_REQUIRE_TOOLS=1, so this is a failure)"},
	} {
		t.Run("required="+tt.required, func(t *testing.T) {
			t.Setenv(tools.Required, tt.required)
			v := &verdict{TB: t}
			require(v, "pdftotext")
			if v.skipped != tt.skipped || v.failed != tt.failed {
				t.Errorf("skipped %q, failed %q", v.skipped, v.failed)
			}
		})
	}
}
