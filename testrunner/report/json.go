package report

import (
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// The names of the report's fields are an interface to other programs; times are in milliseconds.
type (
	jsonRun struct {
		Version  int            `json:"version"` // of this format: 1
		Started  time.Time      `json:"started"`
		TimeMS   float64        `json:"time_ms"`
		Loading  float64        `json:"loading_ms"` // of the component; a part of time_ms
		Success  bool           `json:"success"`
		Outcomes map[string]int `json:"outcomes"`
		Flaky    int            `json:"flaky,omitempty"`
		NotRun   int            `json:"files_not_run"`
		Coverage *jsonCoverage  `json:"coverage,omitempty"`
		Files    []jsonFile     `json:"files"`
	}
	jsonFile struct {
		Path        string      `json:"path"`
		Success     bool        `json:"success"`
		TimeMS      float64     `json:"time_ms"`
		ParseErrors []jsonParse `json:"parse_errors,omitempty"`
		Error       string      `json:"error,omitempty"`
		Notes       []string    `json:"notes,omitempty"`
		Entries     []jsonEntry `json:"entries"`
	}
	jsonParse struct {
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		EndColumn int    `json:"end_column,omitempty"` // on the same line
		Source    string `json:"source,omitempty"`     // the line
		Message   string `json:"message"`
		Hint      string `json:"hint,omitempty"`
	}
	jsonEntry struct {
		Index    int            `json:"index"`
		Line     int            `json:"line"`
		Name     string         `json:"name"`
		Outcome  string         `json:"outcome"`
		TimeMS   float64        `json:"time_ms"`
		Attempts int            `json:"attempts"`
		Flaky    bool           `json:"flaky,omitempty"`
		Earlier  []jsonAttempt  `json:"failed_attempts,omitempty"`
		Problems []jsonProblem  `json:"problems,omitempty"`
		Faults   []jsonFault    `json:"faults,omitempty"`
		Captures map[string]any `json:"captures,omitempty"`
		Notes    []string       `json:"notes,omitempty"`
		Request  *jsonRequest   `json:"request,omitempty"`
		Curl     string         `json:"curl,omitempty"`
		Rerun    string         `json:"rerun,omitempty"`
		Response *jsonResponse  `json:"response,omitempty"`
		Failure  *jsonFailure   `json:"failure,omitempty"`
		Stderr   []string       `json:"stderr,omitempty"`
		// Message is what the guest said about a failure of its own.
		Message string `json:"message,omitempty"`
	}
	jsonAttempt struct {
		Outcome string `json:"outcome"`
		Message string `json:"message"`
	}
	jsonProblem struct {
		Kind     string     `json:"kind"`
		Line     int        `json:"line,omitempty"`
		Column   int        `json:"column,omitempty"`
		Title    string     `json:"title"`
		Source   string     `json:"source,omitempty"`
		Expected string     `json:"expected,omitempty"`
		Actual   string     `json:"actual,omitempty"`
		Diff     *diff.Diff `json:"diff,omitempty"`
		Ignore   []string   `json:"ignore,omitempty"`
		After    *jsonPlace `json:"after,omitempty"`
	}
	jsonPlace struct {
		Path  string `json:"path"`
		Line  int    `json:"line"`
		Entry int    `json:"index,omitempty"` // in an archive
		Name  string `json:"name"`
	}
	jsonFault struct {
		Upstream string              `json:"upstream"`
		Place    string              `json:"place"`
		Fault    string              `json:"fault"`
		Survival testrunner.Survival `json:"result"`
	}
	jsonRequest struct {
		Method  string      `json:"method"`
		URL     string      `json:"url"`
		Headers [][2]string `json:"headers"`
		jsonBody
	}
	jsonResponse struct {
		Status   int         `json:"status"`
		Headers  [][2]string `json:"headers"`
		Trailers [][2]string `json:"trailers,omitempty"`
		jsonBody
	}
	jsonBody struct {
		// Body is set for text, BodyBase64 for anything else.
		Body       string `json:"body,omitempty"`
		BodyBase64 []byte `json:"body_base64,omitempty"`
		// BodyBytes is the size of a body of which this is only the beginning.
		BodyBytes int64 `json:"body_bytes,omitempty"`
	}
	jsonFailure struct {
		Outcome   string             `json:"outcome"`
		Message   string             `json:"message,omitempty"`
		Cause     string             `json:"cause"`
		ErrorCode string             `json:"error_code,omitempty"`
		Frames    []testrunner.Frame `json:"frames,omitempty"`
		Hint      string             `json:"hint,omitempty"`
	}
)

// jsonVersion is that of the format, which grows only in fields that readers may ignore.
const jsonVersion = 1

// JSON writes all details of a run, with the responses of entries that did not
// pass.
func JSON(w io.Writer, run *Run) error {
	s := run.Summary
	out := jsonRun{
		Version: jsonVersion, Started: run.Started.UTC(),
		TimeMS: ms(s.Duration), Loading: ms(s.Loading),
		Success:  run.success(),
		Outcomes: make(map[string]int), Flaky: s.Flaky, NotRun: s.NotRun, Files: []jsonFile{},
		Coverage: run.Coverage.json(),
	}
	for o, n := range s.Counts {
		out.Outcomes[string(o)] = n
	}
	for _, f := range run.Files {
		out.Files = append(out.Files, fileJSON(f, run.name(f)))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func fileJSON(f *testrunner.FileResult, path string) jsonFile {
	out := jsonFile{
		Path: path, Success: !f.Failed(), TimeMS: ms(f.Duration), Notes: f.Notes,
		Entries: []jsonEntry{},
	}
	if f.Err != nil {
		out.Error = f.Err.Error()
	}
	for _, e := range f.ParseErrors {
		at, end := e.Range.Start, e.Range.End
		parse := jsonParse{
			Line: at.Line, Column: at.Col, Source: e.Source, Message: e.Message, Hint: e.Hint,
		}
		if end.Line == at.Line {
			parse.EndColumn = end.Col
		}
		out.ParseErrors = append(out.ParseErrors, parse)
	}
	for i := range f.Results {
		out.Entries = append(out.Entries, entryJSON(&f.Results[i]))
	}
	return out
}

func entryJSON(r *testrunner.Result) jsonEntry {
	out := jsonEntry{
		Index: r.Entry.Index, Line: r.Entry.Range.Start.Line, Name: r.Name(),
		Outcome: string(r.Outcome), TimeMS: ms(r.Duration), Attempts: r.Attempts, Flaky: r.Flaky(),
		Notes: r.Notes,
	}
	for _, e := range r.Earlier {
		failed := &testrunner.Result{Outcome: e.Outcome, Problems: e.Problems}
		out.Earlier = append(out.Earlier, jsonAttempt{outcomeText(failed), headline(failed)})
	}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, jsonProblem{
			string(p.Kind), p.Range.Start.Line, p.Range.Start.Col, p.Title, p.Source, p.Expected,
			p.Actual, p.Diff, p.Ignore, placeJSON(p.After),
		})
	}
	for _, f := range r.Faults {
		out.Faults = append(out.Faults, jsonFault(f))
	}
	for _, c := range r.Captures {
		if out.Captures == nil {
			out.Captures = make(map[string]any)
		}
		out.Captures[c.Name] = c.Value
	}
	if r.Response != nil {
		out.Stderr, out.Message = r.Response.Stderr, r.Response.Message
	}
	if !r.Outcome.Failed() {
		return out
	}
	out.Rerun = r.Rerun
	if q := r.Request; q != nil {
		out.Curl, _ = curlOf(q, nil)
		out.Request = &jsonRequest{
			q.Method, q.Scheme + "://" + q.Authority + q.Target, pairs(q.Headers),
			bodyJSON(q.Body, q.Size),
		}
	}
	switch a := r.Response; {
	case a == nil:
	case a.Failure != nil:
		f := a.Failure
		out.Failure = &jsonFailure{string(f.Outcome), f.Message, f.Cause, f.ErrorCode,
			f.Frames, f.Hint}
	default:
		out.Response = &jsonResponse{
			a.Status, pairs(a.Headers), pairs(a.Trailers), bodyJSON(a.Body, a.Size),
		}
	}
	return out
}

func placeJSON(p *testrunner.Place) *jsonPlace {
	if p == nil {
		return nil
	}
	return &jsonPlace{p.Path, p.Pos.Line, p.Pos.Entry, p.Name}
}

func bodyJSON(body []byte, size int64) jsonBody {
	if utf8.Valid(body) {
		return jsonBody{Body: string(body), BodyBytes: size}
	}
	return jsonBody{BodyBase64: body, BodyBytes: size}
}

func pairs(fields fixture.Fields) [][2]string {
	out := [][2]string{}
	for _, f := range fields {
		out = append(out, [2]string{f.Name, f.Value})
	}
	return out
}
