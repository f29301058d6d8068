package invoice

import (
	"time"

	"github.com/johnfercher/go-tree/node"
	"github.com/johnfercher/maroto/v2"
	"github.com/johnfercher/maroto/v2/pkg/components/col"
	"github.com/johnfercher/maroto/v2/pkg/components/page"
	"github.com/johnfercher/maroto/v2/pkg/components/row"
	"github.com/johnfercher/maroto/v2/pkg/config"
	"github.com/johnfercher/maroto/v2/pkg/consts/align"
	"github.com/johnfercher/maroto/v2/pkg/consts/breakline"
	"github.com/johnfercher/maroto/v2/pkg/consts/extension"
	"github.com/johnfercher/maroto/v2/pkg/consts/linestyle"
	"github.com/johnfercher/maroto/v2/pkg/consts/orientation"
	"github.com/johnfercher/maroto/v2/pkg/core"
	"github.com/johnfercher/maroto/v2/pkg/core/entity"
	"github.com/johnfercher/maroto/v2/pkg/props"
)

// metadata is what a PDF says about itself.
type metadata struct {
	title, author string
	created       time.Time
	// language is the tag of the language its texts are in; rtl says that it is read from right to left.
	language string
	rtl      bool
}

// paint writes a laid-out document as PDF. Maroto's own text component knows one font per text, so each page is one
// component that places run after run; its grid and its page breaks are not used.
func paint(s *sheet, about metadata) ([]byte, error) {
	fonts := encode(s)
	builder := config.NewBuilder().
		WithDimensions(pageWidth, pageHeight).
		WithLeftMargin(0).WithTopMargin(0).WithRightMargin(0).WithBottomMargin(0).
		WithCompression(true).
		WithDefaultFont(&props.Font{Family: fonts[0].cut.family, Style: fonts[0].cut.style, Size: 9, Color: ink}).
		WithCustomFonts(embedded(fonts)).
		WithTitle(about.title, true).
		WithAuthor(about.author, true).
		WithCreator("Foyer", true).
		WithCreationDate(about.created)
	m := maroto.New(builder.Build())
	for _, l := range s.leaves {
		m.AddPages(page.New().Add(row.New(pageHeight).Add(col.New().Add(l))))
	}
	document, err := m.Generate()
	if err != nil {
		return nil, err
	}
	return seal(document.GetBytes(), fonts, about)
}

// encode gives every glyph that is drawn its code and returns what is used of each font, at least one.
func encode(s *sheet) []*subset {
	var fonts []*subset
	byCut := map[*cut]*subset{}
	use := func(c *cut) *subset {
		if byCut[c] == nil {
			byCut[c] = &subset{cut: c, codes: map[drawn]rune{}}
			fonts = append(fonts, byCut[c])
		}
		return byCut[c]
	}
	for _, l := range s.leaves {
		for i := range l.texts {
			t := &l.texts[i]
			font := use(t.run.cut)
			codes := make([]rune, len(t.run.glyphs))
			for j, d := range t.run.glyphs {
				codes[j] = font.code(d)
			}
			t.codes = string(codes)
		}
	}
	if len(fonts) == 0 {
		use(s.faces[0].regular)
	}
	return fonts
}

// embedded lists the fonts of a document: each one named here ends up in the file.
func embedded(fonts []*subset) []*entity.CustomFont {
	list := make([]*entity.CustomFont, 0, len(fonts))
	for _, f := range fonts {
		list = append(list, &entity.CustomFont{Family: f.cut.family, Style: f.cut.style, Bytes: f.font()})
	}
	return list
}

// SetConfig is part of core.Component; a leaf needs no configuration.
func (l *leaf) SetConfig(*entity.Config) {}

// GetStructure is part of core.Component, for maroto's own tests.
func (l *leaf) GetStructure() *node.Node[core.Structure] {
	return node.New(core.Structure{Type: "leaf"})
}

// GetHeight is part of core.Component: a leaf is a whole page.
func (l *leaf) GetHeight(core.Provider, *entity.Cell) float64 { return pageHeight }

// Render draws the page. Margins are zero, so that places are those of the paper.
func (l *leaf) Render(provider core.Provider, _ *entity.Cell) {
	for _, r := range l.rules {
		provider.AddLine(&entity.Cell{X: r.x, Y: r.y, Width: r.width}, &props.Line{
			Color: r.color, Thickness: r.thickness, Style: linestyle.Solid, Orientation: orientation.Horizontal, SizePercent: 100,
		})
	}
	for _, p := range l.pictures {
		provider.AddImageFromBytes(p.picture.png, &entity.Cell{X: p.x, Y: p.y, Width: p.width, Height: p.height},
			&props.Rect{Percent: 100}, extension.Png)
	}
	for _, t := range l.texts {
		// The provider sets the baseline one font size below the cell, and breaks what is wider than the cell: the run was
		// measured already, so the cell is as wide as no run can be.
		cell := &entity.Cell{X: t.x, Y: t.baseline - t.size*pointSize, Width: 10 * pageWidth, Height: pageHeight}
		provider.AddText(t.codes, cell, &props.Text{
			Family: t.run.cut.family, Style: t.run.cut.style, Size: t.size, Color: t.color,
			Align: align.Left, BreakLineStrategy: breakline.EmptySpaceStrategy,
		})
	}
}
