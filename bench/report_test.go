package main

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestReportNamesWhatIsMissed(t *testing.T) {
	for _, tt := range []struct {
		r      result
		missed bool
	}{
		{result{What: throughput, Wasihttp: 3, Wasmtime: 2, Ratio: 1.5, Floor: 1}, false},
		{result{What: throughput, Wasihttp: 1, Wasmtime: 2, Ratio: 0.5, Floor: 1}, true},
		{result{What: warmStart, Wasihttp: 1, Wasmtime: 2, Ratio: 0.5, Ceiling: 1}, false},
		{result{What: warmStart, Wasihttp: 3, Wasmtime: 2, Ratio: 1.5, Ceiling: 1}, true},
		{result{What: peakMemory, Wasihttp: 100, Wasmtime: 50, Ratio: 2, Limit: 200}, false},
		{result{What: peakMemory, Wasihttp: 300, Limit: 200}, true},
		{result{What: peakMemory, Wasihttp: 300}, false},
	} {
		var out strings.Builder
		if err := report(&out, []result{tt.r}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "missed"); got != tt.missed {
			t.Errorf("%+v: %s", tt.r, out.String())
		}
	}
}

func TestMostMemoryOfAProcess(t *testing.T) {
	got, want := mostMemory(os.Getpid()), runtime.GOOS == "linux"
	if (got > 1) != want {
		t.Errorf("got %v MiB", got)
	}
	if got := mostMemory(-1); got != 0 {
		t.Errorf("got %v MiB for no process", got)
	}
}

func TestProcessorTimeOfAProcess(t *testing.T) {
	const enough = 3 * tick
	for began := processorOf(os.Getpid()); processorOf(os.Getpid())-began < enough; {
		if runtime.GOOS != "linux" {
			return
		}
	}
	if got := processorOf(-1); got != 0 {
		t.Errorf("got %v for no process", got)
	}
}
