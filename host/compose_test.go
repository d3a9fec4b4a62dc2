package host

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/compose"
)

// get returns the status and the body of the response to a request with that header.
func get(t *testing.T, h http.Handler, path, header string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if header != "" {
		r.Header.Set(header, "1")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

func guestPart(t *testing.T, name string) Part {
	t.Helper()
	return Part{name, guestBytes(t, name, name+".wasm")}
}

func TestPlugsMakeWhatTheComponentImports(t *testing.T) {
	words := guestPart(t, "rust-words")
	h := newHost(t, "rust-greeter",
		Config{Plugs: []Part{words}, Env: [][2]string{{"MARK", "?"}}})
	composed, err := New(t.Context(), guestBytes(t, "composed", "words.wasm"),
		Config{Engine: engineOfAll, Env: [][2]string{{"MARK", "?"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := composed.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for _, path := range []string{"/Ada", "/", "/" + strings.Repeat("long", 1000)} {
		_, _, want := get(t, composed, path, "")
		if code, _, got := get(t, h, path, ""); code != 200 || got != want ||
			got != "Hello, "+path[1:]+"?" {
			t.Errorf("%.20s: got %d, %.40q, want %.40q", path, code, got, want)
		}
	}
}

func TestTheFirstOfTheChainGetsTheRequests(t *testing.T) {
	first := guestPart(t, "rust-guard")
	second := Part{"second", bytes.Replace(first.Wasm, []byte("guard-1"), []byte("guard-2"), 1)}
	for name, tt := range map[string]struct {
		chain []Part
		want  string
	}{
		"one":         {[]Part{second}, "guard-2"},
		"two":         {[]Part{first, second}, "guard-1"},
		"other order": {[]Part{second, first}, "guard-2"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, "rust-hello", Config{Chain: tt.chain})
			if code, _, body := get(t, h, "/", "X-Deny"); code != 403 || body != tt.want {
				t.Errorf("refused: got %d, %q", code, body)
			}
			if code, _, body := get(t, h, "/", ""); code != 200 || body != "Hello, world!" {
				t.Errorf("passed on: got %d, %q", code, body)
			}
		})
	}
}

func TestMiddlewareChangesResponses(t *testing.T) {
	middleware := guestPart(t, "rust-middleware-p3")
	h := newHost(t, "rust-hello-p3", Config{Chain: []Part{middleware, middleware}})
	code, header, body := get(t, h, "/", "X-Wrap")
	if wrapped := header["X-Wrapped"]; code != 200 || body != "Hello, world!" || len(wrapped) != 2 {
		t.Errorf("got %d, %q, wrapped by %q", code, body, wrapped)
	}
}

func TestPartsThatDoNotFitAreErrorsOfNew(t *testing.T) {
	for name, cfg := range map[string]Config{
		"middleware of 0.3":       {Chain: []Part{guestPart(t, "rust-middleware-p3")}},
		"a plug without a socket": {Plugs: []Part{guestPart(t, "rust-words")}},
	} {
		_, err := New(t.Context(), guestBytes(t, "rust-hello", "rust-hello.wasm"), cfg)
		var compile *CompileError
		var fault *compose.Error
		if !errors.As(err, &compile) || !errors.As(err, &fault) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := New(t.Context(), guestBytes(t, "rust-hello", "rust-hello.wasm"),
		Config{Chain: []Part{{"text.wasm", []byte("text")}}})
	if err == nil || !strings.HasPrefix(err.Error(), "text.wasm: ") {
		t.Errorf("got %v", err)
	}
}
