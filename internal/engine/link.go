package engine

import (
	"fmt"
	"slices"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// LinkError reports an import of a module that cannot be satisfied.
type LinkError struct {
	Module string // name of the importing module
	Index  int    // of the import
	Import corewasm.Import
	Reason string
}

// Error returns module, import and reason in one line.
func (e *LinkError) Error() string {
	return fmt.Sprintf("module %q: import %d (%s %q %q): %s",
		e.Module, e.Index, e.Import.Kind, e.Import.Module, e.Import.Name, e.Reason)
}

// linkProblem returns the first import that does not fit, or nil if all seem to fit. It runs only
// after wazero has refused the module, and its reason is more precise.
func (g *Group) linkProblem(m *Module) error {
	for i, im := range m.info.Imports {
		if reason := g.mismatch(m, i); reason != "" {
			return &LinkError{Module: m.Name(), Index: i, Import: im, Reason: reason}
		}
	}
	return nil
}

func (g *Group) mismatch(m *Module, i int) string {
	im, from := m.info.Imports[i], m.source.Imports[i]
	if from.Slot == HostSlot {
		if im.Kind != corewasm.KindFunc {
			return fmt.Sprintf("the host provides functions only, not a %s", im.Kind)
		}
		def, ok := g.runtime.host.ExportedFunctionDefinitions()[from.Name]
		if !ok {
			return fmt.Sprintf("there is no host function %q", from.Name)
		}
		want := m.info.Types[im.TypeIndex].Func
		if !sameTypes(want.Params, def.ParamTypes()) ||
			!sameTypes(want.Results, def.ResultTypes()) {
			return fmt.Sprintf("type %s does not match that of the host function", want)
		}
		return ""
	}
	if from.Slot >= len(g.slots) || g.slots[from.Slot].mod == nil {
		return "nothing has been instantiated that could provide it"
	}
	provider := g.slots[from.Slot].module
	e, ok := provider.info.ExportNamed(from.Name)
	if !ok {
		return fmt.Sprintf("module %q has no export %q", provider.Name(), from.Name)
	}
	if e.Kind != im.Kind {
		return fmt.Sprintf("export %q of module %q is a %s", from.Name, provider.Name(), e.Kind)
	}
	switch im.Kind {
	case corewasm.KindFunc:
		have, _ := provider.info.FuncTypeOf(e.Index)
		if want := m.info.Types[im.TypeIndex].Func; want.String() != have.String() {
			return fmt.Sprintf("type %s does not match %s of export %q", want, have, from.Name)
		}
	default:
		return fmt.Sprintf("its type does not match that of export %q", from.Name)
	}
	return ""
}

func sameTypes(a []corewasm.ValType, b []ValueType) bool {
	return slices.EqualFunc(a, b, func(a corewasm.ValType, b ValueType) bool {
		return byte(a) == b
	})
}

// elementsOutOfBounds reports whether an active element segment of m does not fit into its table:
// wazero would silently leave such a segment out, the specification wants a trap. Tables whose size
// may have changed are left to wazero.
func (g *Group) elementsOutOfBounds(m *Module) bool {
	for _, e := range m.info.Elems {
		if e.Mode != corewasm.Active || !e.ConstOffset {
			continue
		}
		size, known := g.tableSize(m, e.Table)
		if known && (e.Offset > size || uint64(e.Len) > size-e.Offset) {
			return true
		}
	}
	return false
}

func (g *Group) tableSize(m *Module, table uint32) (uint64, bool) {
	for {
		if k := table - m.info.ImportedTables; table >= m.info.ImportedTables {
			if uint64(k) >= uint64(len(m.info.Tables)) {
				return 0, false
			}
			return m.info.Tables[k].Limits.Min, !g.tablesMayGrow()
		}
		var from Import
		left := table
		for i, im := range m.info.Imports {
			if im.Kind == corewasm.KindTable {
				if left == 0 {
					from = m.source.Imports[i]
					break
				}
				left--
			}
		}
		if from.Slot < 0 || from.Slot >= len(g.slots) || g.slots[from.Slot].mod == nil {
			return 0, false
		}
		m = g.slots[from.Slot].module
		e, ok := m.info.ExportNamed(from.Name)
		if !ok || e.Kind != corewasm.KindTable {
			return 0, false
		}
		table = e.Index
	}
}

func (g *Group) tablesMayGrow() bool {
	return slices.ContainsFunc(g.slots, func(i instance) bool {
		return i.module != nil && i.module.rewritten.Code.WritesTables
	})
}
