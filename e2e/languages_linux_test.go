package e2e

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// echo sends back what it is sent, over TCP and UDP, on one port of the loopback interface, which
// it returns.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := net.ListenPacket("udp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), u.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c) // the guest may have gone
				_ = c.Close()
			}()
		}
	}()
	go func() {
		buf := make([]byte, 1<<10)
		for {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = u.WriteTo(buf[:n], from) // the guest may have gone
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// plainRoot is filesRoot without what hosts have different names for.
func plainRoot(t *testing.T) string {
	t.Helper()
	root := filesRoot(t)
	if err := os.Remove(filepath.Join(root, "fifo")); err != nil {
		t.Fatal(err)
	}
	return root
}

// ended is how a program has ended.
type ended struct {
	output, errors string
	code           int
}

// runIn runs a program with a new folder as /data.
func runIn(t *testing.T, command []string, program string, args ...string) ended {
	t.Helper()
	all := append(command[1:len(command):len(command)], "--dir", plainRoot(t)+"::/data", program)
	run := exec.CommandContext(limited(t), command[0], append(all, args...)...)
	var errs strings.Builder
	run.Stderr = &errs
	out, err := run.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ended{string(out), errs.String(), run.ProcessState.ExitCode()}
}

// TestProgramsOfLanguages runs programs that use the files and the sockets of their language, and
// compares that with what wasmtime gives them.
func TestProgramsOfLanguages(t *testing.T) {
	if os.Getenv(guestsVariable) == "" || !ours() {
		return // needs guests that are built
	}
	port := echo(t)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "upstream saw "+r.URL.Path) // the guest may have gone
	}))
	defer upstream.Close()
	_, upstreamPort, _ := net.SplitHostPort(upstream.Listener.Addr().String())

	shared := []string{
		"files /data", "files /none", "connect 127.0.0.1 " + port, "connect localhost " + port,
		"connect 127.0.0.1 1", "names localhost", "unknown", "",
	}
	python := append(shared[:len(shared):len(shared)], "datagram 127.0.0.1 "+port, "listen")
	golang := append(shared[:len(shared):len(shared)], "get 127.0.0.1 "+upstreamPort, "fake")
	for name, tt := range map[string]struct {
		calls []string
		want  map[string]string // what the output has, by the first word of the call
	}{
		"py-system": {python, map[string]string{
			"files": "read: 'hello'\n", "connect": "b'hello\\n'\n320000\n",
			"datagram": "(42,) True\n", "listen": "b'to myself' True\n",
		}},
		"py-system-p3": {python, map[string]string{
			"files": "read: 'hello'\n", "connect": "b'hello\\n'\n320000\n",
			"datagram": "(42,) True\n", "listen": "b'to myself' True\n",
		}},
		"go-system": {golang, map[string]string{
			"files": "read: hello\n", "connect": "\"hello\\n\"\n320000\n",
			"get": "200 OK upstream saw /path\n", "fake": "to itself: from this program\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			program := built(t, name)
			cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
			own := []string{os.Getenv(builtVariable), "run", "--cache-dir", cache}
			allowed := append(own[:len(own):len(own)],
				"--allow-net", "127.0.0.1", "--allow-net", "localhost")
			var peer []string
			compiled := program
			if wasmtime := os.Getenv(wasmtimeVariable); wasmtime != "" {
				peer = []string{wasmtime, "run", "-Wcomponent-model-async", "-Sp3,inherit-network",
					"-Sallow-ip-name-lookup", "--allow-precompiled"}
				compiled = filepath.Join(t.TempDir(), name)
				output, err := exec.CommandContext(limited(t), wasmtime, "compile",
					"-Wcomponent-model-async", program, "-o", compiled).CombinedOutput()
				if err != nil {
					t.Fatalf("wasmtime compile: %v\n%s", err, output)
				}
			}
			for _, call := range tt.calls {
				t.Run(call, func(t *testing.T) {
					args := strings.Fields(call)
					got := runIn(t, allowed, program, args...)
					if got.code == 0 && !strings.Contains(got.output, tt.want[args[0]]) {
						t.Errorf("output %q, want %q in it", got.output, tt.want[args[0]])
					}
					if peer == nil {
						return
					}
					want := runIn(t, peer, compiled, args...)
					sameText(t, "output", want.output, got.output)
					if got.code != want.code {
						t.Errorf("exit code %d, on wasmtime %d\n%s", got.code, want.code, got.errors)
					}
				})
			}
			refused := runIn(t, own, program, "connect", "127.0.0.1", port)
			if refused.code != 1 || !strings.Contains(refused.errors, "--allow-net PATTERN") {
				t.Errorf("without a flag: %+v", refused)
			}
		})
	}
}
