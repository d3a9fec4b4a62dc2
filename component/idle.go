package component

import "github.com/wasihttp/wasihttp/internal/engine"

// A thread that waits has no guest code on its stack if it waits to enter its instance, or between
// two calls of its task's callback. Then the profile learns what it waits for: no host function is
// called whose caller it could look at.

// beginIdle notes that the thread is about to wait without guest code on its stack.
func (th *thread) beginIdle() {
	if p := th.store.group.Profile(); p != nil {
		th.idleSince = p.Now()
	}
}

// endIdle counts the time since beginIdle as a wait for that, "" if it is not known, unless counts
// is false.
func (th *thread) endIdle(reason string, counts bool) {
	since := th.idleSince
	th.idleSince = 0
	p := th.store.group.Profile()
	if p == nil || since == 0 || !counts {
		return
	}
	frames := make([]string, 0, 3)
	if reason != "" {
		frames = append(frames, reason)
	}
	frames = append(frames, th.store.entry(th.task))
	if root := th.root(); root != nil && root.task != nil && root.task != th.task {
		frames = append(frames, th.store.entry(root.task))
	}
	p.Waited(since, frames)
}

// entry names the export that the task runs.
func (s *Store) entry(t *task) string {
	return engine.EntryName(s.linked.plan.funcs[t.core].name)
}

// cause names what caused an event that the task has taken: a host function, or the operation on a
// stream or future, with the host function that has its other end if there is one. counts is false
// for a call of another component, whose waits count for themselves.
func (t *task) cause(ev event) (name string, counts bool) {
	switch ev.code {
	case eventNone:
		return "its turn", true
	case eventTaskCancelled:
		return "cancellation", true
	}
	entries := t.inst.table.entries
	if int(ev.p1) >= len(entries) {
		return "", true
	}
	switch w := entries[ev.p1].rep.(type) {
	case *subtask:
		return w.lower.label(), w.lower.fn.host != nil
	case *copyEnd:
		return w.label(), true
	}
	return "", true
}

// label names the operation that is or was under way.
func (e *copyEnd) label() string {
	name := "stream."
	if e.sh.future {
		name = "future."
	}
	if e.readable {
		name += "read"
	} else {
		name += "write"
	}
	// What the embedder has had stays there when it has ended.
	if by := e.sh.own.by; by != nil {
		name += " of " + by.iface.Name + "#" + by.name
	}
	return name
}

// closeIdle counts the waits that the end of the store ends.
func (s *Store) closeIdle() {
	if s.group.Profile() == nil {
		return
	}
	for _, th := range s.parked {
		if th.idleSince != 0 {
			th.endIdle(th.awaitsHost())
		}
	}
}

// awaitsHost returns the cause of the event of the set that the thread waits for: that of the
// member that waits for the embedder, or else of the only one for which something is under way.
func (th *thread) awaitsHost() (name string, counts bool) {
	if th.events == nil {
		return "", true
	}
	found := 0
	name, counts = "", true
	for _, w := range th.events.elems {
		if th.task.inst.table.awaited(w.index) == "" {
			continue
		}
		found++
		name, counts = th.task.cause(event{code: eventSubtask, p1: w.index})
		if e, ok := w.self.(*copyEnd); !ok && counts || ok && e.sh.host != nil {
			return name, true
		}
	}
	if found != 1 {
		return "", true
	}
	return name, counts
}
