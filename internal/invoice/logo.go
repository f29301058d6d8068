package invoice

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"sync"

	"golang.org/x/image/draw"
)

// What a logo may be, and what becomes of it.
const (
	maxLogoBytes = 500 << 10
	maxLogoSide  = 4000
	// logoWidth and logoHeight are the box on the page, in millimetres; logoDots is how many pixels a millimetre gets,
	// about 300 dpi.
	logoWidth  = 52.0
	logoHeight = 18.0
	logoDots   = 12
	// keptLogos is how many prepared logos are kept.
	keptLogos = 64
)

// errLogo is why a logo is left out.
var errLogo = errors.New("logo: not a PNG or JPEG of at most 500 KB and 4000 × 4000 pixels")

// picture is a logo ready to be embedded: an opaque PNG of 8 bits per channel, the one kind the PDF writer reads without
// a chance to fail (it refuses interlaced and 16-bit images and splits transparent ones pixel by pixel).
type picture struct {
	png           []byte
	width, height float64 // millimetres on the page
}

// logos prepares logos and keeps the last ones: a merchant has one logo and many invoices.
type logos struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]*picture
}

// prepare returns the picture of a logo, nil for none or a bad one: a document never fails for its logo.
func (l *logos) prepare(data []byte) *picture {
	if len(data) == 0 || len(data) > maxLogoBytes {
		return nil
	}
	key := sha256.Sum256(data)
	l.mu.Lock()
	p, ok := l.kept[key]
	l.mu.Unlock()
	if ok {
		return p
	}
	p, err := readLogo(data)
	if err != nil {
		p = nil // kept as well, so that a bad logo costs one look
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil || len(l.kept) >= keptLogos {
		l.kept = map[[sha256.Size]byte]*picture{}
	}
	l.kept[key] = p
	return p
}

// readLogo decodes a logo, whose type and size it looks at before anything is unpacked, scales it to the box and draws
// it on white. A decoder that panics has met a bad logo too.
func readLogo(data []byte) (p *picture, err error) {
	defer func() {
		if recover() != nil {
			p, err = nil, errLogo
		}
	}()
	decodeConfig, decode := png.DecodeConfig, png.Decode
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		decodeConfig, decode = jpeg.DecodeConfig, jpeg.Decode
	default:
		return nil, errLogo
	}
	size, err := decodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxLogoSide || size.Height > maxLogoSide {
		return nil, errLogo
	}
	original, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	scale := min(logoWidth/float64(size.Width), logoHeight/float64(size.Height))
	p = &picture{width: scale * float64(size.Width), height: scale * float64(size.Height)}
	box := image.Rect(0, 0, max(1, min(size.Width, int(p.width*logoDots))), max(1, min(size.Height, int(p.height*logoDots))))
	flat := image.NewRGBA(box)
	draw.Draw(flat, box, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(flat, box, original, original.Bounds(), draw.Over, nil)
	var out bytes.Buffer
	if err := png.Encode(&out, flat); err != nil {
		return nil, err
	}
	p.png = out.Bytes()
	return p, nil
}
