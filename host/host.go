package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/compose"
	"github.com/wasihttp/wasihttp/internal/exchange"
	"github.com/wasihttp/wasihttp/internal/wasi"
	public "github.com/wasihttp/wasihttp/wasi"
)

// Host runs one component that handles HTTP requests: it makes instances when they are needed and
// passes the requests to them. It is safe for concurrent use.
type Host struct {
	cfg    Config
	pre    *handler.ProxyPre
	linked *component.Linked
	proxy  *handler.ProxyHandler
	// handler is where requests go in; at its bottom is the proxy.
	handler Handler
	maker   maker
	reuse   handler.Reuse
	counts  bool          // instructions
	ids     atomic.Uint64 // of instances
	engine  *Engine       // to be closed with the Host; nil for a shared one

	exchange exchange.Config
	limit    *exchange.Limit
	requests atomic.Uint64 // that ServeHTTP has had

	closing  sync.Once
	closeErr error
}

// NewLinker returns the interfaces that the components of a Host find.
func NewLinker() *component.Linker {
	l := component.NewLinker()
	view := func(data any) *wasi.State { return data.(*guest).state }
	public.AddTo(l, view)
	return l
}

// New decodes, links and compiles a component. The end of ctx ends New, but not the Host, which the
// caller must close.
//
// The error is that of component.Decode, a *CompileError if the component cannot be linked or
// compiled, or put together with Config.Plugs and Config.Chain, a *handler.NoHandlerError if it
// exports no HTTP handler, a *StartError if the instance that Config.Try asks for cannot be made,
// or says what is wrong with the Config.
func New(ctx context.Context, wasm []byte, cfg Config) (*Host, error) {
	c, err := component.Decode(wasm)
	if err != nil {
		return nil, err
	}
	recipe := compose.Recipe{}
	if recipe.Plugs, err = decodeParts(cfg.Plugs); err != nil {
		return nil, err
	}
	if recipe.Chain, err = decodeParts(cfg.Chain); err != nil {
		return nil, err
	}
	c, err = recipe.With(component.Part{Name: cmp.Or(cfg.Name, "the component"), Component: c})
	if err != nil {
		return nil, &CompileError{err}
	}
	return FromComponent(ctx, c, cfg)
}

func decodeParts(list []Part) ([]component.Part, error) {
	var parts []component.Part
	for _, p := range list {
		c, err := component.Decode(p.Wasm)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		parts = append(parts, component.Part{Name: p.Name, Component: c})
	}
	return parts, nil
}

// FromComponent is New for a component that has been decoded.
func FromComponent(ctx context.Context, c *component.Component, cfg Config) (*Host, error) {
	h := &Host{cfg: cfg.withDefaults()}
	h.limit = exchange.NewLimit(h.cfg.MaxConcurrentRequests)
	h.maker = maker{host: h, outbound: &h.cfg.Outbound, instance: cfg.Instance, base: wasi.Config{
		Env: cfg.Env, ConfigVars: cfg.ConfigVars, KeyValue: cfg.KeyValue, Network: cfg.Network,
		Used: cfg.Used, InitialCwd: cfg.InitialCwd,
	}}
	if cfg.KeyValue == nil {
		h.maker.base.KeyValue = wasi.NewKeyValue()
	}
	if cfg.Name != "" || len(cfg.Args) > 0 {
		h.maker.base.Args = append([]string{cfg.Name}, cfg.Args...)
	}
	if err := h.maker.base.Check(); err != nil {
		return nil, err
	}
	dirs, err := openDirs(cfg.Dirs)
	if err != nil {
		return nil, err
	}
	h.maker.base.Dirs = dirs
	if err := h.link(ctx, c); err != nil {
		return nil, errors.Join(err, closeDirs(dirs))
	}
	if cfg.Try {
		if err := h.try(ctx); err != nil {
			return nil, errors.Join(newStartError(err), h.Close(ctx))
		}
	}
	return h, nil
}

// link compiles the component and makes the handler that passes requests to it. If it fails, it
// frees what it has made.
func (h *Host) link(ctx context.Context, c *component.Component) error {
	cfg := &h.cfg
	shared := cfg.Engine
	if shared == nil {
		h.engine = NewEngine(EngineOptions{})
		shared = h.engine
	}
	h.counts = shared.options.Instructions
	linker := NewLinker()
	if cfg.Link != nil {
		cfg.Link(linker)
	}
	linked, err := shared.Link(ctx, c, linker, LinkOptions{cfg.Background, cfg.Progress})
	if err != nil {
		return errors.Join(err, h.closeEngine())
	}
	h.linked = linked
	if h.pre, err = handler.NewProxyPre(linked, c.ExportNames()); err != nil {
		return errors.Join(err, linked.Close(ctx), h.closeEngine())
	}
	h.reuse = cfg.reuse(h.pre.Kind())
	h.proxy = handler.Options{
		MaxWorkers: cfg.MaxInstances,
	}.New(
		context.WithoutCancel(ctx),
		&h.maker,
	)
	h.handler = (*guests)(h)
	if cfg.Observe != nil {
		h.handler = cfg.Observe(h.handler)
	}
	return nil
}

// StartError reports that no instance can be made.
type StartError struct {
	Err error
	// Message is what the guest said about its failure on its standard error, on one line; "" if
	// it said nothing.
	Message string
}

func newStartError(err error) *StartError {
	e := &StartError{Err: err}
	if said := (*startError)(nil); errors.As(err, &said) {
		e.Message = said.tail.message()
	}
	return e
}

// Error returns the cause.
func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// Close refuses further requests, waits until those that run have ended, stops what still runs when
// ctx ends, and frees the component. It returns when no instance is left, and may be called more
// than once.
func (h *Host) Close(ctx context.Context) error {
	h.proxy.Close(ctx)
	h.closing.Do(func() {
		h.closeErr = errors.Join(h.linked.Close(ctx), h.closeEngine(), closeDirs(h.maker.base.Dirs))
	})
	return h.closeErr
}

func (h *Host) closeEngine() error {
	if h.engine == nil {
		return nil
	}
	return h.engine.Close()
}

// Kind returns the version of WASI HTTP that the component is made for.
func (h *Host) Kind() handler.Kind { return h.pre.Kind() }

// Replace makes each instance that there is end as soon as it has no request. Config.MaxInstances
// does not count it any more: requests that come, or that wait, are for new instances.
func (h *Host) Replace() { h.proxy.Replace() }

// FromCache reports whether nothing had to be compiled.
func (h *Host) FromCache() bool { return h.linked.FromCache() }

// try makes an instance and drops it.
func (h *Host) try(ctx context.Context) error {
	instance, err := h.maker.Instantiate(ctx)
	if err != nil {
		return err
	}
	instance.State.Drop(instance.Store, nil)
	return nil
}
