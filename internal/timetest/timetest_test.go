package timetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorder is a testing.TB that fails without the test around it.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func TestWhatNeedsMoreTimeIsTriedAgain(t *testing.T) {
	for _, enough := range scales {
		var tried, cleaned []time.Duration
		Scaled(t, func(tb testing.TB, scale time.Duration) {
			tried = append(tried, scale)
			tb.Cleanup(func() { cleaned = append(cleaned, scale) })
			if scale < enough {
				tb.Fatalf("%d times as long is not enough", scale)
			}
		})
		want := scales[:slices.Index(scales, enough)+1]
		if !slices.Equal(tried, want) || !slices.Equal(cleaned, want) {
			t.Errorf("tried %v, cleaned up %v; want %v", tried, cleaned, want)
		}
	}
}

func TestWhatAlwaysFailsFailsWithWhatTheLastTrySaid(t *testing.T) {
	r := &recorder{TB: t}
	var ended []string
	Scaled(r, func(tb testing.TB, scale time.Duration) {
		tb.Cleanup(func() { ended = append(ended, "first") })
		tb.Cleanup(func() { tb.Fatal("in a cleanup") })
		tb.Error("one", int(scale))
		tb.Errorf("two")
		if tb.Failed() {
			tb.FailNow()
		}
		t.Error("FailNow returns")
	})
	if len(ended) != len(scales) {
		t.Errorf("a cleanup that fails kept others from being called: %v", ended)
	}
	last := fmt.Sprintf("one %d", scales[len(scales)-1])
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], last+"\ntwo\nin a cleanup") {
		t.Errorf("failed with %q", r.errors)
	}
}
