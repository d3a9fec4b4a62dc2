package serve

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/wasihttp/wasihttp/internal/term"
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
var liveSource string

// live announces the current build to pages.
type live struct {
	mu      sync.Mutex
	page    string
	stale   *Stale        // nil if the current build is the newest
	changed chan struct{} // closed when one of them changes
	closed  chan struct{}
	once    sync.Once
}

func newLive(page string) *live {
	return &live{page: page, changed: make(chan struct{}), closed: make(chan struct{})}
}

// announce sets the name of the current build, and why no newer one is served; nil if it is the
// newest.
func (l *live) announce(page string, stale *Stale) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.page, l.stale = page, stale
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *live) current() (page string, stale *Stale, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.page, l.stale, l.changed
}

// close ends the streams of events.
func (l *live) close() { l.once.Do(func() { close(l.closed) }) }

// serve responds to a request for a reserved path. Without detailed, what a build has written stays
// here.
func (l *live) serve(w http.ResponseWriter, r *http.Request, detailed bool) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	case r.URL.Path == scriptPath:
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		script := liveScript()
		w.Header().Set("Content-Length", strconv.Itoa(len(script)))
		// A client that has gone needs no script.
		_, _ = w.Write([]byte(script))
	case r.URL.Path == livePath:
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodGet {
			l.stream(w, r, detailed)
		}
	default:
		http.NotFound(w, r)
	}
}

// staleEvent is why no newer build is served, for the script. The zero staleEvent says that the
// build is the newest.
type staleEvent struct {
	Number uint64        `json:"number"`
	Reason string        `json:"reason"`
	Lines  [][][2]string `json:"lines"` // of spans: class and text
}

// eventOf returns stale for the script.
func eventOf(stale *Stale) staleEvent {
	if stale == nil {
		return staleEvent{}
	}
	e := staleEvent{Number: stale.number, Reason: term.Clean(stale.Reason)}
	for _, line := range stale.Lines() {
		spans := [][2]string{}
		for _, s := range line {
			spans = append(spans, [2]string{s.Class, s.Text})
		}
		e.Lines = append(e.Lines, spans)
	}
	return e
}

// stream sends why no newer build is served, if that is so or was, and then the name of the current
// build, at once and at each change (HTML Living Standard, server-sent events).
func (l *live) stream(w http.ResponseWriter, r *http.Request, detailed bool) {
	control := http.NewResponseController(w)
	told := false
	for {
		page, stale, changed := l.current()
		event := eventOf(stale)
		if !detailed {
			event.Lines = nil
		}
		var text bytes.Buffer
		text.WriteString("retry: 500\n")
		if stale != nil || told {
			fmt.Fprintf(&text, "event: stale\ndata: %s\n", encodeJSON(event, ""))
			told = true
		}
		fmt.Fprintf(&text, "event: build\ndata: %s\n\n", page)
		_, err := w.Write(text.Bytes())
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
