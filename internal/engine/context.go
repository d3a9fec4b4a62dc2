package engine

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Context is the context of guest calls, which host functions receive. It ends with its parent, but
// does not have its values: wazero asks for some of its own in every call, and a chain of contexts
// would be searched for them. Guest code does not notice the end: use [Group.Interrupt] to stop it.
type Context struct {
	context.Context
	group *Group
	owner any
	inst  context.Context // while a module is instantiated: what wazero needs for that
	act   *activation     // of the innermost call
	calls int             // that have not returned
	turns ticket
	pace  pace

	profiled profiled
}

// NewContext returns a context for calls into the group. owner is the value that Owner returns to
// host functions.
func (g *Group) NewContext(parent context.Context, owner any) *Context {
	c := &Context{}
	g.InitContext(c, parent, owner)
	return c
}

// InitContext makes c, which no call is using, what NewContext returns.
func (g *Group) InitContext(c *Context, parent context.Context, owner any) {
	*c = Context{Context: parent, group: g, owner: owner, pace: newPace(g.counts)}
}

// Renew makes a context that no call uses one for other calls, as NewContext does.
func (c *Context) Renew(parent context.Context) {
	*c = Context{Context: parent, group: c.group, owner: c.owner, pace: newPace(c.group.counts)}
}

// Owner returns the argument owner of [Group.NewContext].
func (c *Context) Owner() any { return c.owner }

// Group returns the group that the context belongs to.
func (c *Context) Group() *Group { return c.group }

// Parent returns the context that the calls are made for, which has values; derive other contexts
// from it.
func (c *Context) Parent() context.Context { return c.Context }

// Value implements [context.Context].
func (c *Context) Value(key any) any {
	if c.inst != nil {
		return c.inst.Value(key)
	}
	return nil
}

// PanicError is the cause of a trap that came from a panic in a host function
// whose value was no error, or a Go run-time error.
type PanicError struct {
	Value any
	Stack []byte // of the goroutine, from debug.Stack
}

// Error names the value only.
func (e *PanicError) Error() string {
	if err, ok := e.Value.(error); ok {
		return "host function: " + err.Error()
	}
	if s, ok := e.Value.(string); ok {
		return "host function: " + s
	}
	return "host function: panic"
}

// Unwrap returns the run-time error, if the value was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// hostPanic carries the value of a panic through wazero, whose error text then begins with a
// constant.
type hostPanic struct{ cause error }

func (*hostPanic) Error() string { return "host panic" }

// hostCall returns fn as a host function of wazero. Each call is a safepoint too, because the work
// of the host for a guest can take long.
func hostCall(fn func(*Context, []uint64)) api.GoFunc {
	return func(ctx context.Context, stack []uint64) {
		defer passPanic()
		c := ctx.(*Context)
		c.stop()
		c.pace.mixed = true
		if c.turns.holds.Load() {
			c.turns.goAway()
		}
		fn(c, stack)
		if c.turns.holds.Load() { // it may have called the guest, which began its turn
			c.turns.comeBack()
		}
	}
}

// safepoint is where guest code waits for its turn, and where it is stopped.
// It returns after how many counts to come again.
func safepoint(ctx context.Context, stack []uint64) {
	c := ctx.(*Context)
	c.stop()
	c.act.check(c.group)
	now := time.Now()
	p := c.group.runtime.engine.profile
	if p != nil {
		p.pause(c, now)
	}
	c.group.counts = c.pace.next(now)
	stack[0] = uint64(c.group.counts)
	// A large stack is better let go of before others grow.
	c.pace.since = processors.next(&c.turns, now, c.group, c.act.counted >= largeStack)
	c.stop()
	if p != nil {
		p.resume(c)
	}
}

// stop panics if the group was interrupted.
func (c *Context) stop() {
	if i := c.group.interrupted.Load(); i != nil {
		panic(&hostPanic{i.cause})
	}
}

// passPanic must be deferred itself, as recover works only there.
func passPanic() {
	switch v := recover().(type) {
	case nil:
	case *hostPanic:
		panic(v)
	case runtime.Error:
		panic(&hostPanic{&PanicError{Value: v, Stack: debug.Stack()}})
	case error:
		panic(&hostPanic{v})
	default:
		panic(&hostPanic{&PanicError{Value: v, Stack: debug.Stack()}})
	}
}
