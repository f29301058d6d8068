package invoice

import (
	"slices"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/harfbuzz"
	"github.com/go-text/typesetting/language"
)

// shaper turns characters of a script into the glyphs that draw them: joined forms, ligatures, marks at their place. It
// is used by one goroutine at a time.
type shaper struct {
	font   *harfbuzz.Font
	buffer *harfbuzz.Buffer
	script language.Script
}

func newShaper(f *font.Font, script language.Script) *shaper {
	return &shaper{font: harfbuzz.NewFont(font.NewFace(f)), buffer: harfbuzz.NewBuffer(), script: script}
}

// part is one glyph of a cluster: where it stands from where the pen is, and how far it moves the pen.
type part struct {
	glyph         uint16
	x, y, advance int
}

// cluster is the least that can't be parted: a letter with its marks, a ligature, a syllable.
type cluster struct {
	first, end int    // the characters it draws
	parts      []part // from left to right
}

// shape returns the clusters of characters that the cut has, in the order they are read.
func (c *cut) shape(characters []rune, rtl bool) []cluster {
	s, ok := c.shapers.Get().(*shaper)
	if !ok {
		return nil
	}
	defer c.shapers.Put(s)
	s.buffer.Clear()
	s.buffer.AddRunes(characters, 0, len(characters))
	s.buffer.Props = harfbuzz.SegmentProperties{Script: s.script, Direction: harfbuzz.LeftToRight}
	if rtl {
		s.buffer.Props.Direction = harfbuzz.RightToLeft
	}
	s.buffer.Shape(s.font, nil)

	var clusters []cluster // in the order they stand
	for i, info := range s.buffer.Info {
		p := s.buffer.Pos[i]
		if last := len(clusters) - 1; last < 0 || clusters[last].first != info.Cluster {
			clusters = append(clusters, cluster{first: info.Cluster})
		}
		last := &clusters[len(clusters)-1]
		last.parts = append(last.parts, part{uint16(info.Glyph), int(p.XOffset), int(p.YOffset), int(p.XAdvance)})
	}
	if rtl {
		slices.Reverse(clusters)
	}
	for i := range clusters {
		clusters[i].end = len(characters)
		if i+1 < len(clusters) {
			clusters[i].end = clusters[i+1].first
		}
	}
	return clusters
}
