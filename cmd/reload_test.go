package cmd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/serve"
)

// fakeBuilds is "serve FILE" with components of Go: the file's contents are the
// answer. Contents that begin with "bad" cannot be loaded, those that begin with
// "slow" only once they may.
type fakeBuilds struct {
	*session
	file    string
	slow    chan struct{} // gets a value when a slow load has begun
	release chan struct{}
	freed   chan string
}

func startFakes(t *testing.T, args ...string) *fakeBuilds {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	file := "app.wasm"
	replace(t, file, []byte("one"))
	return serveFakes(t, file, append([]string{file}, args...)...)
}

// serveFakes runs "serve args…" in the current folder. The component is in the file.
func serveFakes(t *testing.T, file string, args ...string) *fakeBuilds {
	t.Helper()
	f := &fakeBuilds{
		session: newSession(),
		slow:    make(chan struct{}, 100), release: make(chan struct{}), freed: make(chan string, 100),
	}
	f.file = file
	st := f.state(append([]string{programName, "serve", "--addr", "127.0.0.1:0"}, args...)...)
	d := doors{
		load: f.load,
	}
	go func() { f.code <- st.main(context.Background(), d) }()
	t.Cleanup(func() {
		f.signals <- os.Interrupt
		f.exit(t)
	})
	return f
}

// digestOf returns the name of the build with these contents.
func digestOf(data string) string { return loader.Digest(sha256.Sum256([]byte(data))) }

func (f *fakeBuilds) load(ctx context.Context, path string, cfg loader.Config) (*loader.App, error) {
	text := string(cfg.Data)
	switch {
	case strings.HasPrefix(text, "bad"):
		return nil, exit.Loadf(nil, "write it better", "%s: is %s", path, text)
	case strings.HasPrefix(text, "half"):
		return nil, exit.Problem(&inspect.Problem{Code: inspect.CodeTruncated, Message: path + ": is truncated"})
	case strings.HasPrefix(text, "slow"):
		f.slow <- struct{}{}
		select {
		case <-f.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &loader.App{
		Handler: cfg.Recorder.Handler(handlerFunc(func(context.Context, string, *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(text))}, nil
		})),
		About: loader.Description{File: path, Digest: digestOf(string(cfg.Data)), Kind: "0.2"},
		Close: func(context.Context) error { f.freed <- text; return nil },
	}, nil
}

// expect asks the server what it serves.
func (f *fakeBuilds) expect(t *testing.T, text, stale string) {
	t.Helper()
	resp, err := http.Get(f.url(t))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if string(body) != text || resp.Header.Get(serve.BuildHeader) != digestOf(text) || resp.Header.Get(serve.StaleHeader) != stale {
		t.Errorf("got %q, build %q, stale %q; want %q, stale %q", body, resp.Header.Get(serve.BuildHeader),
			resp.Header.Get(serve.StaleHeader), text, stale)
	}
}

func TestAChangedFileIsServed(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	replace(t, f.file, []byte("two"))
	f.err.await(t, digestOf("one")+` → `+digestOf("two")+`; ready after \d+ms, compiled\n`)
	f.expect(t, "two", "")
	if got := await(t, f.freed, "end of the first build"); got != "one" {
		t.Errorf("%q was freed", got)
	}
}

func TestABrokenBuildLeavesTheLastGoodOne(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	replace(t, f.file, []byte("bad"))
	f.err.await(t, `✗ \S+ app\.wasm: is bad\n  hint: write it better\n  still serving `+digestOf("one"))
	f.expect(t, "one", "app.wasm: is bad")
	replace(t, f.file, []byte("two"))
	f.err.await(t, digestOf("one")+` → `+digestOf("two"))
	f.expect(t, "two", "")
	replace(t, f.file, []byte("bad again"))
	f.err.await(t, `is bad again`)
	replace(t, f.file, []byte("two"))
	f.err.await(t, `back to `+digestOf("two")+`, the build that is served`)
	f.expect(t, "two", "")
}

func TestHalfAFileIsNotToldBeforeItHasBeenStill(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	replace(t, f.file, []byte("half"))
	replace(t, f.file, []byte("half more"))
	replace(t, f.file, []byte("two"))
	f.err.await(t, digestOf("one")+` → `+digestOf("two"))
	if strings.Contains(f.err.String(), "truncated") {
		t.Errorf("got:\n%s", f.err)
	}
	replace(t, f.file, []byte("half"))
	f.err.await(t, `is truncated`)
}

func TestANewerFileWinsOverTheOneBeingLoaded(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	replace(t, f.file, []byte("slow"))
	await(t, f.slow, "load")
	replace(t, f.file, []byte("two"))
	f.err.await(t, digestOf("one")+` → `+digestOf("two"))
	close(f.release)
	replace(t, f.file, []byte("slow again"))
	f.err.await(t, digestOf("two")+` → `+digestOf("slow again"))
	if n := strings.Count(f.err.String(), "→"); n != 2 {
		t.Errorf("%d swaps:\n%s", n, f.err)
	}
}

func TestAFileThatIsAwayIsReportedOnceAndServed(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	if err := os.Remove(f.file); err != nil {
		t.Fatal(err)
	}
	f.err.await(t, `the file is missing`)
	f.expect(t, "one", "the file is missing")
	replace(t, f.file, []byte("one"))
	f.err.await(t, `is back, unchanged`)
	f.expect(t, "one", "")
}

func TestAFolderInPlaceOfTheFileIsNamedAsInspectDoes(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	if err := os.Remove(f.file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.file, 0o700); err != nil {
		t.Fatal(err)
	}
	f.err.await(t, `✗ \S+ app\.wasm: is a folder, not a component\n  hint: name the \.wasm file in it`)
	f.expect(t, "one", "app.wasm: is a folder, not a component")
	if err := os.Remove(f.file); err != nil {
		t.Fatal(err)
	}
	replace(t, f.file, []byte("two"))
	f.err.await(t, `→ `+digestOf("two"))
	f.expect(t, "two", "")
}

func TestAHangupReloads(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	f.hangups <- os.Interrupt
	f.err.await(t, digestOf("one")+` → `+digestOf("one"))
	await(t, f.freed, "end of the build before")
	f.expect(t, "one", "")
}

func TestWithoutWatchingNothingChanges(t *testing.T) {
	f := startFakes(t, "--watch=false")
	f.expect(t, "one", "")
	replace(t, f.file, []byte("two"))
	f.hangups <- os.Interrupt
	f.err.await(t, `→ `+digestOf("two"))
	if n := strings.Count(f.err.String(), "→"); n != 1 {
		t.Errorf("%d swaps:\n%s", n, f.err)
	}
}

func TestReloadsAreLoggedForPrograms(t *testing.T) {
	f := startFakes(t, "--log-format", "json")
	f.expect(t, "one", "")
	replace(t, f.file, []byte("two"))
	f.err.await(t, fmt.Sprintf(`"event":"reload","from":"%s","to":"%s","compiled":true,"ready_ms":[0-9.]+`, digestOf("one"), digestOf("two")))
	replace(t, f.file, []byte("bad"))
	f.err.await(t, `"event":"reload-failed","from":"[0-9a-f]{8}","error":"app.wasm: is bad","hint":"write it better"`)
}

// save replaces a file in one step, from a folder that nothing watches.
func save(t *testing.T, file, text string) {
	t.Helper()
	next := filepath.Join(t.TempDir(), "next")
	if err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Rename(next, file)); err != nil {
		t.Fatal(err)
	}
}

// TestExecBuildsAtStartAndOnChanges runs a command that copies the source, and
// writes beside it in every way that builds do.
func TestExecBuildsAtStartAndOnChanges(t *testing.T) {
	t.Run("events", func(t *testing.T) { execBuilds(t) })
	t.Run("poll", func(t *testing.T) { execBuilds(t, "--poll", "200ms") })
}

func execBuilds(t *testing.T, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "src", "main.txt")
	put := func(text string) {
		t.Helper()
		save(t, source, text)
	}
	if err := os.MkdirAll(filepath.Dir(source), 0o700); err != nil {
		t.Fatal(err)
	}
	put("first")
	script := fmt.Sprintf(`cd '%s' && echo building $(cat src/main.txt) && mkdir -p gen && cp src/main.txt gen/copy.txt && date +%%N >gen/stamp && touch Cargo.lock &&`+
		` case $(cat src/main.txt) in broken*) exit 7;; esac && cp src/main.txt "$OLDPWD/app.tmp" && mv "$OLDPWD/app.tmp" "$OLDPWD/app.wasm"`, dir)
	f := startFakes(t, append(flags, "--exec", script, "--source", dir)...)
	f.expect(t, "first", "")
	put("second")
	f.err.await(t, `→ `+digestOf("second"))
	f.expect(t, "second", "")
	put("broken")
	f.err.await(t, `the command failed: exit status 7`)
	f.expect(t, "second", "the command failed: exit status 7")
	put("third")
	f.err.await(t, `--exec: the command succeeds again`)
	f.err.await(t, `→ `+digestOf("third"))
	f.err.awaitCount(t, "building", 4)
	if n := strings.Count(f.err.String(), "building"); n != 4 {
		t.Errorf("the command ran %d times:\n%s", n, f.err)
	}
}

// A command may go on after it has written its result, and a busy machine may need a while to
// notice its end.
func TestABuildServedWhileTheCommandRunsIsNotStale(t *testing.T) {
	dir := t.TempDir()
	source, end := filepath.Join(dir, "main.txt"), filepath.Join(t.TempDir(), "end")
	save(t, source, "broken")
	f := startFakes(t, "--source", dir, "--exec", fmt.Sprintf(
		`if grep -q broken '%[1]s'; then exit 7; fi; cp '%[1]s' app.tmp && mv app.tmp app.wasm; until [ -e '%[2]s' ]; do sleep 0.05; done`, source, end))
	f.expect(t, "one", "the command failed: exit status 7")
	save(t, source, "two")
	f.err.await(t, `→ `+digestOf("two"))
	f.expect(t, "two", "")
	save(t, end, "")
	f.err.await(t, `--exec: the command succeeds again`)
	f.expect(t, "two", "")
}

func TestWhatTheProgramRecordsDoesNotRunTheCommand(t *testing.T) {
	dir := t.TempDir()
	source, recorded := filepath.Join(dir, "main.txt"), filepath.Join(dir, "recorded")
	save(t, source, "one")
	f := startFakes(t, "--exec", "echo building", "--source", dir, "--record", recorded)
	f.err.await(t, `building`)
	f.expect(t, "one", "")
	for end := time.Now().Add(patience); ; {
		if files, err := filepath.Glob(filepath.Join(recorded, "*")); err == nil && len(files) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nothing was recorded")
		}
		f.expect(t, "one", "")
	}
	save(t, source, "two")
	f.err.awaitCount(t, "building", 2)
	f.expect(t, "one", "")
	if n := strings.Count(f.err.String(), "building"); n != 2 {
		t.Errorf("the command ran %d times:\n%s", n, f.err)
	}
}

func TestAChangeDuringTheCommandStopsAllItsProcesses(t *testing.T) {
	dir := t.TempDir()
	source, pids := filepath.Join(dir, "main.txt"), filepath.Join(t.TempDir(), "pids")
	save(t, source, "one")
	script := fmt.Sprintf(`if grep -q two '%s'; then echo second; exit 0; fi; trap '' TERM; sleep 1000 & echo $! >'%s'; echo first; wait`, source, pids)
	f := startFakes(t, "--exec", script, "--source", dir)
	f.err.await(t, `first`)
	save(t, source, "two")
	f.err.await(t, `second`)
	f.expect(t, "one", "")
	pid, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := os.ReadFile("/proc/" + string(bytes.TrimSpace(pid)) + "/stat"); err == nil && !bytes.Contains(state, []byte(") Z ")) {
		t.Errorf("a process of the command goes on: %s", state)
	}
}

func TestServingBeginsEvenIfTheFirstBuildFails(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.txt")
	save(t, source, "broken")
	f := startFakes(t, "--exec", fmt.Sprintf(`rm -f app.wasm; grep -qv broken '%s' && cp '%s' app.wasm`, source, source), "--source", dir)
	status, body := get(t, f.url(t))
	if status != http.StatusInternalServerError && status != http.StatusServiceUnavailable &&
		status != http.StatusBadGateway || !strings.Contains(body, "the command failed") {
		t.Errorf("got %d %q", status, body)
	}
	save(t, source, "good")
	f.err.await(t, digestOf("good"))
	f.expect(t, "good", "")
}

func TestFlagsOfReloadingThatContradict(t *testing.T) {
	for _, args := range [][]string{
		{"--exec", "make", "--watch=false"},
		{"--poll", "1s", "--watch=false"},
		{"--source", "src"},
	} {
		st := newSession().state(append([]string{programName, "serve", "app.wasm"}, args...)...)
		err := st.run(t.Context(), doors{})
		var user *exit.Error
		if !errors.As(err, &user) || user.Code != exit.Usage {
			t.Errorf("%q: got %v", args, err)
		}
	}
}
