package testrunner

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/coding"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/diff"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
	"github.com/wasihttp/wasihttp/testrunner/internal/upstream"
)

// play is how a finder wants entries to be run: from any instance and in any order, an entry finds
// the same world.
type play struct {
	// world is where instances begin, and what time it is at each request.
	world World
	// taken are the exchanges that an entry is to find, by their indices; all for entries that it
	// does not have.
	taken map[*hurl.Entry][]int
	// regardless makes world count for entries that say otherwise, too.
	regardless bool
	// change, if not nil, changes the exchanges of an entry.
	change func(e *hurl.Entry, list []upstream.Exchange)
}

// step is an entry to be run.
type step struct {
	source *Source
	entry  *hurl.Entry
}

// place returns where the step is written.
func (s *step) place() Place {
	return Place{s.source.Path, s.entry.Range.Start, EntryName(s.entry)}
}

// settings returns what holds for the entry.
func (s *step) settings() hurl.Settings { return s.source.File.EntrySettings(s.entry) }

// foundWorld is where finders run entries unless fixtures say otherwise.
var foundWorld = World{Clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Seed: 1, Seeded: true}

// steady makes the clock and the random numbers of a request those of its entry, whatever the
// instance has done before.
func (p *play) steady(r *Request, s *hurl.Settings, e *hurl.Entry) {
	if !p.world.Seeded {
		return
	}
	if r.Clock = p.world.Clock; s.Clock != nil && !p.regardless {
		r.Clock = s.Clock.At
	}
	seed := p.world.Seed
	if s.Seed != nil && !p.regardless {
		seed = s.Seed.N
	}
	if e.Settings.Seed == nil || p.regardless {
		seed += uint64(e.Index) << 32
	}
	r.Seed, r.played = &seed, true
}

// exchangesOf returns the exchanges that an entry finds.
func (p *play) exchangesOf(e *hurl.Entry, list []upstream.Exchange) []upstream.Exchange {
	if taken, ok := p.taken[e]; ok {
		list = slices.DeleteFunc(list, func(x upstream.Exchange) bool {
			return !slices.Contains(taken, x.Index)
		})
	}
	if p.change != nil {
		p.change(e, list)
	}
	return list
}

// player runs entries for a finder.
type player struct {
	*runner
	steps []step
	files map[*Source]*FileResult // what cannot be run
	taken map[*hurl.Entry][]int
}

// newPlayer returns a player for the selected entries.
func newPlayer(host Host, sources []*Source, o *Options, done func(*FileResult)) *player {
	options := *o
	options.Selection.Repeat = 1
	options.Retry, options.Jobs, options.Isolate = 0, 1, IsolateNone
	if options.UpstreamMode == UpstreamDefault {
		options.UpstreamMode = UpstreamNone
	}
	p := &player{
		runner: &runner{
			host: host, options: &options, files: options.Selection.Files(sources), done: done,
			upstreams: &upstreamCache{},
		},
		files: make(map[*Source]*FileResult), taken: make(map[*hurl.Entry][]int),
	}
	for _, source := range p.runner.files {
		result := &FileResult{
			File: source.File, Path: source.Path, ParseErrors: source.Errors, Err: source.Err,
			Notes: source.Notes,
		}
		if source.Err != nil || len(source.Errors) > 0 || p.open(source, nil, result) == nil {
			p.files[source] = result
			continue
		}
		for _, e := range options.Selection.Entries(source.Path, source.File.Entries) {
			p.steps = append(p.steps, step{source, e})
		}
	}
	return p
}

// manner is how steps are played.
type manner struct {
	fresh      bool // each request has an instance of its own
	concurrent int
	world      *World // nil: foundWorld
	regardless bool   // of what entries say about the world
	host       Host   // nil: that of the player
	component  string // "": that of the player
	change     func(e *hurl.Entry, list []upstream.Exchange)
}

// play runs steps, and returns the result of the last repetition of each, without secrets.
func (p *player) play(ctx context.Context, steps []step, how manner) ([]*Result, error) {
	options := *p.options
	if options.World = foundWorld; how.world != nil {
		options.World = *how.world
	}
	options.play = &play{
		world: options.World, taken: p.taken, regardless: how.regardless, change: how.change,
	}
	options.Component = cmp.Or(how.component, options.Component)
	if options.Concurrent = how.concurrent; how.fresh {
		options.Isolate = IsolateEntry
	}
	r := &runner{
		host: cmp.Or(how.host, p.host), options: &options, done: func(*FileResult) {},
		upstreams: p.upstreams,
	}
	s := newSession(r.host, max(how.concurrent, 1))
	defer s.fresh()
	runs := make(map[*Source]*fileRun)
	results := make([]*Result, len(steps))
	for i := 0; i < len(steps); {
		source := steps[i].source
		if runs[source] == nil {
			runs[source] = r.open(source, s, &FileResult{Path: source.Path})
		}
		f := runs[source]
		n := 1
		for how.concurrent > 1 && i+n < len(steps) && steps[i+n].source == source {
			n++
		}
		run := f.entries
		if n > 1 {
			run = f.overlapping
		}
		var entries []*hurl.Entry
		for _, step := range steps[i : i+n] {
			entries = append(entries, step.entry)
		}
		if err := run(ctx, entries); err != nil {
			return nil, err
		}
		p.summary.Loading = max(p.summary.Loading, f.loading)
		i += n
	}
	for _, f := range runs {
		f.redact()
	}
	for i, step := range steps {
		list := runs[step.source].result.Results
		for j := range list {
			if list[j].Entry == step.entry {
				results[i] = &list[j]
			}
		}
	}
	return results, nil
}

// unexpected drops what the fixture did not expect: finders compare responses with each other.
func (r *Result) unexpected() {
	if r.Outcome == Mismatch {
		r.Outcome, r.Problems = Pass, nil
	}
}

// upTo returns the steps of a file up to one, as the file has them.
func (p *player) upTo(s *step) []step {
	var list []step
	for i := range p.steps {
		x := &p.steps[i]
		if x.source == s.source {
			list = append(list, *x)
		}
		if x.entry == s.entry {
			break
		}
	}
	return list
}

// before returns the steps of a file before one that it may need: those with captures or cookies.
func (p *player) before(s *step) []step {
	var list []step
	for i := range p.steps {
		x := &p.steps[i]
		if x.source != s.source {
			continue
		}
		if x.entry == s.entry {
			break
		}
		f := &fileRun{file: s.source.File}
		if f.binds(x.entry) {
			list = append(list, *x)
		}
	}
	return list
}

// report passes on the results, in the order of the files.
func (p *player) report(started time.Time, results map[*hurl.Entry]*Result) {
	for _, source := range p.runner.files {
		f := p.files[source]
		if f == nil {
			f = &FileResult{File: source.File, Path: source.Path, Started: started}
			for i := range p.steps {
				if r := results[p.steps[i].entry]; p.steps[i].source == source && r != nil {
					r.trim(nil)
					f.Results = append(f.Results, *r)
					f.Duration += r.Duration
				}
			}
		}
		p.emit(f)
	}
	p.summary.Duration = p.options.now().Sub(started)
}

// apart returns how the result of an entry differs from another one: nothing that the fixture
// ignores counts.
func apart(want, got *Result, s hurl.Settings) []Problem {
	if got.Outcome == Reuse && want.Outcome != Reuse {
		// The response is that of a new instance, after one that was used before had failed.
		return []Problem{{
			Kind: ProblemLeak, Title: "Outcome",
			Expected: ending(want), Actual: got.Problems[0].Actual,
		}}
	}
	if want.Response == nil || got.Response == nil || want.Response.Failure != nil ||
		got.Response.Failure != nil {
		a, b := ending(want), ending(got)
		if a == b {
			return nil
		}
		return []Problem{{Kind: ProblemLeak, Title: "Outcome", Expected: a, Actual: b}}
	}
	var list []Problem
	a, b := want.Response, got.Response
	if a.Status != b.Status {
		list = append(list, Problem{
			Kind: ProblemStatus, Title: "Status",
			Expected: statusText(a.Status), Actual: statusText(b.Status),
		})
	}
	const length = "content-length"
	if a.Headers.Has(length) && b.Headers.Has(length) && len(a.Body)+len(b.Body) > 0 {
		// The bodies say that.
		s.Ignore = append(slices.Clip(s.Ignore), hurl.Ignore{Kind: hurl.IgnoreHeader, Arg: length})
	}
	c := &checker{settings: s, scope: &eval.Scope{}}
	c.fieldsApart(ProblemHeader, "Header ", hurl.IgnoreHeader, a.Headers, b.Headers)
	c.fieldsApart(ProblemTrailer, "Trailer ", hurl.IgnoreTrailer, a.Trailers, b.Trailers)
	list = append(list, c.problems...)
	bodyA, bodyB := a.plainBody(), b.plainBody()
	if diff.IsText(bodyA) && diff.IsText(bodyB) {
		bodyB = c.keepIgnored(bodyA, bodyB)
	}
	if c.ignores(hurl.IgnoreBody, "") || string(bodyA) == string(bodyB) {
		return list
	}
	var evalErr *eval.Error
	if c.ignored, evalErr = ignoredPaths(&s); evalErr != nil {
		return append(list, requestProblem(evalErr))
	}
	d, semantic, err := c.withoutIgnored(bodyA, bodyB)
	if err == nil && semantic && d == nil {
		return list
	}
	if !semantic {
		d = diff.Bodies(nil, bodyA, bodyB)
	}
	return append(list, Problem{Kind: ProblemBody, Title: "Body", Diff: d})
}

// plainBody returns the body without content codings; as it was sent if one is not known.
func (r *Response) plainBody() []byte {
	if r.Failure != nil || !r.Headers.Has("content-encoding") {
		return r.Body
	}
	var names []string
	for _, f := range r.Headers {
		if strings.EqualFold(f.Name, "content-encoding") {
			names = append(names, f.Value)
		}
	}
	if plain, ok := coding.Decode(r.Body, strings.Join(names, ",")); ok {
		return plain
	}
	return r.Body
}

// ending says how an entry ended, on one line.
func ending(r *Result) string {
	switch {
	case r.Response == nil:
		return string(r.Outcome)
	case r.Response.Failure != nil:
		return r.Response.Failure.String()
	}
	return "a response with status " + statusText(r.Response.Status)
}

// fieldsApart compares fields by name.
func (c *checker) fieldsApart(
	kind ProblemKind, title string, ignore hurl.IgnoreKind, want, got fixture.Fields,
) {
	var names []string
	for _, f := range slices.Concat(want, got) {
		if name := strings.ToLower(f.Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		a, b := eval.FieldTexts(want, name), eval.FieldTexts(got, name)
		if !slices.Equal(a, b) && !c.ignores(ignore, name) {
			c.report(Problem{
				Kind: kind, Title: title + name,
				Expected: orNone(a), Actual: orNone(b),
			})
		}
	}
}

func orNone(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(values, " | ")
}
