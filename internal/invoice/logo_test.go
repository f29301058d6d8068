package invoice

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pngHeader returns a PNG that claims a size and has nothing else.
func pngHeader(width, height uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	out = append(out, chunk...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
}

func TestLogo(t *testing.T) {
	t.Parallel()
	picture := image.NewNRGBA(image.Rect(0, 0, 400, 100))
	var asJPEG, asGIF, deep bytes.Buffer
	require.NoError(t, jpeg.Encode(&asJPEG, picture, nil))
	require.NoError(t, gif.Encode(&asGIF, picture, nil))
	require.NoError(t, png.Encode(&deep, image.NewNRGBA64(image.Rect(0, 0, 10, 40))))
	whole := logoPNG(t, 400, 100)

	tests := []struct {
		name          string
		data          []byte
		width, height float64 // 0: left out
	}{
		{name: "none"},
		{name: "PNG with transparency", data: whole, width: 52, height: 13},
		{name: "JPEG", data: asJPEG.Bytes(), width: 52, height: 13},
		{name: "PNG of 16 bits, upright", data: deep.Bytes(), width: 4.5, height: 18},
		{name: "one pixel", data: logoPNG(t, 1, 1), width: 18, height: 18},
		{name: "a line", data: logoPNG(t, 4000, 1), width: 52, height: 0.013},
		{name: "GIF", data: asGIF.Bytes()},
		{name: "SVG", data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)},
		{name: "PNG cut short", data: whole[:len(whole)/2]},
		{name: "too many pixels", data: pngHeader(4001, 10)},
		{name: "a bomb", data: pngHeader(1<<31-1, 1<<31-1)},
		{name: "no pixels", data: pngHeader(0, 0)},
		{name: "too many bytes", data: append(bytes.Clone(whole), make([]byte, maxLogoBytes)...)},
		{name: "noise", data: []byte("\xff\xd8\xff\x00\x01\x02")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var l logos
			got := l.prepare(tt.data)
			assert.Same(t, got, l.prepare(tt.data), "the second time it is kept")
			if tt.width == 0 {
				assert.Nil(t, got)
			} else {
				require.NotNil(t, got)
				assert.InDelta(t, tt.width, got.width, 0.001)
				assert.InDelta(t, tt.height, got.height, 0.001)
				small, err := png.DecodeConfig(bytes.NewReader(got.png))
				require.NoError(t, err)
				assert.LessOrEqual(t, small.Width, int(logoWidth*logoDots))
			}
			r, err := NewRenderer(1)
			require.NoError(t, err)
			pdf, err := r.Render(t.Context(), sample(1), english, tt.data)
			require.NoError(t, err)
			assert.Equal(t, tt.width > 0, bytes.Contains(pdf, []byte("/Subtype /Image")))
			assert.NotContains(t, pagesOf(t, pdf)[0], "could not")
		})
	}
}

func TestLogosAreForgotten(t *testing.T) {
	t.Parallel()
	var l logos
	for i := range 3 * keptLogos {
		l.prepare(pngHeader(uint32(i), 0))
		assert.LessOrEqual(t, len(l.kept), keptLogos)
	}
}
