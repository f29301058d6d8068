package invoice

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest/tools"
)

func TestMain(m *testing.M) {
	api.DisableConfigDir() // or pdfcpu writes into the home folder
	os.Exit(m.Run())
}

// requireValid checks the objects of a PDF against the standard.
func requireValid(t testing.TB, pdf []byte) {
	t.Helper()
	require.NoError(t, api.Validate(bytes.NewReader(pdf), model.NewDefaultConfiguration()))
}

// pagesOf returns what pdftotext reads on each page: the proof that a PDF is valid and its text can be selected.
func pagesOf(t testing.TB, pdf []byte) []string {
	t.Helper()
	tools.RequireTool(t, "pdftotext")
	file := filepath.Join(t.TempDir(), "document.pdf")
	require.NoError(t, os.WriteFile(file, pdf, 0o600))
	var out, problems bytes.Buffer
	command := exec.Command("pdftotext", "-layout", file, "-")
	command.Stdout, command.Stderr = &out, &problems
	require.NoError(t, command.Run(), problems.String())
	require.Empty(t, problems.String(), "pdftotext complains of the file")
	pages := bytes.Split(out.Bytes(), []byte("\f"))
	texts := make([]string, 0, len(pages))
	for _, p := range pages[:len(pages)-1] {
		texts = append(texts, directions.Replace(string(p)))
	}
	return texts
}

// directions removes what pdftotext writes around words from right to left, which is not in the file.
var directions = strings.NewReplacer("\u202a", "", "\u202b", "", "\u202c", "")

// streams are the compressed parts of a PDF, in which any three bytes may stand by chance.
var streams = regexp.MustCompile(`(?s)stream\r?\n.*?endstream`)

// structure returns a PDF without its streams: the objects that could hold an action.
func structure(pdf []byte) string { return string(streams.ReplaceAll(pdf, nil)) }

// titles are what a PDF says of itself. It may say what it likes: it is text in brackets. Nothing else may name an action.
var titles = regexp.MustCompile(`(?s)/(Title|Author) \(.*?[^\\]\)\n`)

// withoutMetadata returns the objects of a PDF without its title and author.
func withoutMetadata(pdf []byte) string { return titles.ReplaceAllString(structure(pdf), "") }
