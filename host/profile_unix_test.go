//go:build unix

package host

import (
	"syscall"
	"testing"
	"time"
)

// processorTime returns what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProfiled measures what a profile costs a service: requests with and without one, in
// turns, by processor time, which other programs on the machine change little.
func BenchmarkProfiled(b *testing.B) {
	for _, guest := range []string{"rust-hello", "rust-hello-p3"} {
		b.Run(guest, func(b *testing.B) {
			compareHosts(b, profiledHost(b, guest, EngineOptions{}),
				profiledHost(b, guest, EngineOptions{Profile: NewProfile()}))
		})
	}
}

// compareHosts reports the processor time of requests to two hosts, in turns.
func compareHosts(b *testing.B, without, with *Host) {
	var used [2]time.Duration
	for b.Loop() {
		for i, h := range []*Host{without, with} {
			began := processorTime(b)
			for range 50 {
				ask(b, h, "/")
			}
			used[i] += processorTime(b) - began
		}
	}
	requests := float64(b.N * 50)
	b.ReportMetric(float64(used[0].Microseconds())/requests, "µs-without/request")
	b.ReportMetric(float64(used[1].Microseconds())/requests, "µs-with/request")
	b.ReportMetric(float64(used[1])/float64(used[0]), "ratio")
}

// BenchmarkCovered measures what coverage costs a service, as BenchmarkProfiled does.
func BenchmarkCovered(b *testing.B) {
	for _, guest := range []string{"rust-hello", "rust-hello-p3"} {
		b.Run(guest, func(b *testing.B) {
			compareHosts(b, profiledHost(b, guest, EngineOptions{}),
				profiledHost(b, guest, EngineOptions{Coverage: NewCoverage()}))
		})
	}
}

// BenchmarkCounted measures what counting instructions costs a service, as BenchmarkProfiled does.
func BenchmarkCounted(b *testing.B) {
	for _, guest := range []string{"rust-hello", "rust-hello-p3"} {
		b.Run(guest, func(b *testing.B) {
			compareHosts(b, profiledHost(b, guest, EngineOptions{}),
				profiledHost(b, guest, EngineOptions{Instructions: true}))
		})
	}
}
