package host

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkHello is one request after the other: to Handle, and to ServeHTTP with a client that
// takes everything at once.
func BenchmarkHello(b *testing.B) {
	for _, guest := range []string{"rust-hello", "rust-hello-p3"} {
		wasm, err := os.ReadFile(filepath.Join("..", "testdata", "guests", guest, guest+".wasm"))
		if err != nil {
			b.Fatal(err)
		}
		h, err := New(b.Context(), wasm, Config{})
		if err != nil {
			b.Fatal(err)
		}
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost/", nil)
		if err != nil {
			b.Fatal(err)
		}
		r.RequestURI = "/"
		b.Run("handle/"+guest, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resp, err := h.Handle(b.Context(), "1", r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
		b.Run("serve/"+guest, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&nowhere{header: http.Header{}}, r)
			}
		})
		if err := h.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// nowhere is a client that takes everything at once.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}
