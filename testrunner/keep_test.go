package testrunner_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner"
)

func TestTheLineThatIsNotMetIsQuoted(t *testing.T) {
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return text(200, "hunter2", "a", "1") }}
	o := testrunner.Options{Secrets: []testrunner.Variable{{Name: "pw", Value: "hunter2"}}}
	tests := map[string]string{
		"GET http://localhost/\nHTTP 200\n[Asserts]\nstatus == 200\n  header \"a\" == \"2\" # c\n": `header "a" == "2" # c`,
		"GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"hunter2!\"\n":                       `body == "***!"`,
		"GET http://localhost/\nHTTP 200\n[Captures]\nx: regex /(no)/\n":                           `x: regex /(no)/`,
		"GET http://localhost/\nHTTP 200\nA: 3\n":                                                  `A: 3`,
		"GET http://localhost/{{nothing}}\nHTTP 200\n":                                             `GET http://localhost/{{nothing}}`,
		"# @trailer t: 1\nGET http://localhost/\nHTTP 200\n":                                       `# @trailer t: 1`,
		"# @expect trap\nGET http://localhost/\n":                                                  `# @expect trap`,
		"GET http://localhost/\nHTTP 404\n":                                                        "",
	}
	for source, want := range tests {
		files, _ := run(t, h, o, parse(t, source))
		if p := files[0].Results[0].Problems; len(p) != 1 || p[0].Source != want {
			t.Errorf("%q: problems %+v, want the line %q", source, p, want)
		}
	}
}

func TestLargeBodiesAreNotKept(t *testing.T) {
	const size = 3 << 20
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
		return text(200, strings.Repeat("0123456789abcdef", size/16))
	}}
	files, _ := run(t, h, testrunner.Options{}, parse(t,
		"POST http://localhost/\n`"+strings.Repeat("x", 10_000)+"`\nHTTP 200\n\nGET http://localhost/\nHTTP 404\n\n"+
			"GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"x\"\nbytes == hex,00;\n"))
	r := files[0].Results
	if len(r[0].Response.Body) > 0 || len(r[0].Request.Body) > 0 {
		t.Errorf("of an entry that passed %d bytes and a request's %d are kept", len(r[0].Response.Body), len(r[0].Request.Body))
	}
	for _, failed := range r[1:] {
		if n := len(failed.Response.Body); n == 0 || n >= size || failed.Response.Size != size {
			t.Errorf("of a body of %d bytes %d are kept, and the size is %d", size, n, failed.Response.Size)
		}
		for _, p := range failed.Problems {
			if len(p.Actual) >= size {
				t.Errorf("%s: %d bytes are kept", p.Source, len(p.Actual))
			}
		}
	}
}

// everything is all that reports can tell of a result.
func everything(t *testing.T, f *testrunner.FileResult) string {
	t.Helper()
	var b strings.Builder
	for _, r := range f.Results {
		fmt.Fprintf(&b, "%s\n%s\n", r.Notes, r.Name())
		for _, p := range r.Problems {
			fmt.Fprintf(&b, "%s %s %s %s\n", p.Title, p.Source, p.Expected, p.Actual)
			if p.Diff == nil {
				continue
			}
			diff, err := json.Marshal(p.Diff)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", diff)
			for _, l := range p.Diff.Lines {
				b.WriteString(l.Text() + "\n")
			}
			for _, c := range p.Diff.Changes {
				b.WriteString(c.Want + c.Got + c.Path + "\n")
			}
			if p.Diff.Bytes != nil {
				fmt.Fprintf(&b, "%s\n%s\n", p.Diff.Bytes.Want, p.Diff.Bytes.Got)
			}
		}
		fmt.Fprintf(&b, "%v %v %v\n", r.Captures, r.Response.Headers, r.Response.Trailers)
		fmt.Fprintf(&b, "%s\n%s\n%+v\n", r.Response.Body, r.Response.Stderr, r.Response.Failure)
	}
	return b.String()
}

func TestSecretsAreNotShownInAnyFormAnywhere(t *testing.T) {
	const secret = `p"w&d é+/secret'<x>`
	shown := "ok\n"
	h := &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response {
		if r.Target == "/trap" {
			a := failure(testrunner.Trap, "")
			a.Failure.Cause, a.Failure.Hint, a.Stderr = "cause: "+shown, "hint: "+shown, []string{shown}
			return a
		}
		a := text(200, shown, "a", strings.ReplaceAll(shown, "\n", " "))
		a.Trailers, a.Stderr, a.Notes = slices.Clone(a.Headers), []string{shown}, []string{"note: " + shown}
		return a
	}}
	o := testrunner.Options{All: true, Secrets: []testrunner.Variable{{Name: "pw", Value: secret}}}
	entries := strings.Join([]string{
		"GET http://localhost/text\nHTTP 404\n`some\nother\ntext\n`\n",
		"GET http://localhost/json\nHTTP 200\n[Captures]\nx: body\ny: regex /(.*)/\n" +
			"z: header \"a\" split \"\\n\"\n[Asserts]\nbody == \"x\"\nheader \"a\" == \"{{pw}}\"\n{\"a\": 1}\n",
		"GET http://localhost/bytes\nHTTP 200\nA: other\nbase64,AAECAwQ=;\n",
		"GET http://localhost/trap\nHTTP 200\n",
	}, "\n")
	entries = strings.Replace(entries, "`some\nother\ntext\n`", "```\nsome\nother\ntext\n```", 1)
	for _, form := range fixture.Forms(secret) {
		for _, body := range []string{form, "{\"b\": \"" + form + "\"}", "first\n" + form + " last\nend\n",
			"\x00\x01" + form, html.EscapeString(form)} {
			shown = body
			files, _ := run(t, h, o, parse(t, entries))
			if all := everything(t, files[0]); strings.Contains(all, form) {
				t.Fatalf("%q is shown in\n%s", form, all)
			}
			for _, u := range testrunner.Updates(files[0]) {
				for _, e := range u.Problem.Edits {
					if strings.Contains(e.Text, form) {
						t.Errorf("%q becomes an expectation: %s", form, e.Text)
					}
				}
			}
		}
	}
}

func TestALineOfASecretIsNotShown(t *testing.T) {
	key := "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n-----END KEY-----\n"
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return text(200, "key:\n"+key) }}
	o := testrunner.Options{Secrets: []testrunner.Variable{{Name: "key", Value: key}}}
	files, _ := run(t, h, o, parse(t, "GET http://localhost/\nHTTP 200\n```\nkey:\nnone\n```\n"))
	all := everything(t, files[0])
	for line := range strings.Lines(key) {
		if strings.Contains(all, strings.TrimSpace(line)) {
			t.Errorf("%q is shown in\n%s", line, all)
		}
	}
}

func TestABodyBeyondItsBoundIsAnErrorThatNamesTheFlag(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(make([]byte, 2<<20)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
		return text(200, packed.String(), "content-encoding", "gzip")
	}}
	for limit, want := range map[int64]string{0: "pass", 2 << 20: "pass", 1 << 20: "mismatch"} {
		files, _ := run(t, h, testrunner.Options{MaxBody: limit}, parse(t, "GET http://localhost/\nHTTP 200\n[Asserts]\nbytes count == 2097152\n"))
		if got := outcomes(files); got != want {
			t.Errorf("up to %d: %s, want %s", limit, got, want)
		}
		if p := files[0].Results[0].Problems; want != "pass" && !strings.Contains(p[0].Actual, "--max-body") {
			t.Errorf("up to %d: %q does not name the flag", limit, p[0].Actual)
		}
	}
}

// endingTarget ends the run when it has responded.
type endingTarget struct {
	testrunner.Target
	end  context.CancelCauseFunc
	body string
}

var errInterrupted = errors.New("interrupted")

func (t *endingTarget) Do(context.Context, *testrunner.Request) (*testrunner.Response, error) {
	t.end(errInterrupted)
	return text(200, t.body, "content-type", "text/html"), nil
}

type endingHost struct {
	fakeHost
	target endingTarget
}

func (h *endingHost) Open(ctx context.Context, spec testrunner.Spec) (testrunner.Target, error) {
	var err error
	h.target.Target, err = h.fakeHost.Open(ctx, spec)
	return &h.target, err
}

func TestTheEndOfARunEndsItsEvaluations(t *testing.T) {
	paragraphs := strings.Repeat("<p>1</p>", 20_000)
	numbers := "[" + strings.Repeat("[1,[2,3]],", 20_000) + "0]"
	for name, tt := range map[string]struct{ body, response string }{
		"xpath":    {paragraphs, "[Asserts]\nxpath \"count(//p[sum(preceding-sibling::p) > 1])\" == 0\n"},
		"jsonpath": {numbers, "[Asserts]\njsonpath \"$..*..*..*\" count == 0\n"},
		"regex":    {strings.Repeat("a", 1<<17), "[Captures]\nx: regex /((?:a{0,30}){0,30}b)/\n"},
		"body":     {numbers, "[[1,[2,4]], 0]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			h := &endingHost{target: endingTarget{end: end, body: tt.body}}
			done := 0
			_, err := testrunner.Run(ctx, h, parse(t, "GET http://localhost/\nHTTP 200\n"+tt.response),
				&testrunner.Options{}, func(*testrunner.FileResult) { done++ })
			if !errors.Is(err, errInterrupted) || done > 0 || h.open != 0 {
				t.Errorf("error %v, %d files done, %d instances left open", err, done, h.open)
			}
		})
	}
}
