package reload

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
)

func TestASwapIsOneShortLineForPeopleAndAllNamesForPrograms(t *testing.T) {
	changes := Changes{Summary: "code changed, 2 imports added",
		List: []string{"code changed", "+import a:b/c", "+import a:b/d"}}
	build := &Build{Build: serve.Build{Digest: "0000000b"}}
	var out bytes.Buffer
	terminal := term.New(&out, func(string) string { return "" })
	(&Log{Out: terminal}).swapped(swap{from: "0000000a", now: build, changes: changes, ready: time.Second})
	line := out.String()
	if !strings.Contains(line, "0000000a → 0000000b: code changed, 2 imports added; ready") ||
		strings.Count(line, "\n") != 1 {
		t.Errorf("text: %q", line)
	}
	out.Reset()
	(&Log{Out: terminal, JSON: true}).swapped(swap{from: "0000000a", now: build, changes: changes, ready: time.Second})
	var event struct{ Changed []string }
	if err := json.Unmarshal(out.Bytes(), &event); err != nil || !slices.Equal(event.Changed, changes.List) {
		t.Errorf("JSON: %s (%v)", out.Bytes(), err)
	}
}
