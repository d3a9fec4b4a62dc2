package component

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// wastParse reads a value of the script as one of type t.
func wastParse(w wastValue, t *types.Type) (Value, error) {
	bad := func(err error) (Value, error) {
		return Value{}, &wastError{fmt.Sprintf("value %s of type %s for %s: %v", w.Value, w.Type, t,
			err)}
	}
	str := func() (s string) {
		_ = json.Unmarshal(w.Value, &s)
		return s
	}
	payload := func(raw json.RawMessage, ct *types.Type) (*Value, error) {
		if ct == nil || len(raw) == 0 || string(raw) == "null" {
			return nil, nil
		}
		var wv wastValue
		if err := json.Unmarshal(raw, &wv); err != nil {
			return nil, err
		}
		v, err := wastParse(wv, ct)
		return &v, err
	}
	wrap := func(i int, p *Value) Value {
		if p == nil {
			return Enum(uint32(i))
		}
		return Variant(uint32(i), *p)
	}
	items := func(raws []wastValue, elem func(int) *types.Type) (Value, error) {
		vs := make([]Value, len(raws))
		for i, r := range raws {
			v, err := wastParse(r, elem(i))
			if err != nil {
				return Value{}, err
			}
			vs[i] = v
		}
		return Value{ref: vs}, nil
	}
	switch t.Kind {
	case types.Bool:
		var b bool
		if err := json.Unmarshal(w.Value, &b); err != nil {
			return bad(err)
		}
		return Bool(b), nil
	case types.U8, types.U16, types.U32, types.U64:
		n, err := strconv.ParseUint(str(), 10, 64)
		if err != nil {
			return bad(err)
		}
		return Value{bits: n}, nil
	case types.S8, types.S16, types.S32, types.S64:
		n, err := strconv.ParseInt(str(), 10, 64)
		if err != nil {
			return bad(err)
		}
		return Value{bits: uint64(n)}, nil
	case types.F32:
		if strings.HasPrefix(str(), "nan") {
			return Value{bits: canonicalNaN32}, nil
		}
		n, err := strconv.ParseUint(str(), 10, 32)
		if err != nil {
			return bad(err)
		}
		return Value{bits: canonF32(uint32(n))}, nil
	case types.F64:
		if strings.HasPrefix(str(), "nan") {
			return Value{bits: canonicalNaN64}, nil
		}
		n, err := strconv.ParseUint(str(), 10, 64)
		if err != nil {
			return bad(err)
		}
		return Value{bits: canonF64(n)}, nil
	case types.Char:
		r := []rune(str())
		if len(r) != 1 {
			return bad(errors.New("not one character"))
		}
		return Char(r[0]), nil
	case types.String:
		return String(str()), nil
	case types.List, types.FixedList, types.Map:
		var raws []wastValue
		if err := json.Unmarshal(w.Value, &raws); err != nil {
			return bad(err)
		}
		v, err := items(raws, func(int) *types.Type { return t.Elem })
		if err == nil && t.Elem.Kind == types.U8 {
			b := make([]byte, len(raws))
			for i, x := range v.Items() {
				b[i] = x.U8()
			}
			v = Bytes(b)
		}
		return v, err
	case types.Tuple:
		var raws []wastValue
		if err := json.Unmarshal(w.Value, &raws); err != nil {
			return bad(err)
		}
		if len(raws) != len(t.Fields) {
			return bad(errors.New("another number of fields"))
		}
		return items(raws, func(i int) *types.Type { return t.Fields[i].Type })
	case types.Record:
		var raws [][2]json.RawMessage
		if err := json.Unmarshal(w.Value, &raws); err != nil {
			return bad(err)
		}
		if len(raws) != len(t.Fields) {
			return bad(errors.New("another number of fields"))
		}
		ws := make([]wastValue, len(raws))
		for i, r := range raws {
			if name := string(r[0]); name != strconv.Quote(t.Fields[i].Name) {
				return bad(errors.New("no field " + name + " in that place"))
			}
			if err := json.Unmarshal(r[1], &ws[i]); err != nil {
				return bad(err)
			}
		}
		return items(ws, func(i int) *types.Type { return t.Fields[i].Type })
	case types.Flags:
		var labels []string
		if err := json.Unmarshal(w.Value, &labels); err != nil {
			return bad(err)
		}
		var bits uint32
		for _, l := range labels {
			i := slices.Index(t.Labels, l)
			if i < 0 {
				return bad(errors.New("no flag " + l))
			}
			bits |= 1 << i
		}
		return Flags(bits), nil
	case types.Enum:
		i := wastCase(t, str())
		if i < 0 {
			return bad(errors.New("no such case"))
		}
		return Enum(uint32(i)), nil
	case types.Variant:
		var v struct {
			Case    string          `json:"case"`
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(w.Value, &v); err != nil {
			return bad(err)
		}
		i := wastCase(t, v.Case)
		if i < 0 {
			return bad(errors.New("no such case"))
		}
		p, err := payload(v.Payload, t.Cases[i].Type)
		return wrap(i, p), err
	case types.Option:
		if len(w.Value) == 0 || string(w.Value) == "null" {
			return None(), nil
		}
		p, err := payload(w.Value, t.Elem)
		return wrap(1, p), err
	case types.Result:
		var v map[string]json.RawMessage
		if err := json.Unmarshal(w.Value, &v); err != nil {
			return bad(err)
		}
		if raw, ok := v["Ok"]; ok {
			p, err := payload(raw, t.Cases[0].Type)
			return wrap(0, p), err
		}
		p, err := payload(v["Err"], t.Cases[1].Type)
		return wrap(1, p), err
	}
	return bad(errors.New("unsupported"))
}

func wastCase(t *types.Type, name string) int {
	return slices.IndexFunc(t.Cases, func(c types.Case) bool { return c.Name == name })
}

func wastPrint(t *types.Type, v Value) string {
	switch t.Kind {
	case types.Bool, types.U8, types.U16, types.U32, types.U64, types.Flags, types.Char:
		return fmt.Sprint(v.bits)
	case types.S8, types.S16, types.S32, types.S64:
		return fmt.Sprint(int64(v.bits))
	case types.F32:
		return fmt.Sprintf("%v (%#x)", math.Float32frombits(uint32(v.bits)), v.bits)
	case types.F64:
		return fmt.Sprintf("%v (%#x)", math.Float64frombits(v.bits), v.bits)
	case types.String:
		return strconv.Quote(v.Str())
	case types.List, types.FixedList, types.Map:
		if t.Elem.Kind == types.U8 {
			return fmt.Sprint(v.Bytes())
		}
		var b strings.Builder
		for _, x := range v.Items() {
			b.WriteString(wastPrint(t.Elem, x) + ",")
		}
		return "[" + b.String() + "]"
	case types.Record, types.Tuple:
		var b strings.Builder
		for i, x := range v.Items() {
			b.WriteString(wastPrint(t.Fields[i].Type, x) + ",")
		}
		return "(" + b.String() + ")"
	case types.Variant, types.Enum, types.Option, types.Result:
		c := t.Cases[v.Case()]
		if c.Type == nil {
			return c.Name
		}
		return c.Name + "(" + wastPrint(c.Type, v.Payload()) + ")"
	}
	return t.Kind.String()
}
