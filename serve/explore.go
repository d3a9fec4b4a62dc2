package serve

import (
	"net/http"
	"strings"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// Explorer follows the requests of a Server, and serves pages about them. Its methods are called
// from many goroutines.
type Explorer interface {
	// Handler serves requests for /__wasihttp and paths below it.
	http.Handler
	// Begin is called with each request that the server takes on, before it waits for anything, and
	// with what is known of it. The record is valid during the call; the request may be kept, but
	// for its body. The result learns what becomes of it; nil if nobody wants to know.
	Begin(r *http.Request, record *Record) Follower
	// Stop ends responses that have no end. It may be called more than once.
	Stop()
}

// Follower learns what becomes of a request. The calls come in this order, and do not overlap.
type Follower interface {
	// Timeline takes what is said of the request, and its bodies.
	Timeline() *timeline.Trace
	// Taken is called with the number of the build that gets the request, from 1.
	Taken(build uint64)
	// Responded is called with the program's response, if it makes one, before the body is read.
	// Header may be kept, and Trailer may be read after End.
	Responded(resp *http.Response)
	// End is called when the request has ended. The record is valid during the call.
	End(record *Record)
}

// follow makes an explorer follow the request.
func (q *request) follow(e Explorer) {
	if q.follower = e.Begin(q.r, &q.record); q.follower != nil {
		q.line = q.follower.Timeline()
		q.x.Follow(q.line)
	}
}

// isReserved reports whether a path may be one of the server's own. The explorer also has the one
// without a slash.
func (s *Server) isReserved(path string) bool {
	return strings.HasPrefix(path, reservedPath) ||
		path+"/" == reservedPath && s.options.Explorer != nil
}

// serveReserved serves a request for a path of the server's own. It reports whether it did: without
// live reload and the explorer, these paths are the program's. own is isOwn of the request.
func (s *Server) serveReserved(w http.ResponseWriter, r *http.Request, own bool) bool {
	live := r.URL.Path == livePath || r.URL.Path == scriptPath
	switch {
	case s.options.Explorer != nil && !(live && s.live != nil):
		s.options.Explorer.ServeHTTP(w, r)
		return true
	case !own:
		s.mark(w.Header(), s.current.Load())
		const text = "403 Forbidden: these pages are for localhost, addresses, " +
			"and the names that --allow-host lists"
		http.Error(w, text, http.StatusForbidden)
		return true
	case s.live != nil:
		s.mark(w.Header(), s.current.Load())
		s.live.serve(w, r, s.detailed.Load())
		return true
	}
	return false
}
