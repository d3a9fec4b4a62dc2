package record

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The requests that are sent again have their secrets, but no directive is written with one, and a
// file that was changed meanwhile stays as it is.
func TestNoSecretIsInWhatIsIgnored(t *testing.T) {
	const secret = "s3cr3ts3cr3ts3cr3ts3cr3t"
	h := handlerFunc(func(r *http.Request) *http.Response {
		body := fmt.Sprintf(`{"token": %q, "id": 7}`, r.Header.Get("X-Token"))
		if r.URL.Path == "/text" {
			body = "for " + r.Header.Get("X-Token") + ": 7"
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}
	})
	dir := t.TempDir()
	var said []string
	var sent string
	r, err := New(Options{
		Dir: dir, Say: func(line string) { said = append(said, line) },
		Moves: func(list []Text) ([][][]string, error) {
			var moves [][][]string
			for _, x := range list {
				sent += string(x.Text)
				moves = append(moves, [][]string{{
					"jsonpath $.token", "jsonpath $.id", "jsonpath $." + secret, "text /for " + secret[8:] + ": [0-9]+/",
				}})
			}
			return moves, errors.New("no time")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	serveRecorded(t, r, h, func(t *testing.T, base string) {
		for _, path := range []string{"/json", "/text", "/changed"} {
			request, err := http.NewRequest(http.MethodGet, base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("X-Token", secret)
			resp, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		changed := awaitFile(t, dir, "*changed.hurl")
		if err := os.WriteFile(changed, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	for pattern, want := range map[string]string{
		"*json.hurl":    "# @ignore jsonpath $.token\n# @ignore jsonpath $.id\n# @ignore body\n",
		"*text.hurl":    "# @ignore body\n",
		"*changed.hurl": "mine",
	} {
		text, err := os.ReadFile(awaitFile(t, dir, pattern))
		if err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), secret[8:]) {
			t.Errorf("%s: %v, want %q in\n%s", pattern, err, want, text)
		}
	}
	if !strings.Contains(sent, secret) {
		t.Error("what is sent again has no secrets")
	}
	all := strings.Join(said, "\n")
	if !strings.Contains(all, "in 3 entries") || !strings.Contains(all, "no time") || strings.Contains(all, "secret") {
		t.Errorf("it said %q", said)
	}
}

// awaitFile waits for a file that matches a pattern, and returns its path.
func awaitFile(t *testing.T, dir, pattern string) string {
	t.Helper()
	for t.Context().Err() == nil {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			if info, err := os.Stat(found[0]); err == nil && info.Size() > 0 {
				return found[0]
			}
		}
	}
	t.Fatalf("no file %s", pattern)
	return ""
}
