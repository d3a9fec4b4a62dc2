package e2e

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// writer sends requests that write, until one fails, and remembers what was acknowledged.
type writer struct {
	name    string
	added   int // increments
	set     int // the last value of the key "text" is so many times the letter x
	batches int // buckets with many keys, all or none of which are there
}

const (
	keysInBatch = 50
	textUnit    = 97
)

// work writes until the server does not respond; acknowledged is called after each response.
func (w *writer) work(c *http.Client, url string, acknowledged func()) {
	for {
		if body, err := fetch(c, fmt.Sprintf("%s/increment/%s/n/1", url, w.name)); err != nil ||
			body != fmt.Sprint(w.added+1) {
			return
		}
		w.added++
		acknowledged()
		text := strings.Repeat("x", textUnit*(w.set%40+1))
		if _, err := fetch(c, url+"/set/"+w.name+"/text/"+text); err != nil {
			return
		}
		w.set++
		acknowledged()
		batch := fmt.Sprintf("%s/fill/%s-%d/%d", url, w.name, w.batches, keysInBatch)
		if _, err := fetch(c, batch); err != nil {
			return
		}
		w.batches++
		acknowledged()
	}
}

// fetch returns the body of a response, whole.
func fetch(c *http.Client, url string) (string, error) {
	r, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err == nil && (r.StatusCode != http.StatusOK || strings.HasPrefix(string(body), "error")) {
		err = fmt.Errorf("%s: %s", r.Status, body)
	}
	return string(body), err
}

// check compares what the file holds with what was acknowledged: that, or what the next request
// would have made of it.
func (w *writer) check(t *testing.T, c *http.Client, url string) {
	t.Helper()
	get := func(path string) string {
		body, err := fetch(c, url+path)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	n := get("/get/" + w.name + "/n")
	if n != fmt.Sprint(w.added) && n != fmt.Sprint(w.added+1) && !(w.added == 0 && n == "none") {
		t.Errorf("%s: counted %s, and %d was acknowledged", w.name, n, w.added)
	}
	text := get("/get/" + w.name + "/text")
	lengths := []int{textUnit * ((w.set+39)%40 + 1), textUnit * (w.set%40 + 1)}
	if w.set == 0 && text == "none" {
		text = strings.Repeat("x", lengths[0])
	}
	if text != strings.Repeat("x", len(text)) || len(text) != lengths[0] && len(text) != lengths[1] {
		t.Errorf("%s: the text has %d bytes (%.20q…), want %v", w.name, len(text), text, lengths)
	}
	for i := range w.batches + 1 {
		keys, _, _ := strings.Cut(get(fmt.Sprintf("/list/%s-%d", w.name, i)), " ")
		if keys != fmt.Sprint(keysInBatch) && (i < w.batches || keys != "0") {
			t.Errorf("%s: batch %d of %d has %s keys", w.name, i, w.batches, keys)
		}
	}
	// The next writes go on from what is there.
	if n != fmt.Sprint(w.added) && n != "none" {
		w.added++
	}
}

// TestWhatWasAcknowledgedOutlivesAKill kills the server in the middle of writes, several times.
func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	component := filepath.Join("..", "testdata", "guests", "rust-keyvalue", "rust-keyvalue.wasm")
	file := filepath.Join(t.TempDir(), "data.db")
	c := client(t)
	writers := []*writer{{name: "a"}, {name: "b"}, {name: "c"}}
	for round := range 3 {
		s := serve(t, component, "--keyvalue", file, "--quiet")
		for _, w := range writers {
			w.check(t, c, s.URL)
		}
		enough := make(chan struct{})
		var mu sync.Mutex
		left := 20 + 13*round
		var wg sync.WaitGroup
		for _, w := range writers {
			wg.Go(func() {
				w.work(c, s.URL, func() {
					mu.Lock()
					defer mu.Unlock()
					if left--; left == 0 {
						close(enough)
					}
				})
			})
		}
		select {
		case <-enough:
		case <-limited(t).Done():
			t.Error("the writers stand still")
		}
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		c.CloseIdleConnections()
	}
	s := serve(t, component, "--keyvalue", file, "--quiet")
	for _, w := range writers {
		w.check(t, c, s.URL)
	}
}
