package console

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func record(id, target string) serve.Record {
	return serve.Record{
		ID: id, Method: "GET", Target: target, Start: at, Duration: 1234 * time.Microsecond,
		Status: 200, Outcome: serve.OK,
	}
}

func failed(id, target string) serve.Record {
	r := record(id, target)
	r.Status, r.Outcome = 500, serve.Trap
	r.Failure = &serve.Failure{
		Outcome: serve.Trap, Message: "index out of bounds", Cause: "wasm trap: unreachable",
		Frames: []serve.Frame{{Func: "rust_panic", Runtime: true}, {Func: "app::total", File: "src/lib.rs", Line: 7}},
		Hint:   "build it better",
	}
	return r
}

// logged returns what do writes to a terminal of a number of columns.
func logged(columns int, quiet bool, do func(*Console)) string {
	var b bytes.Buffer
	c := New(term.Terminal(&b, columns, false), quiet)
	do(c)
	c.Close()
	return b.String()
}

func say(c *Console, id, line string) { _, _ = c.WriteFor(id, []byte("[1/"+id+"] "+line+"\n")) }

func TestRequestsAreInColumns(t *testing.T) {
	for _, columns := range []int{40, 60, 79, 80, 100, 240} {
		text := logged(columns, false, func(c *Console) {
			c.Log(record("1", "/"))
			c.Log(record("2", "/"+strings.Repeat("long/", 60)))
			c.Log(record("3", "/日本語/"+strings.Repeat("字", 100)))
			c.Log(record("4", "/a\x1b[31m\u202eb"))
			other := record("5", "/x")
			other.Method, other.Status, other.Duration = "PROPFIND-AND-MORE", 0, 17*time.Hour
			other.Outcome, other.Failure = serve.ClientGone, &serve.Failure{Outcome: serve.ClientGone}
			c.Log(other)
		})
		outcome := -1
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if strings.ContainsAny(line, "\x1b\u202e") {
				t.Errorf("%d columns: %q", columns, line)
			}
			if w := term.Width(line); columns >= 60 && w >= columns {
				t.Errorf("%d columns: %d are used by %q", columns, w, line)
			}
			if i == 4 {
				continue // longer than its columns
			}
			if !strings.HasPrefix(line, "03:04:05  GET      200   1.23ms  /") {
				t.Errorf("%d columns: %q", columns, line)
			}
			head, ok := strings.CutSuffix(line, "  ok")
			if w := term.Width(head); !ok || outcome >= 0 && w != outcome {
				t.Errorf("%d columns: the outcome of line %d is in column %d, not %d: %q", columns, i, w, outcome, line)
			} else {
				outcome = w
			}
		}
	}
}

func TestAFailureIsOneBlock(t *testing.T) {
	got := logged(60, false, func(c *Console) {
		c.Log(record("1", "/a"))
		say(c, "3", "")
		say(c, "3", "thread panicked at src/lib.rs:7:1:")
		say(c, "2", "of another")
		say(c, "3", "index out of bounds, and a line that is longer than the terminal is wide")
		say(c, "3", " ")
		c.Log(record("2", "/b"))
		c.Log(failed("3", "/c"))
		other := failed("4", "/d")
		other.Failure.Hint = "build it with names, and with lines of the source, and look at it again"
		c.Log(other)
		c.Log(record("5", "/e"))
	})
	want := `03:04:05  GET      200   1.23ms  /a                 ok
[1/2] of another
03:04:05  GET      200   1.23ms  /b [2]             ok

03:04:05  GET      500   1.23ms  /c [3]             trap
  ✗ index out of bounds
    wasm trap: unreachable
  │ thread panicked at src/lib.rs:7:1:
  │ index out of bounds, and a line that is longer than the
  │  terminal is wide
      at app::total src/lib.rs:7
    hint: build it better

03:04:05  GET      500   1.23ms  /d                 trap
  ✗ index out of bounds
    wasm trap: unreachable
      at app::total src/lib.rs:7
    hint: build it with names, and with lines of the
    source, and look at it again

03:04:05  GET      200   1.23ms  /e                 ok
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatAProgramSaysOfItsOwnErrorIsABlockToo(t *testing.T) {
	r := record("1", "/a")
	r.Status, r.Message = 500, "no such user"
	got := logged(60, true, func(c *Console) { c.Log(record("0", "/")); c.Log(r) })
	if want := "03:04:05  GET      500   1.23ms  /a                 ok\n  ✗ no such user\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// What a request writes is shown while it runs, if that takes long.
func TestLinesOfLongRequestsDoNotWaitForTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b safeBuffer
		c := New(term.Terminal(&b, 80, false), false)
		defer c.Close()
		say(c, "1", "one")
		time.Sleep(holdFor / 2)
		say(c, "2", "two")
		synctest.Wait()
		if got := b.String(); got != "" {
			t.Errorf("too early: %q", got)
		}
		time.Sleep(holdFor/2 + time.Millisecond)
		synctest.Wait()
		if got := b.String(); got != "[1/1] one\n" {
			t.Errorf("the first request: %q", got)
		}
		time.Sleep(holdFor)
		synctest.Wait()
		if got := b.String(); got != "[1/1] one\n[1/2] two\n" {
			t.Errorf("both: %q", got)
		}
		say(c, "1", "the last")
		c.Log(failed("1", "/a"))
		_, block, _ := strings.Cut(b.String(), "\n\n")
		if !strings.Contains(block, "/a [1] ") || !strings.Contains(block, "│ the last\n") || strings.Contains(block, "one") {
			t.Errorf("the block is %q", block)
		}
	})
}

func TestMuchOutputIsNotHeld(t *testing.T) {
	got := logged(80, false, func(c *Console) {
		for i := range 3 * holdRequests {
			say(c, fmt.Sprint(i), "of many")
		}
		say(c, "long", strings.Repeat("x", holdBytes))
		if n := len(c.held); n > holdRequests {
			t.Errorf("%d requests are held", n)
		}
	})
	if n := strings.Count(got, "of many\n"); n != 3*holdRequests || !strings.Contains(got, "xxx\n") {
		t.Errorf("%d lines are there", n)
	}
}

func TestConcurrentRequestsKeepTheirLinesTogether(t *testing.T) {
	const requests, lines = 40, 5
	var b safeBuffer
	c := New(term.Terminal(&b, 100, false), false)
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			id := fmt.Sprint(i)
			for line := range lines {
				say(c, id, fmt.Sprintf("%s says %d", id, line))
			}
			c.Log(failed(id, "/"+id))
		})
	}
	all.Wait()
	c.Close()
	for block := range strings.SplitSeq(strings.TrimSpace(b.String()), "\n\n") {
		_, rest, ok := strings.Cut(block, "ms  /")
		if !ok {
			continue // lines of requests that took long, on a slow machine
		}
		id, _, _ := strings.Cut(rest, " ")
		for line := range strings.Lines(block) {
			if text, ok := strings.CutPrefix(line, "  │ "); ok && !strings.HasPrefix(text, id+" says ") {
				t.Errorf("the block of %s has %q", id, text)
			}
		}
	}
	for i := range requests {
		if n := strings.Count(b.String(), fmt.Sprintf(" %d says ", i)); n != lines {
			t.Errorf("request %d has %d lines", i, n)
		}
	}
}

func TestTheBannerIsAligned(t *testing.T) {
	start := &Start{
		Component: []string{"app.wasm", "51.4 kB", "WASI HTTP 0.2"}, Build: []string{"7849dc9e", "from the cache"},
		Address: "http://127.0.0.1:8080/", Note: "other machines can reach this address; error pages are brief",
		Watching: []string{"app.wasm", "dep.wasm"}, Command: "npm\n run   build", Sources: []string{"src", "wit"},
		Keys: []string{"r reload", "c clear", "o open", "q quit", "? help"},
	}
	want := `
Component       app.wasm · 51.4 kB · WASI HTTP 0.2
Build           7849dc9e · from the cache
Serving HTTP on http://127.0.0.1:8080/
                other machines can reach this address;
                error pages are brief
Watching        app.wasm · dep.wasm
Building        npm run build · when src, wit changes
Keys            r reload · c clear · o open · q quit
                ? help

`
	secure := *start
	secure.Certificate, secure.Fingerprint = []string{"localhost.crt", "SHA-256:"}, strings.Repeat("AB:", 31)+"AB"
	for columns, want := range map[int]string{
		200: "Certificate     localhost.crt · SHA-256:\n                " + secure.Fingerprint + "\n",
		80: "Certificate     localhost.crt · SHA-256:\n                " + strings.Repeat("AB:", 16) + "\n                " +
			strings.Repeat("AB:", 15) + "AB\n",
	} {
		if got := secure.Text(term.Terminal(nil, columns, false)); !strings.Contains(got, want) {
			t.Errorf("%d columns: got %s, which lacks %s", columns, got, want)
		}
	}
	if diff := cmp.Diff(want, start.Text(term.Terminal(nil, 60, false))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, columns := range []int{20, 30, 60, 200} {
		for line := range strings.Lines(start.Text(term.Terminal(nil, columns, false))) {
			if w := term.Width(line); w >= columns && columns >= 60 {
				t.Errorf("%d columns: %q", columns, line)
			}
		}
	}
}

// The URL of an explorer is one to open, or on a socket one for programs.
func TestTheBannerHasTheExplorer(t *testing.T) {
	const url = "http://localhost/__wasihttp/#token=abc"
	for address, want := range map[string]string{
		"http://localhost/": "Explorer        " + url + "\n", "unix:/tmp/app.sock": "Explorer        " + url + ", through the socket\n",
	} {
		start := &Start{Component: []string{"app.wasm"}, Address: address, Explorer: url}
		if got := start.Text(term.Terminal(nil, 60, false)); !strings.Contains(got, want) {
			t.Errorf("%s: got %s", address, got)
		}
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
