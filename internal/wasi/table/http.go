package table

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// AddHTTPTypes declares types of wasi:http/types.
func AddHTTPTypes(i *component.HostInstance) {
	i.Type("method", convert.MethodType)
	i.Type("scheme", convert.SchemeType)
	i.Type("DNS-error-payload", "record { rcode: option<string>, info-code: option<u16> }")
	i.Type("TLS-alert-received-payload",
		"record { alert-id: option<u8>, alert-message: option<string> }")
	i.Type("field-size-payload", "record { field-name: option<string>, field-size: option<u32> }")
	i.Type("error-code", convert.ErrorCodeType())
	i.Type("field-value", "list<u8>")
	i.Type("status-code", "u16")
}

// Fields returns the functions of the resource fields, whose value is a *wasi.Fields. entries is
// the name of the function that returns all of them; result returns the result of a change, or a
// trap.
func Fields(entries string, result func(error) (component.Value, error)) []Def {
	const self = "func(self: borrow<fields>"
	return []Def{
		{"[constructor]fields", "func() -> fields",
			func(st *wasi.State, _ []component.Value) (component.Value, error) {
				return component.Own(st.NewFields()), nil
			}},
		{"[static]fields.from-list",
			"func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>",
			func(st *wasi.State, args []component.Value) (component.Value, error) {
				rules := st.FieldRules()
				if err := wasi.NewFields(rules).Admit(len(args[0].Items())); err != nil {
					return result(err)
				}
				f, err := wasi.FieldsFromList(rules, convert.EntriesOf(args[0]))
				if err != nil {
					return result(err)
				}
				return component.Ok(component.Own(f)), nil
			}},
		{"[method]fields.get", self + ", name: field-name) -> list<field-value>",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				return convert.Values(FieldsOf(args[0]).Get(args[1].Str())), nil
			}},
		{"[method]fields.has", self + ", name: field-name) -> bool",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				return component.Bool(FieldsOf(args[0]).Has(args[1].Str())), nil
			}},
		{"[method]fields.set",
			self + ", name: field-name, value: list<field-value>) -> result<_, header-error>",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				f := FieldsOf(args[0])
				if err := f.Admit(len(args[2].Items())); err != nil {
					return result(err)
				}
				return result(f.Set(args[1].Str(), convert.ValuesOf(args[2])))
			}},
		{"[method]fields.delete", self + ", name: field-name) -> result<_, header-error>",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				_, err := FieldsOf(args[0]).Delete(args[1].Str())
				return result(err)
			}},
		{"[method]fields.append",
			self + ", name: field-name, value: field-value) -> result<_, header-error>",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				return result(FieldsOf(args[0]).Append(args[1].Str(), args[2].Bytes()))
			}},
		{"[method]fields." + entries, self + ") -> list<tuple<field-name, field-value>>",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				return convert.Entries(FieldsOf(args[0])), nil
			}},
		{"[method]fields.clone", self + ") -> fields",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				return component.Own(FieldsOf(args[0]).Clone()), nil
			}},
	}
}

// FieldsOf returns the value behind fields, headers and trailers.
func FieldsOf(v component.Value) *wasi.Fields { return v.Rep().(*wasi.Fields) }

// Target returns the functions for the method, the target and the headers of a request that a guest
// makes. get is the prefix of the getters' names; of returns the value behind the resource.
func Target(resource, get string, of func(component.Value) *wasi.OutgoingRequest) []Def {
	self := "func(self: borrow<" + resource + ">"
	getter := func(name, typ string, read func(*wasi.OutgoingRequest) component.Value) Def {
		return Def{"[method]" + resource + "." + get + name, self + ") -> " + typ,
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				return read(of(args[0])), nil
			}}
	}
	setter := func(name, typ string, write func(*wasi.OutgoingRequest, component.Value) bool) Def {
		return Def{
			"[method]" + resource + ".set-" + name,
			self + ", " + name + ": " + typ + ") -> result",
			func(_ *wasi.State, args []component.Value) (component.Value, error) {
				return convert.Result(write(of(args[0]), args[1])), nil
			},
		}
	}
	return []Def{
		getter("method", "method", func(r *wasi.OutgoingRequest) component.Value {
			return convert.Method(r.Method)
		}),
		setter("method", "method", func(r *wasi.OutgoingRequest, v component.Value) bool {
			return r.SetMethod(convert.MethodOf(v))
		}),
		getter("path-with-query", "option<string>", func(r *wasi.OutgoingRequest) component.Value {
			return convert.Option(r.PathWithQuery, component.String)
		}),
		setter(
			"path-with-query",
			"option<string>",
			func(r *wasi.OutgoingRequest, v component.Value) bool {
				if !v.IsSome() {
					r.PathWithQuery = ""
					return true
				}
				return r.SetPathWithQuery(v.Payload().Str())
			},
		),
		getter("scheme", "option<scheme>", func(r *wasi.OutgoingRequest) component.Value {
			return convert.Option(r.Scheme, convert.Scheme)
		}),
		setter("scheme", "option<scheme>", func(r *wasi.OutgoingRequest, v component.Value) bool {
			if !v.IsSome() {
				r.Scheme = ""
				return true
			}
			return r.SetScheme(convert.SchemeOf(v.Payload()))
		}),
		getter("authority", "option<string>", func(r *wasi.OutgoingRequest) component.Value {
			return convert.Option(r.Authority, component.String)
		}),
		setter(
			"authority",
			"option<string>",
			func(r *wasi.OutgoingRequest, v component.Value) bool {
				if !v.IsSome() {
					r.Authority = ""
					return true
				}
				return r.SetAuthority(v.Payload().Str())
			},
		),
		getter("headers", "headers", func(r *wasi.OutgoingRequest) component.Value {
			return component.Own(r.Header())
		}),
	}
}

// Timeouts returns the getters and setters of request-options. get is the prefix of the getters'
// names, set the result of a setter in WIT; of returns the value behind the resource, and refuse,
// unless nil, the result of changing one that cannot be changed, and whether that is so.
func Timeouts(
	get, set string,
	of func(component.Value) *wasi.RequestOptions,
	refuse func(component.Value) (component.Value, bool),
) []Def {
	const self = "func(self: borrow<request-options>"
	var defs []Def
	for _, t := range []struct {
		name  string
		field func(*wasi.RequestOptions) **uint64
	}{
		{"connect-timeout", func(o *wasi.RequestOptions) **uint64 { return &o.Connect }},
		{"first-byte-timeout", func(o *wasi.RequestOptions) **uint64 { return &o.FirstByte }},
		{"between-bytes-timeout", func(o *wasi.RequestOptions) **uint64 { return &o.BetweenBytes }},
	} {
		defs = append(
			defs,
			Def{"[method]request-options." + get + t.name, self + ") -> option<duration>",
				func(_ *wasi.State, args []component.Value) (component.Value, error) {
					if ns := *t.field(of(args[0])); ns != nil {
						return component.Some(component.U64(*ns)), nil
					}
					return component.None(), nil
				}},
			Def{
				"[method]request-options.set-" + t.name,
				self + ", duration: option<duration>) -> " + set,
				func(_ *wasi.State, args []component.Value) (component.Value, error) {
					if refuse != nil {
						if v, refused := refuse(args[0]); refused {
							return v, nil
						}
					}
					field := t.field(of(args[0]))
					*field = nil
					if args[1].IsSome() {
						ns := args[1].Payload().U64()
						*field = &ns
					}
					return component.OkUnit(), nil
				},
			},
		)
	}
	return defs
}
