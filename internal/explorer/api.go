package explorer

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// apiError is an error of the API.
type apiError struct {
	status        int
	message, hint string
}

// Error returns the message.
func (e *apiError) Error() string { return e.message }

func (e *apiError) text() string {
	if e.hint == "" {
		return e.message
	}
	return e.message + "\nhint: " + e.hint
}

func (e *apiError) write(w http.ResponseWriter) {
	body := struct {
		Error string `json:"error"`
		Hint  string `json:"hint,omitempty"`
	}{e.message, e.hint}
	writeJSON(w, e.status, body)
}

// writeJSON writes a response. A client that has gone needs none.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body)
}

// endpoint serves one path and method of the API. An error that is not an *apiError is a fault.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// methods are the endpoints of a path.
type methods map[string]endpoint

// ServeHTTP implements [http.Handler].
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve, ok := m[r.Method]
	if !ok && r.Method == http.MethodHead {
		serve, ok = m[http.MethodGet]
	}
	var allowed []string
	for method := range m {
		allowed = append(allowed, method)
	}
	slices.Sort(allowed)
	if !ok {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		(&apiError{
			http.StatusMethodNotAllowed, r.Method + " is not possible here",
			"use " + strings.Join(allowed, " or "),
		}).write(w)
		return
	}
	if err := serve(w, r); err != nil {
		var known *apiError
		if !errors.As(err, &known) {
			known = &apiError{http.StatusInternalServerError, err.Error(), ""}
		}
		known.write(w)
	}
}

// routes returns the handler of the API.
func (e *Explorer) routes() http.Handler {
	mux := http.NewServeMux()
	reading := func(serve endpoint) endpoint {
		return func(w http.ResponseWriter, r *http.Request) error {
			defer e.read()()
			return serve(w, r)
		}
	}
	for path, m := range map[string]methods{
		"state": {http.MethodGet: reading(e.serveState)},
		"requests": {
			http.MethodGet: reading(e.serveList), http.MethodDelete: e.serveClear,
		},
		"events":                 {http.MethodGet: e.serveEvents},
		"requests/{seq}":         {http.MethodGet: reading(e.serveDetail)},
		"requests/{seq}/body":    {http.MethodGet: reading(e.serveBody)},
		"requests/{seq}/send":    {http.MethodPost: reading(e.serveSend)},
		"requests/{seq}/curl":    {http.MethodGet: reading(e.serveCurl)},
		"requests/{seq}/fixture": {http.MethodPost: reading(e.serveFixture)},
		"compare":                {http.MethodGet: reading(e.serveCompare)},
		"clear":                  {http.MethodPost: e.serveClear},
	} {
		mux.Handle(apiPrefix+path, m)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&apiError{
			http.StatusNotFound, "the API has no " + r.URL.Path,
			"docs/explorer-api.md has the paths",
		}).write(w)
	})
	return mux
}
