package component

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// thing is what the embedder's resource of testdata/resources.wasm stands for.
type thing struct{ n uint32 }

// embedder offers test:host/api and records what happens to its resources.
type embedder struct {
	log     []uint32
	dropped []uint32
	fail    error // given by drop and read
	panics  any   // raised by read
}

func (e *embedder) linker() *Linker {
	l := NewLinker()
	i := l.Instance("test:host/api@0.2.4")
	i.Resource("thing", func(rep any) error {
		e.dropped = append(e.dropped, rep.(*thing).n)
		return e.fail
	})
	i.Func("make", "func(n: u32) -> thing", func(_ *Call, args []Value) (Value, error) {
		return Own(&thing{args[0].U32()}), nil
	})
	i.Func("read", "func(t: borrow<thing>) -> u32", func(_ *Call, args []Value) (Value, error) {
		if e.panics != nil {
			panic(e.panics)
		}
		return U32(args[0].Rep().(*thing).n), e.fail
	})
	i.Func("eat", "func(t: thing)", func(_ *Call, args []Value) (Value, error) {
		e.log = append(e.log, args[0].Rep().(*thing).n)
		return Value{}, nil
	})
	i.Func("log", "func(n: u32)", func(_ *Call, args []Value) (Value, error) {
		e.log = append(e.log, args[0].U32())
		return Value{}, nil
	})
	return l
}

// must calls an export that must succeed.
func must(t *testing.T, i *Instance, name string, args ...Value) Value {
	t.Helper()
	v, err := i.Func(name).Call(t.Context(), args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// mustTrap calls an export that must trap with a message that contains text.
func mustTrap(t *testing.T, i *Instance, text, name string, args ...Value) error {
	t.Helper()
	_, err := i.Func(name).Call(t.Context(), args...)
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("%s: %v, want a trap: %s", name, err, text)
	}
	return err
}

func TestResourcesOfTheEmbedder(t *testing.T) {
	e := &embedder{}
	i := instantiateFile(t, "resources.wasm", e.linker(), nil)
	first := must(t, i, "make", U32(1))
	second := must(t, i, "make", U32(2))
	third := must(t, i, "make", U32(3))
	must(t, i, "make", U32(4))
	if got := must(t, i, "read", second).U32(); got != 2 {
		t.Errorf("read %d through a borrow, want 2", got)
	}
	must(t, i, "drop", first)
	must(t, i, "eat", second)
	if diff := cmp.Diff([]uint32{1}, e.dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint32{2}, e.log); diff != "" {
		t.Errorf("the host took (-want +got):\n%s", diff)
	}
	if reused := must(t, i, "make", U32(5)); reused.U32() != second.U32() {
		t.Errorf("the handle %d was freed, but the next one is %d", second.U32(), reused.U32())
	}
	if got := must(t, i, "read", third).U32(); got != 3 {
		t.Errorf("read %d, want 3", got)
	}
	for range 2 {
		if err := i.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]uint32{1, 4, 3, 5}, e.dropped); diff != "" {
		t.Errorf("dropped once the store was closed (-want +got):\n%s", diff)
	}
}

func TestHandlesCrossWithTheEmbedder(t *testing.T) {
	e := &embedder{}
	i := instantiateFile(t, "resources.wasm", e.linker(), nil)
	own := must(t, i, "give", U32(7))
	if got := own.Rep().(*thing).n; got != 7 {
		t.Errorf("given %d, want 7", got)
	}
	must(t, i, "lose", own)
	if len(e.dropped) != 0 {
		t.Errorf("dropping a borrow dropped %v", e.dropped)
	}
	must(t, i, "take", own)
	mustTrap(t, i, "borrow handles still remain at the end of the call", "keep", own)
}

func TestMisusedHandlesTrap(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(t *testing.T, i *Instance)
		text string
		call string
		arg  uint32
	}{
		"never made": {func(*testing.T, *Instance) {}, "unknown handle index 1", "read", 1},
		"zero":       {func(*testing.T, *Instance) {}, "unknown handle index 0", "drop", 0},
		"dropped twice": {func(t *testing.T,
			i *Instance) {
			must(t, i, "make", U32(9))
			must(t, i, "drop", U32(1))
		},
			"unknown handle index 1", "drop", 1},
		"given away": {func(t *testing.T,
			i *Instance) {
			must(t, i, "make", U32(9))
			must(t, i, "eat", U32(1))
		},
			"unknown handle index 1", "read", 1},
		"out of range": {func(*testing.T, *Instance) {}, "unknown handle index 4294967295", "eat",
			1<<32 - 1},
	} {
		t.Run(name, func(t *testing.T) {
			i := instantiateFile(t, "resources.wasm", (&embedder{}).linker(), nil)
			tt.do(t, i)
			err := mustTrap(t, i, tt.text, tt.call, U32(tt.arg))
			var trap *TrapError
			if !errors.As(err, &trap) {
				t.Errorf("%v is no TrapError", err)
			}
		})
	}
}

// A resource that a component defines: its destructor runs in that component, once, when the owner
// drops it, wherever the owner is; post-return is given the result.
func TestResourcesOfAComponent(t *testing.T) {
	e := &embedder{}
	i := instantiateFile(t, "resources.wasm", e.linker(), nil)
	if got := must(t, i, "inner", U32(40)).U32(); got != 40 {
		t.Errorf("the representation is %d, want 40", got)
	}
	if diff := cmp.Diff([]uint32{1040, 2040, 1041}, e.log); diff != "" {
		t.Errorf("destructor, what post-return was given, destructor (-want +got):\n%s", diff)
	}
}

func TestTrapsPoisonTheStore(t *testing.T) {
	for name, tt := range map[string]struct {
		embedder *embedder
		call     string
		arg      []Value
		check    func(error) bool
	}{
		"guest code": {&embedder{}, "trap", nil, func(err error) bool {
			var trap *engine.Trap
			return errors.As(err, &trap) && trap.Code == engine.TrapUnreachable &&
				len(trap.Frames) > 0
		}},
		"an error of the embedder's": {&embedder{fail: errors.New("the host refuses")}, "read",
			[]Value{U32(1)}, func(err error) bool {
				var trap *engine.Trap
				return errors.As(err, &trap) && trap.Code == engine.TrapHost &&
					strings.Contains(err.Error(), "the host refuses")
			}},
		"an error of a destructor's": {&embedder{fail: errors.New("the host refuses")}, "drop",
			[]Value{U32(1)}, func(err error) bool {
				return strings.Contains(err.Error(), "the host refuses")
			}},
		"a panic of the embedder's": {&embedder{panics: "oh"}, "read", []Value{U32(1)},
			func(err error) bool {
				var p *engine.PanicError
				return errors.As(err, &p) && p.Value == "oh" && len(p.Stack) > 0
			}},
	} {
		t.Run(name, func(t *testing.T) {
			i := instantiateFile(t, "resources.wasm", tt.embedder.linker(), nil)
			must(t, i, "make", U32(1))
			_, err := i.Func(tt.call).Call(t.Context(), tt.arg...)
			if err == nil || !tt.check(err) {
				t.Errorf("failed with %#v", err)
			}
			tt.embedder.fail, tt.embedder.panics = nil, nil
			_, again := i.Func("make").Call(t.Context(), U32(2))
			if !errors.Is(again, ErrPoisoned) || !errors.Is(again, err) {
				t.Errorf("entered again: %v", again)
			}
		})
	}
}

func TestInterruptStopsALoop(t *testing.T) {
	stop := errors.New("enough")
	i := instantiateFile(t, "resources.wasm", (&embedder{}).linker(), nil)
	ended := make(chan error, 1)
	go func() {
		_, err := i.Func("spin").Call(context.WithoutCancel(t.Context()))
		ended <- err
	}()
	i.store.Interrupt(stop)
	if err := <-ended; !errors.Is(err, stop) {
		t.Errorf("ended with %v", err)
	}
}

func TestImportsFindCompatibleVersions(t *testing.T) {
	answer := func(n uint32) HostFunc {
		return func(*Call, []Value) (Value, error) { return U32(n), nil }
	}
	l := NewLinker()
	l.Instance("test:host/api@0.2.3").Func("answer", "func() -> u32", answer(3))
	l.Instance("test:host/api@0.2.9").Func("answer", "func() -> u32", answer(9))
	l.Instance("test:host/api@0.3.0").Func("answer", "func() -> u32", answer(5))
	l.Instance("test:host/other@1.4.2").Func("answer", "func() -> u32", answer(7))
	i := instantiateFile(t, "versions.wasm", l, nil)
	// 0.2.9 is there as such; 0.2.1 gets the highest of its track, 1.0.0 a later minor version.
	if got := must(t, i, "sum").U32(); got != 997 {
		t.Errorf("got %d, want 997", got)
	}
}

func TestLinkErrorsNameWhatIsMissing(t *testing.T) {
	answer := func(*Call, []Value) (Value, error) { return U32(1), nil }
	for name, tt := range map[string]struct {
		offer func(l *Linker)
		want  []ImportProblem
	}{
		"nothing offered": {func(*Linker) {}, []ImportProblem{
			{"test:host/api@0.2.1", "", "unknown interface", []string{"function answer"}, ""},
			{"test:host/api@0.2.9", "", "unknown interface", []string{"function answer"}, ""},
			{"test:host/other@1.0.0", "", "unknown interface", []string{"function answer"}, ""},
		}},
		"another track": {func(l *Linker) {
			l.Instance("test:host/api@0.3.0").Func("answer", "func() -> u32", answer)
			l.Instance("test:host/other@1.0.0").Func("answer", "func() -> u32", answer)
		}, []ImportProblem{
			{"test:host/api@0.2.1", "", "unknown interface", []string{"function answer"}, ""},
			{"test:host/api@0.2.9", "", "unknown interface", []string{"function answer"}, ""},
		}},
		"a function is missing": {func(l *Linker) {
			l.Instance("test:host/api@0.2.0").Func("answer", "func() -> u32", answer)
			l.Instance("test:host/other@1.0.0")
		}, []ImportProblem{{"test:host/other@1.0.0", "function answer", "unknown function", nil, ""}}},
		"a function has another type": {func(l *Linker) {
			l.Instance("test:host/api@0.2.0").Func("answer", "func() -> u32", answer)
			l.Instance("test:host/other@1.0.0").Func("answer", "func(question: string) -> u32",
				answer)
		}, []ImportProblem{{"test:host/other@1.0.0", "function answer",
			"the component expects func() -> u32, this host offers func(question: string) -> u32",
			nil, ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLinker()
			tt.offer(l)
			_, err := decodeFile(t, "versions.wasm").Link(t.Context(), newEngine(t), l,
				LinkOptions{})
			var missing *LinkError
			if !errors.As(err, &missing) {
				t.Fatalf("linked: %v", err)
			}
			if diff := cmp.Diff(tt.want, missing.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			for _, p := range tt.want {
				if !strings.Contains(err.Error(), p.Error()) {
					t.Errorf("%q does not say %q", err, p)
				}
			}
		})
	}
}
