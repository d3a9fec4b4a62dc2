package serve

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// With live reload, paths with this prefix belong to the server.
const (
	reservedPath = "/__wasihttp/"
	livePath     = reservedPath + "live-reload"
	scriptPath   = reservedPath + "live-reload.js"
)

// scriptURL returns the address of the script for a page made by the build
// named page.
func scriptURL(page string) string { return scriptPath + "?build=" + url.QueryEscape(page) }

//go:embed live.js
var liveScript string

// live announces the current build to pages.
type live struct {
	mu      sync.Mutex
	page    string
	changed chan struct{} // closed when page changes
	closed  chan struct{}
	once    sync.Once
}

func newLive(page string) *live {
	return &live{page: page, changed: make(chan struct{}), closed: make(chan struct{})}
}

// announce sets the name of the current build.
func (l *live) announce(page string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.page = page
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *live) current() (page string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.page, l.changed
}

// close ends the streams of events.
func (l *live) close() { l.once.Do(func() { close(l.closed) }) }

// serve responds to a request for a reserved path.
func (l *live) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	case r.URL.Path == scriptPath:
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(liveScript)))
		// A client that has gone needs no script.
		_, _ = w.Write([]byte(liveScript))
	case r.URL.Path == livePath:
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodGet {
			l.stream(w, r)
		}
	default:
		http.NotFound(w, r)
	}
}

// stream sends the name of the current build at once and at each swap (HTML
// Living Standard, server-sent events).
func (l *live) stream(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	for {
		page, changed := l.current()
		_, err := fmt.Fprintf(w, "retry: 500\nevent: build\ndata: %s\n\n", page)
		if err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-l.closed:
			return
		}
	}
}
