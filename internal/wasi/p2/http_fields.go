package p2

import (
	"context"
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// The value behind fields, headers and trailers is a *wasi.Fields.

func fieldsDefs() []def {
	return []def{
		{"[constructor]fields", "func() -> fields", newFields},
		{"[static]fields.from-list", "func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>", fieldsFromList},
		{"[method]fields.get", "func(self: borrow<fields>, name: field-name) -> list<field-value>", fieldsGet},
		{"[method]fields.has", "func(self: borrow<fields>, name: field-name) -> bool", fieldsHas},
		{"[method]fields.set", "func(self: borrow<fields>, name: field-name, value: list<field-value>) -> result<_, header-error>", fieldsSet},
		{"[method]fields.delete", "func(self: borrow<fields>, name: field-name) -> result<_, header-error>", fieldsDelete},
		{"[method]fields.append", "func(self: borrow<fields>, name: field-name, value: field-value) -> result<_, header-error>", fieldsAppend},
		{"[method]fields.entries", "func(self: borrow<fields>) -> list<tuple<field-name, field-value>>", fieldsEntries},
		{"[method]fields.clone", "func(self: borrow<fields>) -> fields", fieldsClone},
	}
}

func fields(v component.Value) *wasi.Fields { return v.Rep().(*wasi.Fields) }

// headerResult is the result of a change. Fields beyond their limit trap: 0.2 has no error for them.
func headerResult(err error) (component.Value, error) {
	switch {
	case err == nil:
		return component.OkUnit(), nil
	case errors.Is(err, wasi.ErrFieldSyntax):
		return component.Err(component.Enum(0)), nil
	case errors.Is(err, wasi.ErrFieldForbidden):
		return component.Err(component.Enum(1)), nil
	case errors.Is(err, wasi.ErrFieldImmutable):
		return component.Err(component.Enum(2)), nil
	}
	return unit(), err
}

func newFields(_ context.Context, st *wasi.State, _ []component.Value) (component.Value, error) {
	return component.Own(wasi.NewFields(st.FieldRules())), nil
}

func fieldsFromList(_ context.Context, st *wasi.State, args []component.Value) (component.Value, error) {
	f, err := wasi.FieldsFromList(st.FieldRules(), convert.EntriesOf(args[0]))
	if err != nil {
		return headerResult(err)
	}
	return component.Ok(component.Own(f)), nil
}

func fieldsGet(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Values(fields(args[0]).Get(args[1].Str())), nil
}

func fieldsHas(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return component.Bool(fields(args[0]).Has(args[1].Str())), nil
}

func fieldsSet(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return headerResult(fields(args[0]).Set(args[1].Str(), convert.ValuesOf(args[2])))
}

func fieldsDelete(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	_, err := fields(args[0]).Delete(args[1].Str())
	return headerResult(err)
}

func fieldsAppend(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return headerResult(fields(args[0]).Append(args[1].Str(), args[2].Bytes()))
}

func fieldsEntries(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Entries(fields(args[0])), nil
}

func fieldsClone(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return component.Own(fields(args[0]).Clone()), nil
}
