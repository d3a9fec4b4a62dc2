package component

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// scans are what corewasm.Scan returns for the core modules of a component, each of which it reads
// once.
type scans struct {
	mu   sync.Mutex
	done map[*byte]scan // by the first byte of the module
}

type scan struct {
	info *corewasm.Info
	err  error
}

func (s *scans) of(module []byte) (*corewasm.Info, error) {
	if len(module) == 0 {
		return corewasm.Scan(module)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.done[&module[0]]
	if !ok {
		if s.done == nil {
			s.done = map[*byte]scan{}
		}
		at.info, at.err = corewasm.Scan(module)
		s.done[&module[0]] = at
	}
	return at.info, at.err
}

// files returns the decoded components that c consists of.
func (c *Component) files() []*Component {
	if c.whole == nil {
		return []*Component{c}
	}
	var files []*Component
	for _, p := range c.whole.parts {
		files = append(files, p.Component)
	}
	return files
}

// identifier returns a function that returns what identifies a module: the hash of the file that it
// is in, and its number there. It returns nil for a module of the embedder.
type identifier func(module []byte) func() []byte

// identities returns the identifier of the component's modules.
func (c *Component) identities() identifier {
	known := map[*byte]func() []byte{} // by the first byte of the module
	for _, file := range c.files() {
		number := 0
		_ = file.eachModule(func(_ string, m *binary.CoreModule) error {
			n := number
			if number++; len(m.Bytes) > 0 {
				known[&m.Bytes[0]] = func() []byte {
					sum := file.Digest()
					return fmt.Appendf(sum[:], "module %d", n)
				}
			}
			return nil
		})
	}
	return func(module []byte) func() []byte {
		if len(module) == 0 {
			return nil
		}
		return known[&module[0]]
	}
}

// Link resolves the imports of the component in l and compiles its core modules with e. The error
// is a *LinkError if imports are missing. Programs outside this module call host.Engine.Link.
func (c *Component) Link(ctx context.Context, e *engine.Engine, l *Linker,
	opt LinkOptions) (*Linked, error) {
	if e.Keeps() {
		// What the cache knows of the modules is found by the hash of their file.
		var hashing sync.WaitGroup
		defer hashing.Wait()
		for _, file := range c.files() {
			hashing.Go(func() { file.Digest() })
		}
	}
	f, err := flatten(c, l)
	if err != nil {
		return nil, err
	}
	if len(f.problems) > 0 {
		return nil, &LinkError{Problems: f.problems}
	}
	if f.code.err != nil {
		return nil, f.code.err
	}
	identity := c.identities()
	f.plan.recallGlobals(e, identity)
	host := make([]engine.HostFunc, len(f.plan.canons))
	for i, cf := range f.plan.canons {
		host[i] = engine.HostFunc{Name: cf.name, Label: cf.label(), Brief: cf.brief(),
			Onward: cf.op == binary.CanonLower && cf.fn.host == nil,
			Quick:  cf.op == binary.CanonLower && cf.fn.host != nil && cf.fn.host.quick,
			Params: coreTypes(cf.params), Results: coreTypes(cf.results), Fn: cf.call}
	}
	rt, err := e.NewRuntime(ctx, host)
	if err != nil {
		return nil, err
	}
	ln := &Linked{plan: f.plan, runtime: rt, modules: make([]*engine.Module, len(f.plan.sources))}
	if err := c.checkUnused(ctx, rt, f.plan, identity); err != nil {
		_ = rt.Close(ctx)
		return nil, err
	}
	if err := ln.compile(ctx, c, identity, opt.Progress); err != nil {
		_ = rt.Close(ctx)
		return nil, err
	}
	return ln, nil
}

// compile compiles the modules side by side, those with most code first: a module ends with a few
// large functions that leave processors idle. How much is compiled at once is the engine's matter.
func (ln *Linked) compile(
	ctx context.Context, c *Component, identity identifier, progress func(done, total int),
) error {
	sources := ln.plan.sources
	order := make([]int, len(sources))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return sources[b].module.info.CodeSize() - sources[a].module.info.CodeSize()
	})
	meter := newMeter(sources, progress)
	failures := failures{errs: make([]error, len(sources))}
	queue := make(chan int, len(order))
	for _, i := range order {
		queue <- i
	}
	close(queue)
	workers := min(runtime.GOMAXPROCS(0), len(sources))
	if engine.IsAside(ctx) {
		workers = min(workers, 1) // the others are for what runs beside
	}
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for i := range queue {
				ctx, ok := failures.begin(ctx, i)
				if !ok {
					continue
				}
				module := sources[i].module
				m, err := ln.runtime.Compile(ctx, engine.Source{Name: module.name,
					Wasm: module.bytes, Info: module.info, Digest: identity(module.bytes),
					Imports: sources[i].imports, Known: sources[i].known, Progress: meter.of(i)})
				ln.modules[i] = m
				failures.end(i, err)
			}
		})
	}
	running.Wait()
	if i := failures.first(); i >= 0 {
		return moduleError(placeOf(c, sources[i].module), failures.errs[i])
	}
	return nil
}

// failures makes the first of the modules that cannot be compiled the one that is reported, however
// the work is spread: those behind it are stopped, those before it are still tried.
type failures struct {
	mu      sync.Mutex
	errs    []error
	running map[int]context.CancelFunc
}

// begin reports whether the work on the module should begin, and returns the context for it.
func (f *failures) begin(ctx context.Context, i int) (context.Context, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first := f.firstLocked(); first >= 0 && first < i {
		return nil, false
	}
	if f.running == nil {
		f.running = map[int]context.CancelFunc{}
	}
	ctx, f.running[i] = context.WithCancel(ctx)
	return ctx, true
}

func (f *failures) end(i int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running[i]()
	delete(f.running, i)
	if f.errs[i] = err; err == nil {
		return
	}
	for k, cancel := range f.running {
		if k > i {
			cancel()
		}
	}
}

func (f *failures) first() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.firstLocked()
}

func (f *failures) firstLocked() int {
	return slices.IndexFunc(f.errs, func(err error) bool { return err != nil })
}

// meter adds up the progress of modules that are compiled side by side.
type meter struct {
	report  func(done, total int)
	sources []moduleSource

	mu    sync.Mutex
	done  []int // bytes of each module
	total int
}

func newMeter(sources []moduleSource, report func(done, total int)) *meter {
	m := &meter{report: report, sources: sources, done: make([]int, len(sources))}
	for _, src := range sources {
		m.total += len(src.module.bytes)
	}
	return m
}

// of returns the function that reports the progress of a module, or nil if there is none.
func (m *meter) of(i int) func(done, total int) {
	if m.report == nil {
		return nil
	}
	size := int64(len(m.sources[i].module.bytes))
	return func(done, total int) {
		if total <= 0 {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done[i] = int(size * int64(done) / int64(total))
		sum := 0
		for _, d := range m.done {
			sum += d
		}
		m.report(sum, m.total)
	}
}

// checkUnused compiles the core modules that are never instantiated, only to find out whether they
// are valid: a component with an invalid one is refused as a whole.
func (c *Component) checkUnused(
	ctx context.Context, rt *engine.Runtime, p *plan, identity identifier,
) error {
	return c.eachModule(func(place string, m *binary.CoreModule) error {
		if p.uses(m.Bytes) {
			return nil
		}
		info, err := c.scans.of(m.Bytes)
		if err == nil {
			imports := make([]engine.Import, len(info.Imports))
			_, err = rt.Compile(ctx, engine.Source{Name: "unused", Wasm: m.Bytes, Info: info,
				Digest: identity(m.Bytes), Imports: imports})
		}
		return moduleError(place, err)
	})
}

func (p *plan) uses(module []byte) bool {
	return slices.ContainsFunc(p.sources,
		func(s moduleSource) bool { return sameBytes(s.module.bytes, module) })
}

// sameBytes reports whether two modules are the same part of the same file.
func sameBytes(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }
