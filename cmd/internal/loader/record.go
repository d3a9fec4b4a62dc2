package loader

import (
	"context"
	"math"
	"net"
	"sync"

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
	h.Used = socketsNoted(h.Used, r.Say)
	h.Outbound.Connect = func(ctx context.Context, d wasi.Destination) (net.Conn, error) {
		request := fixture.Request{Method: d.Method, URL: d.Scheme + "://" + d.Host + d.Target}
		return r.Connect(ctx, d.Sender, request, d.Dial)
	}
}

// NoteSockets makes say report what components reach through sockets, which is not recorded.
func (cfg *Config) NoteSockets(say func(line string)) { cfg.Used = socketsNoted(cfg.Used, say) }

// socketsTold is how many addresses and names are reported.
const socketsTold = 5

// socketsNoted returns a function that calls next, if that is not nil, and names each address and
// host that is reached through sockets once.
func socketsNoted(next func(wasi.Use), say func(line string)) func(wasi.Use) {
	var mu sync.Mutex
	told := make(map[string]bool)
	return func(u wasi.Use) {
		if next != nil {
			next(u)
		}
		if u.Kind != wasi.UseNetwork || u.Refused {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if told[u.Name] || len(told) == socketsTold {
			return
		}
		told[u.Name] = true
		line := "not recorded: " + u.Name + " through a socket (wasi:sockets)"
		if len(told) == socketsTold {
			line += "; what else goes through sockets is not named"
		}
		if len(told) == 1 {
			line += "\n  hint: only requests through wasi:http are recorded; " +
				"wasihttp test --upstream-mode live lets the component use its sockets"
		}
		say(line)
	}
}
