package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sessionLength is how many requests are recorded.
const sessionLength = 200

// secretText must be in no fixture.
const secretText = "very-secret-token"

// TestRecordedSessionsPassWhenReplayed records a session of varied requests from serve and gives
// the fixtures to test, unchanged.
func TestRecordedSessionsPassWhenReplayed(t *testing.T) {
	if !ours() {
		t.Log("only wasihttp records")
		return
	}
	for _, g := range guests(t) {
		if !g.kitchen && !g.shared {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "fixtures")
			server := serve(t, g.path, "--record", folder, "--redact", "x-customer")
			sendSession(t, client(t), server.URL, !g.fetchless)
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("recorded %d exchanges in %s\n", sessionLength, folder); !strings.Contains(server.Output(), want) {
				t.Errorf("the server did not say %q", want)
			}
			checkRecorded(t, folder)
			cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
			output, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "test", folder,
				"--component", g.path, "--cache-dir", cache).CombinedOutput()
			if want := fmt.Sprintf("%d entries in %d files: %d passed", sessionLength, sessionLength,
				sessionLength); err != nil || !strings.Contains(string(output), want) {
				t.Errorf("the replay: %v\n%s", err, tail(string(output), 8000))
			}
		})
	}
}

// checkRecorded looks for secrets in fixtures, and for what should be readable.
func checkRecorded(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.hurl"))
	if err != nil || len(files) != sessionLength {
		t.Fatalf("%d files, error %v; want %d", len(files), err, sessionLength)
	}
	var all bytes.Buffer
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(secretText)) {
			t.Errorf("%s holds a secret:\n%s", name, content)
		}
		all.Write(content)
	}
	for _, want := range []string{"authorization: Bearer REDACTED\n", "x-customer: REDACTED\n",
		"{\"a\": [1, 2, {\"b\": null}]}\n", "base64,AAEC/w==;\n"} {
		if !strings.Contains(strings.ToLower(all.String()), strings.ToLower(want)) {
			t.Errorf("%q is in no fixture", want)
		}
	}
}

// sendSession sends requests that differ in all that requests differ in.
func sendSession(t *testing.T, c *http.Client, base string, streams bool) {
	t.Helper()
	bodies := []string{"", "text", `{"a": [1, 2, {"b": null}]}`, "\x00\x01\x02\xff", "lines\nof text\n",
		"```\n{{x}}", `<a b="c">d</a>`, "Ünïcode\r\n\t",
		strings.Repeat("long ",
			5000), "\\u0041 `quoted` \"#", "{\n  \"pretty\": true\n}\n", "\ufeffwith a mark", "# no comment",
		"HTTP 200\n[Asserts]\n"}
	paths := []string{"/", "/echo", "/echo?q=a%20b&c=&c=2", "/nothing-here", "/a%2Fb/%C3%BC?x=%00",
		"/echo?" + strings.Repeat("long=1&", 200), "/error?code=connection-refused", "/trailers"}
	methods := []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}
	for i := range sessionLength {
		method, path, body := methods[i%len(methods)], paths[(i/3)%len(paths)], bodies[(i/2)%len(bodies)]
		var reader io.Reader = strings.NewReader(body)
		if body == "" {
			reader = nil
		} else if streams && i%4 == 0 {
			reader = io.MultiReader(reader) // of unknown length
		}
		header := []string{
			"Accept", "*/*", // as fixtures have it unless they say otherwise
			"X-Number", fmt.Sprint(i), "X-Twice", "one", "X-Twice", "two, {{three}}", "X-Umlaut", "ü \"#\"",
			"Authorization", "Bearer " + secretText, "Cookie", "session=" + secretText, "X-Api-Key", secretText, "X-Customer", secretText,
		}
		if i%5 == 0 {
			header = append(header, "Content-Type", "application/json; charset=utf-8")
		}
		if i%7 == 0 {
			path += "&api_key=" + secretText
		}
		if got := ask(t, c, method, base+path, reader, header...); got.cut != nil {
			t.Fatalf("%s %s: %v", method, path, got.cut)
		}
	}
}
