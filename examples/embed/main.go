// Embed serves a component from a Go program: it offers the component a function of its own, logs
// in one place what guests print and how they fail, and takes a new build without dropping a
// request.
//
//	go run . greeter.wasm
//	curl http://localhost:8080/7
//	curl -X POST http://localhost:8081/reload
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/host"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: embed COMPONENT")
		os.Exit(1)
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		slog.Error("embed", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	a := &app{file: file, engine: host.NewEngine(host.EngineOptions{}), log: slog.Default()}
	defer a.engine.Close()
	if err := a.reload(ctx); err != nil {
		return err
	}
	admin := http.NewServeMux()
	admin.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) {
		if err := a.reload(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		}
	})
	ended := make(chan error, 2)
	go func() { ended <- http.ListenAndServe("localhost:8081", admin) }()
	go func() { ended <- http.ListenAndServe("localhost:8080", a) }()
	return <-ended
}

// app serves the newest build of a component.
type app struct {
	file   string
	engine *host.Engine // what builds have in common is compiled once
	log    *slog.Logger

	mu      sync.Mutex
	current *build
}

// build is a Host with the requests that it has.
type build struct {
	*host.Host
	running sync.WaitGroup
}

// ServeHTTP passes the request to the current build.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	b := a.current
	b.running.Add(1)
	a.mu.Unlock()
	defer b.running.Done()
	b.ServeHTTP(w, r)
}

// reload loads the file, sends new requests to what it has loaded, and closes the build before when
// its requests have ended. If the file cannot be loaded, that build goes on serving.
func (a *app) reload(ctx context.Context) error {
	wasm, err := os.ReadFile(a.file)
	if err != nil {
		return err
	}
	h, err := host.New(ctx, wasm, a.config())
	if err != nil {
		return err
	}
	a.mu.Lock()
	old := a.current
	a.current = &build{Host: h}
	a.mu.Unlock()
	if old == nil {
		return nil
	}
	old.running.Wait()
	return old.Close(ctx)
}

// config returns the settings of a build: what guests get, and where failures go.
func (a *app) config() host.Config {
	return host.Config{
		Engine:     a.engine,
		Background: true,
		Try:        true,
		Timeout:    5 * time.Second,
		MaxMemory:  64 << 20,
		Link:       offerNames,
		Stdout:     a.output("stdout"),
		Stderr:     a.output("stderr"),
		Failed: func(w http.ResponseWriter, r *http.Request, f *host.Failure) {
			a.log.Error("request failed", "id", f.RequestID, "path", r.URL.Path,
				"outcome", f.Outcome, "cause", f.Cause, "backtrace", f.Frames)
			host.Failed(w, r, f)
		},
	}
}

// offerNames offers example:greeting/names.
func offerNames(l *component.Linker) {
	users := map[uint32]string{7: "Ada", 8: "Grace"}
	names := l.Instance("example:greeting/names@1.0.0")
	names.Func("lookup", "func(user: u32) -> option<string>",
		func(c *component.Call, args []component.Value) (component.Value, error) {
			name, ok := users[args[0].U32()]
			slog.Info("lookup", "request", host.RequestID(c), "user", args[0].U32(), "found", ok)
			if !ok {
				return component.None(), nil
			}
			return component.Some(component.String(name)), nil
		})
}

// output logs what guests print.
func (a *app) output(stream string) func(host.Origin) io.WriteCloser {
	return func(from host.Origin) io.WriteCloser { return &logged{a.log, stream, from} }
}

// logged is the output of one instance.
type logged struct {
	log    *slog.Logger
	stream string
	from   host.Origin
}

// Write logs p, which is as much as the guest has written at once.
func (l *logged) Write(p []byte) (int, error) {
	l.log.Info(
		string(p),
		"stream",
		l.stream,
		"instance",
		l.from.Instance,
		"request",
		l.from.Request(),
	)
	return len(p), nil
}

// Close has nothing to do.
func (l *logged) Close() error { return nil }
