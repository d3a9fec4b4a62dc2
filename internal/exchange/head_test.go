package exchange

import (
	"net/http"
	"slices"
	"testing"
)

func TestAHeadHasEachNameOnce(t *testing.T) {
	for range 20 { // a map has any order
		var h head
		length, err := h.take(&Config{Reserved: []string{"X-Ours"}}, http.Header{
			"content-length": {"05"}, "Content-Length": {"5, 5"}, "x-ours": {"1"}, "X-None": nil,
			"keep-alive": {"1"}, "x-one": {"1"}, "X-One": {"1"}, "X-one": {"1"}, "Y": {"2", "3"},
		})
		if length != 5 || err != nil {
			t.Fatal(length, err)
		}
		h.add("Content-Length", h.length(length))
		w := writer{header: http.Header{"Content-Type": {"kept"}, "X-One": {"replaced"}}}
		h.pass(&w)
		for name, want := range map[string][]string{
			"Content-Length": {"5"}, "Content-Type": {"kept"}, "X-One": {"1"}, "Y": {"2", "3"},
		} {
			if !slices.Equal(w.header[name], want) {
				t.Errorf("%s: got %q, want %q", name, w.header[name], want)
			}
			delete(w.header, name)
		}
		if len(w.header) != 0 {
			t.Errorf("there is more: %v", w.header)
		}
	}
}

func TestALengthIsPassedOnAsItWasWritten(t *testing.T) {
	for line, same := range map[string]bool{
		"0": true, "17": true, "00": false, "017": false, " 17": false, "17,17": false,
	} {
		var h head
		lines := []string{line}
		length, err := h.take(&Config{}, http.Header{"Content-Length": lines})
		if err != nil || length < 0 {
			t.Fatal(line, length, err)
		}
		if got := h.length(length); (&got[0] == &lines[0]) != same || !same && got[0] == line {
			t.Errorf("%q: got %q", line, got)
		}
	}
	var h head
	if length, err := h.take(&Config{}, http.Header{"Content-Length": {"-1", "x", ""}}); length != -1 || err != nil {
		t.Errorf("got %d, %v", length, err)
	}
	if _, err := h.take(&Config{}, http.Header{"Content-Length": {"1"}, "content-length": {"2"}}); err == nil {
		t.Error("two lengths are not refused")
	}
}

// writer is an [http.ResponseWriter] without a connection.
type writer struct{ header http.Header }

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) Write(p []byte) (int, error) { return len(p), nil }
func (w *writer) WriteHeader(int)             {}
