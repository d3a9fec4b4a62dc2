package component

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/component/internal/validate"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// Component is a decoded and validated component. It is immutable.
type Component struct {
	binary  []byte
	ast     *binary.Component
	modules *validate.ModuleTypes
	whole   *composition // nil for one that was decoded

	hash  sync.Once
	sum   [sha256.Size]byte
	scans scans
}

// Decode decodes and validates a component. It keeps references into data, which must not change.
func Decode(data []byte) (*Component, error) {
	ast, err := binary.Decode(data)
	if err != nil {
		return nil, err
	}
	modules, err := validate.Analyze(ast, validate.DefaultFeatures)
	if err != nil {
		return nil, err
	}
	return &Component{binary: data, ast: ast, modules: modules}, nil
}

// Binary returns what the component was decoded from, or the Bundle of its parts. It must not be
// changed.
func (c *Component) Binary() []byte { return c.binary }

// Digest returns the SHA-256 of Binary, which it computes once. It is safe for concurrent use.
func (c *Component) Digest() [sha256.Size]byte {
	c.hash.Do(func() { c.sum = sha256.Sum256(c.Binary()) })
	return c.sum
}

// ExportNames returns the names of the component's exports, in order.
func (c *Component) ExportNames() []string {
	if c.whole != nil {
		return c.whole.exportNames()
	}
	var names []string
	for _, d := range c.ast.Defs {
		if e, ok := d.(*binary.Export); ok {
			names = append(names, e.Name.Name)
		}
	}
	return names
}

// ImportNames returns the names of the component's imports, in order.
func (c *Component) ImportNames() []string {
	if c.whole != nil {
		return c.whole.importNames()
	}
	var names []string
	for _, d := range c.ast.Defs {
		if i, ok := d.(*binary.Import); ok {
			names = append(names, i.Name.Name)
		}
	}
	return names
}

// CheckImports reports for each import of the component, in order, whether l offers it.
func (c *Component) CheckImports(l *Linker) ([]ImportStatus, error) {
	f, err := flatten(c, l)
	if err != nil {
		return nil, err
	}
	return f.used, nil
}

// ExportedFunc returns the type of a function in an exported interface, as WIT with all of it
// written out, and whether there is one. l offers what the component imports.
func (c *Component) ExportedFunc(l *Linker, iface, name string) (typ string, ok bool) {
	f, err := flatten(c, l)
	if err != nil {
		return "", false
	}
	inst, ok := f.plan.exports.items[iface].(*compInst)
	if !ok {
		return "", false
	}
	fn, ok := inst.items[name].(*compFunc)
	if !ok {
		return "", false
	}
	return fn.typ.String(), true
}

// CheckCode returns an error if a core module cannot be compiled here, and takes much less time
// than compiling: a valid component may have code of a later version of WebAssembly. The error
// names the module and the reason.
func (c *Component) CheckCode(ctx context.Context) error {
	return c.eachModule(func(place string, m *binary.CoreModule) error {
		return moduleError(place, engine.Validate(ctx, m.Bytes))
	})
}

// eachModule calls f for each core module, with its place, until f fails.
func (c *Component) eachModule(f func(place string, m *binary.CoreModule) error) error {
	if c.whole == nil {
		return eachModule(c.ast, "", f)
	}
	for _, p := range c.whole.parts {
		if err := eachModule(p.Component.ast, p.Name, f); err != nil {
			return err
		}
	}
	return nil
}

// eachModule calls f for each core module of a component and of those inside it, with its place in
// them, until f fails.
func eachModule(c *binary.Component, place string,
	f func(place string, m *binary.CoreModule) error) error {
	for i, d := range c.Defs {
		var err error
		switch d := d.(type) {
		case *binary.Component:
			err = eachModule(d, binary.Inside(place, c.Place(i)), f)
		case *binary.CoreModule:
			err = f(binary.Inside(place, c.Place(i)), d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// moduleError puts the place of a core module before the reason why it cannot be compiled, in place
// of the engine's name for it.
func moduleError(place string, err error) error {
	if err == nil {
		return nil
	}
	if e := (*engine.ModuleError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", place, err)
}

// placeOf returns the place of a core module in the component, or the name under which the embedder
// offers it.
func placeOf(c *Component, module *moduleRef) string {
	place := "core module " + module.name
	_ = c.eachModule(func(at string, m *binary.CoreModule) error {
		if sameBytes(m.Bytes, module.bytes) {
			place = at
		}
		return nil
	})
	return place
}

// Linked is a component whose imports are resolved and whose core modules are compiled: what
// instances are made from. It is immutable and safe for concurrent use.
type Linked struct {
	plan    *plan
	runtime *engine.Runtime
	modules []*engine.Module // by plan source
	pool    pool
}

// LinkOptions configures Link.
type LinkOptions struct {
	// Progress, unless nil, is called with the bytes of core code that have been compiled, and with
	// the bytes in all. Calls do not overlap.
	Progress func(done, total int)
}

// FromCache reports whether all core modules came from the compile cache.
func (l *Linked) FromCache() bool {
	for _, m := range l.modules {
		if !m.FromCache() {
			return false
		}
	}
	return true
}

// Close frees the compiled code. All stores must have been closed.
func (l *Linked) Close(ctx context.Context) error {
	l.pool.close()
	return l.runtime.Close(ctx)
}

func coreTypes(ts []types.CoreType) []engine.ValueType {
	out := make([]engine.ValueType, len(ts))
	for i, t := range ts {
		out[i] = engine.ValueType(t)
	}
	return out
}

// Func is an exported function of an instance.
type Func struct {
	store *Store
	fn    *compFunc
}

// Func returns an exported function; nil if there is none. path goes through exported instances:
// `inst.Func("wasi:cli/run@0.2.0", "run")`.
func (i *Instance) Func(path ...string) *Func {
	cur := i.root
	for n, p := range path {
		switch it := cur.items[p].(type) {
		case *compInst:
			cur = it
		case *compFunc:
			if n == len(path)-1 {
				return &Func{store: i.store, fn: it}
			}
			return nil
		default:
			return nil
		}
	}
	return nil
}

// Call calls the function and waits for its result. args must be of the declared types. The error
// is a trap: an *engine.Trap if it happened below guest code, else a *TrapError. No call enters the
// store after that.
func (f *Func) Call(ctx context.Context, args ...Value) (v Value, err error) {
	s := f.store
	if s.poison != nil {
		return Value{}, fmt.Errorf("%w: %w", ErrPoisoned, s.poison)
	}
	defer s.guard(&err)
	if s.linked.plan.async {
		return f.callAsync(ctx, args)
	}
	th := &s.caller
	th.storage = [2]uint64{}
	th.ectx.Renew(ctx)
	if f.fn.host != nil {
		return th.callHost(f.fn.host, args), nil
	}
	th.callLifted(f.fn, nil, args, func(r Value) { v = r })
	return v, nil
}

// Type returns the type of the function as WIT.
func (f *Func) Type() string { return f.fn.typ.String() }
