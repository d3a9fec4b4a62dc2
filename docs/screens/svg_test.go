package main

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseKeepsStylesAndText(t *testing.T) {
	got, err := parse("plain \x1b[1mbold\x1b[0m \x1b[1;31mred\x1b[0m\x1b[2;92m<dim & green>")
	want := []span{{"", "plain "}, {"b", "bold"}, {"", " "}, {"b c1", "red"}, {"d c10", "<dim & green>"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(span{})); diff != "" || err != nil {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
}

func TestParseRefusesWhatItCannotDraw(t *testing.T) {
	for _, line := range []string{"\x1b[2J", "\x1b[38;5;1mx", "\x1b[4mx"} {
		if spans, err := parse(line); err == nil {
			t.Errorf("parse(%q) = %v, want an error", line, spans)
		}
	}
}

func TestPictureIsWellFormedAndCutsLongLines(t *testing.T) {
	svg, err := picture("a <title>", `"alt"`, []string{"\x1b[31m<&>", strings.Repeat("x", 500)})
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Text []string `xml:"text"`
	}
	if err := xml.Unmarshal(svg, &document); err != nil {
		t.Fatal(err)
	}
	want := []string{"a <title>", "<&>", strings.Repeat("x", maximum-1) + "…"}
	if diff := cmp.Diff(want, document.Text); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}
