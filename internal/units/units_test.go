package units

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	tests := map[time.Duration]string{
		0: "0s", 499: "0s", 501: "1µs", 30_250: "30µs", 376_400: "376µs", 999_499: "999µs", 999_500: "1ms", 1_084_999: "1.08ms",
		99_960_000: "100ms", 999_499_000: "999ms", 999_600_000: "1s", 1_500_000_000: "1.5s", 12_345_000_000: "12.3s",
		59_949_000_000: "59.9s", 59_950_000_000: "1m", 2 * time.Minute: "2m", 125_400 * time.Millisecond: "2m5s",
		time.Hour: "1h", time.Hour + 5*time.Second: "1h0m5s", 90 * time.Minute: "1h30m", -1500 * time.Millisecond: "-1.5s",
	}
	for d, want := range tests {
		if got := Duration(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestDurationsHaveNoExponentAndAtMostThreeDigits(t *testing.T) {
	for d := time.Duration(1); d < time.Minute; d += d/7 + 1 {
		text := Duration(d)
		digits := strings.TrimLeft(strings.Trim(text, "mµs"), "0.")
		if strings.ContainsAny(text, "e+") || len(strings.ReplaceAll(digits, ".", "")) > 3 {
			t.Errorf("%d: %s", d, text)
		}
		parsed, err := time.ParseDuration(text)
		if err != nil || math.Abs(float64(parsed-d)) > max(float64(d)/150, 500) {
			t.Errorf("%d: %s is %d (%v)", d, text, parsed, err)
		}
	}
}

func TestSizes(t *testing.T) {
	tests := []struct {
		n            int64
		size, binary string
	}{
		{0, "0 B", "0 bytes"}, {999, "999 B", "999 bytes"}, {1000, "1.0 kB", "1000 bytes"}, {1024, "1.0 kB", "1 KiB"},
		{999_949, "999.9 kB", "976.5 KiB"}, {999_950, "1.0 MB", "976.5 KiB"}, {100 << 20, "104.9 MB", "100 MiB"},
		{1<<20 - 1, "1.0 MB", "1 MiB"}, {3 << 29, "1.6 GB", "1.5 GiB"}, {math.MaxInt64, "9.2 EB", "8 EiB"},
	}
	for _, tt := range tests {
		if Size(tt.n) != tt.size || BinarySize(tt.n) != tt.binary {
			t.Errorf("%d: %s and %s, want %s and %s", tt.n, Size(tt.n), BinarySize(tt.n), tt.size, tt.binary)
		}
	}
}
