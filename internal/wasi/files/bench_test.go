package files

import (
	"io"
	"os"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// BenchmarkCopy copies a file as a guest of 0.2 does.
func BenchmarkCopy(b *testing.B) {
	dir := b.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	const size = 16 << 20
	if err := os.WriteFile(dir+"/in", make([]byte, size), 0o666); err != nil {
		b.Fatal(err)
	}
	f := New([]wasi.Dir{{Guest: "/", Root: root}})
	defer f.Close()
	d := f.Preopens()[0].Descriptor
	defer d.Close()
	in, err1 := d.OpenAt("in", false, 0, Read)
	out, err2 := d.OpenAt("out", false, Create, Write)
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	defer in.Close()
	defer out.Close()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		r, err1 := in.Reader(0)
		w, err2 := out.Writer(0)
		if err1 != nil || err2 != nil {
			b.Fatal(err1, err2)
		}
		for {
			p, err := r.Read(chunk)
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if len(p) == 0 {
				if err := wasi.Await(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				continue
			}
			if err := w.Write(p); err != nil {
				b.Fatal(err)
			}
			if err := wasi.Await(b.Context(), w); err != nil {
				b.Fatal(err)
			}
		}
		_, _ = r.Close(), w.Close() // both never fail
	}
}

// BenchmarkStat looks at a file below three folders: the long way, in one step, and at once, if the
// system can do that.
func BenchmarkStat(b *testing.B) {
	dir := b.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	if err := root.MkdirAll("a/b/c", 0o777); err != nil {
		b.Fatal(err)
	}
	const path = "a/b/c/f"
	if err := root.WriteFile(path, nil, 0o666); err != nil {
		b.Fatal(err)
	}
	f := New([]wasi.Dir{{Guest: "/", Root: root}})
	defer f.Close()
	d := f.Preopens()[0].Descriptor
	defer d.Close()
	for _, way := range []string{"long", "step", "now"} {
		b.Run(way, func(b *testing.B) {
			f.long.Store(way == "long")
			b.ReportAllocs()
			for b.Loop() {
				if way == "now" {
					if _, ok := d.StatAtNow(path, true); ok {
						continue
					}
				}
				err := f.Do(b.Context(), func() {
					if _, err := d.StatAt(path, true); err != nil {
						b.Error(err)
					}
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
