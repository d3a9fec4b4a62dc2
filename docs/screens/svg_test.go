package main

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPictureIsWellFormedAndCutsLongLines(t *testing.T) {
	svg := picture("a <title>", `"alt"`, []string{"\x1b[31m<&>", strings.Repeat("x", 500)})
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
