package wasi

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestMonotonicClockAdvancesWithTimeFromAboveZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClock(nil)
		first := c.Now()
		if first == 0 {
			t.Fatal("the clock starts at 0")
		}
		time.Sleep(5 * time.Second)
		if got, want := c.Now()-first, uint64(5*time.Second); got != want {
			t.Errorf("5 s later the clock has advanced by %d ns", got)
		}
	})
}

func TestWallClockIsTheMachinesUnlessReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := NewClock(nil).Wall(); !got.Equal(time.Now()) {
			t.Errorf("wall = %v, want %v", got, time.Now())
		}
		fixed := time.Unix(1234, 5678)
		if got := NewClock(func() time.Time { return fixed }).Wall(); !got.Equal(fixed) {
			t.Errorf("wall = %v, want %v", got, fixed)
		}
	})
}

func TestClockHasAPositiveResolution(t *testing.T) {
	if got := NewClock(nil).Resolution(); got < 1 {
		t.Errorf("resolution = %v", got)
	}
}

func TestTimerIsReadyAtItsInstantAndNotBefore(t *testing.T) {
	tests := []struct {
		name  string
		timer func(c *Clock) *Timer
		after time.Duration
	}{
		{"duration", func(c *Clock) *Timer { return c.After(uint64(time.Minute)) }, time.Minute},
		{
			"instant",
			func(c *Clock) *Timer { return c.Until(c.Now() + uint64(time.Hour)) },
			time.Hour,
		},
		{"one nanosecond", func(c *Clock) *Timer { return c.After(1) }, 1},
		{"zero duration", func(c *Clock) *Timer { return c.After(0) }, 0},
		{"instant now", func(c *Clock) *Timer { return c.Until(c.Now()) }, 0},
		{"instant past", func(c *Clock) *Timer { return c.Until(c.Now() - 1) }, 0},
		{"instant zero", func(c *Clock) *Timer { return c.Until(0) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := NewClock(nil)
				timer, start := tt.timer(c), time.Now()
				if got, want := timer.Ready(), tt.after == 0; got != want {
					t.Fatalf("ready = %v at the start", got)
				}
				if err := Await(t.Context(), timer); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(start); got != tt.after {
					t.Errorf("waited %v, want %v", got, tt.after)
				}
				if !timer.Ready() {
					t.Error("not ready after it came")
				}
			})
		})
	}
}

func TestTimerBeyondTheClockNeverComes(t *testing.T) {
	for name, timer := range map[string]func(c *Clock) *Timer{
		"longest duration":            func(c *Clock) *Timer { return c.After(math.MaxUint64) },
		"last instant":                func(c *Clock) *Timer { return c.Until(math.MaxUint64) },
		"longer than a Duration":      func(c *Clock) *Timer { return c.After(math.MaxInt64 + 1) },
		"just below what would wrap":  func(c *Clock) *Timer { return c.After(math.MaxUint64 - c.Now()) },
		"longest that is a Duration":  func(c *Clock) *Timer { return c.After(math.MaxInt64) },
		"instant of a century's rest": func(c *Clock) *Timer { return c.Until(uint64(200*365*24) * uint64(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := NewWaiter()
				s := timer(NewClock(nil))
				defer s.Subscribe(w)()
				time.Sleep(100 * 365 * 24 * time.Hour)
				synctest.Wait()
				select {
				case <-w.c:
					t.Error("woken")
				default:
				}
				if s.Ready() {
					t.Error("ready")
				}
			})
		})
	}
}

func TestTimerDoesNotWakeUnsubscribedWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWaiter()
		NewClock(nil).After(uint64(time.Second)).Subscribe(w)()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		select {
		case <-w.c:
			t.Error("woken")
		default:
		}
	})
}

func TestSubscribingToATimerThatHasComeWakesAtOnce(t *testing.T) {
	w := NewWaiter()
	defer NewClock(nil).After(0).Subscribe(w)()
	select {
	case <-w.c:
	default:
		t.Error("not woken")
	}
}
