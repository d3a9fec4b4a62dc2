package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/bench/served"
)

// wasip3Variable names the folder of the official programs for WASI 0.3 with their specifications.
const wasip3Variable = "WASIHTTP_WASI_P3_DIR"

// wasip3Pending are the programs that need what there is not yet; one that passes must be taken off the list.
func wasip3Pending() map[string]string {
	return map[string]string{
		"filesystem-advise":         "no directories",
		"filesystem-dotdot":         "no directories",
		"filesystem-flags-and-type": "no directories",
		"filesystem-hard-links":     "no directories",
		"filesystem-is-same-object": "no directories",
		"filesystem-metadata-hash":  "no directories",
		"filesystem-mkdir-rmdir":    "no directories",
		"filesystem-open-errors":    "no directories",
		"filesystem-read-directory": "no directories",
		"filesystem-set-size":       "no directories",
		"filesystem-stat":           "no directories",
		"filesystem-unlink-errors":  "no directories",
		"sockets-echo":              "no sockets",
		"sockets-tcp-bind":          "no sockets",
		"sockets-tcp-connect":       "no sockets",
		"sockets-tcp-listen":        "no sockets",
		"sockets-tcp-properties":    "no sockets",
		"sockets-tcp-receive":       "no sockets",
		"sockets-udp-bind":          "no sockets",
		"sockets-udp-connect":       "no sockets",
		"sockets-udp-properties":    "no sockets",
		"sockets-udp-send":          "no sockets",
	}
}

// wasip3Spec is the specification of a program. Without one, it is run and must end with 0.
type wasip3Spec struct {
	World      string         `json:"world"`
	Root       string         `json:"root"`
	Servers    []wasip3Server `json:"servers"`
	Operations []wasip3Operation
}

type wasip3Operation struct {
	Type     string
	Env      map[string]string
	Args     []string
	ExitCode int `json:"exit_code"`
	Method   string
	Path     string
	Response wasip3Response
}

type wasip3Response struct {
	Status  int
	Headers map[string]string
	Body    string
}

// wasip3Server is a server that the program sends requests to; of kind closed, an address where nobody listens.
type wasip3Server struct {
	Name, Kind string
	Endpoints  []struct {
		Method, Path, Mode string
		Response           wasip3Response
	}
}

// wasip3Limit is the time that one program may take.
const wasip3Limit = time.Minute

func TestWasiP3(t *testing.T) {
	folder := os.Getenv(wasip3Variable)
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "conformance", "wasi-p3")
		if _, err := os.Stat(folder); err != nil || !ours() {
			fmt.Println("wasi-p3: nothing to run: set " + wasip3Variable)
			return
		}
	}
	programs, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("no programs in %s: %v", folder, err)
	}
	passed, pendings := 0, wasip3Pending()
	var missing []string
	for _, program := range programs {
		name := strings.TrimSuffix(filepath.Base(program), ".wasm")
		err := wasip3Run(t, program)
		why, pending := pendings[name]
		switch {
		case err == nil && pending:
			t.Errorf("%s passes: take it off the list", name)
			passed++
		case err == nil:
			passed++
		case pending:
			missing = append(missing, name+": "+why)
		default:
			t.Errorf("%s: %v", name, err)
			missing = append(missing, name+": fails")
		}
	}
	for _, m := range missing {
		fmt.Println("wasi-p3: not passed: " + m)
	}
	fmt.Printf("wasi-p3: %d of %d programs\n", passed, len(programs))
}

// wasip3Run runs a program in a process of its own and returns what is not as specified.
func wasip3Run(t *testing.T, program string) error {
	var spec wasip3Spec
	text, err := os.ReadFile(strings.TrimSuffix(program, ".wasm") + ".json")
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &spec); err != nil {
			return err
		}
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	if len(spec.Operations) == 0 {
		spec.Operations = []wasip3Operation{{Type: "run"}, {Type: "wait"}}
	}
	ctx, cancel := context.WithTimeout(t.Context(), wasip3Limit)
	defer cancel()
	flags := []string{"--cache-dir", filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")}
	for _, s := range spec.Servers {
		address, stop, err := s.start()
		if err != nil {
			return err
		}
		defer stop()
		flags = append(flags, "--env", "HTTP_SERVER_"+strings.ToUpper(s.Name)+"="+address)
	}
	if spec.Root != "" {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS(filepath.Join(filepath.Dir(program), spec.Root))); err != nil {
			return err
		}
		flags = append(flags, "--dir", root+"::/")
	}
	first := spec.Operations[0]
	for _, name := range slices.Sorted(mapKeys(first.Env)) {
		flags = append(flags, "--env", name+"="+first.Env[name])
	}
	if spec.World == "wasi:http/service" {
		return wasip3Serve(ctx, t, program, flags, spec.Operations[1:])
	}
	return wasip3Command(ctx, program, flags, first.Args, spec.Operations[1:])
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func wasip3Command(ctx context.Context, program string, flags, args []string, operations []wasip3Operation) error {
	command := slices.Concat([]string{"run"}, flags, []string{program}, args)
	output, err := exec.CommandContext(ctx, os.Getenv(builtVariable), command...).CombinedOutput()
	code := 0
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("does not end\n%s", output)
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		return err
	}
	for _, op := range operations {
		switch op.Type {
		case "wait":
			if code != op.ExitCode {
				return fmt.Errorf("exit code %d, want %d\n%s", code, op.ExitCode, output)
			}
		default:
			return fmt.Errorf("operation %s is not known", op.Type)
		}
	}
	return nil
}

func wasip3Serve(ctx context.Context, t *testing.T, program string, flags []string, operations []wasip3Operation) error {
	command := slices.Concat([]string{"serve", "--addr=127.0.0.1:0"}, flags, []string{program})
	server, err := served.Start(ctx, os.Getenv(builtVariable), command...)
	if err != nil {
		return err
	}
	stopped := false
	defer func() {
		if !stopped {
			_ = server.Stop() // the failure has been found before
		}
	}()
	// The official runner takes the address from there.
	if first, _, _ := strings.Cut(server.Output(), "\n"); !strings.Contains(first, "http://") {
		return fmt.Errorf("no address on the first line: %s", first)
	}
	for _, op := range operations {
		switch op.Type {
		case "request":
			if err := op.request(ctx, t, server.URL); err != nil {
				return fmt.Errorf("%s %s: %w\n%s", op.Method, op.Path, err, server.Output())
			}
		case "kill":
			stopped = true
			if err := server.Stop(); err != nil {
				return fmt.Errorf("after an interrupt: %w", err)
			}
		case "wait":
		default:
			return fmt.Errorf("operation %s is not known", op.Type)
		}
	}
	return nil
}

func (op *wasip3Operation) request(ctx context.Context, t *testing.T, url string) error {
	req, err := http.NewRequestWithContext(ctx, op.Method, strings.TrimSuffix(url, "/")+op.Path, nil)
	if err != nil {
		return err
	}
	res, err := client(t).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != op.Response.Status || op.Response.Body != "" && string(body) != op.Response.Body {
		return fmt.Errorf("status %d, body %q, want %d, %q", res.StatusCode, body, op.Response.Status, op.Response.Body)
	}
	for name, want := range op.Response.Headers {
		if got := res.Header.Get(name); got != want {
			return fmt.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	return nil
}

// start starts the server and returns its address.
func (s *wasip3Server) start() (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = l.Addr().String()
	if s.Kind == "closed" {
		return address, func() {}, l.Close()
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: wasip3Limit, DisableGeneralOptionsHandler: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // it ends with ErrServerClosed
	}()
	return address, func() {
		_ = server.Close() // whoever is still connected has failed already
		<-done
	}, nil
}

// ServeHTTP answers as the endpoint of that method and target says.
func (s *wasip3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, e := range s.Endpoints {
		if e.Method != r.Method || e.Path != r.RequestURI {
			continue
		}
		w.Header()["Date"] = nil
		switch e.Mode {
		case "echo-headers":
			for name, values := range r.Header {
				w.Header().Set("X-Echo-"+name, strings.Join(values, ", "))
			}
			w.Header().Set("X-Echo-Host", r.Host)
			w.Header().Set("X-Request-Method", r.Method)
			w.Header().Set("X-Request-Path", r.RequestURI)
		case "echo-body":
			w.WriteHeader(http.StatusOK)
			_, _ = io.Copy(w, r.Body) // the client notices what is missing
		default:
			for name, value := range e.Response.Headers {
				w.Header().Set(name, value)
			}
			w.WriteHeader(e.Response.Status)
			_, _ = io.WriteString(w, e.Response.Body) // as above
		}
		return
	}
	http.NotFound(w, r)
}
