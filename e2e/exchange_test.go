package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answer is a whole response.
type answer struct {
	status  int
	header  http.Header
	body    string
	trailer http.Header
	// cut is the error with which the body ended before its end, or nil.
	cut error
}

// ask sends one request and reads the whole response. A connection that ends before the head is an
// response with the status 0, cut.
func ask(t testing.TB, c *http.Client, method, url string, body io.Reader, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(limited(t), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	response, err := c.Do(request)
	if err != nil {
		return answer{cut: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text), response.Trailer, err}
}

// get asks for a route that must return 200 completely, and returns its body.
func get(t testing.TB, c *http.Client, url string) string {
	t.Helper()
	got := ask(t, c, http.MethodGet, url, nil)
	if got.status != http.StatusOK || got.cut != nil {
		t.Errorf("GET %s: status %d, cut %v, body %q", url, got.status, got.cut, tail(got.body, 300))
	}
	return got.body
}

// sameText compares texts of any size and reports the first difference of long ones instead of all.
func sameText(t testing.TB, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	if len(want) < 1000 && len(got) < 1000 {
		t.Errorf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
		return
	}
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	t.Errorf("%s: %d bytes wanted, %d got, which differ from byte %d on", what, len(want), len(got), at)
}

// hasLines reports each line that the text lacks.
func hasLines(t *testing.T, what, text string, lines ...string) {
	t.Helper()
	have := map[string]bool{}
	for line := range strings.Lines(text) {
		have[strings.TrimRight(line, "\r\n")] = true
	}
	for _, line := range lines {
		if !have[line] {
			t.Errorf("%s: no line %q in:\n%s", what, line, text)
		}
	}
}
