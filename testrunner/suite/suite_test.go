package suite

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// textHost makes instances that give the same response to every request.
type textHost struct{ body string }

func (h *textHost) Open(context.Context, testrunner.Spec) (testrunner.Target, error) { return h, nil }
func (h *textHost) Load(context.Context, string, bool)                               {}
func (h *textHost) Drop(context.Context) error                                       { return nil }
func (h *textHost) Reusable() bool                                                   { return true }
func (h *textHost) Close()                                                           {}

func (h *textHost) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	return &testrunner.Response{
		Status: 200, Body: []byte(h.body), Headers: fixture.Fields{{Name: "Content-Type", Value: "text/plain"}},
	}, ctx.Err()
}

// session is a suite whose output is kept, in a folder of its own.
type session struct {
	*Suite
	out, err bytes.Buffer
}

func newSession(t *testing.T, body string, files map[string]string) *session {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &session{}
	s.Suite = &Suite{
		Program: "program", Paths: []string{"."}, Host: &textHost{body}, In: strings.NewReader(""),
		Out: term.New(&s.out, nil), Err: term.New(&s.err, nil), Options: testrunner.Options{All: true},
	}
	return s
}

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const (
	stale   = "GET http://localhost/\nHTTP 200\n`old`\n"
	fresh   = "GET http://localhost/\nHTTP 200\n`new`\n"
	changed = "# changed meanwhile\n" + stale
)

// changing is standard input that changes a file when it is read.
type changing struct {
	io.Reader
	t    *testing.T
	name string
}

func (c *changing) Read(p []byte) (int, error) {
	if c.name != "" {
		if err := os.WriteFile(c.name, []byte(changed), 0o600); err != nil {
			c.t.Fatal(err)
		}
		c.name = ""
	}
	return c.Reader.Read(p)
}

func TestAReviewWritesAllFilesButThoseThatChangedMeanwhile(t *testing.T) {
	s := newSession(t, "new", map[string]string{"a.hurl": stale, "b.hurl": stale, "c.hurl": stale})
	s.In = &changing{strings.NewReader("A\n"), t, "b.hurl"}
	_, err := s.Review(t.Context(), func() *term.Keys { return nil })
	var failed *Error
	if !errors.As(err, &failed) || failed.Usage || !strings.Contains(failed.Message, "b.hurl: has changed") || failed.Hint == "" {
		t.Errorf("error %v", err)
	}
	for name, want := range map[string]string{"a.hurl": fresh, "b.hurl": changed, "c.hurl": fresh} {
		if got := content(t, name); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(s.out.String(), "2 accepted, 0 rejected, 1 left\n") {
		t.Errorf("printed %s", s.out.String())
	}
}

func TestTheVerdictIsThatOfWhatWasNotAccepted(t *testing.T) {
	const left = "GET http://localhost/\nHTTP 404\n[Asserts]\nbody contains \"nothing\"\n"
	tests := map[string]struct {
		files   map[string]string
		update  testrunner.Verdict
		answers string
		review  testrunner.Verdict
	}{
		"all accepted":     {map[string]string{"a.hurl": stale, "b.hurl": fresh}, testrunner.AllPassed, "A\n", testrunner.AllPassed},
		"one rejected":     {map[string]string{"a.hurl": stale, "b.hurl": stale}, testrunner.AllPassed, "a\nr\n", testrunner.Mismatches},
		"the end":          {map[string]string{"a.hurl": stale}, testrunner.AllPassed, "", testrunner.Mismatches},
		"no edit for one":  {map[string]string{"a.hurl": left}, testrunner.Mismatches, "A\n", testrunner.Mismatches},
		"nothing expected": {map[string]string{"a.hurl": "GET http://localhost/\n"}, testrunner.AllPassed, "A\n", testrunner.AllPassed},
		"unreadable":       {map[string]string{"a.hurl": stale, "b.hurl": "GET\n"}, testrunner.Unreadable, "A\n", testrunner.Unreadable},
		"repeated": {map[string]string{"a.hurl": "GET http://localhost/\n[Options]\nrepeat: 2\nHTTP 404\n"}, testrunner.AllPassed, "A\n",
			testrunner.AllPassed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, "new", tt.files)
			s.Update = true
			if got, err := s.Run(t.Context()); got != tt.update || err != nil {
				t.Errorf("update: verdict %d, %v; want %d\n%s%s", got, err, tt.update, s.out.String(), s.err.String())
			}
			s = newSession(t, "new", tt.files)
			s.In = strings.NewReader(tt.answers)
			if got, err := s.Review(t.Context(), func() *term.Keys { return nil }); got != tt.review || err != nil {
				t.Errorf("review: verdict %d, %v; want %d\n%s", got, err, tt.review, s.out.String())
			}
		})
	}
}

// TestWhatAnUpdateLeavesHasAHintThatHelps holds that the hint does not lead to a review, which has
// no more to offer.
func TestWhatAnUpdateLeavesHasAHintThatHelps(t *testing.T) {
	s := newSession(t, "new", map[string]string{
		"a.hurl": "GET http://localhost/\nHTTP 200\n[Asserts]\nbody contains \"nothing\"\n",
	})
	s.Update = true
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := s.err.String(); !strings.Contains(said, "1 difference left in a.hurl") ||
		!strings.Contains(said, "edit the fixture") || strings.Contains(said, "review") {
		t.Errorf("it says %s", said)
	}
}

func TestAFileThatCannotBeUpdatedDoesNotKeepOthersFromIt(t *testing.T) {
	s := newSession(t, "new", map[string]string{"a.hurl": stale, "b.hurl": stale})
	s.Paths = []string{"a.hurl", "b.hurl"}
	s.Update = true
	host := &textHost{"new"}
	s.Host = &meddler{host, t}
	if got, err := s.Run(t.Context()); got != testrunner.Mismatches || err != nil {
		t.Errorf("verdict %d, %v", got, err)
	}
	if content(t, "a.hurl") != changed || content(t, "b.hurl") != fresh {
		t.Errorf("the files hold %q and %q", content(t, "a.hurl"), content(t, "b.hurl"))
	}
	if !strings.Contains(s.err.String(), "not updated: a.hurl: has changed") {
		t.Errorf("it says %s", s.err.String())
	}
}

// meddler changes a fixture while it is run.
type meddler struct {
	*textHost
	t *testing.T
}

func (m *meddler) Open(context.Context, testrunner.Spec) (testrunner.Target, error) {
	if err := os.WriteFile("a.hurl", []byte(changed), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return m.textHost, nil
}
