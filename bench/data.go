package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

const (
	copyTime = "copy of 200 MB, s"
	sent     = "sent, MB/s"
	received = "received, MB/s"

	copied      = 200_000_000 // bytes
	transferred = 1_000_000_000
)

// command returns the command line that runs a component as a program, without the component.
func (s settings) command(p program) []string {
	if p.path == s.wasihttp {
		return []string{p.path, "run", "--quiet"}
	}
	return []string{p.path, "run", "-Ccache=y", "-Wcomponent-model-async", "-Sp3"}
}

// compare returns the best of what measure finds for each program, in turns; less says that less is
// better.
func (s settings) compare(
	less bool, measure func(p program) (float64, error),
) (r result, err error) {
	programs := s.programs()
	figures := make([]float64, len(programs))
	for round := range s.rounds + 1 { // the first fills the caches
		for i, p := range programs {
			figure, err := measure(p)
			if err != nil {
				return r, fmt.Errorf("%s: %w", p.path, err)
			}
			if round == 0 || figure < figures[i] == less {
				figures[i] = figure
			}
		}
	}
	r.Wasihttp = figures[0]
	if len(figures) > 1 {
		r.Wasmtime, r.Ratio = figures[1], figures[0]/figures[1]
		if r.Floor = 1; less {
			r.Floor, r.Ceiling = 0, 1
		}
	}
	return r, nil
}

// copies measures how long programs take that copy a file.
func (s settings) copies(ctx context.Context) ([]result, error) {
	folder := filepath.Join(s.scratch, "copies")
	if err := os.Mkdir(folder, 0o777); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "in"), make([]byte, copied), 0o666); err != nil {
		return nil, err
	}
	var results []result
	for _, name := range []string{"rust-files", "rust-files-p3"} {
		component := filepath.Join(s.committed, name, name+".wasm")
		r, err := s.compare(true, func(p program) (float64, error) {
			line := slices.Concat(s.command(p), []string{"--dir", folder + "::/", component,
				"copy", "in", "out"})
			started := time.Now()
			text, err := exec.CommandContext(ctx, line[0], line[1:]...).CombinedOutput()
			took := time.Since(started).Seconds()
			if err != nil {
				return 0, fmt.Errorf("%s: %w\n%s", name, err, text)
			}
			return took, os.Remove(filepath.Join(folder, "out"))
		})
		if err != nil {
			return nil, err
		}
		r.Guest, r.What = name, copyTime
		results = append(results, r)
	}
	return results, nil
}

// transfers measures how fast a program sends and receives over a socket.
func (s settings) transfers(ctx context.Context) ([]result, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	buffer := make([]byte, 64<<10)
	var results []result
	for _, way := range []struct {
		what, function string
		peer           func(c net.Conn) (int64, error)
	}{
		{sent, "leave", func(c net.Conn) (int64, error) {
			return io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, buffer)
		}},
		{received, "take", func(c net.Conn) (n int64, err error) {
			for n < transferred && err == nil {
				var k int
				k, err = c.Write(buffer)
				n += int64(k)
			}
			return n, err
		}},
	} {
		r, err := s.compare(false, func(p program) (float64, error) {
			line := append(s.command(p), "--inherit-network")
			if p.path != s.wasihttp {
				line[len(line)-1] = "-Sinherit-network"
			}
			line = append(line, filepath.Join(s.committed, "rust-sockets", "std.wasm"),
				way.function, l.Addr().String(), strconv.Itoa(transferred))
			return transfer(exec.CommandContext(ctx, line[0], line[1:]...), l, way.peer)
		})
		if err != nil {
			return nil, err
		}
		r.Guest, r.What = "rust-sockets", way.what
		results = append(results, r)
	}
	return results, nil
}

// transfer runs a program that connects to l, and returns how many megabytes a second go through
// the connection.
func transfer(program *exec.Cmd, l net.Listener, peer func(net.Conn) (int64, error)) (
	rate float64, err error) {
	if err := program.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { // a program that ends early does not connect
		ended <- program.Wait()
	}()
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			accepted <- c
		}
	}()
	var c net.Conn
	select {
	case c = <-accepted:
	case err := <-ended:
		return 0, fmt.Errorf("%v ended before it connected: %w", program.Args, err)
	}
	started := time.Now()
	n, err := peer(c)
	if closed := c.Close(); err == nil {
		err = closed
	}
	if failed := <-ended; err == nil {
		err = failed
	}
	return float64(n) / 1e6 / time.Since(started).Seconds(), err
}
