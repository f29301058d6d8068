package invoice

import (
	"testing"
)

func benchmarkRender(b *testing.B, lines int) {
	r, err := NewRenderer(1)
	if err != nil {
		b.Fatal(err)
	}
	inv := sample(lines)
	b.ReportAllocs()
	for b.Loop() {
		pdf, err := r.Render(b.Context(), inv, german, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(pdf)), "pdf-bytes")
	}
}

func BenchmarkRenderOnePage(b *testing.B) { benchmarkRender(b, 3) }

func BenchmarkRender500Lines(b *testing.B) { benchmarkRender(b, 500) }

func BenchmarkRenderStatement(b *testing.B) {
	r, err := NewRenderer(1)
	if err != nil {
		b.Fatal(err)
	}
	st := receipt()
	b.ReportAllocs()
	for b.Loop() {
		pdf, err := r.RenderStatement(b.Context(), st, german, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(pdf)), "pdf-bytes")
	}
}
