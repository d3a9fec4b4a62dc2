package component

import "testing"

func TestKindOf(t *testing.T) {
	for data, want := range map[string]FileKind{
		"":                                 FileEmpty,
		"\x00asm":                          FileTruncated,
		"\x00asm\x0d\x00\x01\x00":          FileComponent,
		"\x00asm\x01\x00\x00\x00":          FileModule,
		"\x00asm\x0a\x00\x01\x00":          FileUnsupportedVersion,
		"\x00asm\x0d\x00\x02\x00":          FileUnsupportedLayer,
		";; text\n(component)":             FileText,
		"#!/bin/sh\nexec something else\n": FileOther,
	} {
		if got := KindOf([]byte(data)); got != want {
			t.Errorf("%q: %v, want %v", data, got, want)
		}
	}
}
