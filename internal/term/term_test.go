package term

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// env makes a getenv of pairs.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestColourDecision(t *testing.T) {
	tests := []struct {
		terminal bool
		env      []string
		want     bool
	}{
		{true, nil, true},
		{false, nil, false},
		{true, []string{"NO_COLOR", "1"}, false},
		{true, []string{"NO_COLOR", ""}, true},
		{true, []string{"TERM", "dumb"}, false},
		{true, []string{"CLICOLOR", "0"}, false},
		{false, []string{"CLICOLOR_FORCE", "1"}, true},
		{false, []string{"CLICOLOR_FORCE", "0"}, false},
		{false, []string{"CLICOLOR_FORCE", "1", "NO_COLOR", "1"}, false},
	}
	for _, tt := range tests {
		if got := wantsColour(tt.terminal, env(tt.env...)); got != tt.want {
			t.Errorf("terminal %v, %v: got %v", tt.terminal, tt.env, got)
		}
	}
}

func TestStylesAreInvisibleWithoutColour(t *testing.T) {
	out := New(io.Discard, nil)
	for _, style := range []func(string) string{out.Bad, out.Fair, out.Good, out.Dim, out.Strong, out.Link} {
		if got := style("  text\t"); got != "  text\t" {
			t.Errorf("got %q", got)
		}
	}
	if out.IsTerminal() || out.Colour() || out.Width() != 80 {
		t.Errorf("got terminal %v, colour %v, width %d", out.IsTerminal(), out.Colour(), out.Width())
	}
}

func TestStylesKeepTheText(t *testing.T) {
	out := New(io.Discard, env("CLICOLOR_FORCE", "1"))
	for _, style := range []func(string) string{
		out.Bad, out.Fair, out.Good, out.Dim, out.Strong, out.Link,
		func(s string) string { return out.Status(200, s) },
		func(s string) string { return out.Status(302, s) },
		func(s string) string { return out.Status(404, s) },
		func(s string) string { return out.Status(500, s) },
	} {
		got := style("some text")
		if StripEscapes(got) != "some text" || got == "some text" {
			t.Errorf("got %q", got)
		}
	}
	if got := out.Bad(""); got != "" {
		t.Errorf("got %q for nothing", got)
	}
}

func TestLinesAreWholeAndPrefixed(t *testing.T) {
	tests := map[string]struct {
		prefix bool
		writes []string
		want   string
	}{
		"one line":                 {true, []string{"hello\n"}, "[1] hello\n"},
		"pieces":                   {true, []string{"he", "llo", "\nwor", "ld\n"}, "[1] hello\n[1] world\n"},
		"several at once":          {true, []string{"a\n\nb\n"}, "[1] a\n[1] \n[1] b\n"},
		"last line without an end": {true, []string{"a\nb"}, "[1] a\n[1] b\n"},
		"no prefix":                {false, []string{"a\nb"}, "a\nb\n"},
		"nothing":                  {true, []string{"", ""}, ""},
		"too long a line":          {true, []string{strings.Repeat("x", maxLine+5)}, "[1] " + strings.Repeat("x", maxLine) + "\n[1] xxxxx\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			w := NewLines(&b, tt.prefix).Writer(func() string { return "[1] " })
			for _, s := range tt.writes {
				if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
			}
			for range 2 { // closing again adds nothing
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrefixIsAskedForEachLine(t *testing.T) {
	var b strings.Builder
	n := 0
	w := NewLines(&b, true).Writer(func() string { n++; return fmt.Sprintf("[%d] ", n) })
	fmt.Fprint(w, "a\nb\n")
	if got := b.String(); got != "[1] a\n[2] b\n" {
		t.Errorf("got %q", got)
	}
}

func TestConcurrentWritersDoNotTearLines(t *testing.T) {
	var b strings.Builder
	lines := NewLines(New(&b, nil), true)
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			w := lines.Writer(func() string { return fmt.Sprintf("[%d] ", i) })
			for range 100 {
				fmt.Fprint(w, "some ")
				fmt.Fprint(w, "words\n")
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	count := 0
	for line := range strings.Lines(b.String()) {
		count++
		if line[0] != '[' || line[2:] != "] some words\n" {
			t.Fatalf("torn line %q", line)
		}
	}
	if count != 800 {
		t.Errorf("got %d lines", count)
	}
}

func TestClean(t *testing.T) {
	tests := map[string]string{
		"plain":            "plain",
		"grüße, 世界":        "grüße, 世界",
		"a\x1b[31mb":       `a\x1b[31mb`,
		"a\nb\tc\x7f":      `a\x0ab c\x7f`,
		"a\xffb":           `a\xffb`,
		"\u202eright":      `\u202eright`,
		"\u0085 next line": `\u0085 next line`,
	}
	for in, want := range tests {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStripEscapes(t *testing.T) {
	tests := map[string]string{
		"plain":                "plain",
		"\x1b[1;31mred\x1b[0m": "red",
		"\x1b]8;;http://x\x07link\x1b]8;;\x1b\\!": "link!",
		"\x1bcreset":      "reset",
		"cut\x1b[":        "cut",
		"cut\x1b]0;title": "cut",
		"cut\x1b":         "cut",
	}
	for in, want := range tests {
		if got := StripEscapes(in); got != want {
			t.Errorf("StripEscapes(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	tests := map[string]struct {
		what        string
		part, whole int
		want        string
	}{
		"unknown length": {"loading", 0, 0, "loading 1.5s"},
		"half":           {"compiling", 2, 4, "████████████░░░░░░░░░░░░ compiling 2/4 1.5s"},
		"done":           {"compiling", 4, 4, "████████████████████████ compiling 4/4 1.5s"},
		"bytes":          {"compiling", 1_500_000_000, 2_000_000_000, "██████████████████░░░░░░ compiling 75% 1.5s"},
		"too much":       {"compiling", 9, 4, "████████████████████████ compiling 9/4 1.5s"},
		"too long":       {strings.Repeat("x", 200), 0, 0, strings.Repeat("x", 74) + " 1.5s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := StartProgress(New(io.Discard, nil), "")
			defer p.Stop()
			p.Update(tt.what, tt.part, tt.whole)
			got := p.line(1500 * time.Millisecond)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := len([]rune(got)); n >= defaultWidth {
				t.Errorf("%d columns wrap", n)
			}
		})
	}
}

func TestProgressIsSilentOffTheTerminal(t *testing.T) {
	var b strings.Builder
	p := StartProgress(New(&b, nil), "loading")
	p.Update("compiling", 1, 2)
	p.Stop()
	p.Stop()
	if b.Len() > 0 {
		t.Errorf("got %q", b.String())
	}
}

func TestProgressMakesWayForLines(t *testing.T) {
	var b strings.Builder
	out := New(&b, nil)
	out.terminal = true
	p := StartProgress(out, "loading")
	out.setStatus(p, "working")
	if n, err := out.Write([]byte("a line\n")); n != 7 || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	p.Stop()
	if got, want := b.String(), "\r\x1b[Kworking\r\x1b[Ka line\nworking\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressMakesWayForTheOtherStream(t *testing.T) {
	var b strings.Builder
	results, talk := New(&b, nil), New(&b, nil)
	results.terminal, talk.terminal = true, true
	results.Share(talk)
	p := StartProgress(talk, "testing")
	talk.setStatus(p, "testing")
	if _, err := results.Coloured(false).Write([]byte("a result\n")); err != nil {
		t.Error(err)
	}
	p.Stop()
	if got, want := b.String(), "\r\x1b[Ktesting\r\x1b[Ka result\ntesting\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOfTwoProgressesTheLatterIsShown(t *testing.T) {
	var b strings.Builder
	out := New(&b, nil)
	out.terminal = true
	outer := StartProgress(out, "testing")
	inner := StartProgress(out, "compiling")
	out.setStatus(outer, "testing")
	out.setStatus(inner, "compiling")
	inner.Stop()
	out.setStatus(outer, "testing")
	outer.Stop()
	if got, want := b.String(), "\r\x1b[Kcompiling\r\x1b[K\r\x1b[Ktesting\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDumbTerminalsShowNoProgress(t *testing.T) {
	out := New(io.Discard, env("TERM", "dumb"))
	out.terminal = true
	p := StartProgress(out, "loading")
	p.Stop()
	if out.owner != nil {
		t.Error("a progress line is drawn")
	}
}

// Scripts look for addresses in what is styled, too.
func TestStylesLeaveTextInOnePiece(t *testing.T) {
	out := Terminal(nil, 80, true)
	for name, style := range map[string]func(string) string{
		"bad": out.Bad, "fair": out.Fair, "good": out.Good, "dim": out.Dim, "strong": out.Strong, "link": out.Link,
	} {
		if got := style("http://127.0.0.1:80/ a b"); !strings.Contains(got, "mhttp://127.0.0.1:80/ a b\x1b") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
