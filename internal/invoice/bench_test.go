package invoice

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/i18n"
)

// benchmarkRender draws a document again and again; nothing of it is kept in between.
func benchmarkRender(b *testing.B, inv Invoice, locale i18n.Locale) {
	r, err := NewRenderer(1)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		pdf, err := r.Render(b.Context(), inv, locale, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(pdf)), "pdf-bytes")
	}
}

// inScript is a page in the language: its texts, where there are some already, and a name, products and notes in its script.
func inScript(tag string) (Invoice, i18n.Locale) {
	locale, _ := i18n.Find(tag)
	if tag == "ar" {
		locale.Language = tag // the page is mirrored, whether there are texts yet or not
	}
	inv := sample(3)
	inv.Document.Buyer.Name, inv.Document.Buyer.Company = everyday[tag].name, everyday[tag].product
	for i := range inv.Document.Lines {
		inv.Document.Lines[i].Name = everyday[tag].product
		inv.Document.Lines[i].Description = strings.Repeat(everyday[tag].name+" "+everyday[tag].product+" ", 3)
	}
	return inv, locale
}

func BenchmarkRenderOnePage(b *testing.B) {
	for _, c := range []struct{ name, tag string }{
		{"latin", "de"}, {"polish", "pl"}, {"cyrillic", "ru"}, {"arabic", "ar"}, {"ja", "ja"}, {"ko", "ko"}, {"zh-Hans", "zh-Hans"}, {"zh-Hant", "zh-Hant"},
	} {
		b.Run(c.name, func(b *testing.B) {
			inv, locale := inScript(c.tag)
			benchmarkRender(b, inv, locale)
		})
	}
	b.Run("many scripts", func(b *testing.B) {
		inv := sample(3)
		for i, tag := range []string{"ru", "ar", "ja"} {
			inv.Document.Lines[i].Description = everyday[tag].name
		}
		inv.Document.Buyer.Name = "Müller & 株式会社 שלום ไทย हिन्दी 김 團"
		benchmarkRender(b, inv, german)
	})
}

func BenchmarkRender500Lines(b *testing.B) {
	b.Run("latin", func(b *testing.B) { benchmarkRender(b, sample(500), german) })
	b.Run("arabic", func(b *testing.B) {
		inv, locale := inScript("ar")
		for len(inv.Document.Lines) < 500 {
			inv.Document.Lines = append(inv.Document.Lines, inv.Document.Lines[:3]...)
		}
		benchmarkRender(b, inv, locale)
	})
}

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

// BenchmarkLoadFonts is what a process pays once, before its first document.
func BenchmarkLoadFonts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for _, files := range faceFiles {
			if _, err := loadCut(files.family, files.file+"-Regular.ttf", "", files.script); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkRenderBurst draws 200 documents asked for at once, in eight languages, and reports how much memory the process had
// at most: of the heap while it drew, and resident since it began.
func BenchmarkRenderBurst(b *testing.B) {
	r, err := NewRenderer(2)
	if err != nil {
		b.Fatal(err)
	}
	tags := []string{"de", "pl", "ru", "ar", "ja", "ko", "zh-Hans", "zh-Hant"}
	highest := uint64(0)
	for b.Loop() {
		done := make(chan struct{})
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			var m runtime.MemStats
			for {
				runtime.ReadMemStats(&m)
				highest = max(highest, m.HeapInuse)
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
				}
			}
		}()
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				inv, locale := inScript(tags[i%len(tags)])
				inv.Number = fmt.Sprint(i)
				if _, err := r.Render(b.Context(), inv, locale, nil); err != nil {
					b.Error(err)
				}
			})
		}
		group.Wait()
		close(done)
		<-watched
	}
	b.ReportMetric(float64(highest)/(1<<20), "peak-heap-MiB")
	b.ReportMetric(resident(b), "peak-rss-MiB")
}

// resident returns the most memory the process has had, in MiB; zero where the system does not tell.
func resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib / 1024
		}
	}
	return 0
}
