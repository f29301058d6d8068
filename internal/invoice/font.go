package invoice

import (
	"embed"
	"fmt"
	"sync"

	"github.com/johnfercher/maroto/v2/pkg/consts/fontstyle"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

//go:embed fonts/*.ttf
var fontFiles embed.FS

// faceFiles are the fonts a document is drawn with, in the order they are asked for a character: the first that has it
// draws it. A further language adds its font here (fonts/README.md), and nothing else changes. A face without a bold cut
// is drawn in its regular one.
var faceFiles = []struct{ family, regular, bold string }{
	{family: "notosans", regular: "NotoSans-Regular.ttf", bold: "NotoSans-Bold.ttf"}, // Latin, Greek, Cyrillic, Vietnamese
	{family: "notosanssc", regular: "NotoSansSC-Regular.ttf"},                        // simplified Chinese, kana
}

// planeSize is the number of characters of the basic plane. The PDF writer below knows no others: it panics on them.
const planeSize = 1 << 16

// noGlyph marks a character a cut has no glyph for.
const noGlyph = ^uint16(0)

// face is one family of fonts.
type face struct {
	regular, bold *cut
}

// cut is one weight of a face: the unit that is embedded in a document.
type cut struct {
	family string
	style  fontstyle.Type
	// data is the font file. The PDF writer writes into the bytes it is given: hand it a clone.
	data []byte
	// advance holds for every character of the basic plane how far it moves the pen, in thousandths of the font size, or
	// noGlyph. It is the same number the PDF writer puts into the document, so that what is measured is what is drawn.
	advance [planeSize]uint16
}

// has tells whether the cut can draw r.
func (c *cut) has(r rune) bool { return r >= 0 && r < planeSize && c.advance[r] != noGlyph }

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
		f := &face{}
		var err error
		if f.regular, err = loadCut(files.family, files.regular, fontstyle.Normal); err != nil {
			return nil, err
		}
		if files.bold != "" {
			if f.bold, err = loadCut(files.family, files.bold, fontstyle.Bold); err != nil {
				return nil, err
			}
		}
		faces = append(faces, f)
	}
	return faces, nil
})

// loadCut reads one font file and measures all it can draw.
func loadCut(family, file string, style fontstyle.Type) (*cut, error) {
	data, err := fontFiles.ReadFile("fonts/" + file)
	if err != nil {
		return nil, err
	}
	parsed, err := sfnt.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", file, err)
	}
	c := &cut{family: family, style: style, data: data}
	var buffer sfnt.Buffer
	for r := range c.advance {
		c.advance[r] = noGlyph
		glyph, err := parsed.GlyphIndex(&buffer, rune(r))
		if err != nil || glyph == 0 {
			continue
		}
		// At 1000 pixels per em the advance comes out in thousandths.
		width, err := parsed.GlyphAdvance(&buffer, glyph, fixed.Int26_6(1000), font.HintingNone)
		if err != nil {
			return nil, fmt.Errorf("font %s: width of %U: %w", file, r, err)
		}
		c.advance[r] = uint16(width)
	}
	return c, nil
}
