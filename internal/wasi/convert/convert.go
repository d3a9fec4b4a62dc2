// Package convert turns what package wasi works with into component values and back, where WASI 0.2
// and 0.3 have the same types.
package convert

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// MethodType and SchemeType are wasi:http/types.{method, scheme} in WIT syntax.
const (
	MethodType = "variant { get, head, post, put, delete, connect, options, trace, patch, " +
		"other(string) }"
	SchemeType = "variant { HTTP, HTTPS, other(string) }"
)

// methodNames are the methods in the order of the variant's cases; other comes after them.
func methodNames() [9]string {
	return [...]string{
		"GET",
		"HEAD",
		"POST",
		"PUT",
		"DELETE",
		"CONNECT",
		"OPTIONS",
		"TRACE",
		"PATCH",
	}
}

// Method converts to a method.
func Method(m string) component.Value {
	names := methodNames()
	for i, n := range names {
		if n == m {
			return component.Enum(uint32(i))
		}
	}
	return component.Variant(uint32(len(names)), component.String(m))
}

// MethodOf converts from a method.
func MethodOf(v component.Value) string {
	names := methodNames()
	if c := v.Case(); c < uint32(len(names)) {
		return names[c]
	}
	return v.Payload().Str()
}

// Scheme converts to a scheme.
func Scheme(s string) component.Value {
	switch s {
	case "HTTP":
		return component.Enum(0)
	case "HTTPS":
		return component.Enum(1)
	}
	return component.Variant(2, component.String(s))
}

// SchemeOf converts from a scheme.
func SchemeOf(v component.Value) string {
	switch v.Case() {
	case 0:
		return "HTTP"
	case 1:
		return "HTTPS"
	}
	return v.Payload().Str()
}

// Entries converts fields to a list<tuple<field-name, field-value>>.
func Entries(f *wasi.Fields) component.Value {
	entries := f.Entries()
	list := make([]component.Value, len(entries))
	for i, e := range entries {
		list[i] = component.Record(component.String(e.Name), component.Bytes(e.Value))
	}
	return component.List(list...)
}

// EntriesOf converts from a list<tuple<field-name, field-value>>.
func EntriesOf(v component.Value) []wasi.Field {
	items := v.Items()
	list := make([]wasi.Field, len(items))
	for i, v := range items {
		pair := v.Items()
		list[i] = wasi.Field{Name: pair[0].Str(), Value: pair[1].Bytes()}
	}
	return list
}

// Values converts the values of a field to a list<field-value>.
func Values(values [][]byte) component.Value {
	list := make([]component.Value, len(values))
	for i, v := range values {
		list[i] = component.Bytes(v)
	}
	return component.List(list...)
}

// ValuesOf converts from a list<field-value>.
func ValuesOf(v component.Value) [][]byte {
	items := v.Items()
	values := make([][]byte, len(items))
	for i, v := range items {
		values[i] = v.Bytes()
	}
	return values
}

// Option returns some(conv(v)), or none for the zero value.
func Option[T comparable](v T, conv func(T) component.Value) component.Value {
	var zero T
	if v == zero {
		return component.None()
	}
	return component.Some(conv(v))
}

// Result returns ok without payload when ok, else an error without payload.
func Result(ok bool) component.Value {
	if ok {
		return component.OkUnit()
	}
	return component.ErrUnit()
}
