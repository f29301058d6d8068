// Package tools finds the external programs some tests need: pdftotext, Chromium, a PostgreSQL server.
//
// It owns the one rule for a tool that isn't there: the test says so and is not run, and where FOYER_REQUIRE_TOOLS=1,
// which CI sets, it fails instead, so that a green CI never hides a test that didn't run. It installs nothing.
package tools
