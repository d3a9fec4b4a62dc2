package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// addClocks offers wasi:clocks. The time zone, which is unstable in 0.3, is not known to guests.
func addClocks(l *component.Linker, h *host) {
	h.clocks = l.Instance("wasi:clocks/types" + version)
	h.clocks.Type("duration", "u64")

	mono := l.Instance("wasi:clocks/monotonic-clock" + version)
	mono.Use(h.clocks, "duration")
	mono.Type("mark", "u64")
	h.define(mono, []def{
		{name: "now", wit: "func() -> mark", fn: monotonicNow},
		{name: "get-resolution", wit: "func() -> duration", fn: resolution},
		{name: "wait-until", wit: "async func(when: mark)", async: waitUntil},
		{name: "wait-for", wit: "async func(how-long: duration)", async: waitFor},
	})

	h.system = l.Instance("wasi:clocks/system-clock" + version)
	h.system.Use(h.clocks, "duration")
	h.system.Type("instant", "record { seconds: s64, nanoseconds: u32 }")
	h.define(h.system, []def{
		{name: "now", wit: "func() -> instant", fn: systemNow},
		{name: "get-resolution", wit: "func() -> duration", fn: resolution},
	})

	zone := l.Instance("wasi:clocks/timezone" + version)
	zone.Use(h.system, "instant")
	h.define(zone, []def{
		{name: "iana-id", wit: "func() -> option<string>", fn: constant(component.None())},
		{
			name: "utc-offset",
			wit:  "func(when: instant) -> option<s64>",
			fn:   constant(component.None()),
		},
		{name: "to-debug-string", wit: "func() -> string", fn: constant(component.String("unknown"))},
	})
}

func monotonicNow(c call, _ []component.Value) (component.Value, error) {
	return component.U64(c.state.Clock().Now()), nil
}

func resolution(c call, _ []component.Value) (component.Value, error) {
	return component.U64(uint64(c.state.Clock().Resolution())), nil
}

func systemNow(c call, _ []component.Value) (component.Value, error) {
	now := c.state.Clock().Wall()
	return component.Record(component.S64(now.Unix()), component.U32(uint32(now.Nanosecond()))), nil
}

func waitUntil(
	c call,
	args []component.Value,
	done func(component.Value, error),
) (*component.Value, func(), error) {
	return sleep(c, c.state.Clock().Until(args[0].U64()), done)
}

func waitFor(
	c call,
	args []component.Value,
	done func(component.Value, error),
) (*component.Value, func(), error) {
	return sleep(c, c.state.Clock().After(args[0].U64()), done)
}

// sleep returns at once when the time has come already.
func sleep(
	c call,
	t *wasi.Timer,
	done func(component.Value, error),
) (*component.Value, func(), error) {
	if t.Ready() {
		c.state.Busy()
		return &component.Value{}, nil, nil
	}
	return nil, when(c.Store(), t, func() { done(unit(), nil) }), nil
}
