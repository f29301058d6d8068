package invoice

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// firstCode is the first of the codes by which a page names the glyphs of a font. What they stand for is written beside
// them (ToUnicode), so they may be any number the PDF writer takes for a character and treats like every other.
const firstCode = 0x100

// lastCode is the last one: surrogates are no characters.
const lastCode = 0xd7ff

// drawn is a glyph as it is drawn: moved from where the pen is, by which it moves the pen on, and the text it stands for, which
// is what is copied and searched. One without text belongs to another. Marks are moved inside the font and not on the page,
// because readers take a letter that stands off the line for a word of its own.
type drawn struct {
	glyph         uint16
	text          string
	x, y, advance int16
}

// subset is what a document uses of a cut.
type subset struct {
	cut   *cut
	codes map[drawn]rune
	used  []drawn // in the order of their codes
}

// code returns the code of a glyph with its text.
func (s *subset) code(d drawn) rune {
	if code, ok := s.codes[d]; ok {
		return code
	}
	code := firstCode + rune(len(s.used))
	if code > lastCode { // no document has so many: what it says then is drawn, but copied as something else
		return firstCode
	}
	s.codes[d] = code
	s.used = append(s.used, d)
	return code
}

// Flags of a part of a composed glyph (OpenType, glyf table).
const (
	partWords     = 1 << 0
	partPlaces    = 1 << 1
	partScale     = 1 << 3
	partMore      = 1 << 5
	partTwoScales = 1 << 6
	partMatrix    = 1 << 7
)

// font returns a TrueType font with the glyphs of the subset, by their codes, and nothing else. The PDF writer could cut
// a font itself, but reads all of it for every document, in which a font of 7 000 glyphs costs 10 ms and 11 MB; and it
// knows glyphs only by their character, which shaped ones don't have.
func (s *subset) font() []byte {
	glyphs := make([]drawn, 1, len(s.used)+1) // .notdef is the first
	glyphs[0].advance = int16(s.cut.advance(0))
	glyphs = append(glyphs, s.used...)
	places := map[uint16]int{}
	var glyf, loca, hmtx []byte
	for i := 0; i < len(glyphs); i++ { // grows by the parts of composed glyphs
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		outline, bearing := s.cut.moved(glyphs[i])
		for at := range parts(outline) {
			part := binary.BigEndian.Uint16(outline[at:])
			place, ok := places[part]
			if !ok {
				place = len(glyphs)
				places[part] = place
				glyphs = append(glyphs, drawn{glyph: part, advance: int16(s.cut.advance(part))})
			}
			binary.BigEndian.PutUint16(outline[at:], uint16(place))
		}
		glyf = append(glyf, outline...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		hmtx = binary.BigEndian.AppendUint16(hmtx, uint16(glyphs[i].advance))
		hmtx = binary.BigEndian.AppendUint16(hmtx, bearing)
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))

	tables := map[string][]byte{"glyf": glyf, "loca": loca, "hmtx": hmtx, "cmap": charactersOf(len(s.used))}
	for _, name := range []string{"head", "hhea", "maxp", "OS/2", "name"} {
		tables[name] = slices.Clone(s.cut.tables[name])
	}
	tables["post"] = slices.Clone(s.cut.tables["post"][:32])
	binary.BigEndian.PutUint32(tables["post"], 0x00030000) // no names of glyphs
	binary.BigEndian.PutUint16(tables["head"][50:], 1)     // loca is long
	binary.BigEndian.PutUint16(tables["hhea"][34:], uint16(len(glyphs)))
	binary.BigEndian.PutUint16(tables["maxp"][4:], uint16(len(glyphs)))
	depth := tables["maxp"][30:]
	binary.BigEndian.PutUint16(depth, binary.BigEndian.Uint16(depth)+1) // a moved glyph is composed of itself
	return assemble(tables)
}

// moved returns the outline of a glyph as it is drawn and the distance from the pen to its left edge. One that is moved is
// composed of the glyph where it was.
func (c *cut) moved(d drawn) (outline []byte, bearing uint16) {
	outline, bearing = slices.Clone(c.outline(d.glyph)), c.bearing(d.glyph)
	if len(outline) < 10 || d.x == 0 && d.y == 0 {
		return outline, bearing
	}
	out := binary.BigEndian.AppendUint16(nil, 0xffff)  // composed
	for i, move := range []int16{d.x, d.y, d.x, d.y} { // the box
		out = binary.BigEndian.AppendUint16(out, binary.BigEndian.Uint16(outline[2+2*i:])+uint16(move))
	}
	out = binary.BigEndian.AppendUint16(out, partWords|partPlaces)
	for _, value := range []uint16{d.glyph, uint16(d.x), uint16(d.y)} {
		out = binary.BigEndian.AppendUint16(out, value)
	}
	return out, bearing + uint16(d.x)
}

// bearing returns the distance from the pen to the left edge of a glyph, as it is written.
func (c *cut) bearing(glyph uint16) uint16 {
	hmtx := c.tables["hmtx"]
	if int(glyph) < c.metrics {
		return binary.BigEndian.Uint16(hmtx[4*int(glyph)+2:])
	}
	return binary.BigEndian.Uint16(hmtx[4*c.metrics+2*(int(glyph)-c.metrics):])
}

// parts yields where an outline names the glyphs it is composed of.
func parts(outline []byte) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		if len(outline) < 10 || int16(binary.BigEndian.Uint16(outline)) >= 0 {
			return
		}
		for at, more := 10, true; more; {
			flags := binary.BigEndian.Uint16(outline[at:])
			if !yield(at + 2) {
				return
			}
			at += 6
			if flags&partWords != 0 {
				at += 2
			}
			switch {
			case flags&partScale != 0:
				at += 2
			case flags&partTwoScales != 0:
				at += 4
			case flags&partMatrix != 0:
				at += 8
			}
			more = flags&partMore != 0
		}
	}
}

// charactersOf returns a cmap table (format 4) that maps as many codes to the glyphs from 1 on.
func charactersOf(codes int) []byte {
	segments := []struct{ first, last, delta uint16 }{{0xffff, 0xffff, 1}}
	if codes > 0 {
		segments = slices.Insert(segments, 0, struct{ first, last, delta uint16 }{firstCode, uint16(firstCode + codes - 1), 0x10000 + 1 - firstCode})
	}
	out := []byte{0, 0, 0, 1, 0, 3, 0, 1, 0, 0, 0, 12}
	add := func(values ...uint16) {
		for _, v := range values {
			out = binary.BigEndian.AppendUint16(out, v)
		}
	}
	n := uint16(len(segments))
	search := uint16(2)
	if n >= 2 {
		search = 4
	}
	add(4, 16+8*n, 0, 2*n, search, search/4, 2*n-search)
	for _, s := range segments {
		add(s.last)
	}
	add(0)
	for _, s := range segments {
		add(s.first)
	}
	for _, s := range segments {
		add(s.delta)
	}
	for range segments {
		add(0)
	}
	return out
}

// assemble writes tables as a font file.
func assemble(tables map[string][]byte) []byte {
	type table struct {
		name string
		data []byte
	}
	list := make([]table, 0, len(tables))
	for name, data := range tables {
		list = append(list, table{name, data})
	}
	slices.SortFunc(list, func(a, b table) int { return cmp.Compare(a.name, b.name) })
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	out = binary.BigEndian.AppendUint16(out, uint16(len(list)))
	out = append(out, 0, 128, 0, 3, 0, 32) // for searching ten tables
	place := len(out) + 16*len(list)
	for _, t := range list {
		out = append(out, t.name...)
		out = binary.BigEndian.AppendUint32(out, 0) // checksums: the PDF writer makes its own
		out = binary.BigEndian.AppendUint32(out, uint32(place))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t.data)))
		place += (len(t.data) + 3) &^ 3
	}
	for _, t := range list {
		out = append(out, t.data...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}
