package component

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// asyncWork holds the calls of test:host/api that have no result yet, by their number.
type asyncWork map[uint32]func(Value, error)

// asyncBed is testdata/async.wasm, linked.
type asyncBed struct {
	linked *Linked
}

func newAsyncBed(t testing.TB) *asyncBed {
	t.Helper()
	c, e := decodeFile(t, "async.wasm"), newEngine(t)
	l := NewLinker()
	l.Instance("test:host/api@0.2.4").AsyncFunc("work", "async func(n: u32) -> u32",
		func(c *Call, args []Value, done func(Value, error)) (*Value, func(), error) {
			n := args[0].U32()
			if n%2 == 0 {
				return &args[0], nil, nil
			}
			open := c.Data().(asyncWork)
			open[n] = done
			return nil, func() { delete(open, n) }, nil
		})
	linked, err := c.Link(t.Context(), e, l, LinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended.
		ctx := t.Context()
		if err := linked.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &asyncBed{linked}
}

// asyncRun is one sequence of calls, of the guest and of the model.
type asyncRun struct {
	*chance
	model asyncModel
	inst  *Instance
	store *Store
	open  asyncWork
	calls map[uint32]*modelWaitable // by the number of the host's call
	last  uint32
	log   []string
}

// the part of the memory that calls use, in bytes.
const asyncMemory = 128

// run makes calls until the choices are used up or the guest traps.
func (b *asyncBed) run(t testing.TB, data []byte) {
	t.Helper()
	r := &asyncRun{chance: &chance{data}, open: asyncWork{}, calls: map[uint32]*modelWaitable{}}
	r.store = b.linked.NewStore(t.Context(), r.open, Limits{})
	defer func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	}()
	inst, err := b.linked.Instantiate(t.Context(), r.store)
	if err != nil {
		t.Fatal(err)
	}
	r.inst = inst
	mem := r.store.memory(0)
	for i := range asyncMemory {
		mem[i] = byte(i)
	}
	r.model.mem = bytes.Clone(mem)
	for len(r.data) > 0 {
		trapped, wrong := r.step(t)
		if wrong == "" && !trapped && !bytes.Equal(r.model.mem[:asyncMemory],
			r.store.memory(0)[:asyncMemory]) {
			wrong = fmt.Sprintf("memory %x, want %x", r.store.memory(0)[:asyncMemory],
				r.model.mem[:asyncMemory])
		}
		if wrong != "" {
			for _, line := range r.log {
				t.Log(line)
			}
			t.Fatal(wrong)
		}
		if trapped {
			return
		}
	}
}

// handle chooses a handle: mostly one for which fits holds. ok is false if there is none.
func (r *asyncRun) handle(fits func(any) bool) (h uint32, ok bool) {
	pick := r.byte()
	var list []uint32
	for h, v := range r.model.handles {
		if v != nil && fits(v) {
			list = append(list, uint32(h))
		}
	}
	if pick == 255 && r.byte() >= 192 {
		return r.uint8() % 12, true
	}
	if len(list) == 0 {
		return 0, false
	}
	return list[int(pick)%len(list)], true
}

func (r *asyncRun) uint8() uint32 { return uint32(r.byte()) }

func isSet(v any) bool { _, ok := v.(*modelSet); return ok }

// step makes one call and compares what comes of it.
func (r *asyncRun) step(t testing.TB) (trapped bool, wrong string) {
	m := &r.model
	future, readable := r.byte()%3 == 0, r.byte()%2 == 0
	kind, side, way := "stream", "writable", "write"
	if future {
		kind = "future"
	}
	if readable {
		side, way = "readable", "read"
	}
	// Mostly one for which the call is no trap.
	end := func(good func(*modelWaitable) bool) (uint32, bool) {
		return r.handle(func(v any) bool {
			w, ok := v.(*modelWaitable)
			return ok && !w.call && w.readable == readable && w.pair.future == future && good(w)
		})
	}
	subtask := func(good func(*modelWaitable) bool) (uint32, bool) {
		return r.handle(func(v any) bool {
			w, ok := v.(*modelWaitable)
			return ok && w.call && good(w)
		})
	}
	switch op := r.below(32); {
	case op < 2:
		return r.call(t, kind+"-new", m.newPair(future), true)
	case op < 12:
		h, found := end(func(w *modelWaitable) bool { return !w.busy && !w.done })
		at, n := r.uint8()%64, r.uint8()%8
		if r.byte() == 255 {
			at = 65536 - 3 + n
			n = []uint32{n, 1 << 28}[r.below(2)]
		}
		if !found {
			return false, ""
		}
		if future {
			v, ok := m.copy(h, true, readable, at, 1)
			return r.call(t, "future-"+way, uint64(v), ok, h, at)
		}
		v, ok := m.copy(h, false, readable, at, n)
		return r.call(t, "stream-"+way, uint64(v), ok, h, at, n)
	case op < 14:
		h, found := end(func(w *modelWaitable) bool { return w.busy })
		if !found {
			return false, ""
		}
		v, ok := m.cancelCopy(h, future, readable)
		return r.call(t, kind+"-cancel-"+way, uint64(v), ok, h)
	case op < 16:
		h, found := end(func(w *modelWaitable) bool {
			return !w.busy &&
				(!future || readable || w.done)
		})
		if !found {
			return false, ""
		}
		return r.call(t, kind+"-drop-"+side, 0, m.dropEnd(h, future, readable), h)
	case op < 17:
		return r.call(t, "set-new", uint64(m.add(&modelSet{})), true)
	case op < 18:
		h, found := r.handle(func(v any) bool {
			s,
				ok := v.(*modelSet)
			return ok && len(s.members) == 0
		})
		if !found {
			return false, ""
		}
		return r.call(t, "set-drop", 0, m.dropSet(h), h)
	case op < 22:
		h, found := r.handle(func(v any) bool { _, ok := v.(*modelWaitable); return ok })
		set, _ := r.handle(isSet) // 0 for none
		if !found {
			return false, ""
		}
		return r.call(t, "join", 0, m.join(h, set), h, set)
	case op < 26:
		if h, found := r.handle(isSet); found {
			return r.poll(t, h)
		}
		return false, ""
	case op < 28:
		r.last++
		at := r.uint8() % 16 * 4
		packed := m.work(r.last, at, r.last%2 == 0)
		if packed != 2 {
			r.calls[r.last] = m.waitable(packed >> 4)
		}
		return r.call(t, "work", uint64(packed), true, r.last, at)
	case op < 30:
		return r.complete()
	case op < 31:
		h, found := subtask(func(w *modelWaitable) bool { return !w.delivered })
		if !found {
			return false, ""
		}
		v, ok := m.cancelCall(h)
		return r.call(t, "subtask-cancel", uint64(v), ok, h)
	default:
		h, found := subtask(func(w *modelWaitable) bool { return w.delivered })
		if !found {
			return false, ""
		}
		return r.call(t, "subtask-drop", 0, m.dropCall(h), h)
	}
}

// invoke calls an export.
func (r *asyncRun) invoke(t testing.TB, name string, args ...uint32) (v uint64, err error) {
	values := make([]Value, len(args))
	for i, a := range args {
		values[i] = U32(a)
	}
	result, err := r.inst.Func(name).Call(t.Context(), values...)
	if err == nil {
		v = result.bits
	}
	r.log = append(r.log, fmt.Sprintf("%s%v: %#x, %v", name, args, v, err))
	return v, err
}

// call calls an export that returns a known result, or that traps.
func (r *asyncRun) call(t testing.TB, name string, want uint64, ok bool,
	args ...uint32) (trapped bool, wrong string) {
	got, err := r.invoke(t, name, args...)
	switch {
	case err != nil && ok:
		return true, fmt.Sprintf("%s%v: %v, want %#x", name, args, err, want)
	case err == nil && (!ok || got != want):
		return false, fmt.Sprintf("%s%v: %#x, want %#x, no trap: %v", name, args, got, want, ok)
	}
	return err != nil, ""
}

// poll takes an event of a set. Which one of several is the implementation's choice.
func (r *asyncRun) poll(t testing.TB, h uint32) (trapped bool, wrong string) {
	m := &r.model
	at := r.uint8() % 16 * 4
	set := m.set(h)
	got, err := r.invoke(t, "set-poll", h, at)
	if err != nil || set == nil {
		if err == nil || set != nil {
			wrong = fmt.Sprintf("set-poll of %d: %#x, %v", h, got, err)
		}
		return err != nil, wrong
	}
	mem := r.store.memory(0)
	index, payload := le.Uint32(mem[at:]), le.Uint32(mem[at+4:])
	var code, want, which uint32
	for _, w := range set.members {
		if w.event && (which == 0 || w.handle == index) {
			which = w.handle
		}
	}
	if which != 0 {
		code, want = m.deliver(m.waitable(which))
	}
	le.PutUint32(m.mem[at:], which)
	le.PutUint32(m.mem[at+4:], want)
	if uint32(got) != code || index != which || payload != want {
		wrong = fmt.Sprintf("event %d of %d: %#x, want %d of %d: %#x", got, index, payload, code,
			which, want)
	}
	return false, wrong
}

// complete ends one of the host's calls.
func (r *asyncRun) complete() (trapped bool, wrong string) {
	for n := uint32(1); n <= r.last; n++ {
		done := r.open[n]
		if done == nil || r.byte()%2 == 1 {
			continue
		}
		delete(r.open, n)
		r.log = append(r.log, fmt.Sprintf("call %d is done", n))
		done(U32(n), nil)
		if err := r.store.Turn(); err != nil {
			return true, err.Error()
		}
		r.model.complete(r.calls[n], n)
		return false, ""
	}
	return false, ""
}

// FuzzAsyncABI makes sequences of calls of the asynchronous built-ins and compares results, events,
// traps and the memory with those of a plain model of the specification.
func FuzzAsyncABI(f *testing.F) {
	bed := newAsyncBed(f)
	for seed := range uint64(8) {
		f.Add(choices(seed, 400))
	}
	f.Fuzz(func(t *testing.T, data []byte) { bed.run(t, data) })
}

func TestAsyncBuiltinsDoWhatTheSpecificationSays(t *testing.T) {
	bed := newAsyncBed(t)
	recycled := 0
	for seed := range uint64(300) {
		for _, n := range []int{2000, 60} {
			recycled += bed.linked.Idle()
			bed.run(t, choices(seed, n))
		}
	}
	// Those that came from the pool did what new ones do. Not all can be used again: some runs end
	// with a trap, or with calls under way.
	if recycled == 0 {
		t.Error("no instance was used again")
	}
	t.Logf("%d instances were used again", recycled)
}

// choices returns random bytes.
func choices(seed uint64, n int) []byte {
	random := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}
