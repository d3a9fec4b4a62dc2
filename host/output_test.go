package host

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTailRemembersTheLastLines(t *testing.T) {
	var many []string
	for i := range tailLines {
		many = append(many, fmt.Sprint(i))
	}
	tests := map[string]struct {
		writes []string
		want   []string
	}{
		"few":          {[]string{"a\nb\n"}, []string{"a", "b"}},
		"as many":      {[]string{strings.Join(many, "\n") + "\n"}, many},
		"more":         {[]string{"x\ny\n", strings.Join(many, "\n") + "\n"}, many},
		"pieces":       {[]string{"a", "b\nc", "d"}, []string{"ab", "cd"}},
		"unended last": {[]string{"x\n" + strings.Join(many, "\n")}, many},
		"CRLF":         {[]string{"a\r\nb\r\n"}, []string{"a", "b"}},
		"long line": {
			[]string{strings.Repeat("x", tailLineBytes+1), "y\n"},
			[]string{strings.Repeat("x", tailLineBytes)},
		},
		"none": {nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var tail tail
			for _, s := range tt.writes {
				fmt.Fprint(&tail, s)
			}
			if diff := cmp.Diff(tt.want, tail.last()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// gone is an output without a reader.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (gone) Close() error { return nil }

func TestGuestsDoNotFailIfTheirOutputIsNotRead(t *testing.T) {
	g := &guest{host: &Host{}}
	w := guestLog{&teeTail{WriteCloser: gone{}, guest: g}}
	if n, err := w.Write([]byte("a line\n")); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestLinesAreWrittenWhole(t *testing.T) {
	var out strings.Builder
	open := Lines(&out)
	a, b := open(Origin{}), open(Origin{})
	for _, w := range []struct {
		to   io.Writer
		text string
	}{{a, "one "}, {b, "two\nth"}, {a, "1\n"}, {b, "ree\n"}, {a, "four\nfive\nsi"}, {b, "seven"}} {
		if n, err := io.WriteString(w.to, w.text); n != len(w.text) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff("two\none 1\nthree\nfour\nfive\nsi\nseven\n", out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	long := open(Origin{})
	fmt.Fprint(long, strings.Repeat("x", 3*maxHeld))
	if out.Len() < maxHeld {
		t.Error("a line without an end is held back for ever")
	}
}
