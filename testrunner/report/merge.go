package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Parse reads what JSON has written: a run, as far as reports of it need it.
func Parse(data []byte) (*Run, error) {
	in, err := parse(data)
	if err != nil {
		return nil, err
	}
	run := &Run{Started: in.Started, Summary: &testrunner.Summary{}}
	for _, f := range in.Files {
		file := f.result(in.Started)
		run.Files = append(run.Files, file)
		run.Summary.Count(file)
	}
	run.Summary.Duration, run.Summary.Loading = duration(in.TimeMS), duration(in.Loading)
	run.Summary.NotRun = in.NotRun
	return run, nil
}

func parse(data []byte) (*jsonRun, error) {
	var in jsonRun
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("it is no report of --report-json: %w", err)
	}
	switch {
	case in.Version == 0 || in.Files == nil:
		return nil, errors.New("it is no report of --report-json")
	case in.Version > jsonVersion:
		return nil, fmt.Errorf("it has version %d of the format; this program reads version %d",
			in.Version, jsonVersion)
	}
	return &in, nil
}

// Times returns how long each file of a report took, by its path there.
func Times(data []byte) (map[string]time.Duration, error) {
	in, err := parse(data)
	if err != nil {
		return nil, err
	}
	times := make(map[string]time.Duration)
	for _, f := range in.Files {
		times[f.Path] += duration(f.TimeMS)
	}
	return times, nil
}

// Merge makes one run of several. A file that is in more than one of them has a note with the name
// of its run.
func Merge(runs []*Run, names []string) *Run {
	count := make(map[string]int)
	for _, run := range runs {
		seen := make(map[string]bool)
		for _, f := range run.Files {
			if !seen[f.Path] {
				seen[f.Path] = true
				count[f.Path]++
			}
		}
	}
	all := &Run{Summary: &testrunner.Summary{}}
	for i, run := range runs {
		if all.Started.IsZero() || run.Started.Before(all.Started) {
			all.Started = run.Started
		}
		for _, f := range run.Files {
			if count[f.Path] > 1 {
				f.Notes = append([]string{"from " + names[i]}, f.Notes...)
			}
			all.Files = append(all.Files, f)
			all.Summary.Count(f)
		}
		all.Summary.Duration += run.Summary.Duration
		all.Summary.Loading += run.Summary.Loading
		all.Summary.NotRun += run.Summary.NotRun
	}
	slices.SortStableFunc(all.Files, func(a, b *testrunner.FileResult) int {
		return cmp.Compare(a.Path, b.Path)
	})
	return all
}

func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func (f *jsonFile) result(started time.Time) *testrunner.FileResult {
	out := &testrunner.FileResult{
		Path: f.Path, Started: started, Duration: duration(f.TimeMS), Notes: f.Notes,
	}
	if f.Error != "" {
		out.Err = errors.New(f.Error)
	}
	for _, e := range f.ParseErrors {
		parse := &hurl.ParseError{File: f.Path, Source: e.Source, Message: e.Message, Hint: e.Hint}
		parse.Range.Start = hurl.Pos{Line: e.Line, Col: e.Column}
		if e.Source != "" {
			parse.Range.End = hurl.Pos{Line: e.Line, Col: e.EndColumn}
		}
		out.ParseErrors = append(out.ParseErrors, parse)
	}
	for i := range f.Entries {
		out.Results = append(out.Results, f.Entries[i].result())
	}
	return out
}

func (e *jsonEntry) result() testrunner.Result {
	method, target, _ := strings.Cut(e.Name, " ")
	entry := &hurl.Entry{Index: e.Index, Request: &hurl.Request{Method: method}}
	entry.Request.URL.Parts = []hurl.Part{{Text: target}}
	if entry.Range.Start = (hurl.Pos{Line: e.Line, Col: 1}); e.Line == 0 {
		entry.Range.Start = hurl.Pos{Entry: e.Index}
	}
	out := testrunner.Result{
		Entry: entry, Outcome: testrunner.Outcome(e.Outcome), Duration: duration(e.TimeMS),
		Attempts: e.Attempts, Notes: e.Notes, Rerun: e.Rerun,
	}
	for _, a := range e.Earlier {
		out.Earlier = append(out.Earlier, testrunner.Attempt{
			Outcome:  testrunner.Outcome(a.Outcome),
			Problems: []testrunner.Problem{{Title: a.Message}},
		})
	}
	for _, p := range e.Problems {
		at := hurl.Pos{Line: p.Line, Col: p.Column}
		out.Problems = append(out.Problems, testrunner.Problem{
			Kind: testrunner.ProblemKind(p.Kind), Range: hurl.Range{Start: at, End: at},
			Title: p.Title, Source: p.Source, Expected: p.Expected, Actual: p.Actual, Diff: p.Diff,
			Ignore: p.Ignore,
		})
		if a := p.After; a != nil {
			out.Problems[len(out.Problems)-1].After = &testrunner.Place{
				Path: a.Path, Pos: hurl.Pos{Line: a.Line, Entry: a.Entry}, Name: a.Name,
			}
		}
	}
	for _, f := range e.Faults {
		out.Faults = append(out.Faults, testrunner.FaultResult(f))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Captures)) {
		out.Captures = append(out.Captures, testrunner.Capture{Name: name, Value: e.Captures[name]})
	}
	if q := e.Request; q != nil {
		out.Request = q.request()
	}
	if e.Response != nil || e.Failure != nil || e.Stderr != nil {
		out.Response = &testrunner.Response{Stderr: e.Stderr, Message: e.Message}
	}
	if a := e.Response; a != nil {
		out.Response.Status, out.Response.Headers = a.Status, fields(a.Headers)
		out.Response.Trailers, out.Response.Size = fields(a.Trailers), a.BodyBytes
		out.Response.Body = a.bytes()
	}
	if f := e.Failure; f != nil {
		out.Response.Failure = &testrunner.Failure{
			Outcome: testrunner.Outcome(f.Outcome), Message: f.Message, Cause: f.Cause,
			ErrorCode: f.ErrorCode, Frames: f.Frames, Hint: f.Hint,
		}
	}
	return out
}

// request undoes what entryJSON makes of a request.
func (q *jsonRequest) request() *testrunner.Request {
	r := &testrunner.Request{
		Method: q.Method, Headers: fields(q.Headers), Body: q.bytes(), Size: q.BodyBytes,
	}
	var rest string
	r.Scheme, rest, _ = strings.Cut(q.URL, "://")
	at := strings.IndexAny(rest, "/?*")
	if at < 0 {
		at = len(rest)
	}
	r.Authority, r.Target = rest[:at], rest[at:]
	return r
}

func (b *jsonBody) bytes() []byte {
	if b.BodyBase64 != nil {
		return b.BodyBase64
	}
	return []byte(b.Body)
}

func fields(pairs [][2]string) fixture.Fields {
	var out fixture.Fields
	for _, p := range pairs {
		out = append(out, fixture.Field{Name: p[0], Value: p[1]})
	}
	return out
}
