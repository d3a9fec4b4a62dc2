package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

func alignTo(n, align uint64) uint64 { return (n + align - 1) / align * align }

// sequence collects the facts of values laid out one after the other.
func sequence(parts func(yield func(valType) bool)) facts {
	f := facts{w: weight{nodes: 1}, align: 1}
	for p := range parts {
		pf := p.facts()
		f.w.contain(pf.w)
		f.align = max(f.align, pf.align)
		f.size = alignTo(f.size, pf.align) + pf.size
		f.flat = appendFlat(f.flat, pf.flat)
		f.hasBorrow = f.hasBorrow || pf.hasBorrow
		f.hasList = f.hasList || pf.hasList
	}
	f.size = alignTo(f.size, f.align)
	return f
}

// appendFlat appends, but nothing beyond what suffices to see that there are too many.
func appendFlat(flat, more []byte) []byte {
	room := maxFlatParams + 1 - len(flat)
	return append(flat[:len(flat):len(flat)], more[:min(room, len(more))]...)
}

// discriminantSize is the size in bytes of the tag of a variant with n cases.
func discriminantSize(n int) uint64 {
	switch {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	}
	return 4
}

// choice collects the facts of a variant with n cases, some of which have a payload.
func choice(n int, payloads func(yield func(valType) bool)) facts {
	disc := discriminantSize(n)
	f := facts{w: weight{nodes: 1 + n}, align: disc}
	var payload uint64
	payloadAlign := uint64(1)
	var flat []byte
	for p := range payloads {
		pf := p.facts()
		f.w.contain(pf.w)
		payloadAlign = max(payloadAlign, pf.align)
		payload = max(payload, pf.size)
		flat = joinFlat(flat, pf.flat)
		f.hasBorrow = f.hasBorrow || pf.hasBorrow
		f.hasList = f.hasList || pf.hasList
	}
	f.align = max(disc, payloadAlign)
	f.size = alignTo(alignTo(disc, payloadAlign)+payload, f.align)
	f.flat = appendFlat([]byte{i32}, flat)
	return f
}

// joinFlat merges the core types that two cases need for the same slots (CanonicalABI.md,
// "Flattening").
func joinFlat(a, b []byte) []byte {
	out := make([]byte, 0, max(len(a), len(b)))
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(b):
			out = append(out, a[i])
		case i >= len(a) || a[i] == b[i]:
			out = append(out, b[i])
		case a[i] == i32 && b[i] == f32 || a[i] == f32 && b[i] == i32:
			out = append(out, i32)
		default:
			out = append(out, i64)
		}
	}
	return out
}

// parts yields the value types that t is made of, in order.
func (t *defType) parts(yield func(valType) bool) {
	for _, f := range t.fields {
		if !yield(f.typ) {
			return
		}
	}
	for _, c := range t.cases {
		if c.typ != nil && !yield(*c.typ) {
			return
		}
	}
	for _, p := range t.types {
		if !yield(p) {
			return
		}
	}
	for _, p := range []*valType{t.key, t.elem, t.ok, t.err} {
		if p != nil && !yield(*p) {
			return
		}
	}
}

// computeFacts derives the facts from those of the parts and enforces the limits on size.
func (t *defType) computeFacts() error {
	switch t.op {
	case binary.OpRecord, binary.OpTuple:
		t.facts = sequence(t.parts)
	case binary.OpVariant:
		t.facts = choice(len(t.cases), t.parts)
	case binary.OpOption, binary.OpResult:
		t.facts = choice(2, t.parts)
	case binary.OpEnum:
		t.facts = choice(len(t.labels), func(func(valType) bool) {})
	case binary.OpFlags:
		size := uint64(4)
		if n := len(t.labels); n <= 8 {
			size = 1
		} else if n <= 16 {
			size = 2
		}
		t.facts = facts{w: weight{nodes: 1 + len(t.labels)}, size: size, align: size,
			flat: []byte{i32}}
	case binary.OpList, binary.OpMap:
		t.facts = listFacts()
		for p := range t.parts {
			t.w.contain(p.facts().w)
			t.hasBorrow = t.hasBorrow || p.facts().hasBorrow
		}
	case binary.OpFixedList:
		t.facts = t.elem.facts()
		t.size *= uint64(t.length)
		elem := t.flat
		for range min(t.length, maxFlatParams+1) - 1 {
			t.flat = appendFlat(t.flat, elem)
		}
		t.w = weight{nodes: 1}
		t.w.contain(t.elem.facts().w)
	default: // own, borrow, stream, future
		t.facts = primFacts(binary.OpU32)
		t.hasBorrow = t.op == binary.OpBorrow
		if t.elem != nil {
			t.w.contain(t.elem.facts().w)
		}
	}
	if t.size >= maxValueSize {
		return fmt.Errorf("a %s type of %d bytes exceeds the maximum of %d bytes", opName(t.op),
			t.size, maxValueSize-1)
	}
	return t.w.check()
}

// ownSize counts what t consists of, without looking into it.
func (t *defType) ownSize() int {
	return 1 + len(t.fields) + len(t.cases) + len(t.types) + len(t.labels)
}

func ownSize(t anyType) int {
	switch t := t.(type) {
	case *defType:
		return t.ownSize()
	case *funcType:
		return 1 + len(t.params)
	case *instType:
		return 1 + len(t.exports.names)
	case *compType:
		return 1 + len(t.imports.names) + len(t.exports.names)
	}
	return 1
}
