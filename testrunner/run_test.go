package testrunner_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner"
)

const get = "GET http://localhost/\nHTTP 200\n"

// counter responds with how many requests its instance has had.
func counter(n int, _ *testrunner.Request) *testrunner.Response { return text(200, fmt.Sprint(n)) }

// bodies lists the bodies of all responses.
func bodies(files []*testrunner.FileResult) string {
	var all []string
	for _, f := range files {
		for _, r := range f.Results {
			all = append(all, string(r.Response.Body))
		}
	}
	return strings.Join(all, " ")
}

func TestInstancesAreSharedAsToldToBe(t *testing.T) {
	tests := []struct {
		options testrunner.Options
		want    string
	}{
		{testrunner.Options{}, "1 2 3 4"},
		{testrunner.Options{Isolate: testrunner.IsolateFile}, "1 2 1 2"},
		{testrunner.Options{Isolate: testrunner.IsolateEntry}, "1 1 1 1"},
		{testrunner.Options{Jobs: 2}, "1 2 1 2"},
		{testrunner.Options{Selection: testrunner.Selection{Repeat: 2}}, "1 2 3 4 5 6 7 8"},
	}
	for _, tt := range tests {
		h := &fakeHost{response: counter}
		files, _ := run(t, h, tt.options, parse(t, get+"\n"+get, get+"\n"+get))
		if got := bodies(files); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.options, got, tt.want)
		}
	}
}

func TestAnInstanceForEachComponentAndEnvironment(t *testing.T) {
	h := &fakeHost{response: counter}
	files, _ := run(t, h, testrunner.Options{}, parse(t,
		get, "# @component x/own.wasm\n\n"+get, "# @env A=1\n# @env B=2\n\n"+get, get))
	want := []testrunner.Spec{{}, {Component: filepath.FromSlash("x/own.wasm")}, {Env: "A=1\nB=2\n"}}
	if diff := cmp.Diff(want, h.opened); diff != "" {
		t.Error(diff)
	}
	if got := bodies(files); got != "1 1 1 2" {
		t.Errorf("bodies %s", got)
	}
}

func TestAfterAFailureTheNextEntryHasANewInstance(t *testing.T) {
	for _, o := range []testrunner.Outcome{testrunner.Trap, testrunner.Expired, testrunner.NoResponse, testrunner.Instantiation} {
		h := &fakeHost{response: func(n int, r *testrunner.Request) *testrunner.Response {
			if r.Target == "/fail" {
				return failure(o, "")
			}
			return text(200, fmt.Sprint(n))
		}}
		files, s := run(t, h, testrunner.Options{}, parse(t, get+"\nGET http://localhost/fail\nHTTP 200\n\n"+get))
		if got, want := outcomes(files), "pass "+string(o)+" pass"; got != want {
			t.Errorf("outcomes %s, want %s", got, want)
		}
		last := files[0].Results[2]
		if string(last.Response.Body) != "1" || len(last.Notes) != 1 || !strings.Contains(last.Notes[0], string(o)) {
			t.Errorf("%s: the next entry had body %q and notes %q", o, last.Response.Body, last.Notes)
		}
		if s.Verdict() != testrunner.Broken {
			t.Errorf("%s: verdict %d", o, s.Verdict())
		}
	}
}

func TestAnErrorCodeKeepsTheInstance(t *testing.T) {
	h := &fakeHost{response: func(n int, _ *testrunner.Request) *testrunner.Response {
		if n == 1 {
			return failure(testrunner.ErrorCode, "DNS-timeout")
		}
		return text(200, fmt.Sprint(n))
	}}
	files, _ := run(t, h, testrunner.Options{}, parse(t, get+"\n"+get))
	if got := outcomes(files); got != "error-code pass" || len(h.opened) != 1 {
		t.Errorf("outcomes %s, %d instances", got, len(h.opened))
	}
}

// once responds to the first request of an instance only.
func once(o testrunner.Outcome) func(int, *testrunner.Request) *testrunner.Response {
	return func(n int, _ *testrunner.Request) *testrunner.Response {
		if n > 1 {
			return failure(o, "")
		}
		return text(200, "x")
	}
}

func TestGuestsThatCannotBeReusedGetAnInstancePerRequest(t *testing.T) {
	for _, o := range []testrunner.Outcome{testrunner.Trap, testrunner.NoResponse} {
		h := &fakeHost{response: once(o)}
		files, _ := run(t, h, testrunner.Options{}, parse(t, get+"\n"+get+"\n"+get+"\n"+get))
		if got := outcomes(files); got != "pass pass pass pass" {
			t.Errorf("%s: outcomes %s", o, got)
		}
		notes := 0
		for _, r := range files[0].Results {
			for _, n := range r.Notes {
				if strings.Contains(n, "cannot be reused") {
					notes++
				}
			}
		}
		if notes != 1 || len(h.opened) != 4 {
			t.Errorf("%s: noted %d times, %d instances; want once and 4", o, notes, len(h.opened))
		}
	}
}

// What a file finds does not depend on which one ran before it.
func TestWithJobsAFileKnowsNothingOfOthers(t *testing.T) {
	h := &fakeHost{response: func(n int, r *testrunner.Request) *testrunner.Response {
		if r.Target == "/fail" {
			return failure(testrunner.Expired, "")
		}
		return once(testrunner.Trap)(n, r)
	}}
	one := get + "\n" + get + "\nGET http://localhost/fail\nHTTP 200\n"
	texts := slices.Repeat([]string{one}, 6)
	files, _ := run(t, h, testrunner.Options{Jobs: 2}, parse(t, texts...))
	for _, f := range files {
		var notes []string
		for _, r := range f.Results {
			notes = append(notes, r.Notes...)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "cannot be reused") {
			t.Errorf("the notes are %q", notes)
		}
	}
	if len(files) != len(texts) || h.open != 0 {
		t.Errorf("%d files, %d instances are left", len(files), h.open)
	}
}

func TestReuseIsAFailureWhereHostsReuse(t *testing.T) {
	h := &fakeHost{response: once(testrunner.Trap), reusable: true}
	files, s := run(t, h, testrunner.Options{}, parse(t, get+"\n"+get))
	if got := outcomes(files); got != "pass reuse" {
		t.Errorf("outcomes %s", got)
	}
	if s.Verdict() != testrunner.Broken {
		t.Errorf("verdict %d", s.Verdict())
	}
}

func TestWantedFailuresPass(t *testing.T) {
	tests := []struct {
		directive string
		response  *testrunner.Response
		want      testrunner.Outcome
	}{
		{"trap", failure(testrunner.Trap, ""), testrunner.Pass},
		{"expired", failure(testrunner.Expired, ""), testrunner.Pass},
		{"no-response", failure(testrunner.NoResponse, ""), testrunner.Pass},
		{"error-code DNS-timeout", failure(testrunner.ErrorCode, "DNS-timeout"), testrunner.Pass},
		{"error-code", failure(testrunner.ErrorCode, "DNS-timeout"), testrunner.Pass},
		{"error-code DNS-timeout", failure(testrunner.ErrorCode, "internal-error"), testrunner.ErrorCode},
		{"trap", failure(testrunner.Expired, ""), testrunner.Expired},
		{"trap", text(200, ""), testrunner.Mismatch},
	}
	for _, tt := range tests {
		h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return tt.response }}
		files, _ := run(t, h, testrunner.Options{}, parse(t, "# @expect "+tt.directive+"\n"+get))
		if got := files[0].Results[0].Outcome; got != tt.want {
			t.Errorf("@expect %s: %s, want %s", tt.directive, got, tt.want)
		}
	}
}

func TestFailFastEndsTheRun(t *testing.T) {
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return text(500, "") }}
	files, s := run(t, h, testrunner.Options{FailFast: true}, parse(t, get+"\n"+get, get))
	if got := outcomes(files); got != "mismatch skipped" || s.NotRun != 1 {
		t.Errorf("outcomes %s, %d files not run", got, s.NotRun)
	}
}

func TestSelection(t *testing.T) {
	a := "GET http://localhost/a\n\nPOST http://localhost/b\nHTTP 200\n[Captures]\nx: status\n\nGET http://localhost/c\n"
	seed := uint64(3)
	tests := map[string]struct {
		selection testrunner.Selection
		want      string
	}{
		"all":              {testrunner.Selection{}, "/a /b /c /d /e"},
		"path":             {testrunner.Selection{Filter: regexp.MustCompile(`^b\.`)}, "/d"},
		"entry":            {testrunner.Selection{Filter: regexp.MustCompile(`GET .*/a$`)}, "/a"},
		"what it captures": {testrunner.Selection{Filter: regexp.MustCompile(`/c$`)}, "/b /c"},
		"shard 1":          {testrunner.Selection{Shard: 1, Shards: 2}, "/a /b /c"},
		"shard 2":          {testrunner.Selection{Shard: 2, Shards: 2}, "/d /e"},
		"shuffled":         {testrunner.Selection{Shuffle: &seed}, "/d /e /a /b /c"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := &fakeHost{response: func(_ int, r *testrunner.Request) *testrunner.Response { return text(200, r.Target) }}
			files, _ := run(t, h, testrunner.Options{Selection: tt.selection}, parse(t, a, "GET http://localhost/d\n", "GET http://localhost/e\n"))
			if got := bodies(files); got != tt.want {
				t.Errorf("ran %s, want %s", got, tt.want)
			}
		})
	}
}

func TestResultsComeInTheOrderOfTheFiles(t *testing.T) {
	var texts []string
	for range 20 {
		texts = append(texts, get)
	}
	files, s := run(t, &fakeHost{response: counter}, testrunner.Options{Jobs: 4}, parse(t, texts...))
	for i, f := range files {
		if want := string(rune('a'+i)) + ".hurl"; f.Path != want {
			t.Errorf("file %d is %s, want %s", i, f.Path, want)
		}
	}
	if s.Files != 20 || s.Counts[testrunner.Pass] != 20 {
		t.Errorf("summary %+v", s)
	}
}

// A report that takes long, because a terminal is stopped, keeps one file waiting at most.
func TestFilesRunWhileAnotherIsReported(t *testing.T) {
	const files = 10
	ran := make(chan struct{}, files)
	h := &fakeHost{response: func(n int, _ *testrunner.Request) *testrunner.Response {
		ran <- struct{}{}
		return text(200, "")
	}}
	reported := 0
	_, err := testrunner.Run(t.Context(), h, parse(t, slices.Repeat([]string{get}, files)...),
		&testrunner.Options{Jobs: 2}, func(f *testrunner.FileResult) {
			if reported++; reported == 1 {
				for range files {
					<-ran
				}
			}
		})
	if err != nil || reported != files {
		t.Errorf("%d files are reported, %v", reported, err)
	}
}

func TestRetriesAndRepetitions(t *testing.T) {
	third := func(n int, _ *testrunner.Request) *testrunner.Response {
		if n < 3 {
			return text(503, "")
		}
		return text(200, "")
	}
	tests := []struct {
		options string
		retry   int64
		want    string
	}{
		{"", 0, "mismatch"},
		{"[Options]\nretry: 1\n", 0, "mismatch"},
		{"[Options]\nretry: 2\n", 0, "pass"},
		{"[Options]\nretry: -1\n", 0, "pass"},
		{"", 5, "pass"},
		{"[Options]\nrepeat: 4\n", 0, "mismatch mismatch pass pass"},
		{"[Options]\nrepeat: 0\n", 0, "skipped"},
		{"[Options]\nskip: true\n", 0, "skipped"},
	}
	for _, tt := range tests {
		files, summary := run(t, &fakeHost{response: third}, testrunner.Options{Retry: tt.retry},
			parse(t, "GET http://localhost/\n"+tt.options+"HTTP 200\n"))
		if got := outcomes(files); got != tt.want {
			t.Errorf("%q, retry %d: %s, want %s", tt.options, tt.retry, got, tt.want)
		}
		if r := files[0].Results[0]; r.Outcome == testrunner.Pass && !slices.Contains(r.Notes, "it took 3 attempts") {
			t.Errorf("%q: a pass at the third attempt has notes %q", tt.options, r.Notes)
		}
		flaky := tt.want == "pass"
		if r := files[0].Results[0]; r.Flaky() != flaky || flaky &&
			(summary.Flaky != 1 || len(r.Earlier) != 2 || r.Earlier[0].Outcome != testrunner.Mismatch) {
			t.Errorf("%q: flaky %v, summary %+v, earlier attempts %+v", tt.options, r.Flaky(), summary, r.Earlier)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
		a := text(200, "token hunter2 and s3cret")
		a.Stderr = []string{"hunter2"}
		return a
	}}
	files, _ := run(t, h, testrunner.Options{Secrets: []testrunner.Variable{{Name: "p", Value: "hunter2"}}}, parse(t,
		"GET http://localhost/\nHTTP 200\n[Captures]\nc: body regex \"and (.*)\" redact\n[Asserts]\nbody == \"x\"\nbody contains \"{{p}}!\"\n"))
	got := fmt.Sprintf("%+v %s %v %v", files[0].Results[0].Problems, files[0].Results[0].Response.Body,
		files[0].Results[0].Response.Stderr, files[0].Results[0].Captures)
	if strings.Contains(got, "hunter2") || strings.Contains(got, "s3cret") || strings.Count(got, "***") < 3 {
		t.Errorf("got %s", got)
	}
}

func TestSecretsAreNotShownInOtherSpellings(t *testing.T) {
	o := testrunner.Options{Secrets: []testrunner.Variable{{Name: "p", Value: `a "b" c`}}}
	for _, said := range []string{`{"x":"a \"b\" c"}`, "/?x=a+%22b%22+c", "/a%20%22b%22%20c"} {
		h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response { return text(200, said) }}
		files, _ := run(t, h, o, parse(t, "GET http://localhost/\nHTTP 404\n"))
		if got := string(files[0].Results[0].Response.Body); !strings.Contains(got, "***") || strings.Contains(got, "b") {
			t.Errorf("%s is shown as %s", said, got)
		}
	}
}

func TestShardsAreDisjointCompleteAndBalanced(t *testing.T) {
	var texts []string
	for i := range 26 {
		texts = append(texts, strings.Repeat(get+"\n", 1+i%5))
	}
	sources := parse(t, texts...)
	const shards = 4
	seen := make(map[string]int)
	for i := range shards {
		entries := 0
		s := testrunner.Selection{Shard: i + 1, Shards: shards}
		for _, source := range s.Files(sources) {
			seen[source.Path]++
			entries += len(source.File.Entries)
		}
		if entries < 75/shards-1 || entries > 75/shards+2 {
			t.Errorf("shard %d has %d entries of 76", i+1, entries)
		}
	}
	for _, source := range sources {
		if seen[source.Path] != 1 {
			t.Errorf("%s is in %d shards", source.Path, seen[source.Path])
		}
	}
}

func TestAFailureThatEndsAParallelRunIsReportedWhateverCameBefore(t *testing.T) {
	failed := make(chan struct{})
	h := &fakeHost{}
	h.response = func(_ int, r *testrunner.Request) *testrunner.Response {
		if r.Target == "/fails" {
			defer close(failed)
			return text(500, "")
		}
		<-failed
		return text(200, "")
	}
	// The first file still runs when the second one ends the run.
	files, s := run(t, h, testrunner.Options{FailFast: true, Jobs: 2},
		parse(t, strings.Repeat(get+"\n", 1000), "GET http://localhost/fails\nHTTP 200\n"))
	if s.Verdict() != testrunner.Mismatches || files[len(files)-1].Path != "b.hurl" {
		t.Errorf("verdict %v of %d files", s.Verdict(), len(files))
	}
}

func TestTrailersAreCompared(t *testing.T) {
	tests := []struct{ directives, want string }{
		{"# @trailer a: 1\n", ""},
		{"# @trailer A: 1\n# @trailer a: 2\n# @trailer b: x\n", ""},
		{"# @trailer a: 2\n# @trailer a: 1\n", "Trailer a no such trailer"},
		{"# @trailer a: 3\n", "Trailer a 1 | 2"},
		{"# @trailer c: 3\n", "Trailer c no such trailer"},
		{"# @ignore trailer c\n# @trailer c: 3\n", ""},
	}
	for _, tt := range tests {
		h := &fakeHost{response: func(int, *testrunner.Request) *testrunner.Response {
			a := text(200, "")
			a.Trailers = fixture.Fields{{Name: "A", Value: "1"}, {Name: "B", Value: "x"}, {Name: "A", Value: "2"}}
			return a
		}}
		files, _ := run(t, h, testrunner.Options{}, parse(t, tt.directives+get))
		var got []string
		for _, p := range files[0].Results[0].Problems {
			got = append(got, p.Title+" "+p.Actual)
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%q: %q, want %q", tt.directives, got, tt.want)
		}
	}
}

func TestTheComponentOfTheUserComesBeforeThatOfAFixture(t *testing.T) {
	h := &fakeHost{response: counter}
	run(t, h, testrunner.Options{Component: "mine.wasm"}, parse(t, "# @component x/own.wasm\n\n"+get, get))
	if diff := cmp.Diff([]testrunner.Spec{{Component: "mine.wasm"}}, h.opened); diff != "" {
		t.Error(diff)
	}
}

func TestANewInstanceThatWasWantedAnywayNeedsNoNote(t *testing.T) {
	failing := &fakeHost{reusable: true, response: func(n int, r *testrunner.Request) *testrunner.Response {
		if strings.HasSuffix(r.Target, "/trap") {
			return failure(testrunner.Trap, "")
		}
		return text(200, "")
	}}
	const trap, get = "GET http://h/trap\n", "GET http://h/\n"
	for name, tt := range map[string]struct {
		options testrunner.Options
		want    int
	}{
		"one instance": {testrunner.Options{}, 1},
		"of each file": {testrunner.Options{Isolate: testrunner.IsolateFile}, 0},
	} {
		files, _ := run(t, failing, tt.options, parse(t, get+trap, get))
		if notes := files[1].Results[0].Notes; len(notes) != tt.want {
			t.Errorf("%s: %q", name, notes)
		}
	}
}
