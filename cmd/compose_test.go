package cmd

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/serve"
)

// putGuest copies a guest into the current folder, with one text in it replaced by another.
func putGuest(t *testing.T, as, guest, before, after string) {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(guests, guest))
	if err != nil {
		t.Fatal(err)
	}
	replace(t, as, bytes.Replace(wasm, []byte(before), []byte(after), 1))
}

// guests is the folder of the guests.
var guests = func() string {
	dir, err := filepath.Abs(filepath.Join("..", "testdata", "guests"))
	if err != nil {
		panic(err)
	}
	return dir
}()

const (
	greeterFile = "rust-greeter/rust-greeter.wasm"
	wordsFile   = "rust-words/rust-words.wasm"
	guardFile   = "rust-guard/rust-guard.wasm"
)

// startReal runs "serve" with the engine and components that are files of the current folder.
func startReal(t *testing.T, args ...string) *session {
	t.Helper()
	s := newSession()
	st := s.state(append([]string{programName, "serve", "--addr", "127.0.0.1:0", "--no-cache"},
		args...)...)
	go func() { s.code <- st.main(t.Context(), engineDoors(st)) }()
	t.Cleanup(func() {
		s.signals <- os.Interrupt
		s.exit(t)
	})
	return s
}

// ask returns the body and the build of the response to a request.
func (s *session) ask(t *testing.T, path string) (body, build, stale string) {
	t.Helper()
	resp, err := http.Get(s.url(t) + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), resp.Header.Get(serve.BuildHeader), resp.Header.Get(serve.StaleHeader)
}

func TestServeTakesNewBuildsOfPlugsAndMiddleware(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", greeterFile, "", "")
	putGuest(t, "words.wasm", wordsFile, "", "")
	putGuest(t, "guard.wasm", guardFile, "", "")
	s := startReal(t, "app.wasm", "--plug", "words.wasm", "--chain", "guard.wasm")
	body, first, _ := s.ask(t, "/Ada")
	if body != "Hello, Ada!" {
		t.Errorf("got %q", body)
	}
	putGuest(t, "words.wasm", wordsFile, "Hello", "Salve")
	s.err.await(t, first+` → `)
	body, second, stale := s.ask(t, "/Ada")
	if body != "Salve, Ada!" || second == first || stale != "" {
		t.Errorf("a new plug: got %q, build %s after %s, stale %q", body, second, first, stale)
	}
	putGuest(t, "guard.wasm", guardFile, "guard-1", "guard-2")
	s.err.await(t, second+` → `)

	// What does not link is reported if it may be what was meant, and leaves the last good build.
	putGuest(t, "words.wasm", "bad/other-words.wasm", "", "")
	s.err.await(t, `✗ \S+ app\.wasm: imports function \[method\]phrase\.text`)
	s.err.await(t, `build app\.wasm and words\.wasm with the same WIT`)
	if body, _, stale := s.ask(t, "/Ada"); body != "Salve, Ada!" || stale == "" {
		t.Errorf("a plug that does not fit: got %q, stale %q", body, stale)
	}
	putGuest(t, "words.wasm", wordsFile, "", "")
	s.err.await(t, `(?s)same WIT.* → `)
	if body, _, stale := s.ask(t, "/Ada"); body != "Hello, Ada!" || stale != "" {
		t.Errorf("got %q, stale %q", body, stale)
	}
}

func TestServeSaysWhatMiddlewareIsFor(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "mw.wasm", "rust-middleware-p3/rust-middleware-p3.wasm", "", "")
	s := startReal(t, "mw.wasm")
	s.err.await(t, `it is middleware: .*wasihttp serve app\.wasm --chain mw\.wasm`)
	s.url(t)
}

func TestComposedComponentsInEveryCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", greeterFile, "", "")
	putGuest(t, "words.wasm", wordsFile, "", "")
	putGuest(t, "guard.wasm", guardFile, "", "")
	putGuest(t, "tool.wasm", "bad/command-words.wasm", "", "")
	putGuest(t, "p3.wasm", "rust-hello-p3/rust-hello-p3.wasm", "", "")
	for _, part := range []string{"plain.wasm", "bagger.wasm", "chicken.wasm", "egg.wasm"} {
		putGuest(t, part, "rust-parts/"+part, "", "")
	}
	replace(t, "deny.hurl", []byte("GET http://localhost/Ada\nX-Deny: 1\nHTTP 403\n`guard-1`\n\n"+
		"GET http://localhost/Ada\nHTTP 200\n`Hello, Ada!`\n"))
	for name, tt := range map[string]struct {
		args  []string
		code  int
		words []string
	}{
		"test": {[]string{"test", "deny.hurl", "--component", "app.wasm", "--no-cache",
			"--plug", "words.wasm", "--chain", "guard.wasm"}, exit.OK, []string{"2 "}},
		"run": {[]string{"run", "--no-cache", "--plug", "words.wasm", "tool.wasm"}, exit.OK, nil},
		"run without": {[]string{"run", "--no-cache", "tool.wasm"}, exit.Load,
			[]string{"words:greeting/phrases", "--plug"}},
		"inspect": {[]string{"inspect", "app.wasm", "--plug", "words.wasm"}, exit.OK,
			[]string{"wasi:cli/environment", "wasihttp serve --plug words.wasm app.wasm"}},
		"middleware alone": {[]string{"inspect", "guard.wasm"}, exit.Load,
			[]string{"wasihttp serve app.wasm --chain guard.wasm"}},
		"middleware of another WASI": {[]string{"serve", "p3.wasm", "--chain", "guard.wasm",
			"--addr", "127.0.0.1:0"}, exit.Load, []string{"guard.wasm: ", "0.2", "p3.wasm", "0.3"}},
		"a plug for nobody": {[]string{"inspect", "p3.wasm", "--plug", "words.wasm"}, exit.Load,
			[]string{"words.wasm: nothing imports what it exports (words:greeting/phrases)"}},
		"a plug without a name": {[]string{"inspect", "app.wasm", "--plug", ""}, exit.Load,
			[]string{`"": no such file`}},
		"a plug alone": {[]string{"inspect", "words.wasm"}, exit.Load,
			[]string{"wasihttp serve app.wasm --plug words.wasm"}},
		"no such plug": {[]string{"serve", "app.wasm", "--plug", "none.wasm",
			"--addr", "127.0.0.1:0"}, exit.Load, []string{"none.wasm: no such file"}},
		"plugs that need each other": {[]string{"inspect", "plain.wasm", "--plug", "bagger.wasm",
			"--plug", "chicken.wasm", "--plug", "egg.wasm"}, exit.Load,
			[]string{"egg.wasm: imports parts:whole/left@0.1.0", "chicken.wasm exports it, but itself " +
				"imports from egg.wasm"}},
		"a plug that is too large": {[]string{"run", "--max-component-size", "20KiB",
			"--plug", "words.wasm", "tool.wasm"}, exit.Load,
			[]string{"words.wasm", "--max-component-size"}},
		"a plug that is a folder": {[]string{"inspect", "app.wasm", "--plug", "."}, exit.Load,
			[]string{".: is a folder"}},
		"a plug that is text": {[]string{"inspect", "app.wasm", "--plug", "deny.hurl"}, exit.Load,
			[]string{"deny.hurl: is not WebAssembly"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runMain(tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, word := range tt.words {
				if !strings.Contains(stdout+stderr, word) {
					t.Errorf("%q is missing", word)
				}
			}
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", stdout, stderr)
			}
		})
	}
}

func TestTheReportOfAComposedComponentNamesItsParts(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", greeterFile, "", "")
	putGuest(t, "words.wasm", wordsFile, "", "")
	putGuest(t, "guard.wasm", guardFile, "", "")
	report := func() (r inspect.Report) {
		_, stdout, stderr := runMain("inspect", "--json", "app.wasm", "--plug", "words.wasm",
			"--chain", "guard.wasm")
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		return r
	}
	before := report()
	if len(before.Plugs) != 1 || before.Plugs[0] != "words.wasm" || len(before.Chain) != 1 ||
		before.Chain[0] != "guard.wasm" || !before.Verdict.OK {
		t.Errorf("got %+v", before)
	}
	putGuest(t, "guard.wasm", guardFile, "guard-1", "guard-2")
	if after := report(); after.SHA256 == before.SHA256 {
		t.Error("the digest does not cover middleware")
	}
}
