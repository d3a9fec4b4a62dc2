package p2

import (
	"github.com/wasihttp/wasihttp/component"
)

// datetimeType is wasi:clocks/wall-clock's datetime.
const datetimeType = "record { seconds: u64, nanoseconds: u32 }"

// addClocks offers wasi:clocks, with the time zone, which is unstable in 0.2.
func addClocks(l *component.Linker, h *host) {
	mono := l.Instance("wasi:clocks/monotonic-clock" + version)
	mono.Use(h.poll, "pollable")
	mono.Type("instant", "u64")
	mono.Type("duration", "u64")
	h.define(mono, []def{
		{"now", "func() -> instant", monotonicNow},
		{"resolution", "func() -> duration", monotonicResolution},
		{"subscribe-instant", "func(when: instant) -> pollable", subscribeInstant},
		{"subscribe-duration", "func(when: duration) -> pollable", subscribeDuration},
	})
	mono.Quick()

	wall := l.Instance("wasi:clocks/wall-clock" + version)
	wall.Type("datetime", datetimeType)
	h.define(wall, []def{
		{"now", "func() -> datetime", wallNow},
		{"resolution", "func() -> datetime", wallResolution},
	})
	wall.Quick()

	zone := l.Instance("wasi:clocks/timezone" + version)
	zone.Use(wall, "datetime")
	zone.Type(
		"timezone-display",
		"record { utc-offset: s32, name: string, in-daylight-saving-time: bool }",
	)
	h.define(zone, []def{
		{"display", "func(when: datetime) -> timezone-display", zoneDisplay},
		{"utc-offset", "func(when: datetime) -> s32", zoneOffset},
	})
}

func monotonicNow(c call, _ []component.Value) (component.Value, error) {
	return component.U64(c.state.Clock().Now()), nil
}

func monotonicResolution(c call, _ []component.Value) (component.Value, error) {
	return component.U64(uint64(c.state.Clock().Resolution())), nil
}

func subscribeInstant(c call, args []component.Value) (component.Value, error) {
	return newPollable(c.state.Clock().Until(args[0].U64()), nil), nil
}

func subscribeDuration(c call, args []component.Value) (component.Value, error) {
	return newPollable(c.state.Clock().After(args[0].U64()), nil), nil
}

// wallNow returns the epoch for any time before it, which a datetime of 0.2 cannot hold.
func wallNow(c call, _ []component.Value) (component.Value, error) {
	now := c.state.Clock().Wall()
	if now.Unix() < 0 {
		return datetime(0, 0), nil
	}
	return datetime(uint64(now.Unix()), uint32(now.Nanosecond())), nil
}

func wallResolution(c call, _ []component.Value) (component.Value, error) {
	const second = 1_000_000_000
	tick := uint64(c.state.Clock().Resolution())
	return datetime(tick/second, uint32(tick%second)), nil
}

func datetime(seconds uint64, nanoseconds uint32) component.Value {
	return component.Record(component.U64(seconds), component.U32(nanoseconds))
}

func zoneDisplay(c call, args []component.Value) (component.Value, error) {
	offset, name, daylight, _ := c.state.Zone().AtUnsigned(args[0].Items()[0].U64())
	return component.Record(
		component.S32(int32(offset)), component.String(name), component.Bool(daylight),
	), nil
}

func zoneOffset(c call, args []component.Value) (component.Value, error) {
	offset, _, _, _ := c.state.Zone().AtUnsigned(args[0].Items()[0].U64())
	return component.S32(int32(offset)), nil
}
