package space

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// Reader interprets definitions. Its methods return the item that the definition adds to an index
// space of its Space, to which the walk appends it; what a definition adds to the index spaces of
// core items, the Reader keeps itself.
type Reader[E any] interface {
	Spaces() *Space[E]

	CoreModule(*binary.CoreModule) (E, error)
	CoreInstance(*binary.CoreInstance) error
	CoreType(*binary.CoreType) error
	Component(*binary.Component) (E, error)
	Instance(*binary.Instance) (E, error)
	Type(*binary.Type) (E, error)
	// Canon returns what a canonical definition adds if it is a lift.
	Canon(*binary.Canon) (E, error)
	Import(*binary.ExternName, *binary.ExternType) (E, error)
	Export(*binary.Export) (E, error)

	// Declare is Export for the declarations of a type.
	Declare(*binary.ExternName, *binary.ExternType) (E, error)

	// AliasExport returns the export of an instance that an alias refers to, AliasOuter what an
	// alias of the item of an enclosing Space stands for; crosses says that the border of a
	// component lies between. AliasCore reads an alias of a core item or core type.
	AliasExport(instance E, a *binary.Alias) (E, error)
	AliasOuter(item E, a *binary.Alias, crosses bool) (E, error)
	AliasCore(a *binary.Alias) error

	// Next is called after each definition or declaration. An error ends the walk.
	Next() error
}

// Definitions reads the definitions of a component. failed is called with the index of the
// definition that an error is about; what it returns is the error of the walk.
func Definitions[E any](r Reader[E], defs []binary.Def, failed func(i int, err error) error) error {
	for i, d := range defs {
		err := define(r, d)
		if err == nil {
			err = r.Next()
		}
		if err != nil {
			return failed(i, err)
		}
	}
	return nil
}

func define[E any](r Reader[E], d binary.Def) error {
	push := func(sort binary.Sort, e E, err error) error {
		if err == nil {
			r.Spaces().Push(sort, e)
		}
		return err
	}
	switch d := d.(type) {
	case *binary.CoreModule:
		e, err := r.CoreModule(d)
		return push(binary.SortCoreModule, e, err)
	case *binary.CoreInstance:
		return r.CoreInstance(d)
	case *binary.CoreType:
		return r.CoreType(d)
	case *binary.Component:
		e, err := r.Component(d)
		return push(binary.SortComponent, e, err)
	case *binary.Instance:
		e, err := r.Instance(d)
		return push(binary.SortInstance, e, err)
	case *binary.Alias:
		return alias(r, d)
	case *binary.Type:
		e, err := r.Type(d)
		return push(binary.SortType, e, err)
	case *binary.Canon:
		e, err := r.Canon(d)
		if d.Op != binary.CanonLift {
			return err
		}
		return push(binary.SortFunc, e, err)
	case *binary.Import:
		e, err := r.Import(&d.Name, &d.Type)
		return push(d.Type.Sort, e, err)
	case *binary.Export:
		e, err := r.Export(d)
		return push(d.Sort, e, err)
	case *binary.Start:
		return fmt.Errorf("start definitions are not supported")
	case *binary.ValueDef:
		return fmt.Errorf("value definitions are not supported")
	}
	return fmt.Errorf("unknown definition")
}

// Declarations reads the declarations of a component or instance type.
func Declarations[E any](r Reader[E], decls []binary.Decl) error {
	for i := range decls {
		if err := declare(r, &decls[i]); err != nil {
			return err
		}
		if err := r.Next(); err != nil {
			return err
		}
	}
	return nil
}

func declare[E any](r Reader[E], d *binary.Decl) (err error) {
	var e E
	sort := binary.SortType
	switch {
	case d.CoreType != nil:
		return r.CoreType(d.CoreType)
	case d.Alias != nil:
		return alias(r, d.Alias)
	case d.Type != nil:
		e, err = r.Type(d.Type)
	case d.Import != nil:
		sort = d.Import.Type.Sort
		e, err = r.Import(&d.Import.Name, &d.Import.Type)
	case d.Export != nil:
		sort = d.Export.Type.Sort
		e, err = r.Declare(&d.Export.Name, &d.Export.Type)
	}
	if err == nil {
		r.Spaces().Push(sort, e)
	}
	return err
}

// alias appends an item of an instance or of an enclosing Space.
func alias[E any](r Reader[E], a *binary.Alias) error {
	s := r.Spaces()
	if s.Kind != Component {
		allowed := a.Target == binary.AliasExport &&
			(a.Sort == binary.SortType || a.Sort == binary.SortInstance) ||
			a.Target == binary.AliasOuter &&
				(a.Sort == binary.SortType || a.Sort == binary.SortCoreType)
		if !allowed {
			return fmt.Errorf("an alias in a type may only refer to types or instances, found %s",
				a.Sort)
		}
	}
	var e E
	var err error
	switch {
	case a.Target == binary.AliasCoreExport || a.Sort == binary.SortCoreType:
		return r.AliasCore(a)
	case a.Target == binary.AliasExport:
		var inst E
		if inst, err = s.At(binary.SortInstance, a.Instance); err == nil {
			e, err = r.AliasExport(inst, a)
		}
	default:
		var from *Space[E]
		var crosses bool
		if from, crosses, err = s.Enclosing(a.Count); err != nil {
			return err
		}
		if e, err = from.At(a.Sort, a.Index); err == nil {
			e, err = r.AliasOuter(e, a, crosses)
		}
	}
	if err == nil {
		s.Push(a.Sort, e)
	}
	return err
}
