package reload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
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

// fixedWidth is a terminal's log onto out.
func fixedWidth(out *bytes.Buffer, columns int) *Log {
	return &Log{Out: term.Terminal(out, columns, false)}
}

func TestASwapOnATerminalIsOneLineOfItsWidth(t *testing.T) {
	changes := Changes{Summary: "code and data changed, 30 imports added, 2 removed", List: []string{"code and data changed"}}
	for i := range 32 {
		changes.List = append(changes.List, fmt.Sprintf("+import a:b/c%d", i))
	}
	build := &Build{Build: serve.Build{Digest: "0000000b"}}
	for _, columns := range []int{30, 60, 80, 120, 300} {
		for _, built := range []time.Duration{0, 9837 * time.Millisecond} {
			var out bytes.Buffer
			l := fixedWidth(&out, columns)
			l.swapped(swap{from: "0000000a", now: build, changes: changes, built: built, ready: 204 * time.Millisecond, draining: 3})
			line := out.String()
			if strings.Count(line, "\n") != 1 || term.Width(strings.TrimSpace(line)) >= columns {
				t.Errorf("%d columns: %q", columns, line)
			}
			want := "✓ ready after 0.2s  0000000a → 0000000b: code and data changed, 30 imports added, 2 " +
				"removed, compiled; 3 requests on 0000000a still running (? says what)\n"
			if built > 0 {
				want = strings.Replace(want, "ready after 0.2s", "built in 9.8s, ready 0.2s later", 1)
			}
			if columns == 300 && !strings.HasSuffix(line, want) {
				t.Errorf("got %q, want %q", line, want)
			}
			if details := l.Details(); strings.Count(details, "+import a:b/c") != 32 {
				t.Errorf("the details are %q", details)
			}
		}
	}
}

func TestAFailureOnATerminalIsABlock(t *testing.T) {
	var out bytes.Buffer
	l := fixedWidth(&out, 60)
	l.Out.Write([]byte("a line\n"))
	l.Failed(&failure{msg: "app.wasm: is truncated: at least 31397 of 51397 bytes are missing at its end", hint: "build or copy it again"},
		&Build{Build: serve.Build{Digest: "0000000a"}})
	l.Out.Write([]byte("a line\n"))
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 9 || lines[1] != "" || lines[6] != "" || !strings.HasPrefix(lines[3], margin) ||
		lines[4] != margin+"hint: build or copy it again" || lines[5] != margin+"still serving 0000000a" {
		t.Errorf("got %q", lines)
	}
	for _, line := range lines {
		if term.Width(line) >= 60 {
			t.Errorf("too wide: %q", line)
		}
	}
}

func TestBuildingIsALineThatGoesAway(t *testing.T) {
	var out lockedBuffer
	l := &Log{Out: term.Terminal(&out, 40, false)}
	l.building("npx componentize-js\n  --wit wit   -o app.wasm app.js")
	for !strings.Contains(out.String(), "building") {
		runtime.Gosched() // until the line is drawn
	}
	l.builtOrNot()
	text := out.String()
	if want := "\r\x1b[K⋯ building: npx componentize-js --…  0s"; !strings.HasPrefix(text, want) ||
		!strings.HasSuffix(text, "\r\x1b[K") || strings.Contains(text, "\n") {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestColourIsAskedForWhereItIsShown(t *testing.T) {
	colours := term.Terminal(nil, 80, true)
	for name, tt := range map[string]struct {
		out     *term.Output
		environ []string
		want    int
	}{
		"a terminal":       {colours, []string{"A=b"}, 3},
		"without colours":  {term.Terminal(nil, 80, false), nil, 0},
		"no terminal":      {term.New(nil, nil), nil, 0},
		"as the user says": {colours, []string{"FORCE_COLOR=0", "CLICOLOR_FORCE="}, 1},
	} {
		if got := ColourEnv(tt.out, tt.environ); len(got) != tt.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
