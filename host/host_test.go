package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/component"
)

func guestBytes(t testing.TB, path ...string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(
		filepath.Join(append([]string{"..", "testdata", "guests"}, path...)...),
	)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func TestHostsThatShareAnEngineCompileOnce(t *testing.T) {
	engine := NewEngine(EngineOptions{})
	defer func() {
		if s := engine.Stats(); s.Instances != 0 {
			t.Errorf("in use at the end: %+v", s)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	wasm := guestBytes(t, "rust-hello", "rust-hello.wasm")
	for i := range 2 {
		h, err := New(t.Context(), wasm, Config{Engine: engine})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := h.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		if body, err := text(h.Handle(t.Context(), "1", request(t, "/"))); body != "Hello, world!" ||
			err != nil {
			t.Errorf("%q, %v", body, err)
		}
		if h.FromCache() != (i == 1) {
			t.Errorf("host %d: from cache %v", i, h.FromCache())
		}
	}
}

func TestTryFindsAComponentThatCannotStart(t *testing.T) {
	for name, tt := range map[string]struct {
		want    Outcome
		timeout time.Duration
	}{"trap-at-start.wasm": {Instantiation, time.Minute}, "spin-at-start.wasm": {Expired, 100 * time.Millisecond}} {
		wasm := guestBytes(t, "bad", name)
		_, err := New(t.Context(), wasm, Config{Try: true, Timeout: tt.timeout})
		var start *StartError
		if !errors.As(err, &start) {
			t.Errorf("%s: %v", name, err)
		}
		h, err := New(t.Context(), wasm, Config{Timeout: tt.timeout})
		if err != nil {
			t.Fatal(err)
		}
		var f *Failure
		if _, err := h.Handle(t.Context(), "1", request(t, "/")); !errors.As(err, &f) ||
			f.Outcome != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestNewFailsForComponentsThatCannotServe(t *testing.T) {
	for name, check := range map[string]func(error) bool{
		"unknown-import.wasm": func(err error) bool { return errors.As(err, new(*CompileError)) },
		"later-code.wasm":     func(err error) bool { return errors.As(err, new(*CompileError)) },
		"command.wasm":        func(err error) bool { return err != nil },
		"invalid.wasm":        func(err error) bool { return err != nil },
		"truncated.wasm":      func(err error) bool { return err != nil },
		"empty.wasm":          func(err error) bool { return err != nil },
	} {
		if h, err := New(t.Context(), guestBytes(t, "bad", name), Config{}); h != nil ||
			!check(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wasm := guestBytes(t, "rust-hello", "rust-hello.wasm")
	if _, err := New(t.Context(), wasm, Config{Env: [][2]string{{"A", "\xff"}}}); err == nil {
		t.Error("an environment that is not UTF-8 is accepted")
	}
}

func TestTheEndOfTheContextOfNewDoesNotEndTheHost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h, err := New(ctx, guestBytes(t, "rust-hello", "rust-hello.wasm"), Config{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if body, err := text(h.Handle(t.Context(), "1", request(t, "/"))); body != "Hello, world!" ||
		err != nil {
		t.Errorf("%q, %v", body, err)
	}
	for range 2 {
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// large returns a component with nothing in it but a core module that takes a while to compile.
func large() []byte {
	const nop, end = 0x01, 0x0b
	body := append([]byte{0}, append(bytes.Repeat([]byte{nop}, 300<<10), end)...)
	code := append([]byte{1}, append(binary.AppendUvarint(nil, uint64(len(body))), body...)...)
	section := func(id byte, content []byte) []byte {
		return append(
			append([]byte{id}, binary.AppendUvarint(nil, uint64(len(content)))...),
			content...)
	}
	module := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{1, 0x60, 0, 0}), section(3, []byte{1, 0}), section(10, code))
	return append([]byte("\x00asm\x0d\x00\x01\x00"), section(1, module)...)
}

func TestTheHelperCompilesInTheBackgroundOnly(t *testing.T) {
	c, err := component.Decode(large())
	if err != nil {
		t.Fatal(err)
	}
	for _, background := range []bool{false, true} {
		helped := false
		engine := NewEngine(
			EngineOptions{Helper: func(ctx context.Context, dir string, wasm []byte) error {
				helped = true
				in, out := io.Pipe() // it stays open as long as somebody waits
				defer out.Close()
				go func() { _, _ = out.Write(wasm) }()
				return CompileFor(ctx, dir, in, len(wasm))
			}},
		)
		linked, err := engine.Link(t.Context(), c, NewLinker(), LinkOptions{Background: background})
		if err != nil {
			t.Fatal(err)
		}
		if helped != background {
			t.Errorf("background %v: helped %v", background, helped)
		}
		if err := errors.Join(linked.Close(t.Context()), engine.Close()); err != nil {
			t.Error(err)
		}
	}
}
