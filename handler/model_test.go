package handler

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// model is what the seed's handler does with instances that take several requests at once, written
// down plainly and apart from the implementation: a list of rules over events in the order of their
// times. It runs one scenario.
//
// It does not choose the instance for a request: it takes the choice that was made, and says
// whether it was allowed.
type model struct {
	s       scenario
	chosen  map[int]int // by request: the instance, from 1, that took it
	now     time.Duration
	insts   map[int]*modelInstance
	pending []modelEvent
	seq     int

	// What is compared.
	outcomes map[int]modelOutcome
	ends     map[int]modelOutcome // of instances
	reports  []string
	wrong    []string // choices that were not allowed
}

// scenario is what happens from outside, and what the guest does about it.
type scenario struct {
	reuse    Reuse
	limits   Timeouts
	requests []script
}

// script is a request and what its task does, in times from its beginning; zero stands for never.
type script struct {
	arrives time.Duration // from the beginning of the scenario
	expires time.Duration // the request's own limit
	leaves  time.Duration // when its client does

	busy    time.Duration // how long the guest computes first
	holds   bool          // back-pressure from the beginning on,
	relents time.Duration // and until when
	head    time.Duration // when it responds,
	code    bool          // with an error code,
	body    time.Duration // and when the body is whole
	exits   time.Duration
	traps   time.Duration
	obeys   bool // exits when it is cancelled
}

// modelOutcome is how something ended, and when.
type modelOutcome struct {
	How string
	At  time.Duration
}

type modelInstance struct {
	id, total    int
	tasks        []*modelTask // in the order in which they came
	holds        int
	retiring     bool
	running      *modelTask    // computes
	free         time.Duration // when it has computed
	idleSince    time.Duration
	cleanUpUntil time.Duration
	ended        bool
}

type modelTask struct {
	request int
	script  script
	inst    *modelInstance
	phase   phase
	since   time.Duration
	limit   time.Duration // when its own time is over; zero for never
	whole   bool          // the body is
	exited  bool
	expired bool
	heard   bool // its receiver has an outcome
}

// modelEvent is something that happens. What needs the guest waits while that computes.
type modelEvent struct {
	at    time.Duration
	order modelOrder // among events of one instance that have waited
	seq   int
	inst  *modelInstance // nil for what needs no guest
	do    func()
}

type modelOrder int

const (
	hasComputed  modelOrder = iota // the guest
	receiverGone                   // and the guest's side is to hear of it
	timeWasOver                    // of an instance or a task, when the guest computed
	step                           // of the guest
	timeOver                       // of an instance or a task, otherwise
)

func (m *model) schedule(at time.Duration, order modelOrder, inst *modelInstance, do func()) {
	m.seq++
	m.pending = append(m.pending, modelEvent{at, order, m.seq, inst, do})
}

// run plays the scenario to its end.
func (m *model) run() {
	m.insts = map[int]*modelInstance{}
	m.outcomes, m.ends = map[int]modelOutcome{}, map[int]modelOutcome{}
	for i, r := range m.s.requests {
		m.schedule(r.arrives, step, nil, func() { m.arrive(i) })
	}
	for {
		e, found := m.next()
		if !found {
			return
		}
		m.pending = slices.DeleteFunc(m.pending, func(p modelEvent) bool { return p.seq == e.seq })
		m.now = max(m.now, e.at)
		if e.inst == nil || !e.inst.ended {
			e.do()
		}
		for _, id := range slices.Sorted(maps.Keys(m.insts)) {
			m.settle(m.insts[id])
		}
	}
}

// next returns the event that comes next.
func (m *model) next() (next modelEvent, found bool) {
	all := slices.Clone(m.pending)
	for _, id := range slices.Sorted(maps.Keys(m.insts)) {
		i := m.insts[id]
		if at := m.nextLimit(i); at > 0 {
			all = append(all, modelEvent{at, timeOver, 0, i, func() { m.limitPasses(i) }})
		}
	}
	when := func(e modelEvent) time.Duration {
		if e.inst != nil && (e.order != timeOver || e.inst.running == nil) {
			return max(e.at, e.inst.free)
		}
		return e.at
	}
	if len(all) == 0 {
		return modelEvent{}, false
	}
	next = slices.MinFunc(all, func(a, b modelEvent) int {
		return cmp.Or(
			cmp.Compare(when(a), when(b)),
			cmp.Compare(a.order, b.order),
			cmp.Compare(a.at, b.at),
			cmp.Compare(a.seq, b.seq),
		)
	})
	next.at = when(next)
	return next, true
}

// arrive gives a request to the instance that took it.
func (m *model) arrive(request int) {
	var open []int
	for id, i := range m.insts {
		if m.open(i) {
			open = append(open, id)
		}
	}
	id := m.chosen[request]
	i := m.insts[id]
	switch {
	case i == nil && len(open) > 0:
		m.wrong = append(
			m.wrong,
			fmt.Sprintf("request %d got a new instance, while %v took requests", request, open),
		)
		fallthrough
	case i == nil:
		i = &modelInstance{id: id}
		m.insts[id] = i
	case !slices.Contains(open, id):
		m.wrong = append(
			m.wrong,
			fmt.Sprintf("request %d was given to instance %d, which takes none", request, id),
		)
	}
	s := m.s.requests[request]
	t := &modelTask{request: request, script: s, inst: i, since: m.now}
	if s.expires > 0 {
		t.limit = m.now + s.expires
	}
	i.total++
	i.tasks = append(i.tasks, t)
	if s.holds {
		i.holds++
		m.after(t, s.relents, func() { i.holds-- })
	}
	m.after(t, s.head, func() { m.respond(t) })
	m.after(t, s.body, func() { t.whole = true })
	m.after(t, s.exits, func() { t.exited = true })
	m.after(t, s.traps, func() { m.fail(i, "trap", t) })
	if s.leaves > 0 {
		m.schedule(m.now+s.leaves, step, nil, func() {
			m.hear(t, "gone")
			m.schedule(m.now, receiverGone, i, func() { m.receiverLeft(t) })
		})
	}
	if s.busy > 0 {
		i.running, i.free = t, m.now+s.busy
		m.schedule(i.free, hasComputed, i, func() {
			if at := m.firstLimit(i); at > 0 && at < m.now {
				m.schedule(m.now, timeWasOver, i, func() { m.limitPasses(i) })
			}
			i.running = nil
		})
	}
}

// after has a task do something.
func (m *model) after(t *modelTask, d time.Duration, do func()) {
	if d > 0 {
		m.schedule(m.now+d, step, t.inst, func() {
			if !t.exited {
				do()
			}
		})
	}
}

// open reports whether an instance takes a request: it does while all of its tasks wait.
func (m *model) open(i *modelInstance) bool {
	return !i.ended && !i.retiring && i.running == nil && i.holds == 0 &&
		m.s.reuse.ShouldAcceptRequest(len(i.tasks), i.total) == Yes
}

// hear gives the receiver of a request its outcome.
func (m *model) hear(t *modelTask, how string) {
	if !t.heard {
		t.heard = true
		m.outcomes[t.request] = modelOutcome{how, m.now}
	}
}

func (t *modelTask) enter(p phase, now time.Duration) { t.phase, t.since, t.limit = p, now, 0 }

func (m *model) respond(t *modelTask) {
	switch {
	case t.phase != phaseRequest:
	case t.script.code:
		m.hear(t, "code")
		t.enter(phasePostReturn, m.now)
	default:
		t.enter(phaseStreaming, m.now)
		if m.s.limits.Streaming > 0 {
			t.limit = m.now + m.s.limits.Streaming
		}
	}
}

// receiverLeft makes what the guest still does for a request post-return work.
func (m *model) receiverLeft(t *modelTask) {
	asked := t.phase == phaseRequest
	if t.phase == phaseRequest || t.phase == phaseStreaming {
		t.enter(phasePostReturn, m.now)
	}
	if asked && t.script.obeys {
		t.exited = true
	}
}

// settle does what follows from the state of an instance that is not computing.
func (m *model) settle(i *modelInstance) {
	if i.ended || i.running != nil {
		return
	}
	alive := slices.ContainsFunc(i.tasks, func(t *modelTask) bool { return !t.exited })
	for _, t := range slices.Clone(i.tasks) {
		switch {
		case t.phase == phaseRequest && t.exited:
			m.hear(t, "none")
		case t.phase == phaseStreaming && t.whole:
			m.hear(t, "ok")
			m.receiverLeft(t)
		case t.phase == phaseStreaming && t.exited && !alive:
			m.hear(t, "cut") // no guest code could continue the body
		}
	}
	i.tasks = slices.DeleteFunc(i.tasks, func(t *modelTask) bool {
		return t.exited && (t.phase != phaseStreaming || t.heard)
	})
	if i.total >= max(m.s.reuse.Max, 1) {
		i.retiring = true
	}
	switch {
	case len(i.tasks) > 0:
		i.idleSince = 0
	case i.retiring || i.holds > 0:
		m.end(i, "quiet")
	case i.idleSince == 0:
		i.idleSince = m.now
	}
}

func (m *model) end(i *modelInstance, how string) {
	i.ended = true
	m.ends[i.id] = modelOutcome{how, m.now}
}

// status returns what an instance is busy with, and since when that counts.
func (i *modelInstance) status() (WorkerStatus, time.Duration) {
	for _, p := range []phase{phaseRequest, phaseStreaming, phasePostReturn} {
		newest, found := time.Duration(0), false
		for _, t := range i.tasks {
			if t.phase == p {
				newest, found = max(newest, t.since), true
			}
		}
		if found {
			return p.status(), newest
		}
	}
	return Idle, i.idleSince
}

// limit returns when the time of an instance is over for what it is busy with; zero for never.
func (m *model) limit(i *modelInstance) time.Duration {
	status, since := i.status()
	limit := map[WorkerStatus]time.Duration{
		Idle: m.s.limits.Idle, Requests: m.s.limits.Requests, PostReturn: m.s.limits.PostReturn,
	}[status]
	at := since + limit
	if limit == 0 {
		at = 0
	}
	if status == PostReturn &&
		!slices.ContainsFunc(i.tasks, func(t *modelTask) bool { return !t.expired }) {
		if at == 0 || i.cleanUpUntil < at {
			at = i.cleanUpUntil
		}
	}
	return at
}

// firstLimit returns when the time of an instance or of one of its tasks is over next; zero for
// never.
func (m *model) firstLimit(i *modelInstance) time.Duration {
	first := m.limit(i)
	for _, t := range i.tasks {
		if t.limit > 0 && (first == 0 || t.limit < first) {
			first = t.limit
		}
	}
	return first
}

// nextLimit returns when firstLimit has consequences: if the guest computes then, it gets a grace
// to come to an end.
func (m *model) nextLimit(i *modelInstance) time.Duration {
	if i.ended {
		return 0
	}
	first := m.firstLimit(i)
	switch {
	case first == 0 || i.running == nil:
		return first
	case i.free < first+busyGrace:
		return 0 // it is looked at then
	}
	return first + busyGrace
}

// limitPasses ends what has taken too long.
func (m *model) limitPasses(i *modelInstance) {
	status, _ := i.status()
	over := m.limit(i)
	switch {
	case i.running != nil:
		m.fail(i, "expired", i.running)
		return
	case over > 0 && over <= m.now && status == Idle:
		m.end(i, "quiet")
		return
	case over > 0 && over <= m.now:
		m.fail(i, "expired", nil)
		return
	}
	for _, t := range i.tasks {
		if t.limit == 0 || t.limit > m.now {
			continue
		}
		m.hear(t, "expired")
		t.enter(phasePostReturn, m.now)
		t.expired = true
		i.retiring, i.cleanUpUntil = true, m.now+cleanUp
		t.exited = t.exited || t.script.obeys
	}
}

// fail loses an instance, through the fault of a task or because its time is over.
func (m *model) fail(i *modelInstance, how string, culprit *modelTask) {
	overdue := func(t *modelTask) bool { return t.limit > 0 && t.limit <= m.now }
	any := slices.ContainsFunc(i.tasks, overdue)
	for _, t := range i.tasks {
		own := "lost"
		switch {
		case how == "trap" && (t == culprit || len(i.tasks) == 1),
			how == "expired" && (overdue(t) || !any):
			own = how
		}
		if t.phase == phaseStreaming && t.whole {
			m.hear(t, "ok")
		}
		if t.heard && (own == "trap" || own == "expired" && t.phase != phaseRequest && !t.expired) {
			m.reports = append(m.reports, fmt.Sprintf("%d: %s", t.request, own))
		}
		m.hear(t, own)
	}
	m.end(i, how)
}

// report lists what the model has come to, to be compared.
func (m *model) report() []string {
	var lines []string
	for r, o := range m.outcomes {
		lines = append(
			lines,
			fmt.Sprintf("request %d in instance %d: %s at %v", r, m.chosen[r], o.How, o.At),
		)
	}
	for i, o := range m.ends {
		lines = append(lines, fmt.Sprintf("instance %d: %s at %v", i, o.How, o.At))
	}
	for _, r := range m.reports {
		lines = append(lines, "report "+r)
	}
	lines = append(lines, m.wrong...)
	slices.SortFunc(lines, cmp.Compare)
	return lines
}
