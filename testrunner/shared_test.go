package testrunner_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

func TestExchangesOfSharedFilesThatNoFixtureUsesAreReported(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const exchanges = "GET http://a.test/1\nHTTP 200\n\nGET http://a.test/2\nHTTP 200\n\n" +
		"GET http://a.test/3\nHTTP 200\n"
	named, given := file("named.upstream.hurl", exchanges), file("given.upstream.hurl", exchanges)
	var paths []string
	for _, n := range []string{"1", "2"} {
		paths = append(paths, file(n+".hurl", "# @upstream named.upstream.hurl\n\nGET http://localhost/"+
			n+"\nHTTP 200\n\nGET http://localhost/"+n+"\nHTTP 200\n"))
	}
	// Each entry sends its own target to the other server.
	h := &fakeHost{response: func(_ int, r *testrunner.Request) *testrunner.Response {
		conn, err := r.Upstream.Connect(t.Context(), testrunner.UpstreamRequest{
			Method: "GET", Scheme: "http", Host: "a.test", Target: r.Target,
		})
		if err != nil {
			return text(500, err.Error())
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET " + r.Target + " HTTP/1.1\r\nHost: a.test\r\n\r\n")); err != nil {
			return text(500, err.Error())
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			return text(500, err.Error())
		}
		return text(200, "")
	}}
	third := func(path string) string { return path + ":7: GET http://a.test/3 was not used" }
	second := func(path string) string { return path + ":4: GET http://a.test/2 was not used" }
	for name, tt := range map[string]struct {
		paths   []string
		options testrunner.Options
		want    []string
		verdict testrunner.Verdict
	}{
		"all":    {paths, testrunner.Options{}, []string{third(named), third(given)}, testrunner.AllPassed},
		"strict": {paths, testrunner.Options{StrictUpstreams: true}, []string{third(named), third(given)}, testrunner.Broken},
		"one": {paths[:1], testrunner.Options{},
			[]string{second(named), third(named), second(given), third(given)}, testrunner.AllPassed},
		"a selection": {paths, testrunner.Options{Selection: testrunner.Selection{
			Shards: 2, Shard: 1,
		}}, nil, testrunner.AllPassed},
	} {
		tt.options.Upstreams = []string{given}
		files, s := run(t, h, tt.options, testrunner.ReadAll(tt.paths, nil))
		for _, f := range files {
			if len(f.Notes) > 0 || f.Failed() {
				t.Errorf("%s: %s: %v %+v", name, f.Path, f.Notes, f.Results)
			}
		}
		if !slices.Equal(s.Unused, tt.want) || s.Verdict() != tt.verdict {
			t.Errorf("%s: verdict %v\n%s", name, s.Verdict(), strings.Join(s.Unused, "\n"))
		}
	}
}
