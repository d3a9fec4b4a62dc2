package record

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/serve"
)

// crash returns a request that trapped at a place.
func crash(target, place string) serve.Recorded {
	return serve.Recorded{
		Method: "POST", Host: "localhost:8080", Target: target, Body: []byte("text"),
		Header: http.Header{"Authorization": {"Bearer " + secretFor(1)}},
		Failure: &serve.Failure{
			Outcome: serve.Trap, Cause: "wasm trap: unreachable",
			Frames: []serve.Frame{{Func: "core::panicking", Runtime: true}, {Func: place}},
		},
	}
}

func TestACrashIsKeptOnceForItsCauseAndPlace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "crashes")
	var said []string
	keep := func(list ...serve.Recorded) {
		c := NewCrashes(dir, Options{
			Timeout: time.Second, Say: func(line string) { said = append(said, line) },
		})
		for _, x := range list {
			c.Keep(x)
		}
	}
	expired := serve.Recorded{Method: "GET", Host: "localhost", Target: "/slow?n=1"}
	expired.Failure = &serve.Failure{Outcome: serve.Expired, Cause: "no response within 1s"}
	again := expired
	again.Target = "/slow?n=2"
	cut := crash("/cut", "z")
	cut.Cut = true
	keep(crash("/one", "a"), crash("/two", "a"), crash("/three", "b"), expired, again, cut)
	keep(crash("/one", "a"))
	files := contents(t, dir)
	if len(files) != 4 || files[".gitignore"] != "*\n" || len(said) != 3 {
		t.Errorf("said %q, files %v", said, files)
	}
	delete(files, ".gitignore")
	all := ""
	for name, text := range files {
		f, errs := hurl.Parse(name, []byte(text))
		if len(errs) > 0 || len(f.Entries) != 1 || f.Entries[0].Response != nil {
			t.Errorf("%s: %v\n%s", name, errs, text)
		}
		if (f.Settings.Timeout != nil) != strings.HasPrefix(name, "expired-") {
			t.Errorf("%s: the time limit\n%s", name, text)
		}
		all += text
	}
	for _, want := range []string{
		"# trap: wasm trap: unreachable, at a\n", "POST http://localhost:8080/one\n",
		"/three\n", "/slow?n=1\n", "# @timeout 1s\n", "`text`\n", "Bearer REDACTED\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("without %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, secretFor(1)) || strings.Contains(all, "/two") {
		t.Errorf("got\n%s", all)
	}
}

func TestAFolderHasNoMoreThanSoManyCrashes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "trap-own.hurl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	said := 0
	c := NewCrashes(dir, Options{Say: func(string) { said++ }})
	for i := range maxCrashes + 10 {
		c.Keep(crash("/", fmt.Sprint(i)))
	}
	if files := contents(t, dir); len(files) != maxCrashes || said != maxCrashes {
		t.Errorf("%d files, %d lines", len(files), said)
	}
}
