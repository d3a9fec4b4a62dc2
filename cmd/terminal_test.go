package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
)

// terminalFakes is serveFakes at a terminal of 100 columns.
func terminalFakes(t *testing.T, args ...string) *fakeBuilds {
	t.Helper()
	t.Chdir(t.TempDir())
	f := &fakeBuilds{
		session: newSession(), slow: make(chan struct{}, 100), release: make(chan struct{}), freed: make(chan string, 100),
	}
	f.file = "app.wasm"
	st := f.state(append([]string{programName, "serve", f.file, "--addr", "127.0.0.1:0"}, args...)...)
	st.stderr = term.Terminal(f.err, 100, false)
	go func() { f.code <- st.main(context.Background(), doors{load: f.load}) }()
	t.Cleanup(func() {
		f.signals <- os.Interrupt
		f.exit(t)
	})
	return f
}

func TestBuildsOnATerminal(t *testing.T) {
	dir := t.TempDir()
	source, notes := filepath.Join(dir, "main.txt"), filepath.Join(dir, "notes.txt")
	// A file that is changed right after the command might be one that it has written. These are
	// from the future.
	put := func(file, text string) {
		t.Helper()
		next, at := filepath.Join(t.TempDir(), "next"), time.Now().Add(time.Hour)
		if err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Chtimes(next, at, at), os.Rename(next, file)); err != nil {
			t.Fatal(err)
		}
	}
	put(source, "first")
	script := fmt.Sprintf(`if grep -q broken '%[1]s'; then echo 'main.txt:1: no'; exit 7; fi; cp '%[1]s' app.tmp && mv app.tmp app.wasm`, source)
	f := terminalFakes(t, "--exec", script, "--source", dir)
	f.err.await(t, `⋯ building: if grep -q broken .*…  0s`)
	f.err.await(t, `✓ built in [0-9.]+m?s\n`)
	f.err.await(t,
		"\nComponent       app.wasm · .*\nBuild           "+digestOf("first")+" · .*\n"+
			"Serving HTTP on http://127.0.0.1:[0-9]+/\nWatching        app.wasm\nBuilding        if grep .*")
	f.expect(t, "first", "")
	f.err.await(t, `:\d\d  GET      200  +[0-9.]+[mµ]?s  / +ok\n`)
	put(source, "second")
	// On a busy machine the build may be served before the end of the command is noticed, which has
	// a line of its own then.
	swap := "  " + digestOf("first") + " → " + digestOf("second") + `.*\n`
	f.err.await(t, `✓ (built in [0-9.]+m?s, ready [0-9.]+m?s later`+swap+
		`|ready after [0-9.]+m?s`+swap+`(?s:.*)✓ built in [0-9.]+m?s\n)`)
	f.expect(t, "second", "")
	put(notes, "anything")
	f.err.await(t, `✓ built in [0-9.]+m?s, the same build again  `+digestOf("second")+"\n")
	put(source, "broken")
	f.err.await(t, `main.txt:1: no\n`)
	f.err.await(t, `✗ --exec: the command failed: exit status 7 after .*\n +still serving `+digestOf("second")+"\n")
	f.expect(t, "second", "the command failed: exit status 7")
	put(source, "third")
	f.err.await(t, `✓ .*ready .*  `+digestOf("second")+" → "+digestOf("third"))
	f.expect(t, "third", "")
	if text := f.err.String(); strings.Contains(text, "succeeds again") || strings.Contains(text, "no such file") {
		t.Errorf("more is said than that:\n%s", text)
	}
}

func TestAtATerminalAFileThatIsNotThereYetIsWaitedFor(t *testing.T) {
	for name, args := range map[string][]string{"by itself": nil, "after a command": {"--exec", "true", "--source", "."}} {
		t.Run(name, func(t *testing.T) {
			f := terminalFakes(t, args...)
			f.err.await(t, "Serving HTTP on ")
			if status, body := get(t, f.url(t)); status != 500 || !strings.Contains(body, "There is no build yet") {
				t.Errorf("got %d %q", status, body)
			}
			replace(t, f.file, []byte("one"))
			f.err.await(t, "✓ .*"+digestOf("one"))
			f.expect(t, "one", "")
			text, _, _ := strings.Cut(f.err.String(), " GET ")
			if n := strings.Count(text, "is not there yet"); n != 1 || strings.Contains(text, "✗") || strings.Contains(text, "error") {
				t.Errorf("it is said %d times:\n%s", n, text)
			}
		})
	}
}

func TestAScriptLearnsOfAFileThatIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	s := newSession()
	st := s.state(programName, "serve", "app.wasm", "--addr", "127.0.0.1:0")
	if code := st.main(context.Background(), doors{}); code == 0 || !strings.Contains(s.err.String(), "app.wasm: no such file") {
		t.Errorf("got %d %q", code, s.err)
	}
}
