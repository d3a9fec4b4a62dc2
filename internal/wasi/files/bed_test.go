package files

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// secret is what stands in a file outside of what the guest was given.
const secret = "secret"

// bed is a folder that a guest was given, and one beside it that it was not.
type bed struct {
	t             *testing.T
	files         *Files
	d             *Descriptor
	root, outside string
}

// newBed makes both folders. The guest's has a file "f" of "hello", a folder "d" with a file "g",
// and an empty folder "e"; the other one a file "secret".
func newBed(t *testing.T, readOnly bool) *bed {
	t.Helper()
	top := t.TempDir()
	b := &bed{t: t, root: filepath.Join(top, "in"), outside: filepath.Join(top, "out")}
	for _, dir := range []string{b.root, b.outside, b.host("d"), b.host("e")} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	b.write(b.host("f"), "hello")
	b.write(b.host("d/g"), "deep")
	b.write(filepath.Join(b.outside, secret), secret)
	root, err := os.OpenRoot(b.root)
	if err != nil {
		t.Fatal(err)
	}
	b.files = New([]wasi.Dir{{Guest: "/", Root: root, ReadOnly: readOnly}})
	b.d = b.files.Preopens()[0].Descriptor
	t.Cleanup(func() {
		b.d.Close()
		_ = b.files.Close() // never fails
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// host returns the path on this machine.
func (b *bed) host(name string) string { return filepath.Join(b.root, filepath.FromSlash(name)) }

func (b *bed) write(path, text string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		b.t.Fatal(err)
	}
}

// open opens what must be there.
func (b *bed) open(path string, open OpenFlags, flags Flags) *Descriptor {
	b.t.Helper()
	d, err := b.d.OpenAt(path, true, open, flags)
	if err != nil {
		b.t.Fatalf("open %s: %v", path, err)
	}
	b.t.Cleanup(d.Close)
	return d
}

// contents returns what a file has.
func (b *bed) contents(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.host(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// codeOf returns the name of an error-code, "ok" for none.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "ok"
	}
	var code wasi.FileCode
	if !errors.As(err, &code) {
		t.Fatalf("%v is no error-code", err)
	}
	return string(code)
}

// drain reads a stream to its end.
func drain(t *testing.T, in wasi.InputStream) (string, error) {
	t.Helper()
	var all []byte
	for {
		p, err := in.Read(3)
		all = append(all, p...)
		if err == io.EOF {
			return string(all), nil
		}
		if err != nil {
			return string(all), err
		}
		if err := wasi.Await(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// put writes to a stream and waits until that is done.
func put(t *testing.T, out wasi.OutputStream, text string) error {
	t.Helper()
	if err := out.Write([]byte(text)); err != nil {
		return err
	}
	if err := wasi.Await(context.WithoutCancel(t.Context()), out); err != nil {
		t.Fatal(err)
	}
	return out.Flush()
}
