package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeToken is the token of a fakeExplorer unless a test changes it.
const fakeToken = "the-token_of-this-run"

// object is JSON.
type object = map[string]any

// fakeExplorer serves the page of the explorer with an API that has what a test puts into it, so
// that states can be shown which a real server has seldom.
type fakeExplorer struct {
	*httptest.Server
	mu       sync.Mutex
	token    string
	requests map[int]object // details, by seq
	bodies   map[string][]byte
	builds   []object
	watchers map[chan object]bool
	calls    []string // changes and the like, as "METHOD path body"
	compared object   // what compare responds with
	version  int
}

const fakePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

func newFakeExplorer(t *testing.T) *fakeExplorer {
	t.Helper()
	f := &fakeExplorer{
		token: fakeToken, requests: map[int]object{}, bodies: map[string][]byte{},
		watchers: map[chan object]bool{},
	}
	mux := http.NewServeMux()
	page := http.StripPrefix("/__wasihttp/", http.FileServer(http.Dir("../internal/explorer/page")))
	mux.HandleFunc("GET /__wasihttp/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", fakePolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		page.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /worker.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, "addEventListener('fetch', () => {})") // the page may have gone
	})
	f.api(mux, "GET state", func(http.ResponseWriter, *http.Request) (any, error) { return f.state(), nil })
	f.api(mux, "GET requests", f.list)
	f.api(mux, "GET requests/{seq}", f.one)
	f.api(mux, "GET requests/{seq}/body", f.body)
	f.api(mux, "POST requests/{seq}/send", f.send)
	f.api(mux, "GET requests/{seq}/curl", func(_ http.ResponseWriter, r *http.Request) (any, error) {
		secret := "REDACTED"
		if r.FormValue("reveal") == "1" {
			secret = "hunter2"
		}
		return object{"curl": "curl -H 'authorization: " + secret + "' http://x/" + r.PathValue("seq"), "note": ""}, nil
	})
	f.api(mux, "POST requests/{seq}/fixture", func(_ http.ResponseWriter, r *http.Request) (any, error) {
		sent := f.note(r)
		if strings.Contains(sent, "taken") {
			return nil, fakeProblem{http.StatusConflict, "fixtures/taken.hurl is there already", "choose another name"}
		}
		return object{"file": "fixtures/0001-get.hurl", "entries": 1, "warnings": []string{"the body was cut"}}, nil
	})
	f.api(mux, "GET compare", func(http.ResponseWriter, *http.Request) (any, error) { return f.compared, nil })
	f.api(mux, "DELETE requests", func(w http.ResponseWriter, r *http.Request) (any, error) {
		f.note(r)
		f.mu.Lock()
		clear(f.requests)
		f.mu.Unlock()
		f.tell(object{"cleared": true})
		w.WriteHeader(http.StatusNoContent)
		return nil, nil
	})
	f.api(mux, "GET events", f.events)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		f.cut()
		f.Close()
	})
	return f
}

// fakeProblem is an error of the API.
type fakeProblem struct {
	status      int
	error, hint string
}

func (p fakeProblem) Error() string { return p.error }

func (f *fakeExplorer) api(mux *http.ServeMux, pattern string, handle func(http.ResponseWriter, *http.Request) (any, error)) {
	method, path, _ := strings.Cut(pattern, " ")
	mux.HandleFunc(method+" /__wasihttp/api/"+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		f.mu.Lock()
		right := r.Header.Get("Wasihttp-Token") == f.token
		f.mu.Unlock()
		var result any
		err := error(fakeProblem{http.StatusUnauthorized, "the token is missing or not that of this run", ""})
		if right {
			result, err = handle(w, r)
		}
		if p, ok := err.(fakeProblem); ok {
			w.WriteHeader(p.status)
			result = object{"error": p.error, "hint": p.hint}
		}
		if result != nil {
			_ = json.NewEncoder(w).Encode(result) // the page may have gone
		}
	})
}

// note keeps what was sent, and returns it.
func (f *fakeExplorer) note(r *http.Request) string {
	sent, _ := io.ReadAll(r.Body)
	call := strings.TrimSpace(r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/__wasihttp/api/") + " " + string(sent))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
	return call
}

// called reports whether a call begins with one text and has the other.
func (f *fakeExplorer) called(begin, has string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.calls, func(c string) bool {
		return strings.HasPrefix(c, begin) && strings.Contains(c, has)
	})
}

func (f *fakeExplorer) state() object {
	return object{
		"version": "1.2.3", "component": "shop.wasm", "address": f.URL + "/", "started": 1.0, "fixtures": "fixtures",
		"limits": object{"requests": 1000, "body": 65536, "total": 64 << 20},
	}
}

// summary is what lists have of a request.
func summary(d object) object {
	s := object{}
	for _, k := range []string{"seq", "id", "at", "ms", "method", "host", "target", "status", "outcome",
		"build", "bytes", "upstreams", "phases", "sentAgainFrom"} {
		s[k] = d[k]
	}
	return s
}

func (f *fakeExplorer) list(_ http.ResponseWriter, r *http.Request) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.FormValue("q")
	if strings.HasPrefix(q, "wrong:") {
		return nil, fakeProblem{http.StatusBadRequest, "wrong: is no filter", "use one of status:, method:"}
	}
	list := []object{}
	for _, seq := range slices.Backward(slices.Sorted(maps.Keys(f.requests))) {
		d := f.requests[seq]
		if text := fmt.Sprint(d["method"], " ", d["target"], " ", d["status"], " ", d["outcome"]); strings.Contains(text, q) && len(list) < 1000 {
			list = append(list, summary(d))
		}
	}
	return object{"requests": list, "builds": f.builds, "seq": len(f.requests), "version": f.version}, nil
}

func (f *fakeExplorer) one(_ http.ResponseWriter, r *http.Request) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seq, _ := strconv.Atoi(r.PathValue("seq"))
	d, ok := f.requests[seq]
	if !ok {
		return nil, fakeProblem{http.StatusNotFound, "that request is not kept any more", ""}
	}
	if r.FormValue("reveal") == "1" {
		if revealed, ok := d["revealed"]; ok {
			return revealed, nil
		}
	}
	return d, nil
}

func (f *fakeExplorer) body(w http.ResponseWriter, r *http.Request) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(f.bodies[r.PathValue("seq")+"/"+r.FormValue("part")]) // the page may have gone
	return nil, nil
}

func (f *fakeExplorer) send(_ http.ResponseWriter, r *http.Request) (any, error) {
	f.note(r)
	from, _ := strconv.Atoi(r.PathValue("seq"))
	f.mu.Lock()
	again := maps.Clone(f.requests[from])
	seq := slices.Max(slices.Collect(maps.Keys(f.requests))) + 1
	f.mu.Unlock()
	again["seq"], again["id"], again["sentAgainFrom"] = seq, strconv.Itoa(seq), from
	f.put(again)
	return object{"seq": seq}, nil
}

func (f *fakeExplorer) events(w http.ResponseWriter, r *http.Request) (any, error) {
	watcher := make(chan object, 4096)
	f.mu.Lock()
	f.watchers[watcher] = true
	f.mu.Unlock()
	_ = http.NewResponseController(w).Flush() // the page may have gone
	for {
		select {
		case event, ok := <-watcher:
			if !ok {
				return nil, nil
			}
			if json.NewEncoder(w).Encode(event) != nil {
				return nil, nil
			}
			if len(watcher) == 0 {
				_ = http.NewResponseController(w).Flush() // as above
			}
		case <-r.Context().Done():
			f.mu.Lock()
			delete(f.watchers, watcher)
			f.mu.Unlock()
			return nil, nil
		}
	}
}

// tell sends an event to whoever watches.
func (f *fakeExplorer) tell(event object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watchers {
		w <- event
	}
}

// cut ends all streams of events.
func (f *fakeExplorer) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watchers {
		close(w)
		delete(f.watchers, w)
	}
}

// put adds or replaces a request, and tells of it.
func (f *fakeExplorer) put(d object) {
	f.mu.Lock()
	f.requests[d["seq"].(int)] = d
	f.mu.Unlock()
	f.tell(object{"request": summary(d)})
}

func (f *fakeExplorer) build(b object) {
	f.mu.Lock()
	f.builds = append(f.builds, b)
	f.mu.Unlock()
	f.tell(object{"build": b})
}

// begun is when the requests of fakes begin.
var begun = float64(time.Date(2026, 11, 30, 13, 2, 0, 0, time.Local).UnixMilli())

// exchange is a request that was responded to with a text, with changes.
func exchange(seq int, changes object) object {
	at := begun + float64(seq)*1370
	d := object{
		"seq": seq, "id": strconv.Itoa(seq), "at": at, "ms": 4.2, "method": "GET", "host": "127.0.0.1:8080", "target": fmt.Sprintf("/items/%d", seq),
		"status": 200, "outcome": "ok", "build": 1, "bytes": 5, "upstreams": 0, "sentAgainFrom": 0,
		"protocol": "HTTP/1.1", "remote": "127.0.0.1:50122",
		"phases": []object{{"name": "instance", "at": at + 0.1, "ms": 0.4},
			{"name": "computing", "at": at + 0.5, "ms": 3.0}, {"name": "streaming", "at": at + 3.6, "ms": 0.5}},
		"request": message("", "", field("Accept", "*/*")), "response": message("text/plain", "hello", field("Content-Type", "text/plain")),
		"failure": nil, "stdout": "", "stderr": "", "upstream": []object{}, "spans": []object{}, "truncated": object{},
	}
	maps.Copy(d, changes)
	return d
}

func field(name, value string) object { return object{"name": name, "value": value, "secret": false} }

// message is a message whose body is a text.
func message(media, text string, fields ...object) object {
	kind := "text"
	switch {
	case text == "":
		kind = "empty"
	case strings.HasSuffix(media, "json"):
		kind = "json"
	case strings.HasSuffix(media, "html"):
		kind = "html"
	case strings.Contains(media, "form"):
		kind = "form"
	}
	return object{"headers": fields, "trailers": []object{}, "body": object{
		"size": len(text), "kept": len(text), "type": media, "kind": kind, "text": text, "secret": false,
	}}
}

// onePixel is a PNG of 2 × 2 pixels.
var onePixel, _ = base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4" +
	"nGP4z8DA8J+BgYHhPwMDAwAd7gP96nDNiQAAAABJRU5ErkJggg==")
