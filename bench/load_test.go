package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLoadCountsWholeAnswers(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"of known length": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
		"in chunks": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(http.TrailerPrefix+"X-End", "yes")
			for range 3 {
				_, _ = io.WriteString(w, strings.Repeat("x", 5000))
				_ = http.NewResponseController(w).Flush()
			}
		},
		"with the connection's end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, "bye")
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handle)
			defer server.Close()
			rate, err := load(t.Context(), server.Listener.Addr().String(), root, 2, 50*time.Millisecond)
			if err != nil || rate <= 0 {
				t.Errorf("%v answers/s, error %v", rate, err)
			}
		})
	}
}

func TestLoadFailsWithTheServer(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"another status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"a cut body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "not a hundred")
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handle)
			defer server.Close()
			if rate, err := load(t.Context(), server.Listener.Addr().String(), root, 2, 50*time.Millisecond); err == nil {
				t.Errorf("%v answers/s and no error", rate)
			}
		})
	}
}
