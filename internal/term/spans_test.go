package term

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpans(t *testing.T) {
	for name, tt := range map[string]struct {
		line string
		want []Span
	}{
		"plain":   {"a\tb", []Span{{"", "a    b"}}},
		"nothing": {"", nil},
		"colours": {"\x1b[31mred\x1b[0m \x1b[1;92mgood\x1b[39m bold", []Span{{"c1", "red"}, {"", " "}, {"b c10", "good"}, {"b", " bold"}}},
		"what esbuild does": {"\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1mno\x1b[0m",
			[]Span{{"c1", "✘ "}, {"c1 g1", "["}, {"c15 g1", "ERROR"}, {"c1 g1", "]"}, {"", " "}, {"b", "no"}}},
		"an empty reset": {"\x1b[2;4;7mx\x1b[my", []Span{{"d u i", "x"}, {"", "y"}}},
		"256 colours": {"\x1b[38;5;9ma\x1b[38;5;196mb\x1b[48;5;28mc\x1b[38;5;244md",
			[]Span{{"c9", "a"}, {"c1", "b"}, {"c1 g2", "c"}, {"c7 g2", "d"}}},
		"all colours":     {"\x1b[38;2;255;0;0;1ma\x1b[38:2:80:160:255mb", []Span{{"b c1", "a"}, {"b c12", "b"}}},
		"cut off":         {"a\x1b[38;5mb\x1b[38mc\x1b[3", []Span{{"", "a"}, {"c0", "b"}, {"", "c"}}},
		"other sequences": {"\x1b]0;title\x07a\x1b[2Jb\x1b[10;10Hc", []Span{{"", "abc"}}},
		"written over":    {"10 %\r20 %\rdone\r", []Span{{"", "done"}}},
		"control bytes":   {"a\x00\x08<b>\xff", []Span{{"", `a\x00\x08<b>\xff`}}},
		"unknown":         {"\x1b[31;m\x1b[999;1ma", []Span{{"b", "a"}}},
	} {
		if diff := cmp.Diff(tt.want, Spans(tt.line)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTextFitsColumns(t *testing.T) {
	for _, s := range []string{"", "short", "a longer text than that", "日本語のテキスト", "a日b本c語", "👩‍👩‍👧 x 👍🏽 y"} {
		for columns := 1; columns < 20; columns++ {
			if got := Cut(s, columns); Width(got) > columns || Width(s) <= columns && got != s {
				t.Errorf("Cut(%q, %d) = %q", s, columns, got)
			}
			if got := Pad(s, columns); Width(got) < columns-1 || Width(got) > columns {
				t.Errorf("Pad(%q, %d) = %q", s, columns, got)
			}
			lines := Fold(s, columns)
			if strings.Join(lines, "") != s {
				t.Errorf("Fold(%q, %d) = %q", s, columns, lines)
			}
			for _, line := range lines {
				if Width(line) > max(columns, 2) {
					t.Errorf("Fold(%q, %d) has %q", s, columns, line)
				}
			}
		}
	}
}

func TestBlocksHaveSpaceAroundThem(t *testing.T) {
	block := func(o *Output, s string) { _, _ = o.WriteBlock([]byte(s)) }
	line := func(o *Output, s string) { _, _ = o.Write([]byte(s)) }
	more := func(o *Output, s string) { _, _ = o.Continue([]byte(s)) }
	for name, tt := range map[string]struct {
		do   func(*Output)
		want string
	}{
		"between lines":      {func(o *Output) { line(o, "a\n"); block(o, "b\nc\n"); line(o, "d\n") }, "a\n\nb\nc\n\nd\n"},
		"at the beginning":   {func(o *Output) { block(o, "b\n"); line(o, "d\n") }, "b\n\nd\n"},
		"one after another":  {func(o *Output) { block(o, "a\n"); block(o, "b\n") }, "a\n\nb\n"},
		"that go on":         {func(o *Output) { block(o, "a\n"); more(o, "b\n"); line(o, "c\n") }, "a\nb\n\nc\n"},
		"that were left":     {func(o *Output) { block(o, "a\n"); line(o, "b\n"); more(o, "c\n"); line(o, "d\n") }, "a\n\nb\nc\nd\n"},
		"with space already": {func(o *Output) { line(o, "a\n\n"); block(o, "b\n\n"); line(o, "c\n") }, "a\n\nb\n\nc\n"},
		"of nothing":         {func(o *Output) { line(o, "a\n"); line(o, ""); line(o, "b\n") }, "a\nb\n"},
	} {
		var b strings.Builder
		tt.do(New(&b, nil))
		if b.String() != tt.want {
			t.Errorf("%s: got %q, want %q", name, b.String(), tt.want)
		}
	}
}
