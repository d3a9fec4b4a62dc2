package component

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// recyclable links testdata/recycle.wasm, and closes everything when the test ends: nothing must be
// left in the engine then.
func recyclable(t *testing.T) (*Linked, *engine.Engine) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "recycle.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	host := NewLinker()
	api := host.Instance("test:host/api@0.2.3")
	api.Resource("thing", func(any) error { return nil })
	api.Func("make", "func(n: u32) -> thing", func(_ *Call, args []Value) (Value, error) {
		return Own(&thing{args[0].U32()}), nil
	})
	l, err := c.Link(t.Context(), e, host, LinkOptions{})
	if err != nil {
		t.Fatal(errors.Join(err, e.Close()))
	}
	t.Cleanup(func() {
		err := l.Close(t.Context())
		if diff := cmp.Diff(engine.Stats{}, e.Stats()); diff != "" {
			t.Errorf("left in the engine (-want +got):\n%s", diff)
		}
		if err := errors.Join(err, e.Close()); err != nil {
			t.Error(err)
		}
	})
	return l, e
}

// twentyPages is how much the memory may grow to.
const twentyPages = 20 << 16

func (l *Linked) instantiated(t *testing.T, lim Limits) *Instance {
	t.Helper()
	s := l.NewStore(t.Context(), nil, lim)
	i, err := l.Instantiate(t.Context(), s)
	if err != nil {
		t.Fatal(errors.Join(err, s.Close()))
	}
	return i
}

func closed(t *testing.T, i *Instance) {
	t.Helper()
	if err := i.store.Close(); err != nil {
		t.Error(err)
	}
}

// act does something to the instance, chosen by r, and returns everything that can be seen of it.
func act(t *testing.T, i *Instance, r *rand.Rand) string {
	t.Helper()
	switch r.IntN(10) {
	case 0, 1:
		must(t, i, "poke", U32(r.Uint32N(2<<16)), U32(r.Uint32N(256)))
	case 2:
		return fmt.Sprint("grow ", must(t, i, "grow", U32(r.Uint32N(6))).U32())
	case 3:
		return fmt.Sprint("bump ", must(t, i, "bump", U32(r.Uint32N(9))).U32())
	case 4:
		must(t, i, "init", U32(r.Uint32N(1<<16)))
	case 5, 6:
		return fmt.Sprint("make ", must(t, i, "op", U32(r.Uint32N(2)), U32(r.Uint32N(99))).U32())
	case 7:
		h := must(t, i, "op", U32(0), U32(1))
		must(t, i, "drop", h)
		return fmt.Sprint("handle ", h.U32())
	case 8:
		return fmt.Sprint("far ", must(t, i, "op", U32(3), U32(1+r.Uint32N(1<<16))).U32(), " of ",
			must(t, i, "op", U32(2), U32(0)).U32())
	case 9:
		return fmt.Sprint("size ", must(t, i, "size").U32(),
			must(t, i, "peek", U32(r.Uint32N(2<<16))).U32())
	}
	return ""
}

func contents(t *testing.T, i *Instance) []byte {
	t.Helper()
	m, err := i.store.group.Memory(0, "memory")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(m.Bytes())
}

func TestRecycledInstancesBehaveAsNewOnes(t *testing.T) {
	// One instance serves all rounds, those that it is compared with are new each time.
	used, _ := recyclable(t)
	reference, _ := recyclable(t)
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		if round > 0 && used.Idle() != 1 {
			t.Fatalf("round %d: %d idle instances, want the one", round, used.Idle())
		}
		a := used.instantiated(t, Limits{MemoryBytes: twentyPages})
		if used.Idle() != 0 {
			t.Fatalf("round %d: the idle instance was not taken", round)
		}
		b := reference.instantiated(t, Limits{MemoryBytes: twentyPages})
		b.store.instantiated = false // so that it is not recycled
		if !bytes.Equal(contents(t, a), contents(t, b)) {
			t.Fatalf("round %d: the memory does not begin as that of a new one", round)
		}
		seed := r.Uint64()
		ra, rb := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 0))
		for step := range r.IntN(40) {
			if got, want := act(t, a, ra), act(t, b, rb); got != want {
				t.Fatalf("round %d, step %d: %s, in a new one %s", round, step, got, want)
			}
		}
		if !bytes.Equal(contents(t, a), contents(t, b)) {
			t.Errorf("round %d: the memory became another than in a new one", round)
		}
		closed(t, a)
		closed(t, b)
	}
}

func TestInstancesThatFailedAreNotRecycled(t *testing.T) {
	stop := errors.New("enough")
	for name, do := range map[string]func(t *testing.T, i *Instance){
		"trap": func(t *testing.T, i *Instance) { mustTrap(t, i, "unreachable", "trap") },
		"bad handle": func(t *testing.T,
			i *Instance) {
			mustTrap(t, i, "unknown handle", "drop", U32(5))
		},
		"interrupted": func(t *testing.T,
			i *Instance) {
			i.store.Interrupt(stop)
			mustTrap(t, i, "enough", "spin")
		},
		"just in time": func(_ *testing.T, i *Instance) { i.store.Interrupt(stop) },
		"largest memory": func(t *testing.T, i *Instance) {
			if old := must(t, i, "grow", U32(37)).U32(); old != 3 {
				t.Errorf("grow gave %d", old)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := recyclable(t)
			i := l.instantiated(t, Limits{})
			do(t, i)
			closed(t, i)
			if n := l.Idle(); n != 0 {
				t.Errorf("%d instances wait for another use", n)
			}
			next := l.instantiated(t, Limits{})
			must(t, next, "bump", U32(1))
			closed(t, next)
		})
	}
}

func TestInstancesAreRecycledUnderTheirOwnLimitsOnly(t *testing.T) {
	l, _ := recyclable(t)
	closed(t, l.instantiated(t, Limits{}))
	small := l.instantiated(t, Limits{MemoryBytes: twentyPages})
	if got := int32(must(t, small, "grow", U32(19)).U32()); got != -1 {
		t.Errorf("grow beyond the limit gave %d", got)
	}
	closed(t, small)
	if n := l.Idle(); n != 2 {
		t.Errorf("%d idle instances, want 2", n)
	}
}

func TestClosedStoresCannotBeEntered(t *testing.T) {
	l, _ := recyclable(t)
	old := l.instantiated(t, Limits{MemoryBytes: twentyPages})
	closed(t, old)
	now := l.instantiated(t, Limits{MemoryBytes: twentyPages})
	if _, err := old.Func("bump").Call(t.Context(), U32(1)); !errors.Is(err, ErrStoreClosed) {
		t.Errorf("a call through a closed store: %v", err)
	}
	old.store.Interrupt(errors.New("too late"))
	if got := must(t, now, "bump", U32(1)).U32(); got != 9 {
		t.Errorf("bump gave %d, want 9", got)
	}
	closed(t, now)
}

// Timers that stop a request may fire while its store is being closed, or later: no other request
// may feel it.
func TestLateInterruptsDoNotReachTheNextUser(t *testing.T) {
	l, _ := recyclable(t)
	var workers, timers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 0))
			for n := range 200 {
				own := fmt.Errorf("limit of %d.%d", w, n)
				s := l.NewStore(t.Context(), nil, Limits{MemoryBytes: twentyPages})
				fire := make(chan struct{})
				timers.Go(func() {
					<-fire
					s.Interrupt(own)
				})
				early := r.IntN(8) == 0
				if early {
					close(fire)
				}
				i, err := l.Instantiate(t.Context(), s)
				if err == nil {
					var v Value
					if v, err = i.Func("bump").Call(t.Context(), U32(1)); err == nil &&
						v.U32() != 9 {
						t.Errorf("bump gave %d, want 9", v.U32())
					}
				}
				if err != nil && !(early && errors.Is(err, own)) {
					t.Errorf("%v: %v", own, err)
				}
				if !early {
					close(fire)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	timers.Wait()
}

func TestIdleInstancesAreBounded(t *testing.T) {
	l, e := recyclable(t)
	most := maxRecycledPerCPU * runtime.GOMAXPROCS(0)
	var all []*Instance
	for range most + 5 {
		all = append(all, l.instantiated(t, Limits{MemoryBytes: twentyPages}))
	}
	for _, i := range all {
		closed(t, i)
	}
	if n := l.Idle(); n != most {
		t.Errorf("%d idle instances, want %d", n, most)
	}
	if s := e.Stats(); s.Groups != int64(most) {
		t.Errorf("%d groups are kept, want %d", s.Groups, most)
	}
}

func TestLargeHandleTablesAreNotKept(t *testing.T) {
	l, _ := recyclable(t)
	i := l.instantiated(t, Limits{MemoryBytes: twentyPages})
	for range 3 * maxKeptEntries {
		must(t, i, "op", U32(1), U32(0))
	}
	closed(t, i)
	i = l.instantiated(t, Limits{MemoryBytes: twentyPages})
	for _, in := range i.store.insts {
		if n := cap(in.table.entries); n > maxKeptEntries {
			t.Errorf("a new instance has room for %d handles", n)
		}
	}
	closed(t, i)
}
