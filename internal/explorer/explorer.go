// Package explorer shows what requests did: it keeps the last ones that a server has handled, and
// serves a page about them, with everything on it from a JSON API (docs/explorer-api.md).
package explorer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/packed"
	"github.com/wasihttp/wasihttp/internal/record"
)

// Prefix is where the paths of an Explorer begin.
const Prefix = "/__wasihttp/"

// apiPrefix is where those begin that need a token.
const apiPrefix = Prefix + "api/"

// TokenHeader is the header of the token.
const TokenHeader = "Wasihttp-Token"

// Options configures an Explorer.
type Options struct {
	// Names are names of the server, beside localhost and loopback addresses, for which it is
	// there: without ports, in lower case.
	Names []string
	// Version is the program's version, Component the path of what is served, and Address the URL
	// of the server, or unix:PATH.
	Version, Component, Address string
	// Record says how requests are saved as fixtures, and in which folder.
	Record record.Options
	// Compare compares two responses.
	Compare func(a, b Compared) Comparison
}

// Explorer keeps what requests did and serves its page. Its methods are safe for concurrent use.
type Explorer struct {
	ring
	options Options
	token   string
	started time.Time
	cross   *http.CrossOriginProtection
	api     http.Handler

	ctx      context.Context // of the requests that are sent again
	cancel   context.CancelFunc
	stopped  chan struct{} // closed when lines of events end
	stopping sync.Once
	sends    sync.WaitGroup
	// server and closed are guarded by the lock of the ring.
	server http.Handler
	closed bool
}

// archive has the folder page. A test compares them, and writes it anew.
//
//go:embed page.zip.gz
var archive []byte

var page = sync.OnceValue(func() fs.FS { return packed.Open(archive) })

// New returns an Explorer, which the caller closes. Requests that are sent again have the values of
// ctx, and do not end with it.
func New(ctx context.Context, o Options) *Explorer {
	var token [24]byte
	_, _ = rand.Read(token[:]) // it never fails
	e := &Explorer{
		options: o, token: base64.RawURLEncoding.EncodeToString(token[:]), started: time.Now(),
		cross: http.NewCrossOriginProtection(),
	}
	e.limit, e.stopped = maxTotal, make(chan struct{})
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.api = e.routes()
	return e
}

// Attach gives the Explorer the server through which it sends requests again. ready says that the
// server's first build is one that Built has reported, and not the lack of one.
func (e *Explorer) Attach(server http.Handler, ready bool) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.server = server
	if !ready {
		e.number++
	}
}

// Stop implements [serve.Explorer]: lines of events end.
func (e *Explorer) Stop() { e.stopping.Do(func() { close(e.stopped) }) }

// Close ends everything that goes on, and waits for it. That of a nil Explorer does nothing.
func (e *Explorer) Close() {
	if e == nil {
		return
	}
	e.Stop()
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.sends.Wait()
}

// URL returns the address of the page, with the token. On a socket of the file system, it is for
// programs that are given the socket, too; no browser can open it. That of a nil Explorer is "".
func (e *Explorer) URL() string {
	if e == nil {
		return ""
	}
	address := strings.TrimSuffix(e.options.Address, "/")
	if strings.HasPrefix(address, "unix:") {
		address = "http://localhost"
	}
	return address + Prefix + "#token=" + e.token
}

// policy is the Content-Security-Policy of the page: it has nothing but its own parts, and no page
// can frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// ServeHTTP serves a request for a path that begins with Prefix. Prefix without its slash leads to
// the page.
func (e *Explorer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	api := strings.HasPrefix(r.URL.Path, apiPrefix) || r.URL.Path+"/" == apiPrefix
	if err := e.refuse(r, api); err != nil {
		if err.status == http.StatusUnauthorized {
			// RFC 9110, section 15.5.2, wants one; browsers do not ask for what they do not know.
			h.Set("WWW-Authenticate", TokenHeader)
		}
		if api {
			err.write(w)
		} else {
			http.Error(w, err.text(), err.status)
		}
		return
	}
	switch {
	case api:
		e.api.ServeHTTP(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	case !strings.HasPrefix(r.URL.Path, Prefix):
		http.Redirect(w, r, Prefix, http.StatusTemporaryRedirect)
	default:
		servePage(w, r)
	}
}

// servePage serves a file of the page.
func servePage(w http.ResponseWriter, r *http.Request) {
	name := cmp.Or(strings.TrimPrefix(r.URL.Path, Prefix), "index.html")
	text, err := fs.ReadFile(page(), name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}

// refuse returns why a request is not served; nil if it is.
func (e *Explorer) refuse(r *http.Request, api bool) *apiError {
	switch {
	case !isLocalClient(r):
		return &apiError{
			http.StatusForbidden, "the explorer is for clients on this machine",
			"open it on the machine where wasihttp runs, by its loopback address",
		}
	case !e.isLocalName(r.Host):
		return &apiError{
			http.StatusForbidden, "the explorer is not there for this Host",
			"use localhost, a loopback address, or a name that --allow-host lists",
		}
	case !api:
		return nil
	}
	token := r.Header.Values(TokenHeader)
	if len(token) != 1 || subtle.ConstantTimeCompare([]byte(token[0]), []byte(e.token)) == 0 {
		return &apiError{
			http.StatusUnauthorized, "the token is missing or not that of this run",
			"open the URL that wasihttp serve prints, or press e in its terminal; programs send " +
				"what is behind #token= in the header " + TokenHeader,
		}
	}
	if err := e.cross.Check(r); err != nil {
		return &apiError{
			http.StatusForbidden, "the request is from another origin: " + err.Error(), "",
		}
	}
	return nil
}
