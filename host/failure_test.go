package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/engine"
)

func TestFramesAreThoseOfTheProgram(t *testing.T) {
	got := frames([]engine.Frame{
		{Module: "host", Func: "c7"},
		{Module: "wit-component:shim", Func: "indirect-wasi:io/poll@0.2.12-poll"},
		{Module: "libc.so", Func: "anything"},
		{Module: "app.wasm", Func: "std::sys::backtrace::__rust_end_short_backtrace::<main, !>"},
		{Module: "app.wasm", Func: "rust_begin_unwind"},
		{Module: "app.wasm", Func: "_ZN4core9panicking9panic_fmt17h0123456789abcdefE"},
		{
			Module: "app.wasm",
			Func:   "_ZN3app5total17h0123456789abcdefE",
			File:   "src/lib.rs",
			Line:   7,
		},
		{Module: "app.wasm", Func: "_RNvC3app3pay"},
		{Module: "app.wasm", Index: 12},
		{Module: "app.wasm", Func: "_ZN4core9panicking9panic_fmt17h0123456789abcdefE"},
	})
	want := []Frame{
		{Module: "libc.so", Func: "anything", Runtime: true},
		{
			Module:  "app.wasm",
			Func:    "std::sys::backtrace::__rust_end_short_backtrace::<main, !>",
			Runtime: true,
		},
		{Module: "app.wasm", Func: "rust_begin_unwind", Runtime: true},
		{Module: "app.wasm", Func: "core::panicking::panic_fmt", Runtime: true},
		{Module: "app.wasm", Func: "app::total", File: "src/lib.rs", Line: 7},
		{Module: "app.wasm", Func: "app::pay"},
		{Module: "app.wasm", Func: "function 12", Nameless: true},
		{Module: "app.wasm", Func: "core::panicking::panic_fmt"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// If there is nothing but that, it is what there is to show.
	if got := frames([]engine.Frame{{Func: "abort"}}); len(got) != 1 || got[0].Runtime {
		t.Errorf("got %+v", got)
	}
}

// failureOf loads a guest and returns what becomes of one request.
func failureOf(t *testing.T, name, target string, maxMemory int64) *Failure {
	t.Helper()
	h := newHost(t, name, Config{MaxMemory: maxMemory})
	_, err := h.Handle(t.Context(), "1", request(t, target))
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v", err)
	}
	return f
}

func TestFailureForLackOfMemoryNamesTheLimit(t *testing.T) {
	f := failureOf(t, "rust-kitchen", "/alloc?mib=100", 64<<20)
	if f.Outcome != Trap || f.Limit != LimitMemory ||
		!strings.Contains(f.Hint, "refused more memory") {
		t.Errorf("while it runs: %v, limit %q, hint %q", f, f.Limit, f.Hint)
	}
	f = failureOf(t, "rust-kitchen", "/", 64<<10)
	if f.Outcome != Instantiation || f.Limit != LimitMemory {
		t.Errorf("at the start: %v, limit %q", f, f.Limit)
	}
	if f = failureOf(t, "rust-trap", "/", 64<<20); f.Hint != "" || f.Limit != "" {
		t.Errorf("a trap for other reasons has limit %q and hint %q", f.Limit, f.Hint)
	}
}

func TestAFailureSaysWhatTheGuestSaid(t *testing.T) {
	for _, tt := range []struct{ guest, target, want string }{
		{"rust-kitchen", "/trap", "this guest was asked to trap"},
		{"rust-kitchen", "/trap?kind=bounds", ""}, // of which it says nothing
		{"rust-trap", "/", ""},
	} {
		if f := failureOf(t, tt.guest, tt.target, 64<<20); f.Message != tt.want {
			t.Errorf("%s%s: got %q, want %q", tt.guest, tt.target, f.Message, tt.want)
		}
	}
}

func TestOnlyAGuestThatEndedItselfHasSaidWhy(t *testing.T) {
	said := func(text string) *tail {
		t := &tail{}
		_, _ = t.Write([]byte(text))
		return t
	}
	message := func(err error) string {
		c := &Call{}
		_, _ = c.tail.Write([]byte("panic: long ago\nand some lines more\nwithout an end"))
		for range 3 * tailLines {
			_, _ = c.tail.Write([]byte("\n"))
		}
		var f *Failure
		if !errors.As(c.explain(err), &f) {
			t.Fatalf("%v is not explained", err)
		}
		return f.Message
	}
	trap := func(code engine.TrapCode) error {
		return &handler.TrapError{Err: &engine.Trap{Code: code}}
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"unreachable":      {trap(engine.TrapUnreachable), "long ago"},
		"an exception":     {trap(engine.TrapUncaughtException), "long ago"},
		"a memory access":  {trap(engine.TrapOutOfBounds), ""},
		"a deep recursion": {trap(engine.TrapStackOverflow), ""},
		"no response":      {&handler.NoResponseError{}, "long ago"},
		"an error code":    {&handler.ErrorCode{}, "long ago"},
		"no instance": {&handler.InstantiationError{Err: &startError{
			trap(engine.TrapUnreachable), said("panic: at the start\n")}}, "at the start"},
		"its time":        {&handler.ExpirationError{}, ""},
		"another request": {&handler.TrapOrPanicError{Err: trap(engine.TrapUnreachable)}, ""},
	} {
		if got := message(tt.err); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
