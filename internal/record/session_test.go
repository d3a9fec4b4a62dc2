package record

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner"
)

// shop is a service with a login: a form with a CSRF field, a cookie, and a bearer token. All of
// them are others in each shop.
type shop struct {
	mu      sync.Mutex
	csrf    string
	cookie  string
	token   string
	secrets []string
	mux     *http.ServeMux
}

const (
	userPassword = "hunter2"
	apiKey       = "k3y-0123456789-abcdef"
)

func newShop() *shop {
	s := &shop{mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		s.csrf, s.cookie = s.random()+"+/=", s.random()
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: s.cookie, Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark", Path: "/"})
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<form>\n<input name=\"csrf\" value=\"%s\">\n</form>\n", s.csrf)
	})
	s.mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if !s.has(r) || r.FormValue("csrf") != s.csrf || r.FormValue("password") != userPassword {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		s.token = s.random()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"token": %q, "user": {"id": 7}}`, s.token)
	})
	s.mux.HandleFunc("POST /users/7/items", func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		var body struct{ Token, Name string }
		if err := json.Unmarshal(data, &body); err != nil || body.Token != s.token || !s.bears(r) {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Location", "/users/7/items/"+s.random()[:12])
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"name": %q, "by": %q}`, body.Name, s.token)
	})
	s.mux.HandleFunc("GET /users/7/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		if !s.bears(r) || r.Header.Get("X-Api-Key") != apiKey {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "item %d", len(r.PathValue("id")))
	})
	return s
}

func (s *shop) random() string {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
	s.secrets = append(s.secrets, hex.EncodeToString(b))
	return hex.EncodeToString(b)
}

func (s *shop) has(r *http.Request) bool {
	c, err := r.Cookie("sid")
	return err == nil && c.Value == s.cookie && len(r.CookiesNamed("sid")) == 1
}

func (s *shop) bears(r *http.Request) bool {
	return s.has(r) && r.Header.Get("Authorization") == "Bearer "+s.token
}

// respond returns the response to a request.
func (s *shop) respond(r *http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w.Result()
}

// Open returns the shop as a target.
func (s *shop) Open(context.Context, testrunner.Spec) (testrunner.Target, error) { return s, nil }

func (s *shop) Reusable() bool { return true }

func (s *shop) Close() {}

// Do sends a request of a fixture to the shop.
func (s *shop) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	url := r.Scheme + "://" + r.Authority + r.Target
	req, err := http.NewRequestWithContext(ctx, r.Method, url, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for _, h := range r.Headers {
		req.Header.Add(h.Name, h.Value)
	}
	res := s.respond(req)
	body, err := io.ReadAll(res.Body)
	return &testrunner.Response{
		Status: res.StatusCode, Headers: fixture.FieldsOf(res.Header), Body: body,
	}, err
}

// logIn goes through the shop as a browser does.
func logIn(t *testing.T, base string) {
	t.Helper()
	cookies := ""
	send := func(method, path, body string, headers ...string) (string, *http.Response) {
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		if cookies != "" {
			r.Header.Set("Cookie", cookies)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode > 299 {
			t.Fatalf("%s %s: %v %s %v", method, path, res.Status, text, err)
		}
		for _, c := range res.Cookies() {
			cookies += "; " + c.Name + "=" + c.Value
		}
		cookies = strings.TrimPrefix(cookies, "; ")
		return string(text), res
	}
	page, _ := send("GET", "/login", "")
	_, csrf, _ := strings.Cut(page, `value="`)
	csrf, _, _ = strings.Cut(csrf, `"`)
	text, _ := send("POST", "/login", "user=ada&password="+userPassword+"&csrf="+
		strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(csrf),
		"Content-Type", "application/x-www-form-urlencoded")
	var login struct{ Token string }
	if err := json.Unmarshal([]byte(text), &login); err != nil {
		t.Fatal(err)
	}
	bearer := []string{
		"Authorization", "Bearer " + login.Token, "Content-Type", "application/json",
		"X-Api-Key", apiKey,
	}
	_, res := send("POST", "/users/7/items", `{"name": "x", "token": "`+login.Token+`"}`, bearer...)
	send("GET", res.Header.Get("Location"), "", bearer...)
}

// replay runs a session against another shop, and returns the outcomes.
func replay(t *testing.T, path string) string {
	t.Helper()
	var outcomes []string
	options := &testrunner.Options{Secrets: []testrunner.Variable{
		{Name: "password", Value: userPassword}, {Name: "x_api_key", Value: apiKey},
	}}
	_, err := testrunner.Run(t.Context(), newShop(), testrunner.ReadAll([]string{path}, nil), options,
		func(f *testrunner.FileResult) {
			for _, e := range f.ParseErrors {
				t.Error(e.Render())
			}
			for _, r := range f.Results {
				outcomes = append(outcomes, string(r.Outcome))
				for _, p := range r.Problems {
					t.Logf("%s: %s: expected %s, got %s", r.Outcome, p.Title, p.Expected, p.Actual)
				}
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(outcomes, " ")
}

func TestARecordedLoginReplaysWithoutItsSecrets(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "session.hurl")
	recorded := newShop()
	var said []string
	r, err := New(Options{Session: path, Say: func(line string) { said = append(said, line) }})
	if err != nil {
		t.Fatal(err)
	}
	serveRecorded(t, r, handlerFunc(recorded.respond), logIn)
	if want := "recorded 4 exchanges in " + path; len(said) != 1 || said[0] != want {
		t.Errorf("it said %q, want %q", said, want)
	}
	files := contents(t, dir)
	text := files["session.hurl"]
	for _, secret := range append(recorded.secrets, userPassword, apiKey) {
		for name, text := range files {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", name, secret)
			}
		}
	}
	const top = "# Secrets that no response gives; set each with --secret NAME=VALUE:\n" +
		"# - password, first in request 2\n# - x_api_key, first in request 3\n"
	if !strings.HasPrefix(text, top) {
		t.Errorf("no list of secrets at the top")
	}
	if got := replay(t, path); got != "pass pass mismatch pass" {
		t.Errorf("outcomes %s", got)
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestASessionDoesNotReplaceAFile(t *testing.T) {
	for _, name := range []string{"a.hurl", "a.upstream.hurl"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Session: filepath.Join(dir, "a.hurl")}); !os.IsExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
