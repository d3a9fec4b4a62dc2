package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"time"
)

const (
	download = "download of 1 GB, MB/s"
	echo     = "echo of 100 MB, MB/s"
	streamed = "peak memory of a download, MiB"

	echoed        = 100_000_000 // bytes
	streamedLimit = 80          // MiB
)

// streams measures how fast bodies go through guests.
func (s settings) streams(ctx context.Context) ([]result, error) {
	var results []result
	for _, g := range []guest{{name: "rust-kitchen"}, {name: "rust-kitchen-p3", async: true}} {
		g.path = filepath.Join(s.committed, g.name, g.name+".wasm")
		for _, way := range []struct {
			what, target string
			body         []byte
			size         int64
		}{
			{download, "/big?n=" + strconv.Itoa(transferred), nil, transferred},
			{echo, "/echo", make([]byte, echoed), echoed},
		} {
			memory := map[string]float64{}
			r, err := s.compare(false, func(p program) (float64, error) {
				rate, most, err := s.stream(ctx, p, g, way.target, way.body, way.size)
				memory[p.path] = max(memory[p.path], most)
				return rate, err
			})
			if err != nil {
				return nil, err
			}
			r.Guest, r.What = g.name, way.what
			results = append(results, r)
			if most := memory[s.wasihttp]; way.what == download && most > 0 {
				r := result{Guest: g.name, What: streamed, Wasihttp: most, Limit: streamedLimit}
				if other := memory[s.wasmtime]; other > 0 {
					r.Wasmtime, r.Ratio = other, most/other
				}
				results = append(results, r)
			}
		}
	}
	return results, nil
}

// stream sends a request and returns how many megabytes of the response's body, of that size, come
// a second, and the most memory that the server has taken, in MiB.
func (s settings) stream(ctx context.Context, p program, g guest, target string, body []byte,
	size int64) (rate, memory float64, err error) {
	server, err := p.serve(ctx, g.path, g.flags(p)...)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = server.Stop() }() // how it ends is for the tests
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	buffer := make([]byte, 256<<10)
	fetch := func(target string, body []byte) (n int64, err error) {
		req, err := http.NewRequestWithContext(ctx, method, server.URL+target,
			bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		res, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s: %s", target, res.Status)
		}
		return io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{res.Body}, buffer)
	}
	if _, err := fetch("/", nil); err != nil { // everything is loaded then
		return 0, 0, err
	}
	started := time.Now()
	n, err := fetch(target, body)
	if err == nil && n != size {
		err = fmt.Errorf("%s: %d bytes came, of %d", target, n, size)
	}
	return float64(n) / 1e6 / time.Since(started).Seconds(), mostMemory(server.Pid()), err
}
