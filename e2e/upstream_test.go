package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// upstream starts the local server to which the guests send requests of their own. Its routes:
//
//	/hello     203, says what it saw of the request
//	/echo      sends the body back
//	/trailers  a body followed by the trailer X-Upstream
//	/broken    declares more than it sends
//	/redirect  302 to /hello
//	/silent    responds when the client has gone
func upstream(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusNonAuthoritativeInfo)
		fmt.Fprintf(w, "upstream saw %s %s from %s\n", r.Method, r.RequestURI, r.UserAgent())
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Errorf("upstream: %v", err)
		}
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		if _, err := io.Copy(w, r.Body); err != nil {
			t.Errorf("upstream: echo: %v", err)
		}
		for name, values := range r.Trailer {
			w.Header()[http.TrailerPrefix+"Echo-"+name] = values
		}
	})
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "followed by a trailer")
		if err := http.NewResponseController(w).Flush(); err != nil { // or it would be sent with a length, and no trailer
			t.Errorf("upstream: %v", err)
		}
		w.Header().Set(http.TrailerPrefix+"X-Upstream", "the end")
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprintln(w, "less than that")
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/hello", http.StatusFound)
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}
