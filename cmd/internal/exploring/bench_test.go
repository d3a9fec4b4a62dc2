package exploring

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/listening"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/serve"
)

// BenchmarkServe serves the smallest responses with an explorer at which nobody looks, and without
// one. What matters is the processor time, which is that of the client, too.
func BenchmarkServe(b *testing.B) {
	for _, guest := range []string{"rust-hello", "rust-hello-p3"} {
		for _, with := range []bool{true, false} {
			name := guest + "/without"
			if with {
				name = guest + "/with"
			}
			b.Run(name, func(b *testing.B) { benchmarkServe(b, guest, with) })
		}
	}
}

func benchmarkServe(b *testing.B, guest string, with bool) {
	path := filepath.Join("..", "..", "..", "testdata", "guests", guest, guest+".wasm")
	wasm, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	h, err := host.New(ctx, wasm, host.Config{})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var o serve.Options
	if with {
		e := New(ctx, Settings{Listen: &listening.Settings{}})
		defer e.Close()
		o.Explorer = e
	}
	s := serve.New(serve.Build{Handler: h, Close: h.Close}, o)
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	request := []byte("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
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
