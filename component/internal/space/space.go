// Package space walks the definitions of a component, and the declarations of a type, in the order
// of the binary, and keeps the index spaces that they fill.
//
// What the items are is up to the Reader that takes the definitions: package validate reads
// their types, package wit what is to be written of them. Source:
// component-model/design/mvp/Binary.md and Explainer.md, "Index Spaces".
package space

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// Kind is what a Space belongs to.
type Kind byte

// The kinds of spaces.
const (
	Component     Kind = iota // a component definition
	ComponentType             // the declarations of a component type
	InstanceType              // the declarations of an instance type
	ModuleType                // the declarations of a core module type
)

// sorts are those whose index spaces are kept here. Those of core items are the Reader's.
const sorts = 6

// slot returns the place of a sort among them.
func slot(sort binary.Sort) (int, bool) {
	switch sort {
	case binary.SortCoreModule:
		return 0, true
	case binary.SortFunc, binary.SortValue, binary.SortType, binary.SortComponent,
		binary.SortInstance:
		return int(sort), true
	}
	return 0, false
}

// Space holds the index spaces of a component, or of a type, while its definitions are read. E is
// an item of any sort.
type Space[E any] struct {
	Kind  Kind
	Outer *Space[E] // of the component or type around it; nil for the outermost
	items [sorts][]E
}

// New returns an empty Space inside of outer, which may be nil.
func New[E any](outer *Space[E], kind Kind) *Space[E] { return &Space[E]{Kind: kind, Outer: outer} }

// Spaces returns s: a Reader that embeds a Space has this method of Reader.
func (s *Space[E]) Spaces() *Space[E] { return s }

// Push appends an item to the index space of a sort. Sorts whose index spaces are not kept here are
// passed over.
func (s *Space[E]) Push(sort binary.Sort, e E) {
	if i, ok := slot(sort); ok {
		s.items[i] = append(s.items[i], e)
	}
}

// At returns the item at an index of the index space of a sort.
func (s *Space[E]) At(sort binary.Sort, index uint32) (E, error) {
	i, _ := slot(sort)
	return At(s.items[i], index, sort)
}

// At returns the item at an index of an index space that is not kept in a Space.
func At[E any](items []E, index uint32, sort binary.Sort) (E, error) {
	if uint64(index) >= uint64(len(items)) {
		var none E
		return none, fmt.Errorf("unknown %s %d: index out of bounds (%d are defined)", sort, index,
			len(items))
	}
	return items[index], nil
}

// Enclosing returns the count-th Space around s, s itself for 0, and reports whether the border of
// a component definition lies between.
func (s *Space[E]) Enclosing(count uint32) (target *Space[E], crosses bool, err error) {
	target = s
	for range count {
		if target == nil {
			break
		}
		crosses = crosses || target.Kind == Component
		target = target.Outer
	}
	if target == nil {
		return nil, false, fmt.Errorf("invalid outer alias count of %d", count)
	}
	return target, crosses, nil
}
