package invoice

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// The PDF writer can't say what language a document is in, nor what a glyph stands for that is no character. Both are
// written into its output, whose objects it lists with their places at the end. A library that reads any PDF could do the same, at
// several times the cost of drawing; this reads what one writer in one version writes, and refuses everything else.

// errSeal is why the output of the PDF writer was not understood.
var errSeal = errors.New("PDF: not as the writer is known to write it")

var (
	xref      = regexp.MustCompile(`\nxref\n0 (\d+)\n`)
	fontFace  = regexp.MustCompile(`^\d+ 0 obj\n<</Type /Font\n/Subtype /Type0\n/BaseFont /utf8(\S+)\n`)
	toUnicode = regexp.MustCompile(`/ToUnicode (\d+) 0 R`)
	catalog   = regexp.MustCompile(`^\d+ 0 obj\n<<\n/Type /Catalog\n`)
)

// seal completes a PDF: what its glyphs stand for, its language, and that its title is shown for it.
func seal(pdf []byte, fonts []*subset, about metadata) ([]byte, error) {
	start := bytes.LastIndex(pdf, []byte("\nxref\n"))
	if start < 0 || !bytes.HasPrefix(pdf, []byte("%PDF-1.3\n")) {
		return nil, errSeal
	}
	objects, trailer, err := objectsOf(pdf, start)
	if err != nil {
		return nil, err
	}
	complete := 0
	for i, object := range objects {
		if catalog.Match(object) {
			objects[i] = withLanguage(object, about)
			complete++
		}
		face := fontFace.FindSubmatch(object)
		if face == nil {
			continue
		}
		reference := toUnicode.FindSubmatch(object)
		used := slices.IndexFunc(fonts, func(s *subset) bool { return s.cut.family+strings.ToUpper(string(s.cut.style)) == string(face[1]) })
		if reference == nil || used < 0 {
			return nil, errSeal
		}
		number, err := strconv.Atoi(string(reference[1]))
		if err != nil || number < 1 || number > len(objects) {
			return nil, errSeal
		}
		if objects[number-1], err = readings(number, fonts[used].used); err != nil {
			return nil, err
		}
		complete++
	}
	if complete != 1+len(fonts) {
		return nil, errSeal
	}

	var out bytes.Buffer
	out.Grow(len(pdf) + 8<<10)
	out.WriteString("%PDF-1.5\n") // /Lang is of 1.4
	places := make([]int, len(objects))
	for i, object := range objects {
		places[i] = out.Len()
		out.Write(object)
	}
	from := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, p := range places {
		fmt.Fprintf(&out, "%010d 00000 n \n", p)
	}
	fmt.Fprintf(&out, "%sstartxref\n%d\n%%%%EOF\n", trailer, from)
	return out.Bytes(), nil
}

// objectsOf parts a PDF, whose table of places begins at start, into its objects, by number less one, and its trailer.
func objectsOf(pdf []byte, start int) (objects [][]byte, trailer []byte, err error) {
	head := xref.FindSubmatchIndex(pdf[start:])
	if head == nil {
		return nil, nil, errSeal
	}
	count, err := strconv.Atoi(string(pdf[start+head[2] : start+head[3]]))
	const entry = 20 // bytes
	table := pdf[start+head[1]:]
	if err != nil || count < 1 || len(table) < count*entry {
		return nil, nil, errSeal
	}
	places := make([]int, 0, count)
	for i := 1; i < count; i++ {
		place, err := strconv.Atoi(string(table[i*entry : i*entry+10]))
		if err != nil || place < 0 || place > start {
			return nil, nil, errSeal
		}
		places = append(places, place)
	}
	ordered := append(slices.Sorted(slices.Values(places)), start+1)
	objects = make([][]byte, len(places))
	for i, place := range places {
		at, _ := slices.BinarySearch(ordered, place)
		objects[i] = pdf[place:ordered[at+1]]
		if !bytes.HasPrefix(objects[i], fmt.Appendf(nil, "%d 0 obj\n", i+1)) {
			return nil, nil, errSeal
		}
	}
	rest := table[count*entry:]
	last := bytes.Index(rest, []byte("startxref\n"))
	if last < 0 {
		return nil, nil, errSeal
	}
	return objects, rest[:last], nil
}

// withLanguage adds to the catalog what is asked of accessible documents (PDF/UA): the language, and the title in the
// window's bar.
func withLanguage(object []byte, about metadata) []byte {
	direction := ""
	if about.rtl {
		direction = " /Direction /R2L"
	}
	return bytes.Replace(object, []byte("/Type /Catalog\n"),
		fmt.Appendf(nil, "/Type /Catalog\n/Lang (%s)\n/ViewerPreferences <</DisplayDocTitle true%s>>\n", tagOnly(about.language), direction), 1)
}

// tagOnly returns a language tag that may stand between brackets, English for anything else.
func tagOnly(tag string) string {
	for _, r := range tag {
		if r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return "en"
		}
	}
	return first(tag, "en")
}

// readings writes what codes stand for, as an object with the number.
func readings(number int, used []drawn) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	const most = 100 // in one block
	for from := 0; from < len(used); from += most {
		block := used[from:min(from+most, len(used))]
		fmt.Fprintf(&b, "%d beginbfchar\n", len(block))
		for i, d := range block {
			fmt.Fprintf(&b, "<%04X> <", firstCode+from+i)
			for _, unit := range utf16.Encode([]rune(d.text)) {
				fmt.Fprintf(&b, "%04X", unit)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend")

	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(b.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%d 0 obj\n<</Length %d /Filter /FlateDecode>>\nstream\n%s\nendstream\nendobj\n", number, packed.Len(), packed.Bytes()), nil
}
