package record

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/tap"
	"github.com/wasihttp/wasihttp/serve"
)

// Instance is an instance of the component while exchanges are recorded. It begins in a world of
// its own, so that what it responds can be had again.
type Instance struct {
	// Clock is the time of day at which it begins, and Seed that of its random numbers.
	Clock time.Time
	Seed  uint64

	recorder *Recorder
	// The rest is guarded by the mutex of the recorder.

	requests            []*trace
	ended               bool
	usesClock, usesSeed bool
}

// trace is what becomes of a request.
type trace struct {
	in *Instance // nil: no instance has taken it
	// recorded is the exchange; nil if it has not ended. left reports that it will not be recorded.
	recorded *serve.Recorded
	left     bool
	queued   bool
	upstream []fixture.Exchange // with other servers
	size     int64              // of all bodies, in bytes
	exchange *fixture.Exchange  // as it is written; nil until then
}

// Instance returns a new instance.
func (r *Recorder) Instance() *Instance {
	// A seed that people can read and change is enough.
	return &Instance{
		recorder: r, Clock: time.Now().UTC().Truncate(time.Millisecond),
		Seed: uint64(rand.Uint32()),
	}
}

// Taken records that the instance has taken a request.
func (i *Instance) Taken(id string) {
	r := i.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &trace{in: i}
	i.requests = append(i.requests, t)
	r.traces[id] = t
}

// Ended records the end of the instance, and whether it has used its clock and its random numbers.
func (i *Instance) Ended(usesClock, usesSeed bool) {
	r := i.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	i.ended, i.usesClock, i.usesSeed = true, usesClock, usesSeed
	for id, t := range r.traces {
		if t.in != i {
			continue
		}
		switch {
		case t.queued:
			delete(r.traces, id)
		case t.recorded != nil || t.left:
			r.end(id, t)
		}
	}
}

// world returns where an instance began, as far as it has used that. With a clock, other servers
// take no time when it is replayed.
func (r *Recorder) world(i *Instance) *fixture.World {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &fixture.World{}
	asked := slices.ContainsFunc(i.requests, func(t *trace) bool { return len(t.upstream) > 0 })
	if i.usesClock || !i.ended || asked {
		w.Clock = i.Clock
	}
	if i.usesSeed || !i.ended {
		w.Seed = &i.Seed
	}
	return w
}

// end ends a trace: nothing more will come of it. The lock is held.
func (r *Recorder) end(id string, t *trace) {
	delete(r.traces, id)
	if t.left {
		r.held.Add(-t.size)
	} else {
		r.push(t)
	}
}

// Connect connects to another server on behalf of the request with an id, by calling dial, and
// records what comes of it. request has method and URL.
func (r *Recorder) Connect(
	ctx context.Context, id string, request fixture.Request,
	dial func(context.Context) (net.Conn, error),
) (net.Conn, error) {
	return tap.Dial(ctx, request, dial, func(x *fixture.Exchange) {
		r.mu.Lock()
		defer r.mu.Unlock()
		t := r.traces[id]
		if t == nil {
			r.astray++
			return
		}
		if x != nil && r.hold(t, sizeOf(x)) {
			t.upstream = append(t.upstream, *x)
		} else {
			r.astray++
		}
	})
}

// exchanges returns the exchanges of a trace with other servers, in their order.
func (r *Recorder) exchanges(t *trace) []*fixture.Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*fixture.Exchange
	for i := range t.upstream {
		list = append(list, &t.upstream[i])
	}
	slices.SortStableFunc(list, func(a, b *fixture.Exchange) int {
		return a.Started.Compare(b.Started)
	})
	return list
}
