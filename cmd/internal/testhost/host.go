// Package testhost runs fixtures against components: it adapts package host to the test runner.
package testhost

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/wasi"
)

// Config says how components are found and loaded.
type Config struct {
	// Load loads the component in a file. counts says that its instructions are to be counted.
	Load func(ctx context.Context, path string, counts bool) (*Component, error)
	// Find returns the component for fixtures that name none.
	Find func() (string, error)
	// Concurrent is how many requests an instance gets at once if it can.
	Concurrent int
}

// Component is a component that is loaded.
type Component struct {
	Host *host.Host // nil if it cannot be tested
	// Hint returns what can be done about a failure; "" if nothing is known.
	Hint func(f *host.Failure) string
	// Close frees it; nil if there is nothing to free.
	Close func(ctx context.Context) error
}

// Host makes the instances that fixtures run against: it loads each component
// once. It is safe for concurrent use.
type Host struct {
	config Config

	mu     sync.Mutex
	loaded map[variant]*loaded
}

// variant is a component and whether its instructions are counted.
type variant struct {
	path   string
	counts bool
}

// loaded is a component, or why there is none.
type loaded struct {
	*Component
	err error

	mu   sync.Mutex
	idle []*host.Session // of targets that were closed, for others
}

// New returns a Host without components.
func New(c Config) *Host { return &Host{config: c, loaded: make(map[variant]*loaded)} }

// Open returns a target that makes its instance with the first request.
func (t *Host) Open(ctx context.Context, spec testrunner.Spec) (testrunner.Target, error) {
	l := t.component(ctx, variant{spec.Component, spec.Counted != ""})
	if l.err != nil {
		return nil, l.err
	}
	limit := 1
	if l.Host.Kind() == handler.P3 {
		limit = max(t.config.Concurrent, 1)
	}
	a := &target{
		component: l, hint: l.Hint, kind: l.Host.Kind(), limit: limit, clock: spec.World.Clock,
	}
	options := host.SessionOptions{Env: envOf(spec.Env), Concurrent: limit}
	a.upstreams.hermetic = spec.Hermetic
	options.Connect = a.upstreams.connect
	options.World.Clock = spec.World.Clock
	if spec.World.Seeded {
		options.World.Seed = &spec.World.Seed
	}
	options.Recorded = spec.Hermetic
	if spec.Hermetic {
		options.Network = &wasi.Network{Refused: a.upstreams.refused}
	}
	var err error
	a.session, err = l.open(ctx, options)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// open returns a session: one that was used before, which costs less, if there is one.
func (l *loaded) open(ctx context.Context, o host.SessionOptions) (*host.Session, error) {
	l.mu.Lock()
	var used *host.Session
	if n := len(l.idle) - 1; n >= 0 {
		used, l.idle = l.idle[n], l.idle[:n]
	}
	l.mu.Unlock()
	if used == nil {
		return l.Host.NewSession(context.WithoutCancel(ctx), o)
	}
	if err := used.Renew(o); err != nil {
		l.keep(used)
		return nil, err
	}
	return used, nil
}

// keep ends the instance of a session that has no request, and keeps the session for another
// target.
func (l *loaded) keep(s *host.Session) {
	s.End()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, s)
}

// free ends the sessions and frees the component.
func (l *loaded) free(ctx context.Context) error {
	for _, s := range l.idle {
		closeSession(s, graceForEnd)
	}
	l.idle = nil
	if l.Component == nil || l.Close == nil {
		return nil
	}
	return l.Close(ctx)
}

var errNotTestable = errors.New("this component cannot be tested")

// Load loads a component, "" being the one for fixtures that name none, unless it is loaded. counts
// says that instructions are to be counted. Open returns the error.
func (t *Host) Load(ctx context.Context, path string, counts bool) {
	t.component(ctx, variant{path, counts})
}

func (t *Host) component(ctx context.Context, v variant) *loaded {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.loaded[v]; l != nil {
		return l
	}
	l := &loaded{}
	l.Component, l.err = t.load(ctx, v)
	if l.err == nil && l.Host == nil {
		l.err = errNotTestable
	}
	t.loaded[v] = l
	return l
}

func (t *Host) load(ctx context.Context, v variant) (*Component, error) {
	path := v.path
	if path == "" {
		found, err := t.config.Find()
		if err != nil {
			return nil, err
		}
		path = found
	}
	return t.config.Load(ctx, path, v.counts)
}

// Drop frees the components. All targets must be closed.
func (t *Host) Drop(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, l := range t.loaded {
		errs = append(errs, l.free(ctx))
	}
	t.loaded = make(map[variant]*loaded)
	return errors.Join(errs...)
}

// envOf reads variables as lines of NAME=VALUE.
func envOf(lines string) [][2]string {
	var env [][2]string
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env = append(env, [2]string{name, value})
	}
	return env
}
