package p2

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

func TestWritesKeepToTheRoomThereIs(t *testing.T) {
	write := func(out component.Value, n int) string {
		v, err := outputWrite(
			call{t.Context(), new(wasi.State)},
			[]component.Value{out, bytesAre(n)},
		)
		return outcome(v, err)
	}
	zeroes := func(out component.Value, n uint64) string {
		v, err := outputWriteZeroes(
			call{t.Context(), new(wasi.State)},
			[]component.Value{out, component.U64(n)},
		)
		return outcome(v, err)
	}
	check := func(out component.Value) string {
		return outcome(do(t, outputCheckWrite, new(wasi.State), out), nil)
	}
	flush := func(out component.Value) string { return outcome(do(t, outputFlush, new(wasi.State), out), nil) }
	for name, c := range map[string]struct {
		do   func(out component.Value) []string
		want []string
	}{
		"not asked for": {func(o component.Value) []string { return []string{write(o, 10)} }, []string{"ok"}},
		"too much":      {func(o component.Value) []string { return []string{write(o, 11)} }, []string{"trap"}},
		"nothing":       {func(o component.Value) []string { return []string{write(o, 0)} }, []string{"ok"}},
		"permit":        {func(o component.Value) []string { return []string{check(o), write(o, 10)} }, []string{"ok", "ok"}},
		"beyond":        {func(o component.Value) []string { return []string{check(o), write(o, 11)} }, []string{"ok", "trap"}},
		"used up":       {func(o component.Value) []string { return []string{check(o), write(o, 6), write(o, 5)} }, []string{"ok", "ok", "ok"}},
		"no room": {func(o component.Value) []string {
			return []string{check(o), write(o, 10), write(o, 10), write(o, 1)}
		}, []string{"ok", "ok", "ok", "trap"}},
		"after flush": {func(o component.Value) []string { return []string{check(o), flush(o), write(o, 1)} }, []string{"ok", "ok", "ok"}},
		"zeroes":      {func(o component.Value) []string { return []string{check(o), zeroes(o, 10)} }, []string{"ok", "ok"}},
		"zeroes, not asked for": {func(o component.Value) []string { return []string{zeroes(o, 10), zeroes(o, 11)} },
			[]string{"ok", "trap"}},
		"zeroes, beyond": {func(o component.Value) []string { return []string{check(o), zeroes(o, 1<<63)} }, []string{"ok", "trap"}},
	} {
		if diff := cmp.Diff(c.want, c.do(newOutputStream(&sink{gate: opened(), permits: []int{10, 10}}, nil))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A stream that is found closed when a guest writes without asking behaves as it does to one that
// asks.
func TestAWriteWithoutAPermitMeetsTheStreamAsItIs(t *testing.T) {
	for want, err := range map[string]error{"closed": wasi.ErrClosed, "failed: oops": errors.New("oops")} {
		for name, write := range map[string]func(out component.Value) (component.Value, error){
			"write": func(out component.Value) (component.Value, error) {
				return outputWrite(call{t.Context(), new(wasi.State)}, []component.Value{out, bytesAre(1)})
			},
			"zeroes": func(out component.Value) (component.Value, error) {
				return outputWriteZeroes(call{t.Context(), new(wasi.State)}, []component.Value{out, component.U64(1)})
			},
		} {
			out := newOutputStream(&sink{gate: opened(), err: err}, nil)
			got := []string{outcome(write(out)), outcome(write(out))}
			if diff := cmp.Diff([]string{want, "closed"}, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

func TestStandardOutputTakesAWriteOfAnySize(t *testing.T) {
	var got bytes.Buffer
	out := newOutputStream(wasi.NewSink(&got), nil)
	const size = 5 << 20
	if v, err := outputWrite(call{t.Context(), new(wasi.State)}, []component.Value{out, bytesAre(size)}); outcome(
		v,
		err,
	) != "ok" ||
		got.Len() != size {
		t.Errorf("%s, %d bytes", outcome(v, err), got.Len())
	}
	// Zeroes would have to be made first.
	if v, err := outputWriteZeroes(call{t.Context(), new(wasi.State)}, []component.Value{out, component.U64(1 << 62)}); outcome(
		v,
		err,
	) != "trap" {
		t.Error(outcome(v, err))
	}
}

func TestAFailedOutputIsClosed(t *testing.T) {
	out := newOutputStream(
		&sink{gate: opened(), permits: []int{10, 10}, writeErr: errors.New("oops")},
		nil,
	)
	do(t, outputCheckWrite, new(wasi.State), out)
	got := []string{
		outcome(do(t, outputWrite, new(wasi.State), out, bytesAre(1)), nil),
		outcome(do(t, outputWrite, new(wasi.State), out, bytesAre(1)), nil),
		outcome(
			do(t, outputCheckWrite, new(wasi.State), out),
			nil,
		),
		outcome(do(t, outputFlush, new(wasi.State), out), nil),
		outcome(
			do(t, outputBlockingWrite, new(wasi.State), out, bytesAre(1)),
			nil,
		),
		outcome(do(t, outputBlockingWrite, new(wasi.State), out, bytesAre(0)), nil),
		outcome(do(t, outputWriteZeroes, new(wasi.State), out, component.U64(1)), nil),
	}
	if diff := cmp.Diff([]string{"failed: oops", "closed", "closed", "closed", "closed", "closed", "closed"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBlockingWrites(t *testing.T) {
	for name, c := range map[string]struct {
		s    *sink
		n    int
		want string
		got  int
	}{
		"in pieces":                       {&sink{permits: []int{0, 2, 0, 100, 0, 5}}, 10, "ok", 10},
		"most":                            {&sink{permits: []int{8192, 1}}, 4096, "ok", 4096},
		"too much":                        {&sink{permits: []int{8192, 1}}, 4097, "trap", 0},
		"closed before":                   {&sink{err: wasi.ErrClosed}, 1, "closed", 0},
		"closed while writing":            {&sink{permits: []int{1}, err: wasi.ErrClosed}, 2, "closed", 1},
		"closed by the last write":        {&sink{permits: []int{2}, err: wasi.ErrClosed}, 2, "ok", 2},
		"flush fails":                     {&sink{permits: []int{2}, flushErr: errors.New("oops")}, 2, "failed: oops", 2},
		"failure shows up after flushing": {&sink{permits: []int{2}, err: errors.New("oops")}, 2, "failed: oops", 2},
	} {
		c.s.gate = opened()
		v, err := outputBlockingWrite(
			call{t.Context(), new(wasi.State)},
			[]component.Value{newOutputStream(c.s, nil), bytesAre(c.n)},
		)
		if got := outcome(v, err); got != c.want || c.s.got.Len() != c.got {
			t.Errorf("%s: %s, %d bytes; want %s, %d", name, got, c.s.got.Len(), c.want, c.got)
		}
	}
	if _, err := outputBlockingWriteZeroes(call{t.Context(), new(wasi.State)},
		[]component.Value{newOutputStream(&sink{gate: opened()}, nil), component.U64(4097)}); err == nil {
		t.Error("blocking write of more than 4096 zeroes")
	}
}

func TestSplice(t *testing.T) {
	for name, c := range map[string]struct {
		permits []int
		reads   []string
		n       uint64
		want    string
		moved   string
	}{
		"all":              {[]int{10}, []string{"abc"}, 100, "ok", "abc"},
		"the permit":       {[]int{2}, []string{"abc"}, 100, "ok", "ab"},
		"what is asked":    {[]int{10}, []string{"abc"}, 1, "ok", "a"},
		"output not ready": {[]int{0}, []string{"abc"}, 100, "ok", ""},
		"input not ready":  {[]int{10}, []string{""}, 100, "ok", ""},
		"input at its end": {[]int{10}, nil, 100, "closed", ""},
	} {
		s := &source{gate: opened(), err: io.EOF}
		for _, r := range c.reads {
			s.reads = append(s.reads, []byte(r))
		}
		o := &sink{gate: opened(), permits: c.permits}
		v := do(
			t,
			outputSplice,
			new(wasi.State),
			newOutputStream(o, nil),
			newInputStream(s, nil),
			component.U64(c.n),
		)
		if got := outcome(v, nil); got != c.want || o.got.String() != c.moved ||
			got == "ok" && v.Payload().U64() != uint64(len(c.moved)) {
			t.Errorf("%s: %s, %q", name, got, o.got.String())
		}
	}
	o := &sink{gate: opened(), permits: []int{0, 0, 10, 10, 10}}
	out, in := newOutputStream(
		o,
		nil,
	), newInputStream(
		&source{gate: opened(), reads: [][]byte{nil, []byte("abc")}, err: io.EOF},
		nil,
	)
	got := []string{}
	for range 2 {
		got = append(
			got,
			outcome(do(t, outputBlockingSplice, new(wasi.State), out, in, component.U64(9)), nil),
		)
	}
	if diff := cmp.Diff([]string{"ok", "closed"}, got); diff != "" || o.got.String() != "abc" {
		t.Errorf("%q, %s", o.got.String(), diff)
	}
}

func TestDroppingAParentBeforeItsChildrenTraps(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	defer st.Close()
	out := func() component.Value {
		return do(
			t,
			outgoingResponseBody,
			st,
			do(t, newOutgoingResponse, st, do(t, named(t, "[constructor]fields"), st)),
		).Payload()
	}
	in := func() component.Value {
		request, _ := Incoming(st, &wasi.Request{Header: wasi.NewFields(st.FieldRules())}, nil)
		return do(t, incomingConsume, st, request).Payload()
	}
	input := func(*testing.T) component.Value { return newInputStream(&source{gate: opened()}, nil) }
	finishOut := func(rep any) error {
		_, err := outgoingBodyFinish(
			call{t.Context(), st},
			[]component.Value{component.Own(rep), component.None()},
		)
		return err
	}
	finishIn := func(rep any) error {
		_, err := incomingBodyFinish(call{t.Context(), st}, []component.Value{component.Own(rep)})
		return err
	}
	for name, c := range map[string]struct {
		parent func(*testing.T) component.Value
		child  func(t *testing.T, parent component.Value) component.Value
		drop   func(rep any) error // of the child
		end    func(rep any) error // of the parent
	}{
		"pollable of an input": {input, func(t *testing.T, p component.Value) component.Value { return do(t, inputSubscribe, st, p) },
			dropPollable, dropInputStream},
		"pollable of an output": {func(*testing.T) component.Value { return newOutputStream(&sink{gate: opened()}, nil) },
			func(t *testing.T, p component.Value) component.Value { return do(t, outputSubscribe, st, p) }, dropPollable, dropOutputStream},
		"stream of an incoming body, dropped": {func(*testing.T) component.Value { return in() },
			func(t *testing.T, p component.Value) component.Value {
				return do(t, incomingBodyStream, st, p).Payload()
			}, dropInputStream, dropIncomingBody},
		"stream of an incoming body, finished": {func(*testing.T) component.Value { return in() },
			func(t *testing.T, p component.Value) component.Value {
				return do(t, incomingBodyStream, st, p).Payload()
			}, dropInputStream, finishIn},
		"stream of an outgoing body, dropped": {func(*testing.T) component.Value { return out() },
			func(t *testing.T, p component.Value) component.Value {
				return do(t, outgoingBodyWrite, st, p).Payload()
			}, dropOutputStream, dropOutgoingBody},
		"stream of an outgoing body, finished": {func(*testing.T) component.Value { return out() },
			func(t *testing.T, p component.Value) component.Value {
				return do(t, outgoingBodyWrite, st, p).Payload()
			}, dropOutputStream, finishOut},
		"pollable of trailers": {func(t *testing.T) component.Value { return do(t, incomingBodyFinish, st, in()) },
			func(t *testing.T, p component.Value) component.Value { return do(t, trailersSubscribe, st, p) }, dropPollable, dropFutureTrailers},
	} {
		p := c.parent(t)
		c.child(t, p)
		if err := c.end(p.Rep()); !errors.Is(err, errHasChildren) {
			t.Errorf("%s: parent first: %v", name, err)
		}
		if b, ok := p.Rep().(*outgoingBody); ok && b.b.Reader().Ended() {
			t.Errorf("%s: parent first: the receiver hears of the end before it hears why", name)
		}
		p = c.parent(t)
		child := c.child(t, p)
		if err := c.drop(child.Rep()); err != nil {
			t.Errorf("%s: child: %v", name, err)
		}
		if err := c.end(p.Rep()); err != nil {
			t.Errorf("%s: parent after its child: %v", name, err)
		}
	}
}
