package p3

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// The value behind fields, headers and trailers is a *wasi.Fields.

func fieldsDefs() []def {
	return []def{
		{name: "[constructor]fields", wit: "func() -> fields", fn: newFields},
		{name: "[static]fields.from-list", wit: "func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>", fn: fieldsFromList},
		{name: "[method]fields.get", wit: "func(self: borrow<fields>, name: field-name) -> list<field-value>", fn: fieldsGet},
		{name: "[method]fields.has", wit: "func(self: borrow<fields>, name: field-name) -> bool", fn: fieldsHas},
		{name: "[method]fields.set", wit: "func(self: borrow<fields>, name: field-name, value: list<field-value>) -> result<_, header-error>", fn: fieldsSet},
		{name: "[method]fields.delete", wit: "func(self: borrow<fields>, name: field-name) -> result<_, header-error>", fn: fieldsDelete},
		{name: "[method]fields.get-and-delete", wit: "func(self: borrow<fields>, name: field-name) -> result<list<field-value>, header-error>", fn: fieldsGetAndDelete},
		{name: "[method]fields.append", wit: "func(self: borrow<fields>, name: field-name, value: field-value) -> result<_, header-error>", fn: fieldsAppend},
		{name: "[method]fields.copy-all", wit: "func(self: borrow<fields>) -> list<tuple<field-name, field-value>>", fn: fieldsCopyAll},
		{name: "[method]fields.clone", wit: "func(self: borrow<fields>) -> fields", fn: fieldsClone},
	}
}

func fields(v component.Value) *wasi.Fields { return v.Rep().(*wasi.Fields) }

// headerError is the result of a change that failed.
func headerError(err error) component.Value {
	for i, known := range []error{wasi.ErrFieldSyntax, wasi.ErrFieldForbidden, wasi.ErrFieldImmutable, wasi.ErrFieldsTooBig} {
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

func newFields(c call, _ []component.Value) (component.Value, error) {
	return component.Own(wasi.NewFields(c.state.FieldRules())), nil
}

func fieldsFromList(c call, args []component.Value) (component.Value, error) {
	f, err := wasi.FieldsFromList(c.state.FieldRules(), convert.EntriesOf(args[0]))
	if err != nil {
		return headerError(err), nil
	}
	return component.Ok(component.Own(f)), nil
}

func fieldsGet(_ call, args []component.Value) (component.Value, error) {
	return convert.Values(fields(args[0]).Get(args[1].Str())), nil
}

func fieldsHas(_ call, args []component.Value) (component.Value, error) {
	return component.Bool(fields(args[0]).Has(args[1].Str())), nil
}

func fieldsSet(_ call, args []component.Value) (component.Value, error) {
	return headerResult(fields(args[0]).Set(args[1].Str(), convert.ValuesOf(args[2])))
}

func fieldsDelete(_ call, args []component.Value) (component.Value, error) {
	_, err := fields(args[0]).Delete(args[1].Str())
	return headerResult(err)
}

func fieldsGetAndDelete(_ call, args []component.Value) (component.Value, error) {
	values, err := fields(args[0]).Delete(args[1].Str())
	if err != nil {
		return headerError(err), nil
	}
	return component.Ok(convert.Values(values)), nil
}

func fieldsAppend(_ call, args []component.Value) (component.Value, error) {
	return headerResult(fields(args[0]).Append(args[1].Str(), args[2].Bytes()))
}

func fieldsCopyAll(_ call, args []component.Value) (component.Value, error) {
	return convert.Entries(fields(args[0])), nil
}

func fieldsClone(_ call, args []component.Value) (component.Value, error) {
	return component.Own(fields(args[0]).Clone()), nil
}
