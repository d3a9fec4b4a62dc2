package component

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// Limits bound what one store may use.
type Limits struct {
	MemoryBytes uint64 // sum of the linear memories; 0: no limit but the address space
}

// Store holds everything that one instance tree owns. It has one owner at a time: no two goroutines
// may be in calls of it, except Interrupt.
type Store struct {
	linked *Linked
	group  *engine.Group
	data   any
	ctx    context.Context
	insts  []*instance
	mems   []*engine.Memory
	funcs  []*engine.Func
	base   thread // runs instantiation

	parked  []*thread // those with a fiber
	idle    *fiber    // without a thread, or nil
	queue   []*thread // waiting threads whose condition may hold
	pending int       // operations of the embedder that guests wait for
	// following are those of pending that end with another one.
	following int
	mailbox   mailbox
	ends      []*hostEnd          // ends of streams and futures that the embedder holds
	joints    map[*joint]struct{} // streams both of whose ends the embedder holds

	spares spares
	calls  uint64
	root   *Task // the embedder's call that the running guest code belongs to
	// serving is the host function that runs; nil if none does.
	serving *hostFunc
	// tally learns of the instructions that run; tallied are those that it knows of.
	tally   func(t *Task, n uint64, ended bool)
	tallied uint64

	poison error // set by the first trap: nothing may enter any more
	closed bool

	room   *callRoom  // of the next call of a host function; nil while there is one
	frame  *callFrame // of the next call of a lifted function; nil while there is one
	caller thread     // of the embedder's calls, of which there is one at a time

	instance Instance

	limits       Limits
	ready        bool // the instance tree comes from the pool, and has to be started only
	instantiated bool // all of the instance tree is there
	destroying   int  // destructors on the stack

	handles  handleCount
	messages int // bytes of the messages of error contexts

	// live guards the group against an interrupt that comes after the store was closed, when the
	// group may be another store's.
	live sync.Mutex
}

// instance is the state of one component instance of the tree.
type instance struct {
	idx      int
	parent   *instance
	table    table
	mayLeave bool
	entered  bool // a call into it is on the stack

	threads        threadTable
	backpressure   int
	exclusive      *thread              // holds the slot of tasks that may not overlap
	entering       []*thread            // wait at the entry gate, in order, for the slot too
	enteringBeside []*thread            // wait at the entry gate and need no slot
	slotWaiters    map[*thread]struct{} // could go on but for the slot
}

// NewStore returns an empty store for an instance of l. Call.Data returns data. ctx bounds
// everything that runs in the store: its end ends host functions that wait.
func (l *Linked) NewStore(ctx context.Context, data any, lim Limits) *Store {
	s := &Store{linked: l, data: data, ctx: ctx}
	s.base.store, s.caller.store = s, s
	s.limits = lim
	s.handles.limit = handleLimit(lim)
	if r, ok := l.pool.take(lim); ok {
		s.group, s.insts, s.mems, s.funcs = r.group, r.insts, r.mems, r.funcs
		s.room, s.frame, s.spares = r.room, r.frame, r.spares
		if s.idle = r.idle; s.idle != nil {
			s.idle.store = s
		}
		s.begin(ctx)
		s.ready = true
		for _, in := range s.insts {
			in.table.count = &s.handles
		}
		return s
	}
	s.group = l.runtime.NewGroup(engine.Limits{MaxMemoryBytes: lim.MemoryBytes}, l.plan.coreSlots)
	s.begin(ctx)
	s.mems = make([]*engine.Memory, len(l.plan.mems))
	s.funcs = make([]*engine.Func, len(l.plan.funcs))
	states := make([]instance, len(l.plan.instances))
	s.insts = make([]*instance, len(states))
	for i, d := range l.plan.instances {
		states[i] = instance{idx: i, mayLeave: true, table: table{count: &s.handles}}
		if d.parent >= 0 {
			states[i].parent = &states[d.parent]
		}
		s.insts[i] = &states[i]
	}
	return s
}

// begin makes contexts for the threads of the store.
func (s *Store) begin(ctx context.Context) {
	for _, th := range []*thread{&s.base, &s.caller} {
		s.group.InitContext(&th.ownCtx, ctx, th)
		th.ectx = &th.ownCtx
	}
}

// Quick reports whether Instantiate will run no code of the guest's.
func (s *Store) Quick() bool { return s.ready && !s.group.Starts() }

// Interrupt stops running guest code at its next safepoint, by a trap with that cause. Any
// goroutine may call it. It does not wake host functions that wait: their context does.
func (s *Store) Interrupt(cause error) {
	s.live.Lock()
	defer s.live.Unlock()
	if !s.closed {
		s.group.Interrupt(cause)
	}
}

// Data returns the argument data of NewStore.
func (s *Store) Data() any { return s.data }

// Memory returns the size of the linear memories of all core instances, in bytes: the most that
// there was so far, since they never shrink. Any goroutine may call it.
func (s *Store) Memory() uint64 { return s.group.LinearMemory() }

// Close drops every resource of the embedder that a guest still owns, then frees all instances and
// memories. The owner calls it when no call runs.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	idle := len(s.parked) == 0 && s.pending == 0
	s.live.Lock()
	s.closed = true
	s.live.Unlock()
	s.mailbox.close()
	s.closeIdle()
	for _, th := range slices.Clone(s.parked) {
		th.fiber.stop()
	}
	for _, e := range slices.Clone(s.ends) {
		e.peerDropped(ErrStoreClosed)
	}
	for j := range s.joints {
		j.abandon(ErrStoreClosed)
	}
	// Children usually come after their parents in a table: backwards, so that parents do not see
	// live children.
	for _, in := range s.insts {
		for i := len(in.table.entries) - 1; i > 0; i-- {
			e := &in.table.entries[i]
			if e.kind == entryResource && e.own && e.res.Host != nil {
				if d := e.res.Host.(*Resource).Drop; d != nil {
					_ = d(e.rep)
				}
			}
			*e = entry{}
		}
	}
	kept := idle && s.recycle()
	if s.idle != nil && !kept {
		s.idle.stop()
	}
	s.idle = nil
	if s.poison == nil {
		s.poison = ErrStoreClosed // the group may be another store's from now on
	}
	if kept {
		return nil
	}
	return s.group.Close()
}

// Instance is a component instance with its exports.
type Instance struct {
	store *Store
	root  *compInst
}

// Instantiate runs the component's core instantiations and start functions in s, which must be
// fresh. The error is a trap of guest code or a link error of the engine; the store can then only
// be closed. The end of ctx ends host functions that wait meanwhile.
func (l *Linked) Instantiate(ctx context.Context, s *Store) (inst *Instance, err error) {
	defer s.guard(&err)
	s.base.ectx.Renew(ctx)
	defer func() { s.base.ectx.Renew(s.ctx) }()
	s.instance = Instance{store: s, root: l.plan.exports}
	if s.ready {
		if err := s.restart(ctx); err != nil {
			s.poison = err
			return nil, err
		}
		s.instantiated = true
		return &s.instance, nil
	}
	for _, in := range l.plan.inits {
		if err := s.instantiate(ctx, in); err != nil {
			s.poison = err
			return nil, err
		}
	}
	s.instantiated = true
	return &s.instance, nil
}

// instantiate makes one core instance and runs its start function.
func (s *Store) instantiate(ctx context.Context, in coreInit) (err error) {
	m := s.linked.modules[in.source]
	return s.initialize(ctx, in, func(ectx *engine.Context) error {
		return s.group.Instantiate(ectx, in.slot, m)
	})
}

// restart runs the start function of an instance tree that comes from the pool: only the last core
// instance can have one.
func (s *Store) restart(ctx context.Context) error {
	if !s.group.Starts() {
		return s.group.Restart(s.base.ectx)
	}
	inits := s.linked.plan.inits
	return s.initialize(ctx, inits[len(inits)-1], s.group.Restart)
}

// initialize calls run, which may run a start function, as a call into the component instance of a
// core instance.
func (s *Store) initialize(ctx context.Context, in coreInit,
	run func(*engine.Context) error) (err error) {
	if !s.linked.plan.async {
		return run(s.base.ectx)
	}
	s.runSync(s.insts[in.inst], nil, func(th *thread) {
		th.ectx = s.group.NewContext(ctx, th)
		err = run(th.ectx)
	})
	return err
}

// guard turns a trap that was raised outside of core code into an error, and poisons the store on
// any error.
func (s *Store) guard(err *error) {
	switch r := recover().(type) {
	case nil:
	case *TrapError:
		*err = r
	case *callError:
		*err = r.err
	default:
		panic(r)
	}
	if *err == nil {
		return
	}
	s.tallyUp(true)
	s.nameFrames(*err)
	if s.poison == nil {
		s.poison = *err
	}
}

// callError carries an engine error (a trap of core code, called from Go code that has no error
// result) to the guard or, through the engine, to the calling core code.
type callError struct{ err error }

func (e *callError) Error() string { return e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// ErrPoisoned is the error of a call into a store that has trapped.
var ErrPoisoned = errors.New("the instance trapped before and cannot be entered again")

func (s *Store) coreFunc(i int) *engine.Func {
	if f := s.funcs[i]; f != nil {
		return f
	}
	ref := s.linked.plan.funcs[i]
	f, err := s.group.Func(ref.slot, ref.name)
	if err != nil {
		panic(&callError{fmt.Errorf("core function %q: %w", ref.name, err)})
	}
	s.funcs[i] = f
	return f
}

// callCore calls a core function, or a canonical function that stands for one, and traps when it
// traps.
func (th *thread) callCore(i int, stack []uint64) {
	ref := th.store.linked.plan.funcs[i]
	if ref.slot == engine.HostSlot {
		th.store.linked.plan.canons[ref.canon].call(th.ectx, stack)
		return
	}
	if err := th.store.coreFunc(i).Call(th.ectx, stack); err != nil {
		panic(&callError{err})
	}
}

// memory returns the current bytes of a memory; they are stale after any guest call.
func (s *Store) memory(i int) []byte {
	m := s.mems[i]
	if m == nil {
		ref := s.linked.plan.mems[i]
		var err error
		if m, err = s.group.Memory(ref.slot, ref.name); err != nil {
			panic(&callError{fmt.Errorf("memory %q: %w", ref.name, err)})
		}
		s.mems[i] = m
	}
	return m.Bytes()
}
