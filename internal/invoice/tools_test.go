package invoice

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
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

// requireGlyphs reads what the pages of a PDF draw and holds every code of it to this: the embedded font has a glyph for it
// that is not the one for missing characters, and its outline is there. It returns the texts the codes stand for.
func requireGlyphs(t testing.TB, pdf []byte) string {
	t.Helper()
	ctx, err := api.ReadContext(bytes.NewReader(pdf), model.NewDefaultConfiguration())
	require.NoError(t, err)
	require.NoError(t, ctx.EnsurePageCount())
	var all strings.Builder
	for page := 1; page <= ctx.PageCount; page++ {
		dict, _, inherited, err := ctx.PageDict(page, false)
		require.NoError(t, err)
		resources, err := ctx.DereferenceDict(inherited.Resources)
		require.NoError(t, err)
		named, err := ctx.DereferenceDict(resources["Font"])
		require.NoError(t, err)
		content, err := ctx.PageContent(dict, page)
		require.NoError(t, err)
		fonts := map[string]embeddedFont{}
		for name := range named {
			fonts[name] = readFont(t, ctx, named[name])
		}
		current, drawn := embeddedFont{}, 0
		for _, command := range commands.FindAllSubmatch(content, -1) {
			if command[1] != nil {
				current = fonts[string(command[1])]
				require.NotNil(t, current.glyphs, "font %s", command[1])
				continue
			}
			codes := unescaped(command[2])
			require.Zero(t, len(codes)%2)
			for i := 0; i < len(codes); i += 2 {
				code := int(codes[i])<<8 | int(codes[i+1])
				glyph := int(current.glyphs[2*code])<<8 | int(current.glyphs[2*code+1])
				require.NotZero(t, glyph, "code %04X", code)
				text, known := current.texts[code]
				require.True(t, known, "code %04X stands for nothing", code)
				outline := current.file.outline(uint16(glyph))
				require.True(t, len(outline) > 0 || strings.TrimFunc(text, invisible) == "", "%q is drawn as nothing", text)
				all.WriteString(text)
				drawn++
			}
		}
		require.NotZero(t, drawn)
	}
	return all.String()
}

// invisible tells whether nothing is to be seen of r.
func invisible(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// commands are what chooses a font and what draws text in a page.
var commands = regexp.MustCompile(`(?s)/(F[0-9a-f]+) [\d.]+ Tf|\(((?:[^\\)]|\\.)*)\) Tj`)

func unescaped(s []byte) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			if s[i] == 'r' {
				out = append(out, '\r')
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// embeddedFont is a font as a page of a PDF has it.
type embeddedFont struct {
	glyphs []byte // two bytes a code
	texts  map[int]string
	file   *cut
}

var reading = regexp.MustCompile(`(?m)^<([0-9A-F]{4})> <([0-9A-F]*)>$`)

func readFont(t testing.TB, ctx *model.Context, object types.Object) embeddedFont {
	t.Helper()
	stream := func(o types.Object) []byte {
		s, _, err := ctx.DereferenceStreamDict(o)
		require.NoError(t, err)
		require.NoError(t, s.Decode())
		return s.Content
	}
	dict := func(o types.Object) types.Dict {
		d, err := ctx.DereferenceDict(o)
		require.NoError(t, err)
		return d
	}
	font := dict(object)
	descendants, err := ctx.DereferenceArray(font["DescendantFonts"])
	require.NoError(t, err)
	descendant := dict(descendants[0])
	f := embeddedFont{glyphs: stream(descendant["CIDToGIDMap"]), texts: map[int]string{}}
	for _, m := range reading.FindAllSubmatch(stream(font["ToUnicode"]), -1) {
		code, err := strconv.ParseUint(string(m[1]), 16, 16)
		require.NoError(t, err)
		units := make([]uint16, 0, 2)
		for i := 0; i < len(m[2]); i += 4 {
			unit, err := strconv.ParseUint(string(m[2][i:i+4]), 16, 16)
			require.NoError(t, err)
			units = append(units, uint16(unit))
		}
		f.texts[int(code)] = string(utf16.Decode(units))
	}
	f.file = &cut{tables: map[string][]byte{}, beyond: map[rune]uint16{}}
	require.NoError(t, f.file.read(stream(dict(descendant["FontDescriptor"])["FontFile2"])))
	return f
}
