package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
)

// upstreams records requests of a component to a server of its own with wasihttp serve, and has
// hurl run the upstream fixtures against that server: all of them pass, and none does once the
// server responds in another way.
func (p programs) upstreams(ctx context.Context, component string) error {
	var changed atomic.Bool
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Page", r.FormValue("page"))
		fmt.Fprintf(w, "{\"path\": %q, \"changed\": %v}\n", r.URL.Path, changed.Load())
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	defer func() {
		// Serve returns why; that it was closed is no error.
		_ = server.Close()
		<-ended
	}()
	dir, err := os.MkdirTemp("", "upstreams")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	targets := []string{"/users?page=1", "/users/ada?page=2", "/"}
	record := func(port string) error {
		for _, target := range targets {
			upstream := "http://" + l.Addr().String() + target
			// One of the guests takes the parameter as it is written.
			if err := get(ctx, "http://127.0.0.1:"+port+"/fetch?url="+upstream); err != nil {
				return err
			}
		}
		return nil
	}
	err = served(ctx, record, p.wasihttp, "serve", component, "--addr", "127.0.0.1:0",
		"--record", dir)
	if err != nil {
		return err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.upstream.hurl"))
	if err != nil {
		return err
	}
	if len(paths) != len(targets) {
		return fmt.Errorf("%d upstream fixtures instead of %d", len(paths), len(targets))
	}
	for _, path := range paths {
		if out, err := exec.CommandContext(ctx, p.hurl, path).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", path, err, out)
		}
	}
	changed.Store(true)
	for _, path := range paths {
		if exec.CommandContext(ctx, p.hurl, path).Run() == nil {
			return errors.New(path + " passes although the server responds in another way")
		}
	}
	fmt.Printf("hurl: %d upstream fixtures are true, and then not any more\n", len(paths))
	return nil
}

// get sends a request and reads the response.
func get(ctx context.Context, target string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s\n%s", target, resp.Status, body)
	}
	return err
}
