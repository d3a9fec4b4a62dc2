// Package validate checks that a decoded component is well-formed: every index, every type, every
// name. What passes can be linked and run without further checks of its structure.
//
// Sources: component-model/design/mvp/Binary.md and Explainer.md for the rules of definitions and
// types, CanonicalABI.md for canonical definitions.
//
// Types are held as graphs of nodes. Value types are compared by structure, resource types by
// identity (*resource); the node through which a type is used decides only whether it has a name
// that is visible from outside (see visible.go).
package validate

import (
	"fmt"
	"sync"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/space"
)

// Error says which rule a component breaks.
type Error struct {
	Offset int    // of the definition in the input, in bytes
	Path   string // of the nested component or core module, as in binary.Error
	Msg    string
}

// Error returns the text with the place.
func (e *Error) Error() string { return binary.Describe(e.Offset, e.Path, e.Msg) }

// Features is the set of gated features of the component model that are taken.
type Features uint32

// The gated features, with their names in the Explainer.
const (
	Async           Features = 1 << iota // async functions, streams, futures and their built-ins
	AsyncBuiltins                        // synchronous and asynchronous forms of more built-ins
	StackfulAsync                        // async lift without callback
	Threads                              // cooperative threads
	SharedThreads                        // threads that run in parallel
	ErrorContext                         // the type error-context
	FixedLists                           // lists of a fixed length
	Maps                                 // the type map
	Attributes                           // implements and external-id on names
	CanonicalNames                       // shortened versions and versionsuffix
	DefaultFeatures = Async | AsyncBuiltins | StackfulAsync | Threads | ErrorContext |
		FixedLists | Maps | Attributes
	AllFeatures = DefaultFeatures | SharedThreads | CanonicalNames
)

// The limits keep validation, and what comes after it, within bounded time and memory for any
// input.
const (
	maxValueSize     = 1 << 28   // bytes of a value type, exclusive (Binary.md)
	maxParamSize     = 1<<32 - 1 // bytes of all parameters of a function: a memory has no more
	maxTypeDepth     = 100       // levels of type constructors
	maxTypeNodes     = 1_000_000 // nodes of a type written out as a tree
	maxInstances     = 10_000    // that one instantiation of the outermost component leads to
	maxSteps         = 2_000_000 // looks at a part of a type; Python with all of WASI needs 5,000
	maxBuiltNodes    = 250_000   // parts of types made by substitution; the same needs 600
	maxFlatParams    = 16
	maxFlatAsync     = 4
	maxFlatResults   = 1
	maxContextSlots  = 2
	maxFlagsPerValue = 32
)

// Analyze checks c and keeps the types of core modules that c declares. The error, if any, is an
// *Error for the first definition that breaks a rule. Function bodies and segments of core modules
// are not looked at: the engine validates them when it compiles the module.
func Analyze(c *binary.Component, feats Features) (*ModuleTypes, error) {
	v := &validator{feats: feats, coreFuncs: map[string]coreTypeDef{},
		modules: map[*binary.CoreType]*moduleType{}}
	if _, err := v.component(nil, c); err != nil {
		return nil, err
	}
	return &ModuleTypes{v: v}, nil
}

// ModuleTypes are the types of core modules that a valid component declares. It is safe for
// concurrent use.
type ModuleTypes struct {
	mu sync.Mutex
	v  *validator
}

// Fits returns an error that says why a core module from outside cannot be imported with the
// declared type want; nil if it can.
func (t *ModuleTypes) Fits(module *binary.CoreModule, want *binary.CoreType) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := newScope(t.v, nil, space.Component)
	m, err := s.CoreModule(module)
	if err != nil {
		return err
	}
	return t.v.moduleSubtype(m.module, t.v.modules[want])
}

// validator is what the validation of one outermost component shares.
type validator struct {
	feats     Features
	coreFuncs map[string]coreTypeDef // by the canonical text of the core function type
	modules   map[*binary.CoreType]*moduleType
	lastID    uint64
	steps     int
	built     int
}

func (v *validator) has(f Features) bool { return v.feats&f == f }

// step counts work; after the limit it reports false.
func (v *validator) step(n int) bool {
	v.steps += n
	return v.steps <= maxSteps
}

func (v *validator) exhausted() error {
	if v.steps > maxSteps || v.built > maxBuiltNodes {
		return fmt.Errorf("the types of this component are too complex")
	}
	return nil
}

// component validates a component definition and returns its type.
func (v *validator) component(parent *scope, c *binary.Component) (*compType, error) {
	s := newScope(v, parent, space.Component)
	err := space.Definitions(s, c.Defs, func(i int, err error) error {
		inner, ok := err.(*Error)
		if !ok {
			inner = &Error{Offset: c.Offset, Msg: err.Error()}
			if i < len(c.DefOffsets) {
				inner.Offset = c.DefOffsets[i]
			}
		}
		inner.Path = binary.Inside(c.Place(i), inner.Path)
		return inner
	})
	if err != nil {
		return nil, err
	}
	t := s.componentType()
	if err := t.w.check(); err != nil {
		return nil, &Error{Offset: c.Offset, Msg: err.Error()}
	}
	return t, nil
}

// Component returns the type of a nested component.
func (s *scope) Component(c *binary.Component) (entity, error) {
	t, err := s.v.component(s, c)
	return entity{sort: binary.SortComponent, comp: t}, err
}

// Next reports whether the types have become too complex.
func (s *scope) Next() error { return s.v.exhausted() }
