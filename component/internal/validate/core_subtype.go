package validate

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// coreSubtype returns an error that says why a cannot be imported where b is expected; nil if it
// can.
func coreSubtype(a, b coreItem) error {
	if a.sort != b.sort {
		return fmt.Errorf("expected %s, found %s", b.sort.String(), a.sort.String())
	}
	switch a.sort {
	case binary.SortCoreFunc, binary.SortCoreTag:
		if !a.fn.equal(b.fn) {
			return fmt.Errorf("expected %s, found %s", b.fn, a.fn)
		}
	case binary.SortCoreGlobal:
		if a.mutable != b.mutable {
			return fmt.Errorf("mismatch in the mutability of a global")
		}
		if a.val != b.val {
			return fmt.Errorf("expected a global of type %s, found %s", binary.CoreValType(b.val),
				binary.CoreValType(a.val))
		}
	case binary.SortCoreTable:
		if a.val != b.val {
			return fmt.Errorf("expected a table of %s, found %s", binary.CoreValType(b.val),
				binary.CoreValType(a.val))
		}
	}
	switch {
	case a.limits.Is64 != b.limits.Is64:
		return fmt.Errorf("mismatch in the index type")
	case a.limits.Shared != b.limits.Shared:
		return fmt.Errorf("mismatch in the shared flag")
	case a.limits.PageSizeLog2 != b.limits.PageSizeLog2:
		return fmt.Errorf("mismatch in the page size")
	case a.limits.Min < b.limits.Min || b.limits.HasMax &&
		(!a.limits.HasMax || a.limits.Max > b.limits.Max):
		return fmt.Errorf("mismatch in %s limits", strings.TrimPrefix(a.sort.String(), "core "))
	}
	return nil
}

// moduleSubtype returns why a module of type a cannot be used where b is expected: it may import
// less and export more.
func (v *validator) moduleSubtype(a, b *moduleType) error {
	for _, n := range a.order {
		given, ok := b.imports[n]
		if !ok {
			return fmt.Errorf("missing expected import %q", n)
		}
		if err := coreSubtype(given, a.imports[n]); err != nil {
			return within(err, "import %q", n)
		}
		v.step(1)
	}
	for _, name := range b.exportOrder {
		want := b.exports[name]
		have, ok := a.exports[name]
		if !ok {
			return fmt.Errorf("missing expected export %q", name)
		}
		if err := coreSubtype(have, want); err != nil {
			return within(err, "export %q", name)
		}
		v.step(1)
	}
	return nil
}
