package component

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// payloads are types that differ from each other; "" stands for no payload. Some have the same
// layout.
var payloads = []string{
	"", "u8", "s8", "bool", "u32", "char", "f32", "u64", "string", "list<u8>", "list<s8>",
	"option<u8>", "result<u8>",
	"tuple<u8, u8>", "record { a: u8, b: u8 }", "record { a: u8, c: u8 }", "enum { x, y }",
	"enum { x, z }",
	"flags { x, y }", "variant { x(u8), y }", "own<one>", "own<two>", "stream<u8>", "stream<s8>",
	"future<u8>",
}

// parsePayload returns the type of a stream or future of a payload.
func parsePayload(t *testing.T, kind, payload string) *types.Type {
	t.Helper()
	one, two := &types.Resource{Name: "one"}, &types.Resource{Name: "two"}
	if payload != "" {
		kind += "<" + payload + ">"
	}
	typ, err := types.Parse(kind, func(name string) (*types.Type, *types.Resource) {
		switch name {
		case "one":
			return nil, one
		case "two":
			return nil, two
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// A stream or future is what its handle's user says it is, or the user traps: in each built-in,
// when it is handed on, and when the embedder hands on what it was given.
func TestAStreamKeepsItsPayloadType(t *testing.T) {
	b := newABIBed(t)
	var all []*types.Type
	for _, kind := range []string{"stream", "future"} {
		for _, payload := range payloads {
			if payload == "own<one>" || payload == "own<two>" {
				continue // resources are themselves only within one linking; see below
			}
			all = append(all, parsePayload(t, kind, payload))
		}
	}
	for i, made := range all {
		for j, used := range all {
			c := b.cx(0)
			sh := &shared{future: made.Kind == types.Future, elem: made.Elem}
			readable := c.inst.table.addWaitable(c.th.store.newEnd(sh, true))
			writable := c.inst.table.addWaitable(c.th.store.newEnd(sh, false))
			for _, step := range []struct {
				what string
				use  func()
			}{
				{"reading", func() { c.inst.table.end(readable, used, true) }},
				{"writing", func() { c.inst.table.end(writable, used, false) }},
				{"handing on", func() { c.lowerEnd(Value{ref: sh}, used) }},
				{"giving up", func() { c.liftEnd(readable, used) }},
			} {
				if trap := trapped(step.use); (trap == nil) != (i == j) {
					t.Errorf("%s a %s as a %s: %v", step.what, made, used, trap)
				}
			}
		}
	}
	one, two := &types.Resource{Name: "r"}, &types.Resource{Name: "r"}
	stream := func(r *types.Resource) *types.Type {
		return &types.Type{Kind: types.Stream, Elem: &types.Type{Kind: types.Own, Resource: r}}
	}
	c := b.cx(0)
	if trap := trapped(func() {
		c.lowerEnd(Value{ref: &shared{elem: stream(one).Elem}},
			stream(two))
	}); trap == nil {
		t.Error("a stream of one resource is handed on as one of another resource")
	}
}

func TestTheEmbeddersStreamsAreOfBytes(t *testing.T) {
	b := newABIBed(t)
	s := b.th.store
	for _, payload := range payloads {
		used := parsePayload(t, "stream", payload)
		src := &testSource{}
		c := b.cx(0)
		trap := trapped(func() { c.lowerEnd(s.NewByteStream(src), used) })
		if (trap == nil) != (payload == "u8") {
			t.Errorf("given as %s: %v", used, trap)
		}
		sink := &testSink{most: 1}
		sh := &shared{elem: used.Elem}
		s.ReadStream(Value{ref: sh}, sink)
		if refused := len(sink.ended) > 0 &&
			errors.Is(sink.ended[0], errNotBytes); refused != (payload != "u8") ||
			sh.dropped != refused {
			t.Errorf("taken as %s: dropped %v, ended %v", used, sh.dropped, sink.ended)
		}
	}
}

// A future of the embedder has the payload type that its first receiver expects.
func TestAFutureOfTheEmbedderHasOneType(t *testing.T) {
	b := newABIBed(t)
	f, _ := b.th.store.NewFuture()
	c := b.cx(0)
	for i, as := range []string{"future<u32>", "future<string>", "stream<u32>", "future<u32>"} {
		typ, err := types.Parse(as, func(string) (*types.Type, *types.Resource) { return nil, nil })
		if err != nil {
			t.Fatal(err)
		}
		if trap := trapped(func() { c.lowerEnd(f, typ) }); (trap == nil) != (as == "future<u32>") {
			t.Errorf("step %d, as %s: %v", i, as, trap)
		} else if trap != nil && !strings.Contains(trap.Msg, fmt.Sprintf("given as %s", typ)) {
			t.Errorf("as %s: %s", as, trap.Msg)
		}
	}
}
