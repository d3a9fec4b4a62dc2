package testrunner

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/upstream"
)

// fileRun is one run of a file: its variables and cookies.
type fileRun struct {
	options *Options
	session *session
	file    *hurl.File
	base    Spec
	scope   *eval.Scope
	cookies *cookieStore
	files   *fileReader
	result  *FileResult
	loading time.Duration // for loading the component, which counts for no entry
	// upstreams are what is recorded of other servers, and view that for the attempt that runs; nil
	// for the servers themselves.
	upstreams *upstreams
	began     World // where instances begin
	view      *upstream.View
	// taken, if not nil, is called when the instance has taken a request.
	taken func()
}

// spec returns the component and environment that an entry is run against.
func (f *fileRun) spec(s *hurl.Settings) Spec {
	spec := f.base
	if s.Component != nil && spec.Component == "" {
		spec.Component = f.files.relative(s.Component.Path)
	}
	var env strings.Builder
	for _, e := range s.Env {
		env.WriteString(e.Name + "=" + e.Value + "\n")
	}
	spec.Env = env.String()
	live, ok := f.live(s)
	spec.World = f.began
	spec.Hermetic = ok && live == upstream.LiveNone
	return spec
}

// entry runs an entry with its repetitions. The error is that of ctx, or an
// *OpenError.
func (f *fileRun) entry(ctx context.Context, e *hurl.Entry) error {
	f.begin(e)
	for n := int64(0); ; n++ {
		opts, evalErr := evaluateOptions(f.scope, e, f.options.Retry)
		if evalErr != nil {
			f.add(Result{
				Entry: e, Outcome: Error, Started: f.scope.Now(), Attempts: 1,
				Problems: []Problem{requestProblem(evalErr)},
			})
			return nil
		}
		if opts.skip || opts.repeat == 0 {
			f.add(Result{
				Entry: e, Outcome: Skipped, Started: f.scope.Now(),
				Notes: []string{"the option skip, or repeat: 0"},
			})
			return nil
		}
		r, err := f.attempts(ctx, e, opts)
		if err != nil {
			return err
		}
		f.add(r)
		if opts.repeat > 0 && n+1 >= opts.repeat || opts.repeat < 0 && r.Outcome.Failed() {
			return nil
		}
	}
}

func (f *fileRun) add(r Result) {
	f.scope.Response = nil
	f.quote(&r)
	if f.options.play == nil {
		r.trim(f.scope.Vars.Hide())
	}
	if f.options.result != nil {
		f.pass(&r)
		f.result.Results = f.result.Results[:0]
	}
	f.result.Results = append(f.result.Results, r)
	if f.options.Ended != nil {
		f.options.Ended()
	}
}

// quote adds to problems the lines of the fixture that they are about.
func (f *fileRun) quote(r *Result) {
	for i := range r.Problems {
		p := &r.Problems[i]
		switch p.Kind {
		case ProblemAssert, ProblemCapture, ProblemHeader, ProblemTrailer, ProblemRequest,
			ProblemExpect:
			p.Source = f.file.SourceLine(p.Range.Start)
		}
	}
}

// maxEarlier is how many failed attempts are remembered.
const maxEarlier = 10

// failed returns the record of an attempt that failed.
func (f *fileRun) failed(r *Result) Attempt {
	f.quote(r)
	for i := range r.Problems {
		r.Problems[i].Diff, r.Problems[i].Edits = nil, nil
	}
	r.trim(f.scope.Vars.Hide())
	return Attempt{r.Outcome, r.Problems}
}

// attempts tries an entry until it passes or has no attempts left.
func (f *fileRun) attempts(ctx context.Context, e *hurl.Entry, opts *settings) (Result, error) {
	if err := f.options.sleep(ctx, opts.delay); err != nil {
		return Result{}, err
	}
	before := f.scope.Now()
	s := f.file.EntrySettings(e)
	if err := f.session.slot(f.spec(&s)).load(ctx); err != nil {
		return Result{}, err
	}
	started := f.scope.Now()
	f.loading += started.Sub(before)
	var earlier []Attempt
	for n := 1; ; n++ {
		r, err := f.attempt(ctx, e, opts)
		if err != nil {
			return r, err
		}
		r.Started, r.Attempts, r.Earlier = started, n, earlier
		r.Duration = f.scope.Now().Sub(started)
		r.Notes = append(opts.notes[:len(opts.notes):len(opts.notes)], r.Notes...)
		if !r.Outcome.Failed() && n > 1 {
			r.Notes = append(r.Notes, r.AttemptsNote())
		}
		if f.view != nil {
			r.exchanges = f.view.Taken()
		}
		if !r.Outcome.Failed() || opts.retry >= 0 && int64(n) > opts.retry {
			f.recordedUpstreams(&r)
			return r, nil
		}
		if f.view != nil {
			f.view.Undo()
		}
		if earlier = append(earlier, f.failed(&r)); len(earlier) > maxEarlier {
			earlier = earlier[1:]
		}
		if err := f.options.sleep(ctx, opts.retryInterval); err != nil {
			return r, err
		}
	}
}

func requestProblem(err *eval.Error) Problem {
	return Problem{Kind: ProblemRequest, Range: err.Range, Title: err.Title, Actual: err.Message}
}

// settings returns what holds for an entry.
func (f *fileRun) settings(e *hurl.Entry) hurl.Settings {
	s := f.file.EntrySettings(e)
	if f.options.play != nil {
		s.NewInstance = false
	}
	return s
}

// attempt tries an entry once.
func (f *fileRun) attempt(ctx context.Context, e *hurl.Entry, opts *settings) (Result, error) {
	r := Result{Entry: e, Outcome: Pass}
	s := f.settings(e)
	f.applyCookies(&s)
	if f.options.Isolate == IsolateEntry {
		f.session.fresh()
	}
	f.scope.Response = nil
	ignored, evalErr := ignoredPaths(&s)
	b := build(f.scope, e, opts)
	if evalErr == nil {
		evalErr = b.err
	}
	if evalErr != nil {
		r.Outcome, r.Problems = Error, []Problem{requestProblem(evalErr)}
		return r, nil
	}
	r.Notes = append(r.Notes, b.notes...)
	b.request.Timeout, b.request.Taken = f.timeout(&s, opts), f.taken
	b.request.Responded = f.options.Responded
	b.request.MaxBody = f.options.MaxBody
	b.request.setWorld(e, &s)
	if play := f.options.play; play != nil {
		play.steady(b.request, &s, e)
	}
	if f.view = f.newView(e, &s); f.view != nil {
		b.request.Upstream = f.view
	}
	trip := &trip{
		fileRun: f, opts: opts, slot: f.session.slot(f.spec(&s)), built: b, ignored: ignored,
		result: &r, expect: s.Expect, fresh: s.NewInstance,
	}
	if err := trip.run(ctx, b.request); err != nil {
		return r, err
	}
	if f.view != nil {
		r.missed(f.view.End())
	}
	err := interrupt.Do(ctx, func(w *interrupt.Work) {
		f.scope.Work = w
		f.judge(&r, trip, &s)
		if !r.Outcome.Failed() && opts.output != "" && r.Response != nil {
			f.output(&r, opts.output)
		}
	})
	f.scope.Work = nil
	return r, err
}

func (f *fileRun) output(r *Result, name string) {
	body, err := f.scope.Response.Bytes(f.scope.Work)
	if err == nil {
		err = f.files.write(name, body)
	}
	if err != nil {
		r.Outcome = Error
		r.Problems = append(r.Problems, Problem{
			Kind: ProblemRequest, Title: "Output cannot be written", Actual: err.Error(),
		})
	}
}

// timeout returns the time for a response: the shortest of what is set.
func (f *fileRun) timeout(s *hurl.Settings, opts *settings) time.Duration {
	limit := f.options.Timeout
	if s.Timeout != nil {
		limit = s.Timeout.After
	}
	if opts.maxTime > 0 && (limit == 0 || opts.maxTime < limit) {
		limit = opts.maxTime
	}
	return limit
}

func (f *fileRun) applyCookies(s *hurl.Settings) {
	for _, c := range s.Cookies {
		if c.Set == "" {
			f.cookies.clear()
		} else {
			f.cookies.setLine(c.Set, f.scope.Now())
		}
	}
}

// judge finds the outcome.
func (f *fileRun) judge(r *Result, t *trip, s *hurl.Settings) {
	if r.Outcome.Failed() { // the request could not be followed to its end
		return
	}
	failure := r.Response.Failure
	switch {
	case s.Expect != nil && meets(s.Expect, failure):
		f.checkBudgets(r, &t.used, s)
		return
	case s.Expect != nil:
		f.unexpected(r, s.Expect)
		return
	case failure != nil:
		r.Outcome = failure.Outcome
		title, more := failure.headline()
		r.Problems = []Problem{
			{Kind: ProblemFailure, Range: responseRange(r.Entry), Title: title, Actual: more},
		}
		return
	}
	f.scope.Response = t.response
	if r.Entry.Response != nil {
		c := &checker{
			scope: f.scope, want: r.Entry.Response, settings: *s, ignored: t.ignored,
			all: f.options.All, hide: f.scope.Vars.Hide(), source: f.file.Source,
		}
		c.check()
		r.Problems, r.Captures = c.problems, c.captures
	}
	if r.Entry.Response == nil && f.options.All && r.Response.Status != 0 {
		r.Missing = f.missing(r, t.response, s)
	}
	f.checkBudgets(r, &t.used, s)
	switch {
	case t.reused != nil:
		r.Outcome = Reuse
		r.Problems = append([]Problem{{
			Kind: ProblemFailure, Range: responseRange(r.Entry),
			Title:    "The instance cannot be used again",
			Expected: "a response, as from a new instance: hosts use instances of this kind again",
			Actual:   t.reused.Failure.String(),
		}}, r.Problems...)
	case len(r.Problems) > 0:
		r.Outcome = Mismatch
	}
}

// unexpected reports a response, or a failure, in place of the wanted failure.
func (f *fileRun) unexpected(r *Result, want *hurl.Expect) {
	p := Problem{
		Kind: ProblemExpect, Range: want.Range, Title: "Expected failure",
		Expected: strings.TrimSpace(string(want.Kind) + " " + want.Name),
	}
	r.Outcome = Mismatch
	p.Actual = "a response with status " + statusText(r.Response.Status)
	if failure := r.Response.Failure; failure != nil {
		r.Outcome = failure.Outcome
		p.Actual = failure.String()
	}
	r.Problems = []Problem{p}
}

func meets(want *hurl.Expect, got *Failure) bool {
	if got == nil || string(want.Kind) != string(got.Outcome) {
		return false
	}
	name, _, _ := strings.Cut(got.ErrorCode, "(") // the message behind its name
	return want.Name == "" || strings.EqualFold(want.Name, got.ErrorCode) ||
		strings.EqualFold(want.Name, name)
}

func failureTitle(f *Failure) string {
	switch f.Outcome {
	case Trap:
		if f.Bystander {
			return "Lost with the instance"
		}
		return "The guest trapped"
	case Expired:
		return "No response in time"
	case NoResponse:
		return "No response"
	case ErrorCode:
		return "The guest responded with the error-code " + f.ErrorCode
	case Instantiation:
		return "No instance could be made"
	case Error:
		return "The response was not read"
	}
	return string(f.Outcome)
}

// responseRange returns the place of the entry's response part, or else of its beginning.
func responseRange(e *hurl.Entry) hurl.Range {
	if e.Response != nil {
		return e.Response.Range
	}
	return e.Request.Range
}

// trip is a request on its way, through redirects if they are followed.
type trip struct {
	*fileRun
	opts    *settings
	slot    *slot
	built   *builder
	ignored []*jsonpath.Path
	expect  *hurl.Expect
	fresh   bool // the first request is that of a new instance
	result  *Result

	response *eval.Response
	reused   *Response
	used     used
}

func (t *trip) run(ctx context.Context, r *Request) error {
	var hops []eval.Redirect
	at := t.built.address
	wanted := func(f *Failure) bool { return t.expect != nil && meets(t.expect, f) }
	for {
		u := &url.URL{Scheme: at.scheme, Host: at.authority, Path: at.path}
		sent := t.withCookies(r, u)
		x, err := t.slot.send(ctx, sent, t.fresh && len(hops) == 0, wanted)
		t.result.Notes = append(t.result.Notes, x.notes...)
		if err != nil {
			return err
		}
		if x.reused != nil {
			t.reused = x.reused
		}
		t.used.add(x.response)
		t.result.Request, t.result.Response = sent, x.response
		if x.response.Failure != nil {
			return nil
		}
		t.scope.Response = nil
		t.fileRun.cookies.update(u, x.response.Headers, t.scope.Now())
		t.response = &eval.Response{
			URL: at.String(), Version: r.Version, Status: x.response.Status,
			Headers: x.response.Headers, Trailers: x.response.Trailers,
			Raw: x.response.Body, MaxBody: t.options.MaxBody, Duration: x.response.Duration,
			Redirects: hops,
		}
		if !t.opts.location || x.response.Status < 300 || x.response.Status > 399 ||
			!x.response.Headers.Has("Location") {
			return nil
		}
		if t.opts.maxRedirs >= 0 && int64(len(hops)) >= t.opts.maxRedirs {
			t.fail("Too many redirects", fmt.Sprintf("more than %d", t.opts.maxRedirs))
			return nil
		}
		to, err := at.join(x.response.Headers.Get("Location"))
		if err != nil {
			t.fail("Redirect cannot be followed", err.Error())
			return nil
		}
		next, err := t.follow(r, &to, x.response.Status)
		if err != nil {
			t.fail("Redirect cannot be followed", err.Error())
			return nil
		}
		if to.userinfo != "" && to.userinfo != at.userinfo {
			t.result.Notes = append(t.result.Notes,
				"user name and password of the URL in Location are not sent")
		}
		hops = append(hops, eval.Redirect{Status: x.response.Status, Location: to.String()})
		r, at = next, to
	}
}

func (t *trip) fail(title, message string) {
	t.result.Outcome = Error
	t.result.Problems = []Problem{
		{Kind: ProblemRequest, Range: t.result.Entry.Request.URL.Range, Title: title,
			Actual: message},
	}
}

// withCookies returns the request with its cookies. A Cookie header of the
// entry stands in for the section's cookies, not for the stored ones.
func (t *trip) withCookies(r *Request, u *url.URL) *Request {
	pairs := t.fileRun.cookies.pairs(u, t.scope.Now())
	remembered := len(pairs) > 0
	if !r.Headers.Has("Cookie") {
		pairs = append(pairs, t.built.cookies...)
	}
	if len(pairs) == 0 {
		return r
	}
	sent := *r
	sent.Remembered = remembered
	sent.Headers = append(sent.Headers[:len(sent.Headers):len(sent.Headers)], fixture.Field{
		Name: "Cookie", Value: strings.Join(pairs, "; "),
	})
	return &sent
}

var errForeign = errors.New("it leads to another server, and only the component is here")

// follow returns the request that a redirect leads to. 301, 302 and 303 turn a
// request other than GET into a GET without a body.
func (t *trip) follow(r *Request, to *address, status int) (*Request, error) {
	next := *r
	to.apply(&next, t.opts.pathAsIs)
	if !strings.EqualFold(next.Authority, r.Authority) {
		return nil, fmt.Errorf("%s: %w", to, errForeign)
	}
	if next.Scheme != r.Scheme && !t.opts.trusted {
		next.Headers = without(next.Headers, "Authorization", "Cookie")
	}
	if status >= 301 && status <= 303 && r.Method != "GET" {
		next.Method, next.Body = "GET", nil
		if t.built.implicitType {
			next.Headers = without(next.Headers, "Content-Type")
		}
	}
	return &next, nil
}

func without(list fixture.Fields, names ...string) fixture.Fields {
	return fields(list, func(name string) bool {
		return !slices.ContainsFunc(names, func(n string) bool {
			return strings.EqualFold(n, name)
		})
	})
}
