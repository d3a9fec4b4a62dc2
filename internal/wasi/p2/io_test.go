package p2

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// gate is a Source that a test opens.
type gate struct{ open chan struct{} }

func newGate() gate { return gate{make(chan struct{})} }

func (g gate) Ready() bool {
	select {
	case <-g.open:
		return true
	default:
		return false
	}
}

func (g gate) Subscribe(w *wasi.Waiter) func() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-g.open:
			w.Wake()
		case <-stop:
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}

// source is an input whose reads are given; after them comes the error.
type source struct {
	gate
	reads [][]byte
	err   error
	asked []int
}

func (s *source) Read(n int) ([]byte, error) {
	s.asked = append(s.asked, n)
	if len(s.reads) == 0 {
		return nil, s.err
	}
	b := s.reads[0]
	if len(b) > n {
		s.reads[0] = b[n:]
		return b[:n], nil
	}
	s.reads = s.reads[1:]
	return b, nil
}

func (s *source) Close() error { return nil }

// sink is an output with a script of permits; it gathers what is written.
type sink struct {
	gate
	permits  []int
	err      error // of CheckWrite once the permits are used up
	writeErr error
	flushErr error
	got      bytes.Buffer
	flushes  int
}

func (s *sink) CheckWrite() (int, error) {
	if len(s.permits) == 0 {
		return 0, s.err
	}
	n := s.permits[0]
	s.permits = s.permits[1:]
	return n, nil
}

func (s *sink) Write(p []byte) error {
	s.got.Write(p)
	return s.writeErr
}

func (s *sink) Flush() error {
	s.flushes++
	return s.flushErr
}

func (s *sink) Close() error { return nil }

func opened() gate {
	g := newGate()
	close(g.open)
	return g
}

// outcome describes a result<…, stream-error> or a trap in words.
func outcome(v component.Value, err error) string {
	switch {
	case err != nil:
		return "trap"
	case v.IsOk():
		return "ok"
	case v.Payload().Case() == 1:
		return "closed"
	}
	return "failed: " + v.Payload().Payload().Rep().(*ioError).err.Error()
}

func bytesAre(n int) component.Value { return component.Bytes(make([]byte, n)) }

func TestPollReportsAllThatIsReady(t *testing.T) {
	shut, open := newPollable(newGate(), nil), newPollable(opened(), nil)
	v := do(t, poll, new(wasi.State), component.List(open, shut, open, shut, open))
	var got []uint32
	for _, i := range v.Items() {
		got = append(got, i.U32())
	}
	if diff := cmp.Diff([]uint32{0, 2, 4}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := poll(call{t.Context(), new(wasi.State)}, []component.Value{component.List()}); err == nil {
		t.Error("poll of nothing does not trap")
	}
}

func TestPollWaitsForTheFirst(t *testing.T) {
	var list []component.Value
	gates := []gate{}
	for range 100 {
		g := newGate()
		gates = append(gates, g)
		list = append(list, newPollable(g, nil))
	}
	go close(gates[42].open)
	v := do(t, poll, new(wasi.State), component.List(list...))
	if got := v.Items(); len(got) != 1 || got[0].U32() != 42 {
		t.Errorf("%v", got)
	}
	do(t, pollableBlock, new(wasi.State), list[42])
	if !do(t, pollableReady, new(wasi.State), list[42]).Bool() ||
		do(t, pollableReady, new(wasi.State), list[41]).Bool() {
		t.Error("ready after block")
	}
}

func TestWaitingEndsWithTheCallsContext(t *testing.T) {
	cause := errors.New("time is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	in := newInputStream(&source{gate: newGate()}, nil)
	out := newOutputStream(&sink{gate: newGate()}, nil)
	p := newPollable(newGate(), nil)
	for name, f := range map[string]func() (component.Value, error){
		"poll": func() (component.Value, error) {
			return poll(call{ctx, new(wasi.State)}, []component.Value{component.List(p)})
		},
		"block": func() (component.Value, error) {
			return pollableBlock(call{ctx, new(wasi.State)}, []component.Value{p})
		},
		"blocking-read": func() (component.Value, error) {
			return inputBlockingRead(call{ctx, new(wasi.State)}, []component.Value{in, component.U64(1)})
		},
		"blocking-skip": func() (component.Value, error) {
			return inputBlockingSkip(call{ctx, new(wasi.State)}, []component.Value{in, component.U64(1)})
		},
		"blocking-flush": func() (component.Value, error) {
			return outputBlockingFlush(call{ctx, new(wasi.State)}, []component.Value{out})
		},
		"blocking-write": func() (component.Value, error) {
			return outputBlockingWrite(call{ctx, new(wasi.State)}, []component.Value{out, bytesAre(1)})
		},
		"blocking-write-zeroes": func() (component.Value, error) {
			return outputBlockingWriteZeroes(call{ctx, new(wasi.State)}, []component.Value{out, component.U64(1)})
		},
		"blocking-splice": func() (component.Value, error) {
			return outputBlockingSplice(call{ctx, new(wasi.State)}, []component.Value{out, in, component.U64(1)})
		},
	} {
		if _, err := f(); !errors.Is(err, cause) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReads(t *testing.T) {
	oops := errors.New("oops")
	s := &source{
		gate:  opened(),
		reads: [][]byte{[]byte("abc"), nil, []byte("d"), []byte("efg")},
		err:   oops,
	}
	in := newInputStream(s, nil)
	read := func(f hostFunc, n uint64) string {
		v, err := f(call{t.Context(), new(wasi.State)}, []component.Value{in, component.U64(n)})
		if err == nil && v.IsOk() {
			return string(v.Payload().Bytes())
		}
		return outcome(v, err)
	}
	var got []string
	got = append(
		got,
		read(inputRead, 2),
		read(inputRead, 1<<63),
		read(inputRead, 9),
		read(inputBlockingRead, 9),
		outcome(
			do(t, inputSkip, new(wasi.State), in, component.U64(1)),
			nil,
		),
		read(inputBlockingRead, 9),
		read(inputRead, 9),
		read(inputRead, 0),
		read(inputBlockingRead, 9),
	)
	if diff := cmp.Diff([]string{"ab", "c", "", "d", "ok", "fg", "failed: oops", "closed", "closed"}, got); diff != "" {
		t.Error(diff)
	}
	if n := slices.Max(s.asked); n > maxRead {
		t.Errorf("%d bytes were asked for at once", n)
	}
	end := newInputStream(&source{gate: opened(), err: io.EOF}, nil)
	if v := do(t, inputBlockingSkip, new(wasi.State), end, component.U64(5)); outcome(
		v,
		nil,
	) != "closed" {
		t.Error(outcome(v, nil))
	}
	skip := newInputStream(&source{gate: opened(), reads: [][]byte{nil, []byte("abc")}}, nil)
	if v := do(t, inputBlockingSkip, new(wasi.State), skip, component.U64(5)); v.Payload().
		U64() !=
		3 {
		t.Errorf("skipped %d", v.Payload().U64())
	}
}
