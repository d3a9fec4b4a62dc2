package cmd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// TestFixturesRunWithEachBuild also presses the keys, as a terminal would.
func TestFixturesRunWithEachBuild(t *testing.T) {
	kitchens := map[string][]byte{}
	for name, path := range map[string]string{"rust-kitchen": kitchen(), "rust-kitchen-p3": kitchenP3()} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kitchens[name] = data
	}
	t.Chdir(t.TempDir())
	replace(t, "app.wasm", kitchens["rust-kitchen"])
	const fixture = "GET http://localhost/\nHTTP 200\n```\nhello from rust\n```\n\nGET http://localhost/status?code=404\nHTTP 404\n"
	if err := os.WriteFile("a.hurl", []byte(fixture), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSession()
	st := s.state(programName, "serve", "app.wasm", "--addr", "127.0.0.1:0", "--test", "a.hurl")
	go func() { s.code <- st.main(context.Background(), engineDoors(st)) }()
	t.Cleanup(func() {
		s.signals <- os.Interrupt
		s.exit(t)
	})
	s.err.await(t, `✓ \S+ fixtures: 2 same\n`)
	replace(t, "app.wasm", kitchens["rust-kitchen-p3"])
	s.err.await(t, `ready after (.|\n)*✗ \S+ fixtures: 1 same, 1 changed\n`)
}

func TestKeysShowAndAcceptWhatTheFixturesFound(t *testing.T) {
	path := kitchen()
	fixture := writeFixture(t, "a.hurl", "GET http://localhost/\nHTTP 200\n`another`\n")
	s := newSession()
	st := s.state(programName)
	r := (&server{st, engineDoors(st)}).newRetester(path, &serveSettings{fixtures: []string{fixture}})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	if r.Press('r') || !r.Press('d') {
		t.Error("the keys are not those of the retester")
	}
	s.err.await(t, `no fixtures were run yet`)
	r.Again()
	s.err.await(t, `✗ \S+ fixtures: 0 same, 1 changed\n`)
	r.Press('d')
	s.err.await(t, `- expected  \+ got\n\s+- another`)
	r.Press('a')
	s.err.await(t, `accepted 1 difference\n`)
	s.err.await(t, `✓ \S+ fixtures: 1 same\n`)
	stop()
	<-ended
	if text, err := os.ReadFile(fixture); err != nil || !strings.Contains(string(text), "hello from rust") {
		t.Errorf("the fixture holds %s, %v", text, err)
	}
	var none *suite.Retester
	if none.Again(); none.Press('d') {
		t.Error("without --test there are keys")
	}
}

func TestAWatchOfFixturesBuildsWheneverASourceChanges(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"src", "fixtures"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(guests, "rust-kitchen", "rust-kitchen.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join("src", "app.wasm")
	replace(t, source, data)
	replace(t, "wasihttp.toml", []byte(`component = "app.wasm"
build = "cp src/app.wasm app.tmp && test -s app.tmp && mv app.tmp app.wasm"
`))
	replace(t, filepath.Join("fixtures", "a.hurl"),
		[]byte("GET http://localhost/\nHTTP 200\n```\nhello from rust\n```\n"))
	replace(t, "app.wasm", data) // newer than its sources: there is nothing to build
	s := newSession()
	st := s.state(programName, "test", "--watch", "--report-json", "report.json")
	go func() { s.code <- st.main(context.Background(), engineDoors(st)) }()
	t.Cleanup(func() {
		s.signals <- os.Interrupt
		s.exit(t)
	})
	s.out.await(t, `✓ (.|\n)*waiting for changes`)
	replace(t, source, nil)
	s.err.await(t, `error: the build failed: cp (.|\n)*hint: fix the sources; the command runs again`)
	replace(t, source, bytes.ReplaceAll(data, []byte("from rust"), []byte("from Rust")))
	s.out.await(t, `app\.wasm changed\n(.|\n)*✗ (.|\n)*from .Rust(.|\n)*waiting for changes`)
	replace(t, filepath.Join("fixtures", "a.hurl"), []byte("GET http://localhost/\nHTTP 201\n"))
	s.out.await(t, `a\.hurl changed\n(.|\n)*201(.|\n)*waiting for changes`)
	if n := strings.Count(s.err.String(), "building: "); n != 2 {
		t.Errorf("the command ran %d times:\n%s", n, s.err)
	}
}
