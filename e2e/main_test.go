package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/bench/served"
)

const (
	guestsVariable     = "WASIHTTP_E2E_GUESTS"
	serverVariable     = "WASIHTTP_E2E_SERVER"
	buildFlagsVariable = "WASIHTTP_E2E_BUILDFLAGS"

	// wasmtimeVariable names a wasmtime that programs with files, sockets and databases are run
	// with, too.
	wasmtimeVariable = "WASIHTTP_WASMTIME"

	// builtVariable hands the path of the program that TestMain has built to the tests. If it is
	// set before, that program is tested: where the tests run without Go, or one of another system.
	builtVariable = "WASIHTTP_E2E_BUILT"
)

// patience bounds everything that a test waits for. Starting a large component on a busy machine
// without a compile cache is the slowest of it.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" || os.Getenv(builtVariable) != "" {
		m.Run()
		return
	}
	folder, err := os.MkdirTemp("", "wasihttp-e2e")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "wasihttp")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	arguments := append([]string{"build", "-o", program}, strings.Fields(os.Getenv(buildFlagsVariable))...)
	output, err := exec.Command("go", append(arguments, "..")...).CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("building wasihttp: %v\n%s", err, output))
	}
	if err := os.Setenv(builtVariable, program); err != nil {
		panic(err)
	}
	m.Run()
}

// ours is whether wasihttp is being tested, rather than the questions by another server.
func ours() bool { return os.Getenv(serverVariable) == "" }

// serve starts the server on a free port with the component and stops it when the test ends. The
// flags are wasihttp's; another server is not given them.
func serve(t testing.TB, component string, flags ...string) *served.Server {
	t.Helper()
	var command []string
	if ours() {
		cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
		command = append([]string{os.Getenv(builtVariable), "serve", "--addr", "127.0.0.1:0", "--cache-dir", cache,
			"--crash-dir", filepath.Join(t.TempDir(), "crashes")}, flags...)
	} else {
		command = strings.Fields(os.Getenv(serverVariable))
	}
	command = append(command, component)
	server, err := served.Start(limited(t), command[0], command[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := server.Stop()
		if err != nil && ours() {
			t.Errorf("the server did not end well after an interrupt: %v", err)
		}
		if t.Failed() {
			t.Logf("output of the server:\n%s", tail(server.Output(), 4000))
		}
	})
	return server
}

// servePeer starts the wasmtime that wasmtimeVariable names as serve does, or returns nil without
// one.
func servePeer(t *testing.T, component string, flags ...string) *served.Server {
	t.Helper()
	program := os.Getenv(wasmtimeVariable)
	if program == "" {
		return nil
	}
	arguments := append([]string{"serve", "-Scli", "-Sp3", "-Wcomponent-model-async",
		"--addr", "127.0.0.1:0"}, flags...)
	peer, err := served.Start(limited(t), program, append(arguments, component)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = peer.Stop() // it ends by the signal
		if t.Failed() {
			t.Logf("output of the peer:\n%s", tail(peer.Output(), 4000))
		}
	})
	return peer
}

// freePort returns a port on which nobody listens. It is below those that systems choose, so that
// nobody else gets it in a moment.
func freePort(t *testing.T) string {
	t.Helper()
	first := 20_000 + rand.IntN(10_000)
	for port := first; port < first+1000; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return strconv.Itoa(port)
	}
	t.Fatal("no port is free")
	return ""
}

// limited is a context for one thing that a test waits for.
func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// client is an HTTP client that adds nothing of its own and keeps no connection past the test.
func client(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}
