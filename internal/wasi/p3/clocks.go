package p3

import (
	"cmp"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// addClocks offers wasi:clocks, with the time zone, which is unstable in 0.3.
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
	mono.Quick("now", "get-resolution")

	h.system = l.Instance("wasi:clocks/system-clock" + version)
	h.system.Use(h.clocks, "duration")
	h.system.Type("instant", "record { seconds: s64, nanoseconds: u32 }")
	h.define(h.system, []def{
		{name: "now", wit: "func() -> instant", fn: systemNow},
		{name: "get-resolution", wit: "func() -> duration", fn: resolution},
	})
	h.system.Quick()

	zone := l.Instance("wasi:clocks/timezone" + version)
	zone.Use(h.system, "instant")
	h.define(zone, []def{
		{name: "iana-id", wit: "func() -> option<string>", fn: zoneID},
		{name: "utc-offset", wit: "func(when: instant) -> option<s64>", fn: zoneOffset},
		{name: "to-debug-string", wit: "func() -> string", fn: zoneText},
	})
}

func zoneID(c call, _ []component.Value) (component.Value, error) {
	return convert.Option(c.state.Zone().ID(), component.String), nil
}

func zoneOffset(c call, args []component.Value) (component.Value, error) {
	offset, _, _, ok := c.state.Zone().At(args[0].Items()[0].S64())
	if !ok {
		return component.None(), nil
	}
	return component.Some(component.S64(int64(offset) * int64(time.Second))), nil
}

func zoneText(c call, _ []component.Value) (component.Value, error) {
	return component.String(cmp.Or(c.state.Zone().ID(), "unknown")), nil
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
