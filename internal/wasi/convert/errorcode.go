package convert

import (
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// ErrorCodeType is the error-code of wasi:http/types in WIT syntax.
func ErrorCodeType() string {
	var b strings.Builder
	b.WriteString("variant { ")
	for c := wasi.DNSTimeout; c <= wasi.InternalError; c++ {
		b.WriteString(c.String())
		b.WriteString(map[wasi.PayloadKind]string{
			wasi.DNSPayload:       "(DNS-error-payload)",
			wasi.AlertPayload:     "(TLS-alert-received-payload)",
			wasi.U64Payload:       "(option<u64>)",
			wasi.U32Payload:       "(option<u32>)",
			wasi.FieldSizePayload: "(field-size-payload)",
			wasi.OptFieldPayload:  "(option<field-size-payload>)",
			wasi.StringPayload:    "(option<string>)",
		}[c.Payload()])
		b.WriteString(", ")
	}
	b.WriteString("}")
	return b.String()
}

// ErrorCode converts to an error-code.
func ErrorCode(e *wasi.ErrorCode) component.Value {
	text, number := component.None(), func(f func(uint64) component.Value) component.Value {
		if e.Number == nil {
			return component.None()
		}
		return component.Some(f(*e.Number))
	}
	if e.Text != nil {
		text = component.Some(component.String(strings.ToValidUTF8(*e.Text, "\ufffd")))
	}
	u32 := func(n uint64) component.Value { return component.U32(uint32(min(n, 1<<32-1))) }
	c := uint32(e.Case)
	switch e.Case.Payload() {
	case wasi.DNSPayload:
		return component.Variant(
			c,
			component.Record(
				text,
				number(func(n uint64) component.Value { return component.U16(uint16(n)) }),
			),
		)
	case wasi.AlertPayload:
		return component.Variant(
			c,
			component.Record(
				number(func(n uint64) component.Value { return component.U8(uint8(n)) }),
				text,
			),
		)
	case wasi.U64Payload:
		return component.Variant(c, number(component.U64))
	case wasi.U32Payload:
		return component.Variant(c, number(u32))
	case wasi.FieldSizePayload:
		return component.Variant(c, component.Record(text, number(u32)))
	case wasi.OptFieldPayload:
		if e.Text == nil && e.Number == nil && !e.Empty {
			return component.Variant(c, component.None())
		}
		return component.Variant(c, component.Some(component.Record(text, number(u32))))
	case wasi.StringPayload:
		return component.Variant(c, text)
	}
	return component.Enum(c)
}

// ErrorCodeOf converts from an error-code.
func ErrorCodeOf(v component.Value) *wasi.ErrorCode {
	e := &wasi.ErrorCode{Case: wasi.ErrorCase(v.Case())}
	text := func(v component.Value) {
		if v.IsSome() {
			s := v.Payload().Str()
			e.Text = &s
		}
	}
	number := func(v component.Value) {
		if v.IsSome() {
			n := v.Payload().U64()
			e.Number = &n
		}
	}
	p := v.Payload()
	switch e.Case.Payload() {
	case wasi.DNSPayload, wasi.FieldSizePayload:
		text(p.Items()[0])
		number(p.Items()[1])
	case wasi.AlertPayload:
		number(p.Items()[0])
		text(p.Items()[1])
	case wasi.U64Payload, wasi.U32Payload:
		number(p)
	case wasi.OptFieldPayload:
		if p.IsSome() {
			e.Empty = true
			text(p.Payload().Items()[0])
			number(p.Payload().Items()[1])
		}
	case wasi.StringPayload:
		text(p)
	}
	return e
}

// Failure is a result that failed with an error-code.
func Failure(e *wasi.ErrorCode) component.Value { return component.Err(ErrorCode(e)) }
