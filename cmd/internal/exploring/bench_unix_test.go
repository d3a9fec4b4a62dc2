//go:build unix

package exploring

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/listening"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/serve"
)

// BenchmarkCost serves the smallest responses with an explorer at which nobody looks and without
// one, in turns, and reports how much more processor time they take with it: %cpu of all, the
// client's included, and the nanoseconds per request. An iteration is 10,000 requests of each kind;
// of the iterations, the shortest count, for the machine may do other things.
func BenchmarkCost(b *testing.B) {
	for _, guest := range []string{"rust-hello", "rust-hello-p3"} {
		b.Run(guest, func(b *testing.B) {
			const requests = 10_000
			path := filepath.Join("..", "..", "..", "testdata", "guests", guest, guest+".wasm")
			wasm, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			// As serve does with its ballast.
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			least := map[bool]time.Duration{}
			for i := 0; b.Loop(); i++ {
				for _, with := range []bool{i%2 == 0, i%2 != 0} {
					took := serveMany(b, wasm, requests, with)
					if old, ok := least[with]; !ok || took < old {
						least[with] = took
					}
				}
			}
			with, without := float64(least[true]), float64(least[false])
			b.ReportMetric(100*(with/without-1), "%cpu")
			b.ReportMetric((with-without)/requests, "ns-more/request")
			b.ReportMetric(without/requests, "ns/request")
		})
	}
}

// processorTime returns how much the process has used.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// serveMany serves requests on one connection, and returns the processor time that they take once
// the server is warm.
func serveMany(b *testing.B, wasm []byte, requests int, with bool) time.Duration {
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	h, err := host.New(ctx, wasm, host.Config{})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	o := serve.Options{DrainTimeout: time.Minute}
	if with {
		e := New(ctx, Settings{Listen: &listening.Settings{}})
		defer e.Close()
		o.Explorer = e
	}
	s := serve.New(serve.Build{Handler: h, Close: h.Close}, o)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	r := bufio.NewReader(c)
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
	ask := func(n int) {
		for range n {
			if _, err := io.WriteString(c, request); err != nil {
				b.Fatal(err)
			}
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				b.Fatal(err)
			}
		}
	}
	ask(1100) // until entries are used again
	runtime.GC()
	before := processorTime(b)
	ask(requests)
	took := processorTime(b) - before
	if err := c.Close(); err != nil {
		b.Error(err)
	}
	stop()
	if err := <-served; err != nil {
		b.Error(err)
	}
	return took
}
