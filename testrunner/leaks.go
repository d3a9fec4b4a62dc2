package testrunner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// pairsTried bounds how many entries are tried in front of one that leaks.
const pairsTried = 100

// Leaks runs the selected entries in fresh instances, and again in one instance: in order,
// shuffled, and several at once if it takes them, always at the same time and with the same random
// numbers. An entry whose response differs then has the outcome Leak, with the entry before
// it that is enough for it. Parameters and error are as those of Run.
func Leaks(
	ctx context.Context, host Host, sources []*Source, o *Options, done func(*FileResult),
) (*Summary, error) {
	p := newPlayer(host, sources, o, done)
	started := o.now()
	fresh, err := p.play(ctx, p.steps, manner{fresh: true})
	if err != nil {
		return &p.summary, err
	}
	results := make(map[*hurl.Entry]*Result)
	for i, r := range fresh {
		r.unexpected()
		results[p.steps[i].entry], p.taken[p.steps[i].entry] = r, r.exchanges
	}
	again, err := p.play(ctx, p.steps, manner{fresh: true})
	if err != nil {
		return &p.summary, err
	}
	moves := make(map[*hurl.Entry]bool)
	for i := range p.steps {
		s := &p.steps[i]
		if moves[s.entry] = len(apart(fresh[i], again[i], s.settings())) > 0; moves[s.entry] {
			fresh[i].Notes = append(fresh[i].Notes, "two fresh instances respond differently, "+
				"so that no leak can be detected; @ignore what differs")
		}
	}
	for _, how := range []struct {
		steps []step
		manner
		said string
	}{
		{p.steps, manner{}, ""},
		{p.shuffled(), manner{}, "in another order"},
		{p.steps, manner{concurrent: 8}, "with others at once"},
	} {
		got, err := p.play(ctx, how.steps, how.manner)
		if err != nil {
			return &p.summary, err
		}
		for i := range how.steps {
			s := &how.steps[i]
			r := results[s.entry]
			if moves[s.entry] || r.Outcome == Leak || s.settings().Stateful || r.Outcome.Failed() {
				continue
			}
			if problems := apart(r, got[i], s.settings()); len(problems) > 0 {
				err := p.leak(ctx, how.steps[:i], s, r, how.said, problems)
				if err != nil {
					return &p.summary, err
				}
			}
		}
	}
	p.report(started, results)
	return &p.summary, nil
}

// leak makes r the result of an entry that responds otherwise behind the steps before it.
func (p *player) leak(
	ctx context.Context, before []step, s *step, r *Result, said string, problems []Problem,
) error {
	culprit := fmt.Sprintf("the %d entries before it", len(before))
	if said != "" {
		culprit += ", " + said
	}
	var after *Place
	needed := p.before(s)
	for i := len(before) - 1; i >= 0 && i >= len(before)-pairsTried; i-- {
		x := &before[i]
		pair := append(p.before(x), *x)
		for _, n := range append(needed[:len(needed):len(needed)], *s) {
			if !slices.Contains(pair, n) {
				pair = append(pair, n)
			}
		}
		got, err := p.play(ctx, pair, manner{})
		if err != nil {
			return err
		}
		if found := apart(r, got[len(got)-1], s.settings()); len(found) > 0 {
			place := x.place()
			culprit, after, problems = place.String(), &place, found
			break
		}
	}
	r.Outcome = Leak
	r.Problems = append([]Problem{{
		Kind: ProblemLeak, Title: "Leak: the response is different after " + culprit, After: after,
	}}, problems...)
	return nil
}

// shuffled returns the steps in random order, but for those that entries behind them in their file
// may need.
func (p *player) shuffled() []step {
	random := rand.New(rand.NewPCG(foundWorld.Seed, 0))
	needs := make([][]step, len(p.steps))
	for i := range p.steps {
		needs[i] = p.before(&p.steps[i])
	}
	done := make(map[step]bool)
	var out []step
	for len(out) < len(p.steps) {
		var free []int
		for i := range p.steps {
			waits := slices.ContainsFunc(needs[i], func(n step) bool { return !done[n] })
			if !done[p.steps[i]] && !waits {
				free = append(free, i)
			}
		}
		next := p.steps[free[random.IntN(len(free))]]
		done[next] = true
		out = append(out, next)
	}
	return out
}
