package component

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/names"
	"github.com/wasihttp/wasihttp/component/internal/types"
)

// HostFunc is a function that the embedder offers to components. args follow the declared
// parameters; the slice is the function's until it returns. The result must be of the declared
// type. An error traps the caller: failures that the guest should see belong into the result.
//
// The function runs on the goroutine of the calling guest, which waits. It may block, must return
// when c.Context() ends, and must not call into the store.
type HostFunc func(c *Call, args []Value) (Value, error)

// Resource is a resource type of the embedder.
type Resource struct {
	Name string
	// Drop releases the Go value behind a handle when its owner drops it or its store is closed;
	// nil if there is nothing to do. An error traps the dropping guest; it is ignored when the
	// store closes.
	Drop func(rep any) error

	id *types.Resource
}

// Linker holds the interfaces that the embedder offers. Once all definitions are added it is safe
// for concurrent use.
type Linker struct {
	byName  map[string]*HostInstance
	byTrack map[string]*HostInstance
}

// NewLinker returns an empty Linker.
func NewLinker() *Linker {
	return &Linker{byName: map[string]*HostInstance{}, byTrack: map[string]*HostInstance{}}
}

// HostInstance is an interface that the embedder offers. Its definitions are written in WIT; one
// that does not parse is a programming error and panics.
type HostInstance struct {
	Name  string
	funcs map[string]*hostFunc
	types map[string]*types.Type
	res   map[string]*Resource

	modules map[string]*HostModule
}

// HostModule is a core module that the embedder offers: a component that imports it makes instances
// of its own.
type HostModule struct {
	wasm []byte
}

type hostFunc struct {
	iface *HostInstance
	name  string
	typ   *types.Func
	fn    HostFunc
	async AsyncHostFunc
	views bool // list<u8> arguments are views of the caller's memory
	quick bool // see Quick
}

// Instance adds an interface of that name (`ns:pkg/iface@version`). An import finds it by its exact
// name, else by a compatible version: the highest that is offered on the same semver track.
func (l *Linker) Instance(name string) *HostInstance {
	i := &HostInstance{Name: name, funcs: map[string]*hostFunc{}, types: map[string]*types.Type{},
		res:     map[string]*Resource{},
		modules: map[string]*HostModule{}}
	l.byName[name] = i
	if key, ok := names.Track(name); ok {
		if old := l.byTrack[key]; old == nil || newer(name, old.Name) {
			l.byTrack[key] = i
		}
	}
	return i
}

// newer reports whether interface a has a higher version than b; both are on the same track, so
// that numbers decide.
func newer(a, b string) bool {
	va, vb := versionNumbers(a), versionNumbers(b)
	return slices.Compare(va[:], vb[:]) > 0
}

func versionNumbers(name string) (v [3]int) {
	_, ver, _ := strings.Cut(name, "@")
	for i, n := range strings.SplitN(ver, ".", 3) {
		v[i], _ = strconv.Atoi(n)
	}
	return v
}

// lookup returns the interface for an import name, or nil if none is offered.
func (l *Linker) lookup(name string) *HostInstance {
	if i := l.byName[name]; i != nil {
		return i
	}
	if key, ok := names.Track(name); ok {
		return l.byTrack[key]
	}
	return nil
}

// Interfaces returns the names of all interfaces that are offered, in order.
func (l *Linker) Interfaces() []string { return slices.Sorted(maps.Keys(l.byName)) }

// Offers returns the name of the linker's interface that satisfies an import of that name, which is
// the same or a compatible version, and whether there is one.
func (l *Linker) Offers(name string) (by string, ok bool) {
	if i := l.lookup(name); i != nil {
		return i.Name, true
	}
	return "", false
}

// Resource declares a resource.
func (i *HostInstance) Resource(name string, drop func(rep any) error) *Resource {
	r := &Resource{Name: name, Drop: drop}
	r.id = &types.Resource{Name: name, Host: r}
	i.res[name] = r
	return r
}

// Type declares a named type: `i.Type("header-error", "variant { invalid-syntax, forbidden,
// immutable }")`.
func (i *HostInstance) Type(name, wit string) {
	t, err := types.Parse(wit, i.scope)
	if err != nil {
		panic(fmt.Sprintf("%s: type %s: %v", i.Name, name, err))
	}
	i.types[name] = t
}

// Use makes types and resources of another interface known in this one. An element "a as b"
// renames.
func (i *HostInstance) Use(from *HostInstance, list ...string) {
	for _, n := range list {
		as := n
		if a, b, ok := strings.Cut(n, " as "); ok {
			n, as = a, b
		}
		t, r := from.types[n], from.res[n]
		if t == nil && r == nil {
			panic(fmt.Sprintf("%s: use of unknown %s.%s", i.Name, from.Name, n))
		}
		if t != nil {
			i.types[as] = t
		}
		if r != nil {
			i.res[as] = r
		}
	}
}

// Func declares a function: `i.Func("[method]fields.get", "func(self: borrow<fields>, name: string)
// -> list<list<u8>>", fn)`.
func (i *HostInstance) Func(name, wit string, fn HostFunc) {
	t, err := types.ParseFunc(wit, i.scope)
	if err != nil {
		panic(fmt.Sprintf("%s: func %s: %v", i.Name, name, err))
	}
	i.funcs[name] = &hostFunc{iface: i, name: name, typ: t, fn: fn}
}

// ViewFunc is Func for a function whose list<u8> arguments are the caller's memory itself instead
// of copies: the bytes must be neither changed nor used after the function has returned, not by
// other goroutines either.
func (i *HostInstance) ViewFunc(name, wit string, fn HostFunc) {
	i.Func(name, wit, fn)
	i.funcs[name].views = true
}

// Quick says that functions of the instance, all that were declared so far unless they are named,
// neither wait nor take longer than a look at the clock, so that profiles measure some calls of
// them only.
func (i *HostInstance) Quick(names ...string) {
	for name, f := range i.funcs {
		f.quick = f.quick || len(names) == 0 || slices.Contains(names, name)
	}
}

// Module declares a core module.
func (i *HostInstance) Module(name string, wasm []byte) {
	i.modules[name] = &HostModule{wasm}
}

func (i *HostInstance) scope(name string) (*types.Type, *types.Resource) {
	if r := i.res[name]; r != nil {
		return i.types[name], r.id
	}
	return i.types[name], nil
}
