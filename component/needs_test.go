package component

import (
	"slices"
	"testing"
)

func TestNeedsAreTheGatedPartsThatAreUsed(t *testing.T) {
	const canonSection, typeSection = 0x08, 0x07
	for name, tt := range map[string]struct {
		section []byte
		want    []string
	}{
		"nothing":                    {nil, nil},
		"waitable-set.new":           {[]byte{canonSection, 2, 1, 0x1f}, nil},
		"error-context.drop":         {[]byte{canonSection, 2, 1, 0x1e}, []string{NeedsErrorContext}},
		"thread.index":               {[]byte{canonSection, 2, 1, 0x26}, []string{NeedsThreads}},
		"subtask.cancel":             {[]byte{canonSection, 3, 1, 0x06, 0}, nil},
		"subtask.cancel async":       {[]byte{canonSection, 3, 1, 0x06, 1}, []string{NeedsAsyncBuiltins}},
		"a list of 4":                {[]byte{typeSection, 4, 1, 0x67, 0x79, 4}, []string{NeedsFixedLists}},
		"map<u32, string>":           {[]byte{typeSection, 4, 1, 0x63, 0x79, 0x73}, []string{NeedsMaps}},
		"error-context and a thread": {[]byte{canonSection, 3, 2, 0x1e, 0x26}, []string{NeedsThreads, NeedsErrorContext}},
	} {
		c, err := Decode(append([]byte("\x00asm\x0d\x00\x01\x00"), tt.section...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := c.Needs(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
