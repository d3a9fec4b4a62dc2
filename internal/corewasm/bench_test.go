package corewasm_test

import (
	"os"
	"testing"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// BenchmarkRewrite takes a component from WASIHTTP_BENCH_COMPONENT, or the
// largest module of the corpus.
func BenchmarkRewrite(b *testing.B) {
	var module []byte
	largest := func(_ string, m []byte) {
		if len(m) > len(module) {
			module = m
		}
	}
	if path := os.Getenv("WASIHTTP_BENCH_COMPONENT"); path != "" {
		file, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range coreModules(file) {
			largest(path, m)
		}
	} else {
		corpus(b, largest)
	}
	info, err := corewasm.Scan(module)
	if err != nil {
		b.Fatal(err)
	}
	opt := fullOptions(info)
	opt.Lines = false
	b.SetBytes(int64(len(module)))
	for b.Loop() {
		rw, err := corewasm.Rewrite(module, opt)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(rw.Wasm)), "bytes-out")
		b.ReportMetric(float64(rw.Code.Loops+rw.Code.Calls), "safepoints")
	}
}
