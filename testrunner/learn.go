package testrunner

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/upstream"
)

// otherWorld has nothing in common with foundWorld.
var otherWorld = World{
	Clock: time.Date(2027, 2, 4, 12, 34, 56, 789e6, time.UTC),
	Seed:  foundWorld.Seed + 1, Seeded: true,
}

// Learn runs the selected entries twice: in new instances, and at another time, with other random
// numbers, in an instance that has run them all before. Where the responses differ in what an entry
// expects, its outcome is Mismatch, and the edits of its problems make the fixture ignore exactly
// that. Parameters and error are as those of Run.
func Learn(
	ctx context.Context, host Host, sources []*Source, o *Options, done func(*FileResult),
) (*Summary, error) {
	p := newPlayer(host, sources, o, done)
	started := o.now()
	one, err := p.play(ctx, p.steps, manner{fresh: true})
	if err != nil {
		return &p.summary, err
	}
	results := make(map[*hurl.Entry]*Result)
	for i, r := range one {
		results[p.steps[i].entry], p.taken[p.steps[i].entry] = r, r.exchanges
	}
	other := otherWorld
	// The exchanges of the first round are used up in the second one.
	again := func(_ *hurl.Entry, list []upstream.Exchange) {
		for i := range list {
			if list[i].Times > 0 {
				list[i].Times *= 2
			}
		}
	}
	two, err := p.play(ctx, slices.Concat(p.steps, p.steps), manner{world: &other, change: again})
	if err != nil {
		return &p.summary, err
	}
	for i := range p.steps {
		s, r := &p.steps[i], one[i]
		problems := expected(r.Entry, apart(r, two[len(p.steps)+i], s.settings()))
		if r.Outcome != Pass && r.Outcome != Mismatch {
			continue
		}
		r.Outcome, r.Problems = Pass, problems
		if len(problems) > 0 {
			r.Outcome = Mismatch
		}
		for j := range problems {
			problems[j].Title += " moves"
			problems[j].Ignore = r.ignoring(two[len(p.steps)+i], s.settings(), &problems[j])
			problems[j].Edits = ignoreEdits(r.Entry, &problems[j], s.source.File.Source)
		}
	}
	p.report(started, results)
	return &p.summary, nil
}

// expected returns the differences in what an entry expects of its response.
func expected(e *hurl.Entry, problems []Problem) []Problem {
	if e.Response == nil {
		return nil
	}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		switch p.Kind {
		case ProblemHeader:
			return !slices.ContainsFunc(e.Response.Headers, func(h *hurl.KeyValue) bool {
				return strings.EqualFold(h.Key.String(), fieldOf(&p))
			})
		case ProblemTrailer:
			return !slices.ContainsFunc(e.Settings.Trailers, func(t hurl.Trailer) bool {
				return strings.EqualFold(t.Name, fieldOf(&p))
			})
		case ProblemBody:
			return e.Response.Body == nil
		}
		return false
	})
}

// ignoring returns what ignores a problem that is the difference of two results.
func (r *Result) ignoring(other *Result, s hurl.Settings, p *Problem) []string {
	if p.Kind == ProblemBody {
		return p.ignoringBody(&s, r.Response.plainBody(), other.Response.plainBody())
	}
	return p.ignoring()
}

// fieldOf returns the name of the field that a problem is about.
func fieldOf(p *Problem) string {
	words := strings.Fields(p.Title)
	for i, w := range words[:max(len(words)-1, 0)] {
		if w == "Header" || w == "Trailer" || w == "header" {
			return strings.ToLower(words[i+1])
		}
	}
	return ""
}

// Ignoring returns the change that makes a fixture ignore a difference; ok is false if that cannot
// be said.
func (u Update) Ignoring(source []byte) (ignoring Update, ok bool) {
	p := *u.Problem
	p.Edits = nil
	if u.Result.Entry.Range.Start.Line > 0 {
		p.Edits = ignoreEdits(u.Result.Entry, &p, source)
	}
	return Update{u.Path, u.Result, &p}, len(p.Edits) > 0
}

// Recorded is a fixture that is not in a file, with all secrets in it, and the upstream fixture
// beside it.
type Recorded struct{ Text, Upstream []byte }

// Moves runs recorded fixtures in two worlds, whatever these say of their world, and returns what
// @ignore has to say so that they pass in both: for each fixture and each of its entries a list of
// directives. The error is as that of Run; the results until then are returned with it.
func Moves(
	ctx context.Context, host Host, fixtures []Recorded, o *Options,
) ([][][]string, error) {
	var all [][][]string
	for _, x := range fixtures {
		const path = "recorded.hurl" // of no file
		source := &Source{Path: path, upstream: parseUpstream(besideUpstream(path), x.Upstream)}
		source.File, source.Errors = hurl.Parse(path, x.Text)
		p := newPlayer(host, []*Source{source}, o, func(*FileResult) {})
		var results [2][]*Result
		for i, world := range []*World{&foundWorld, &otherWorld} {
			var err error
			results[i], err = p.play(ctx, p.steps, manner{world: world, regardless: true})
			if err != nil {
				return all, err
			}
		}
		lists := make([][]string, len(p.steps))
		for i := range p.steps {
			s, a, b := p.steps[i].settings(), results[0][i], results[1][i]
			if a == nil || b == nil {
				continue
			}
			for _, problem := range expected(a.Entry, apart(a, b, s)) {
				lists[i] = append(lists[i], a.ignoring(b, s, &problem)...)
			}
		}
		all = append(all, lists)
	}
	return all, nil
}
