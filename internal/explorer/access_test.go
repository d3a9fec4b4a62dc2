package explorer

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask passes a request to an explorer: from a client on this machine, unless change changes that.
func ask(e *Explorer, method, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:4711"
	r.Header.Set(TokenHeader, e.token)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestOnlyThisMachineReachesTheExplorer(t *testing.T) {
	e := New(t.Context(), Options{Names: []string{"mybox.example", "192.0.2.7"}})
	for remote, want := range map[string]int{
		"127.0.0.1:1": 200, "127.3.2.1:1": 200, "[::1]:1": 200, "[::ffff:127.0.0.1]:1": 200, "": 200,
		"@": 200, "/tmp/client.sock": 200,
		"192.0.2.1:1": 403, "[2001:db8::1]:1": 403, "[::ffff:192.0.2.1]:1": 403, "0.0.0.0:1": 403,
		"elsewhere": 403,
	} {
		for _, path := range []string{Prefix, apiPrefix + "state"} {
			w := ask(e, "GET", path, func(r *http.Request) { r.RemoteAddr = remote })
			if w.Code != want {
				t.Errorf("%s from %q: got %d, want %d", path, remote, w.Code, want)
			}
		}
	}
	for field, want := range map[string]int{
		"X-Forwarded-For: 127.0.0.1": 200, "X-Forwarded-For: 127.0.0.1, ::1": 200,
		"X-Forwarded-For: 192.0.2.1": 403, "X-Forwarded-For: 192.0.2.1, 127.0.0.1": 403,
		"X-Forwarded-For: unknown": 403, "X-Forwarded-For: ": 403, "X-Real-Ip: 192.0.2.1": 403,
		"X-Real-Ip: ::1": 200, "Forwarded: for=192.0.2.1": 403, "Forwarded: for=127.0.0.1": 403,
	} {
		name, value, _ := strings.Cut(field, ": ")
		w := ask(e, "GET", Prefix, func(r *http.Request) { r.Header.Set(name, value) })
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", field, w.Code, want)
		}
	}
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LOCALHOST.": 200, "app.localhost:1": 200,
		"127.0.0.1": 200, "127.9.9.9:80": 200, "[::1]": 200, "[::1]:8080": 200, "[0:0:0:0:0:0:0:1]": 200,
		"[::ffff:127.0.0.1]": 200, "mybox.example": 200, "MyBox.example.:8080": 200, "192.0.2.7:80": 200,
		"localhost.evil": 403, "evil.example": 403, "notlocalhost": 403, "127.0.0.1.evil.example": 403,
		"192.0.2.1": 403, "[2001:db8::1]": 403, "[127.0.0.1]": 403, "::1": 403, "": 403, "127.1": 403,
		"2130706433": 403, "a.mybox.example": 403, "localhost@evil.example": 403, ".": 403, "[": 403,
	} {
		for _, path := range []string{Prefix, Prefix + "app.js", apiPrefix + "state"} {
			w := ask(e, "GET", path, func(r *http.Request) { r.Host = host })
			if w.Code != want {
				t.Errorf("%s of %q: got %d, want %d", path, host, w.Code, want)
			}
		}
	}
}

func TestTheAPINeedsTheTokenOfThisRun(t *testing.T) {
	e, other := New(t.Context(), Options{}), New(t.Context(), Options{})
	if len(e.token) < 22 || e.token == other.token {
		t.Errorf("tokens %q and %q", e.token, other.token)
	}
	for name, values := range map[string][]string{
		"none": nil, "empty": {""}, "another": {other.token}, "part": {e.token[1:]},
		"longer": {e.token + "x"}, "twice": {e.token, e.token}, "both": {other.token, e.token},
	} {
		for _, path := range []string{"state", "requests", "nothing"} {
			w := ask(e, "GET", apiPrefix+path, func(r *http.Request) { r.Header[TokenHeader] = values })
			var body struct{ Error, Hint string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 401 ||
				body.Error == "" || body.Hint == "" || w.Header().Get("WWW-Authenticate") == "" || strings.Contains(w.Body.String(), e.token) {
				t.Errorf("%s, %s: got %d %s", name, path, w.Code, w.Body)
			}
		}
	}
	w := ask(e, "GET", apiPrefix+"state?token="+e.token, func(r *http.Request) { r.Header.Del(TokenHeader) })
	if w.Code != 401 {
		t.Errorf("with the token in the query: %d", w.Code)
	}
}

func TestThePageHoldsNoDataAndCannotBeFramed(t *testing.T) {
	e := New(t.Context(), Options{Version: "the version", Component: "quux.wasm", Address: "http://the.address/"})
	for _, path := range []string{"", "index.html", "app.js", "app.css"} {
		w := ask(e, "GET", Prefix+path, func(r *http.Request) { r.Header.Del(TokenHeader) })
		if path == "index.html" && w.Code == 301 {
			continue
		}
		body, h := w.Body.String(), w.Header()
		if w.Code != 200 || strings.Contains(body, e.token) ||
			strings.Contains(body, "quux") || strings.Contains(body, "the.address") {
			t.Errorf("%s: got %d %s", path, w.Code, body)
		}
		for _, directive := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'",
			"base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), directive) {
				t.Errorf("%s: the policy is %q", path, h.Get("Content-Security-Policy"))
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "X-Frame-Options": "DENY",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
	for method, want := range map[string]int{"HEAD": 200, "POST": 405, "PUT": 405, "OPTIONS": 405} {
		if w := ask(e, method, Prefix, nil); w.Code != want {
			t.Errorf("%s: got %d", method, w.Code)
		}
	}
	if w := ask(e, "GET", Prefix+"nothing", nil); w.Code != 404 {
		t.Errorf("a part that is not there: %d", w.Code)
	}
}

func TestOnlyWhatThePathHasIsPossible(t *testing.T) {
	e := New(t.Context(), Options{})
	for request, want := range map[string]int{
		"GET state": 200, "HEAD state": 200, "POST state": 405, "GET nothing": 404, "GET ": 404,
		"OPTIONS state": 405,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := ask(e, method, apiPrefix+path, nil)
		if w.Code != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %s", request, w.Code, w.Body)
		}
		if (w.Code == 405) != (w.Header().Get("Allow") != "") {
			t.Errorf("%s: Allow is %q", request, w.Header().Get("Allow"))
		}
	}
}

// Without a URL, nobody knows the token.
func TestEachAddressHasAURL(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:8080/": "http://127.0.0.1:8080", "https://localhost:8443/": "https://localhost:8443",
		"unix:/tmp/app.sock": "http://localhost",
	} {
		e := New(t.Context(), Options{Address: address})
		if got := e.URL(); got != want+Prefix+"#token="+e.token {
			t.Errorf("%s: got %s", address, got)
		}
	}
}
