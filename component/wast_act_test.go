package component

import (
	"fmt"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// wastResult is what an action gave.
type wastResult interface {
	fmt.Stringer
	compare(want []wastValue) error
}

func (w *wastRun) act(a *wastAction) (wastResult, error) {
	i := w.current
	if a.Module != "" {
		i = w.named(a.Module)
	}
	switch i := i.(type) {
	case *wastInstance:
		if a.Type != "invoke" {
			return nil, wastFail("a component has no %s", a.Type)
		}
		return i.invoke(w.t, a)
	case *wastCoreInstance:
		return w.core.act(i, a)
	}
	return nil, wastFail("no instance %q", a.Module)
}

// wastComponentResult is the result of a component function; t is nil without one.
type wastComponentResult struct {
	t *types.Type
	v Value
}

func (r wastComponentResult) String() string {
	if r.t == nil {
		return "nothing"
	}
	return wastPrint(r.t, r.v)
}

func (r wastComponentResult) compare(want []wastValue) error {
	if r.t == nil || len(want) != 1 {
		if r.t == nil && len(want) == 0 {
			return nil
		}
		return fmt.Errorf("returned %s, want %d values", r, len(want))
	}
	v, err := wastParse(want[0], r.t)
	if err != nil {
		return err
	}
	if g, w := r.String(), wastPrint(r.t, v); g != w {
		return fmt.Errorf("got %s, want %s", g, w)
	}
	return nil
}

func (i *wastInstance) invoke(t *testing.T, a *wastAction) (wastResult, error) {
	f := i.inst.Func(a.Field)
	if f == nil {
		return nil, wastFail("no function %q", a.Field)
	}
	ft := f.fn.typ
	if len(a.Args) != len(ft.Params) {
		return nil, wastFail("wrong number of arguments")
	}
	args := make([]Value, len(a.Args))
	for i := range args {
		var err error
		if args[i], err = wastParse(a.Args[i], ft.Params[i].Type); err != nil {
			return nil, err
		}
	}
	defer i.limit()()
	v, err := f.Call(t.Context(), args...)
	return wastComponentResult{ft.Result, v}, err
}
