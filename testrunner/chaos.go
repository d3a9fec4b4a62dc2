package testrunner

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/upstream"
)

// fault is what another server does in place of its recorded response.
type fault struct {
	name string
	// apply changes an exchange; false if that makes no fault of it.
	apply func(x *upstream.Exchange) bool
}

// The slow response comes in pieces, each a while after the one before.
const (
	dripPieces = 10
	dripPause  = 50 * time.Millisecond
)

// faults returns those that Chaos tries.
func faults() []fault {
	fail := func(kind hurl.FailKind) func(*upstream.Exchange) bool {
		return func(x *upstream.Exchange) bool {
			x.Fail = kind
			return true
		}
	}
	return []fault{
		{"refused", fail(hurl.FailRefused)},
		{"dns", fail(hurl.FailDNS)},
		{"timeout", fail(hurl.FailTimeout)},
		{"tls", func(x *upstream.Exchange) bool {
			x.Fail = hurl.FailCertificate
			return x.Want.Scheme == "https"
		}},
		{"reset", fail(hurl.FailReset)},
		{"500", func(x *upstream.Exchange) bool {
			x.Fail, x.Status = "", http.StatusInternalServerError
			x.Body, x.Trailers = []byte("an error\n"), nil
			x.Headers = fixture.Fields{{Name: "Content-Type", Value: "text/plain"}}
			return true
		}},
		{"empty", func(x *upstream.Exchange) bool {
			had := len(x.Body) > 0
			x.Fail, x.Body = "", nil
			return had
		}},
		{"cut", func(x *upstream.Exchange) bool {
			x.Fail, x.FailN = hurl.FailCut, len(x.Body)/2
			return len(x.Body) > 0
		}},
		{"slow", func(x *upstream.Exchange) bool {
			x.Fail, x.Drip, x.Pieces = "", dripPause, dripPieces
			return len(x.Body) > 0
		}},
	}
}

// Chaos runs the selected entries, and then again those that have sent requests to other servers,
// once for each fault of each recorded exchange. An entry whose guest does not respond then has the
// outcome Fault; what it responds does not matter. Parameters and error are as those of Run.
func Chaos(
	ctx context.Context, host Host, sources []*Source, o *Options, done func(*FileResult),
) (*Summary, error) {
	p := newPlayer(host, sources, o, done)
	started := o.now()
	base, err := p.play(ctx, p.steps, manner{})
	if err != nil {
		return &p.summary, err
	}
	results := make(map[*hurl.Entry]*Result)
	for i, r := range base {
		r.unexpected()
		results[p.steps[i].entry], p.taken[p.steps[i].entry] = r, r.exchanges
	}
	tried := 0
	for i := range p.steps {
		if err := p.disturb(ctx, &p.steps[i], base[i]); err != nil {
			return &p.summary, err
		}
		tried += len(base[i].Faults)
	}
	if tried == 0 && len(base) > 0 {
		base[0].Notes = append(base[0].Notes,
			"no entry uses a recorded upstream, so no fault was tried")
	}
	p.report(started, results)
	return &p.summary, nil
}

// disturb tries each fault of each exchange of an entry, whose result is r.
func (p *player) disturb(ctx context.Context, s *step, r *Result) error {
	exchanges := slices.Clone(r.exchanges)
	slices.Sort(exchanges)
	for _, index := range slices.Compact(exchanges) {
		for _, fault := range faults() {
			x := FaultResult{Fault: fault.name, Survival: NotTried}
			change := func(e *hurl.Entry, list []upstream.Exchange) {
				at := slices.IndexFunc(list, func(x upstream.Exchange) bool {
					return x.Index == index
				})
				if e != s.entry || at < 0 {
					return
				}
				exchange := &list[at]
				// A request that is tried again meets the same fault.
				exchange.Times = 0
				x.Upstream = exchange.Want.Method + " " + exchange.Want.URL()
				x.Place = exchange.Place
				if fault.apply(exchange) {
					x.Survival = Failed
				}
			}
			got, err := p.play(ctx, p.upTo(s), manner{change: change})
			if err != nil {
				return err
			}
			r.faced(x, got[len(got)-1])
		}
	}
	return nil
}

// faced adds a fault that was tried, with the result that came of it.
func (r *Result) faced(x FaultResult, got *Result) {
	if got.Response != nil && got.Response.Failure == nil && x.Survival == Failed {
		x.Survival = Survived
	}
	r.Faults = append(r.Faults, x)
	if x.Survival != Failed {
		return
	}
	if r.Outcome == Pass {
		r.Outcome = Fault
	}
	r.Problems = append(r.Problems, Problem{
		Kind:     ProblemFault,
		Title:    fmt.Sprintf("No response if %s (%s): %s", x.Upstream, x.Place, x.Fault),
		Expected: "a whole response", Actual: ending(got),
	})
}
