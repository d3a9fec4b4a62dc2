package p2

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// do calls f for the store of st and fails the test if it traps.
func do(t *testing.T, f hostFunc, st *wasi.State, args ...component.Value) component.Value {
	t.Helper()
	v, err := f(call{t.Context(), st}, args)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// named returns the function of that name; it must be in one interface only.
func named(t *testing.T, name string) hostFunc {
	t.Helper()
	var found []hostFunc
	addAll(component.NewLinker(), &host{defined: func(_ string, d def) {
		if d.name == name {
			found = append(found, d.fn)
		}
	}})
	if len(found) != 1 {
		t.Fatalf("%d functions %s", len(found), name)
	}
	return found[0]
}

func TestMonotonicNowNeverDecreasesFromAboveZero(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	last := do(t, monotonicNow, st).U64()
	if last == 0 {
		t.Error("the clock shows 0")
	}
	for range 1000 {
		now := do(t, monotonicNow, st).U64()
		if now < last {
			t.Fatalf("%d after %d", now, last)
		}
		last = now
	}
	if got := do(t, monotonicResolution, st).U64(); got == 0 {
		t.Error("resolution is 0")
	}
}

func TestSubscribedPollablesAreReadyAtTheirTime(t *testing.T) {
	now := func(st *wasi.State) uint64 { return st.Clock().Now() }
	tests := []struct {
		name  string
		f     hostFunc
		when  func(st *wasi.State) uint64
		after time.Duration
	}{
		{"instant past", subscribeInstant, func(st *wasi.State) uint64 { return now(st) - 1 }, 0},
		{"instant zero", subscribeInstant, func(*wasi.State) uint64 { return 0 }, 0},
		{
			"instant to come",
			subscribeInstant,
			func(st *wasi.State) uint64 { return now(st) + uint64(time.Second) },
			time.Second,
		},
		{"no duration", subscribeDuration, func(*wasi.State) uint64 { return 0 }, 0},
		{
			"duration",
			subscribeDuration,
			func(*wasi.State) uint64 { return uint64(time.Minute) },
			time.Minute,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := wasi.NewState(&wasi.Config{})
				p := do(t, tt.f, st, component.U64(tt.when(st))).Rep().(*pollable)
				start := time.Now()
				if err := wasi.Await(t.Context(), p.src); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(start); got != tt.after {
					t.Errorf("ready after %v, want %v", got, tt.after)
				}
			})
		})
	}
}

func TestTheLongestTimesNeverCome(t *testing.T) {
	for name, f := range map[string]hostFunc{"instant": subscribeInstant, "duration": subscribeDuration} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := wasi.NewState(&wasi.Config{})
				p := do(t, f, st, component.U64(math.MaxUint64)).Rep().(*pollable)
				time.Sleep(200 * 365 * 24 * time.Hour)
				if p.src.Ready() {
					t.Error("ready")
				}
			})
		})
	}
}

// numbers reads a datetime.
func numbers(v component.Value) [2]uint64 {
	return [2]uint64{v.Items()[0].U64(), uint64(v.Items()[1].U32())}
}

func TestWallClockNow(t *testing.T) {
	tests := []struct {
		name string
		time time.Time
		want [2]uint64
	}{
		{"a moment", time.Unix(1_700_000_000, 123_456_789), [2]uint64{1_700_000_000, 123_456_789}},
		{"last nanosecond of a second", time.Unix(7, 999_999_999), [2]uint64{7, 999_999_999}},
		{"epoch", time.Unix(0, 0), [2]uint64{0, 0}},
		{"just before the epoch", time.Unix(-1, 999_999_999), [2]uint64{0, 0}},
		{"long before the epoch", time.Date(1815, 12, 10, 0, 0, 0, 5, time.UTC), [2]uint64{0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := wasi.NewState(
				&wasi.Config{Clock: wasi.NewClock(func() time.Time { return tt.time })},
			)
			if diff := cmp.Diff(tt.want, numbers(do(t, wallNow, st))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWallClockResolutionIsAPositiveDatetime(t *testing.T) {
	got := numbers(do(t, wallResolution, wasi.NewState(&wasi.Config{})))
	if got == [2]uint64{} || got[1] >= 1e9 {
		t.Errorf("%v", got)
	}
}

func TestTimeZoneIsUTC(t *testing.T) {
	st := wasi.NewState(&wasi.Config{})
	display := do(t, zoneDisplay, st, datetime(0, 0)).Items()
	got := []any{
		display[0].S32(),
		display[1].Str(),
		display[2].Bool(),
		do(t, zoneOffset, st, datetime(0, 0)).S32(),
	}
	if diff := cmp.Diff([]any{int32(0), "UTC", false, int32(0)}, got); diff != "" {
		t.Error(diff)
	}
}
