package panics

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// The outputs are those of real programs, but for long stacks.
func TestFind(t *testing.T) {
	tests := map[string]struct{ stderr, want string }{
		"Rust": {`

thread '<unnamed>' (1) panicked at src/lib.rs:12:5:
index out of bounds: the len is 3 but the index is 7
note: run with ` + "`RUST_BACKTRACE=1`" + ` environment variable to display a backtrace
`, "index out of bounds: the len is 3 but the index is 7"},
		"Rust, a hook without the thread": {`
panicked at rust-kitchen/src/faults.rs:47:14:
this guest was asked to trap
`, "this guest was asked to trap"},
		"Rust, a backtrace": {`
thread 'main' (29143) panicked at p.rs:9:11:
first line
second line

third
stack backtrace:
   0: std::panicking::begin_panic::<&str>
             at /rustc/59807616e1fa/library/std/src/panicking.rs:761:5
   1: p::main
note: Some details are omitted, run with ` + "`RUST_BACKTRACE=full`" + `
`, "first line"},
		"Rust, values": {`
thread 'main' (29142) panicked at p.rs:5:9:
assertion ` + "`left == right`" + ` failed: sums of things
  left: 2
 right: 3
`, "assertion `left == right` failed: sums of things; left: 2, right: 3"},
		"Rust before 1.73": {`
thread 'main' panicked at 'called ` + "`Option::unwrap()` on a `None`" + ` value', src/main.rs:3:9
`, "called `Option::unwrap()` on a `None` value"},
		"Rust, a consequence": {`
thread 'main' (1) panicked at p.rs:12:29:
inside ext
note: run with

thread 'main' (1) panicked at /rustc/59807616e1fa/library/core/src/panicking.rs:225:5:
panic in a function that cannot unwind
stack backtrace:
thread caused non-unwinding panic. aborting.
`, "inside ext"},
		"Rust, the second of two": {`
thread 'a' (1) panicked at p.rs:1:2:
first
thread 'a' (1) panicked at p.rs:3:4:
second
`, "second"},
		"Python in Rust": {`
Traceback (most recent call last):
  File "/0/app.py", line 32, in handle
  File "/0/app.py", line 90, in serve
RuntimeError: this guest was asked to trap

thread '<unnamed>' (1) panicked at runtime/src/lib.rs:1280:25:
Python function threw an unexpected exception
note: run with ` + "`RUST_BACKTRACE=1`" + ` environment variable to display a backtrace
`, "RuntimeError: this guest was asked to trap"},
		"Python, then a panic of something else": {`
Traceback (most recent call last):
  File "/0/app.py", line 32, in handle
KeyError: 'handled'
going on
thread '<unnamed>' (1) panicked at src/lib.rs:1:2:
no such thing
`, "no such thing"},
		"Python, a cause": {`
Traceback (most recent call last):
  File "c.py", line 2, in <module>
    {}["k"]
    ~~^^^^^
KeyError: 'k'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "c.py", line 4, in <module>
    raise RuntimeError("while reading") from e
RuntimeError: while reading
`, "RuntimeError: while reading"},
		"Python, several lines": {`
Traceback (most recent call last):
  File "n.py", line 3, in <module>
    raise e
E: line one
line two
a note
`, "E: line one"},
		"Python, a long recursion": {`
Traceback (most recent call last):
  File "r.py", line 1, in f
    def f(n): return f(n+1)+1
                     ^^^^^^
  [Previous line repeated 996 more times]
RecursionError: maximum recursion depth exceeded
`, "RecursionError: maximum recursion depth exceeded"},
		"Python, without a text": {`
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    assert 1 == 2
AssertionError
`, "AssertionError"},
		"Python, a group": {`
  + Exception Group Traceback (most recent call last):
  |   File "g.py", line 6, in <module>
  |     asyncio.run(main())
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "g.py", line 2, in bad
    |     async def bad(x): raise ValueError(x)
    |                       ^^^^^^^^^^^^^^^^^^^
    | ValueError: one
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "g.py", line 2, in bad
    | ValueError: two
    +------------------------------------

thread '<unnamed>' (1) panicked at runtime/src/lib.rs:1280:25:
Python function threw an unexpected exception
`, "ValueError: one"},
		"Python in colours": {
			"Traceback (most recent call last):\n" +
				"  File \x1b[35m\"x.py\"\x1b[0m, line \x1b[35m1\x1b[0m, in \x1b[35mf\x1b[0m\n" +
				"\x1b[1;35mValueError\x1b[0m: \x1b[35mno\x1b[0m\n", "ValueError: no"},
		"StarlingMonkey, a listener": {`
Exception while Exception in event listener for fetch
kitchen.js:70:62 Error: this guest was asked to trap
`, "Error: this guest was asked to trap"},
		"StarlingMonkey, a promise": {`
Error while running request handler: this guest was asked to throw
Stack:
  serve@kitchen.js:32:13
  @kitchen.js:71:21
`, "this guest was asked to throw"},
		"QuickJS in Rust": {`
thread '<unnamed>' (1) panicked at crates/runtime/src/bindings.rs:416:30:
Call failed 'async export': Value(Exception(
Exception { message: Some("this guest was \"asked\" to trap"), stack: Some("    at handle (/kitchen.js:68:19)\n") })
)
note: run with ` + "`RUST_BACKTRACE=1`" + ` environment variable to display a backtrace
`, `this guest was "asked" to trap`},
		"V8": {`/tmp/p.js:1
throw new TypeError("x is not a function")
^

TypeError: x is not a function
    at Object.<anonymous> (/tmp/p.js:1:7)
`, "TypeError: x is not a function"},
		"a browser's form": {"Uncaught (in promise) RangeError: late\n", "RangeError: late"},
		"Go": {`panic: this guest was asked to trap

goroutine 1 [running]:
main.main()
	/tmp/p.go:5 +0x1ca
`, "this guest was asked to trap"},
		"Go, a signal": {`panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x49e50b]
`, "runtime error: invalid memory address or nil pointer dereference"},
		"Go, raised again": {
			"panic: first [recovered]\n\tpanic: again: first\n\ngoroutine 1 [running]:\n",
			"again: first"},
		"Go, the same again": {"panic: first [recovered, repanicked]\n\n", "first"},
		"Go, several lines":  {"panic: first\n\tsecond\n\ngoroutine 1 [running]:\n", "first"},
		"Go's runtime": {
			"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [running]:\n",
			"fatal error: all goroutines are asleep - deadlock!"},
		"C": {"Assertion failed: n > 5 && \"too few\" (kitchen.c: handle: 42)\n",
			`Assertion failed: n > 5 && "too few" (kitchen.c: handle: 42)`},
		"C, glibc": {"app: p.c:2: main: Assertion `c>5' failed.\n", "Assertion `c>5' failed."},
		"C, a sanitizer": {
			"p.c:3:5: runtime error: index 7 out of bounds for type 'int [3]'\n",
			"index 7 out of bounds for type 'int [3]'"},
		"C++": {"libc++abi: terminating due to uncaught exception of type std::out_of_range: vector\n",
			"terminating due to uncaught exception of type std::out_of_range: vector"},
		"C++, GNU": {"terminate called after throwing an instance of 'std::runtime_error'\n" +
			"  what():  no such user\n", "std::runtime_error: no such user"},
		"Zig": {"thread 1 panic: index out of bounds: index 5, len 3\nUnable to dump stack trace\n",
			"index out of bounds: index 5, len 3"},
		".NET": {"Unhandled exception. System.InvalidOperationException: no such user\n" +
			"   at App.Main()\n", "System.InvalidOperationException: no such user"},
		"nothing":             {"", ""},
		"ordinary lines":      {"listening\nhandled /panic: ok\n  indented\nat last\n", ""},
		"about a panic":       {"the worker panicked at noon\n", ""},
		"a stack of nothing":  {"    at f (x.js:1:2)\n", ""},
		"an unfinished panic": {"thread 'main' (1) panicked at p.rs:1:2:\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Find(strings.Split(tt.stderr, "\n")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMessagesAreOneShortLineOfText(t *testing.T) {
	for name, text := range map[string]string{
		"escape sequences":   "a\x1b[31mb\x1b]0;title\x07c",
		"control characters": "a\x00\x07\x08b",
		"other directions":   "a\u202eb",
		"bytes":              "a\xff\xfeb",
		"long":               strings.Repeat("字", 5000),
	} {
		got := Find([]string{"panic: " + text})
		if strings.ContainsAny(got, "\x00\x07\x08\x1b\u202e") || !utf8.ValidString(got) || len([]rune(got)) > maxMessage {
			t.Errorf("%s: %q", name, got)
		}
		if got == "" {
			t.Errorf("%s: no message", name)
		}
	}
}

// FuzzFinder reads anything: a message is one printable line, and nothing panics.
func FuzzFinder(f *testing.F) {
	f.Add("thread 'a' panicked at x:1:2:\n\nleft: 1\n + Exception Group Traceback (most recent call last):\n | a\n")
	f.Add("terminate called after throwing an instance of ''\n  what():\nException while \n\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := Find(strings.Split(text, "\n"))
		if strings.ContainsFunc(got, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			t.Errorf("got %q", got)
		}
	})
}
