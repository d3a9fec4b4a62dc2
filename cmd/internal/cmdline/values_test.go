package cmdline

import (
	"math"
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	good := map[string]int64{
		"1":       1,
		"1048576": 1 << 20,
		"64MiB":   64 << 20,
		"64mib":   64 << 20,
		"64Mi":    64 << 20,
		"1g":      1 << 30,
		"1.5K":    1536,
		"2 KiB":   2048,
		"10kB":    10000,
		"1GB":     1000 * 1000 * 1000,
		"1t":      1 << 40,
		"512b":    512,
		"0.5MiB":  1 << 19,
	}
	for text, want := range good {
		var got Size
		if err := got.Set(text); err != nil || int64(got) != want {
			t.Errorf("Set(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "x", "MiB", "1 Mix", "1xb", "1mbb", "NaN", "Inf", "1e30", "0.1", "9999999t"} {
		var got Size
		if err := got.Set(text); err == nil {
			t.Errorf("Set(%q) = %d, want an error", text, got)
		}
	}
	for n, want := range map[int64]string{1 << 30: "1GiB", 3 << 19: "1536KiB", 1000: "1000", 0: "0"} {
		if got := (*Size)(&n).String(); got != want {
			t.Errorf("String of %d = %q, want %q", n, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	good := map[string]time.Duration{"30s": 30 * time.Second, "0": 0, "2": 2 * time.Second, "0.5": time.Second / 2, "1m30s": 90 * time.Second}
	for text, want := range good {
		var got Span
		if err := got.Set(text); err != nil || time.Duration(got) != want {
			t.Errorf("Set(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1s", "-1", "soon", "NaN", "1e300"} {
		var got Span
		if err := got.Set(text); err == nil {
			t.Errorf("Set(%q) = %v, want an error", text, got)
		}
	}
	for d, want := range map[time.Duration]string{10 * time.Second: "10s", time.Minute: "1m", time.Hour: "1h", 90 * time.Second: "1m30s", 0: "0s"} {
		if got := (*Span)(&d).String(); got != want {
			t.Errorf("String of %v = %q, want %q", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	var c Count
	if err := c.Set("12"); err != nil || c != 12 || c.String() != "12" {
		t.Errorf("got %d, %v", c, err)
	}
	for _, text := range []string{"", "-1", "1.5", "99999999999"} {
		if err := c.Set(text); err == nil {
			t.Errorf("Set(%q) = %d, want an error", text, c)
		}
	}
	if math.MaxInt32 < 1<<31-1 {
		t.Error("a count does not fit an int everywhere")
	}
}
