package invoice

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype/tables"
	"github.com/go-text/typesetting/language"
	"github.com/johnfercher/maroto/v2/pkg/consts/fontstyle"

	"foyer/internal/i18n"
)

//go:embed fonts/*.ttf
var fontFiles embed.FS

// faceFiles are the fonts a document is drawn with, in the order they are asked for a character: the first that has it
// draws it. Latin is first, because the Latin letters of all others are incomplete. A face without a bold cut is drawn
// in its regular one; one with a script is shaped.
var faceFiles = []struct {
	family, file string
	bold         bool
	script       language.Script
}{
	{family: "notosans", file: "NotoSans", bold: true}, // Latin, Greek, Cyrillic, Vietnamese
	{family: "notosansarabic", file: "NotoSansArabic", bold: true, script: language.Arabic},
	{family: "notosanshebrew", file: "NotoSansHebrew", bold: true, script: language.Hebrew},
	{family: "notosansthai", file: "NotoSansThai", bold: true, script: language.Thai},
	{family: "notosansdevanagari", file: "NotoSansDevanagari", bold: true, script: language.Devanagari},
	{family: "notosanssc", file: "NotoSansSC"},
	{family: "notosanstc", file: "NotoSansTC"},
	{family: "notosansjp", file: "NotoSansJP"},
	{family: "notosanskr", file: "NotoSansKR"},
}

// ownFace names the face of the languages whose characters other languages draw otherwise: the same ideograph looks
// different in Tokyo, Seoul, Taipei and Beijing. All other languages take the order of faceFiles.
var ownFace = map[string]string{"ja": "notosansjp", "ko": "notosanskr", "zh-Hant": "notosanstc", "zh-Hans": "notosanssc"}

// planeSize is the number of characters of the basic plane.
const planeSize = 1 << 16

// unitsPerEm is what every font must have: lengths of the fonts are thousandths of the font size, with nothing rounded.
const unitsPerEm = 1000

// face is one family of fonts.
type face struct {
	family        string
	regular, bold *cut
}

// cut is one weight of a face: the unit that is embedded in a document. It is never written to.
type cut struct {
	family string
	style  fontstyle.Type
	script language.Script
	tables map[string][]byte
	// plane has the glyph of every character of the basic plane, beyond those of the others; zero is none.
	plane  [planeSize]uint16
	beyond map[rune]uint16
	// metrics is how many glyphs have an advance of their own; all after them have the last one's.
	metrics int
	glyphs  int
	long    bool // the table of places has four bytes each
	shapers sync.Pool
}

// glyph returns the number of the glyph of r, zero when there is none.
func (c *cut) glyph(r rune) uint16 {
	if r >= 0 && r < planeSize {
		return c.plane[r]
	}
	return c.beyond[r]
}

// has tells whether the cut can draw r.
func (c *cut) has(r rune) bool { return c.glyph(r) != 0 }

// advance is how far a glyph moves the pen.
func (c *cut) advance(glyph uint16) int {
	i := min(int(glyph), c.metrics-1)
	return int(binary.BigEndian.Uint16(c.tables["hmtx"][4*i:]))
}

// outline returns what draws a glyph, empty for a space.
func (c *cut) outline(glyph uint16) []byte {
	loca := c.tables["loca"]
	if c.long {
		return c.tables["glyf"][binary.BigEndian.Uint32(loca[4*int(glyph):]):binary.BigEndian.Uint32(loca[4*int(glyph)+4:])]
	}
	return c.tables["glyf"][2*int(binary.BigEndian.Uint16(loca[2*int(glyph):])) : 2*int(binary.BigEndian.Uint16(loca[2*int(glyph)+2:]))]
}

// weight returns the bold or the regular cut.
func (f *face) weight(bold bool) *cut {
	if bold && f.bold != nil {
		return f.bold
	}
	return f.regular
}

// loadFaces reads the embedded fonts once per process.
var loadFaces = sync.OnceValues(func() ([]*face, error) {
	var faces []*face
	for _, files := range faceFiles {
		f := &face{family: files.family}
		var err error
		if f.regular, err = loadCut(files.family, files.file+"-Regular.ttf", fontstyle.Normal, files.script); err != nil {
			return nil, err
		}
		if files.bold {
			if f.bold, err = loadCut(files.family, files.file+"-Bold.ttf", fontstyle.Bold, files.script); err != nil {
				return nil, err
			}
		}
		faces = append(faces, f)
	}
	return faces, nil
})

// inOrder returns the faces in the order a document of the locale asks them for a character.
func inOrder(faces []*face, locale i18n.Locale) []*face {
	own, ok := ownFace[locale.Tag]
	if !ok {
		return faces
	}
	ordered := make([]*face, 0, len(faces))
	for i, f := range faces {
		if i == 0 || f.family == own {
			ordered = append(ordered, f)
		}
	}
	for i, f := range faces {
		if i != 0 && f.family != own {
			ordered = append(ordered, f)
		}
	}
	return ordered
}

// errFont is why a font can't be used: it lacks what drawing reads.
var errFont = errors.New("no TrueType font with 1000 units per em")

// loadCut reads one font file.
func loadCut(family, file string, style fontstyle.Type, script language.Script) (*cut, error) {
	data, err := fontFiles.ReadFile("fonts/" + file)
	if err != nil {
		return nil, err
	}
	c := &cut{family: family, style: style, script: script, tables: map[string][]byte{}, beyond: map[rune]uint16{}}
	if err := c.read(data); err != nil {
		return nil, fmt.Errorf("font %s: %w", file, err)
	}
	if script == 0 {
		return c, nil
	}
	parsed, err := font.ParseTTF(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", file, err)
	}
	c.shapers.New = func() any { return newShaper(parsed.Font, script) }
	return c, nil
}

// read finds the tables of a font and what they say. Fonts are part of the program, so what is checked is that they are
// of the kind that is expected, not that they are sound.
func (c *cut) read(data []byte) error {
	if len(data) < 12 || binary.BigEndian.Uint32(data) != 0x00010000 {
		return errFont
	}
	for i := range int(binary.BigEndian.Uint16(data[4:])) {
		entry := data[12+16*i:]
		from, size := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		c.tables[string(entry[:4])] = data[from : from+size]
	}
	for _, name := range []string{"cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "OS/2", "post"} {
		if c.tables[name] == nil {
			return fmt.Errorf("%w: %s", errFont, name)
		}
	}
	if binary.BigEndian.Uint16(c.tables["head"][18:]) != unitsPerEm {
		return errFont
	}
	c.long = binary.BigEndian.Uint16(c.tables["head"][50:]) == 1
	c.metrics = int(binary.BigEndian.Uint16(c.tables["hhea"][34:]))
	c.glyphs = int(binary.BigEndian.Uint16(c.tables["maxp"][4:]))
	table, _, err := tables.ParseCmap(c.tables["cmap"])
	if err != nil {
		return err
	}
	characters, _, err := font.ProcessCmap(table, tables.FPNone)
	if err != nil {
		return err
	}
	for each := characters.Iter(); each.Next(); {
		r, glyph := each.Char()
		if r < planeSize {
			c.plane[r] = uint16(glyph)
		} else {
			c.beyond[r] = uint16(glyph)
		}
	}
	return nil
}
