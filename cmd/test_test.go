package cmd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
)

// writeFixture writes a file into a folder of its own.
func writeFixture(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnInterruptedRunDoesNotPass(t *testing.T) {
	first := writeFixture(t, "first.hurl", "GET http://localhost/\nHTTP 200\n")
	second := writeFixture(t, "second.hurl", "GET http://localhost/sleep?ms=600000\nHTTP 200\n")
	s := newSession()
	st := s.state(programName, "test", first, second,
		"--component", filepath.Join("..", "testdata", "guests", "rust-kitchen", "rust-kitchen.wasm"), "--timeout", "0", "--no-cache")
	go func() { s.code <- st.main(context.Background(), doors{load: loader.Load}) }()
	s.out.await(t, "✓ .*first.hurl")
	s.signals <- os.Interrupt
	if got := s.exit(t); got != 130 ||
		!strings.Contains(s.err.String(), "interrupted: the run is not complete") ||
		!strings.Contains(s.out.String(), "1 passed, 1 file not run") {
		t.Errorf("code %d, output\n%s%s", got, s.out, s.err)
	}
}
