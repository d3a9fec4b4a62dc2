package p3

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

func fieldsDefs() []def {
	return []def{{name: "[method]fields.get-and-delete", fn: fieldsGetAndDelete,
		wit: "func(self: borrow<fields>, name: field-name) -> result<list<field-value>, " +
			"header-error>"}}
}

// headerError is the result of a change that failed.
func headerError(err error) component.Value {
	for i, known := range []error{
		wasi.ErrFieldSyntax, wasi.ErrFieldForbidden, wasi.ErrFieldImmutable, wasi.ErrFieldsTooBig,
	} {
		if errors.Is(err, known) {
			return component.Err(component.Enum(uint32(i)))
		}
	}
	const other = 4
	return component.Err(component.Variant(other, component.Some(component.String(err.Error()))))
}

func headerResult(err error) (component.Value, error) {
	if err != nil {
		return headerError(err), nil
	}
	return component.OkUnit(), nil
}

func fieldsGetAndDelete(_ call, args []component.Value) (component.Value, error) {
	values, err := table.FieldsOf(args[0]).Delete(args[1].Str())
	if err != nil {
		return headerError(err), nil
	}
	return component.Ok(convert.Values(values)), nil
}
