package tools

import (
	"os"
	"os/exec"
	"testing"
)

// Required names the variable that turns "not run, because a tool is missing" into a failure.
const Required = "FOYER_REQUIRE_TOOLS"

// packages tells which Debian package brings a program whose package has another name.
var packages = map[string]string{
	"pdfinfo":   "poppler-utils",
	"pdftoppm":  "poppler-utils",
	"pdftotext": "poppler-utils",
	"postgres":  "postgresql",
	"node":      "nodejs",
}

// RequireTool returns the path of the program called name. Without it the test is skipped, or fails where
// FOYER_REQUIRE_TOOLS=1.
func RequireTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name+" is not installed: "+Install(name))
	}
	return path
}

// Missing ends the test because something it needs can't be had: as skipped, or as failed where FOYER_REQUIRE_TOOLS=1.
// The sentence says what is missing and how to get it.
func Missing(t testing.TB, sentence string) {
	t.Helper()
	if os.Getenv(Required) == "1" {
		t.Fatalf("%s (%s=1, so this is a failure)", sentence, Required)
	}
	t.Skip(sentence)
}

// Install says how to get the program called name on Debian and its relatives.
func Install(name string) string {
	if p, ok := packages[name]; ok {
		name = p
	}
	return "apt-get install " + name
}
