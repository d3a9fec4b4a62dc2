package component

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// title names the function in messages.
func (f *compFunc) title() string {
	if f.host == nil {
		return "a function of another component"
	}
	return f.host.iface.Name + "#" + f.host.name
}

// title names the canonical function in messages: what core code called when it called it.
func (c *canonFunc) title() string {
	if c.op == binary.CanonLower {
		return c.fn.title()
	}
	return "a built-in of the component model"
}

// nameFrames replaces the names under which core code calls canonical functions by those that
// people know.
func (s *Store) nameFrames(err error) {
	var t *engine.Trap
	if !errors.As(err, &t) {
		return
	}
	canons := s.linked.plan.canons
	for i := range t.Frames {
		f := &t.Frames[i]
		number, ok := strings.CutPrefix(f.Func, canonPrefix)
		if !ok || f.Module != engine.HostModule {
			continue
		}
		if n, err := strconv.Atoi(number); err == nil && n < len(canons) {
			f.Func = canons[n].title()
		}
	}
}

// awaited is what a thread waits for. describe says it in messages; in is the thread's instance.
type awaited interface{ describe(in *instance) string }

// Runnable reports whether a thread of the call goes on in the next turn.
func (t *Task) Runnable() bool {
	if t.task == nil {
		return false
	}
	for _, th := range t.task.threads {
		if th.queued && th.isReady() {
			return true
		}
	}
	return false
}

// Waiting returns what the call's first thread waits for, for messages; "" if it does not wait.
func (t *Task) Waiting() string {
	if t.task == nil || t.task.implicit == nil || !t.task.implicit.parked {
		return ""
	}
	th := t.task.implicit
	switch {
	case t.task.state == taskInitial:
		return "to be admitted by the instance"
	case th.ready == nil:
		return "to be resumed by another thread"
	case th.awaits != nil:
		return "for " + th.awaits.describe(t.task.inst)
	}
	return "for its turn"
}

func (f *compFunc) describe(*instance) string { return f.title() }

func (w *waitable) describe(in *instance) string {
	if what := in.table.awaited(w.index); what != "" {
		return what
	}
	return "an event"
}

// describedWaitables is how many members of a set are named.
const describedWaitables = 3

func (s *waitableSet) describe(in *instance) string {
	var names []string
	for _, w := range s.elems {
		if what := in.table.awaited(w.index); what != "" {
			names = append(names, what)
		}
	}
	if len(names) == 0 {
		return "an event, though nothing is under way that could cause one"
	}
	more := ""
	if n := len(names) - describedWaitables; n > 0 {
		names, more = names[:describedWaitables], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ") + more
}

// awaited names what is under way with a waitable; "" if nothing is.
func (t *table) awaited(i uint32) string {
	if int(i) >= len(t.entries) {
		return ""
	}
	switch w := t.entries[i].rep.(type) {
	case *subtask:
		if !w.resolved() {
			return w.lower.fn.title()
		}
	case *copyEnd:
		if w.state != copying && w.state != copyCancelling {
			return ""
		}
		what, of := "a write to", "stream"
		if w.readable {
			what = "a read of"
		}
		if w.sh.future {
			of = "future"
		}
		return what + " a " + of
	}
	return ""
}
