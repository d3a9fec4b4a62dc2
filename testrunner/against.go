package testrunner

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
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
// expects does not matter. What a fixture says in headers that hold secrets by their names is not
// sent to a server, unless the value was given as a secret of the run.
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
			how.host = &discreet{other.Server, other.AllMethods, o.Secrets}
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
				if got.Response != nil && got.Response.Failure != nil &&
					got.Response.Failure.Outcome == Skipped {
					r.Outcome, r.Problems = Skipped, nil
					r.Notes = append(r.Notes, got.Response.Failure.Cause)
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

// ownFields are those that each server sets by itself.
func ownFields() []string {
	return []string{
		"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length", "via",
		"x-wasihttp-build", "x-wasihttp-stale", "x-wasihttp-outcome",
	}
}

// discreet sends to a server only what is not secret and changes nothing there.
type discreet struct {
	Host
	all     bool
	secrets []Variable
}

func (d *discreet) Open(ctx context.Context, spec Spec) (Target, error) {
	target, err := d.Host.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &discreetTarget{target, d}, nil
}

type discreetTarget struct {
	Target
	*discreet
}

// Do implements Target.
func (t *discreetTarget) Do(ctx context.Context, r *Request) (*Response, error) {
	safe := []string{http.MethodGet, http.MethodHead, http.MethodOptions}
	if !slices.Contains(safe, r.Method) && !t.all {
		return &Response{Failure: &Failure{
			Outcome: Skipped, Cause: r.Method + " is sent to a server only with --all-methods",
		}}, nil
	}
	sent := *r
	var kept []string
	sent.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(f fixture.Field) bool {
		given := slices.ContainsFunc(t.secrets, func(s Variable) bool {
			return s.Value != "" && strings.Contains(f.Value, s.Value)
		})
		secret := redact.IsSecretHeader(f.Name) && !given
		if secret {
			kept = append(kept, strings.ToLower(f.Name))
		}
		return secret
	})
	response, err := t.Target.Do(ctx, &sent)
	if err == nil && len(kept) > 0 {
		response.Notes = append(response.Notes, "not sent to the server: "+strings.Join(kept, ", ")+
			"; give the value with --secret")
	}
	return response, err
}
