package loader

import (
	"context"
	"math"
	"net"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/wasi"
)

// recordWith makes a host record its exchanges: each request has an instance of its own, in a world
// of its own.
func recordWith(h *host.Config, r *record.Recorder) {
	h.Observe = func(h host.Handler) host.Handler { return r.Handler(h) }
	h.MaxInstanceReuse, h.MaxInstanceConcurrentReuse = 1, 1
	if r.OneInstance() {
		h.MaxInstances, h.IdleInstanceTimeout = 1, -1
		h.MaxInstanceReuse, h.MaxInstanceConcurrentReuse = math.MaxInt, 0
	}
	h.Instance = func() host.InstanceOptions {
		in := r.Instance()
		return host.InstanceOptions{
			World: host.World{Clock: in.Clock, Seed: &in.Seed},
			Taken: in.Taken,
			Ended: func(used host.World) { in.Ended(!used.Clock.IsZero(), used.Seed != nil) },
		}
	}
	h.Outbound.Connect = func(ctx context.Context, d wasi.Destination) (net.Conn, error) {
		request := fixture.Request{Method: d.Method, URL: d.Scheme + "://" + d.Host + d.Target}
		return r.Connect(ctx, d.Sender, request, d.Dial)
	}
}
