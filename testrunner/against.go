package testrunner

import (
	"context"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// Other is what the responses of a component are compared with.
type Other struct {
	// Component is the path of another component; "" for Server.
	Component string
	// Server sends requests to a server; nil for Component. Unless AllMethods is set, only GET,
	// HEAD and OPTIONS are sent to it.
	Server     Host
	AllMethods bool
}

// Against returns a finder that runs the selected entries against two components, or a component
// and a server. Where the responses differ, the outcome of an entry is Mismatch; what the fixture
// expects does not matter. Captures of both sides are of their own responses. Secrets of a fixture
// are not sent to a server, unless the server has responded with them, or they were given as
// secrets of the run.
func Against(other Other) func(
	context.Context, Host, []*Source, *Options, func(*FileResult),
) (*Summary, error) {
	return func(
		ctx context.Context, host Host, sources []*Source, o *Options, done func(*FileResult),
	) (*Summary, error) {
		p := newPlayer(host, sources, o, done)
		started := o.now()
		how := manner{}
		remote := other.Server != nil
		if remote {
			how.world = &World{}
		}
		one, err := p.play(ctx, p.steps, how)
		if err != nil {
			return &p.summary, err
		}
		results := make(map[*hurl.Entry]*Result)
		for i, r := range one {
			results[p.steps[i].entry], p.taken[p.steps[i].entry] = r, r.exchanges
		}
		if how.component = other.Component; remote {
			how.host = newDiscreet(other, o.Secrets)
		}
		two, err := p.play(ctx, p.steps, how)
		if err != nil {
			return &p.summary, err
		}
		for i := range p.steps {
			r, got := one[i], two[i]
			s := p.steps[i].settings()
			if r.Outcome == Skipped {
				continue
			}
			if remote {
				r.Notes = append(r.Notes, got.Notes...)
				for _, name := range ownFields() {
					s.Ignore = append(s.Ignore, hurl.Ignore{Kind: hurl.IgnoreHeader, Arg: name})
				}
				if why := notSent(p.steps[:i], two, p.steps[i], got); why != "" {
					r.Outcome, r.Problems = Skipped, nil
					r.Notes = append(r.Notes, why)
					continue
				}
			}
			r.Outcome, r.Problems = Pass, apart(r, got, s)
			if len(r.Problems) > 0 {
				r.Outcome = Mismatch
			}
		}
		p.report(started, results)
		return &p.summary, nil
	}
}

// notSent returns why the result of a step has nothing to compare: it was not sent to the server,
// or it needs one before it that was not; "" if it was sent. results are those of the steps.
func notSent(before []step, results []*Result, s step, r *Result) string {
	skipped := func(r *Result) bool {
		return r.Response != nil && r.Response.Failure != nil &&
			r.Response.Failure.Outcome == Skipped
	}
	switch {
	case skipped(r):
		return r.Response.Failure.Cause
	case r.Outcome != Error || r.Response != nil:
		return ""
	}
	for i := range before {
		if before[i].source == s.source && skipped(results[i]) {
			place := before[i].place()
			return "it may need " + place.String() + ", which was not sent to the server"
		}
	}
	return ""
}

// ownFields are those that each server sets by itself.
func ownFields() []string {
	return []string{
		"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length", "via",
		"x-wasihttp-build", "x-wasihttp-stale", "x-wasihttp-outcome",
	}
}
