package grpc

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// builtVariable hands the path of the program that TestMain has built to the tests.
const builtVariable = "WASIHTTP_E2E_BUILT"

// cacheVariable hands them the folder for compiled code.
const cacheVariable = "WASIHTTP_E2E_CACHE"

// patience bounds everything that a test waits for.
const patience = time.Minute

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "wasihttp-grpc")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "wasihttp")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	flags := strings.Fields(os.Getenv("WASIHTTP_E2E_BUILDFLAGS"))
	build := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), ".")...)
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("building wasihttp: %v\n%s", err, output))
	}
	if err := os.Setenv(builtVariable, program); err != nil {
		panic(err)
	}
	// All that the program keeps is in folders of the test: nothing stays behind.
	if err := os.Setenv(cacheVariable, filepath.Join(folder, "cache")); err != nil {
		panic(err)
	}
	m.Run()
}

// guests are the components, for each WASI.
var guests = map[string]string{"0.2": "rust-grpc", "0.3": "rust-grpc-p3"}

func component(guest string) string {
	return filepath.Join("..", "..", "testdata", "guests", guest, guest+".wasm")
}

// server is a wasihttp that serves.
type server struct {
	command *exec.Cmd
	ended   chan struct{} // closed when all output is in
	url     string
	roots   *x509.CertPool // nil for http

	mu    sync.Mutex
	log   strings.Builder
	lines chan string
}

// serve serves a guest until the test ends.
func serve(t *testing.T, guest string, flags ...string) *server {
	t.Helper()
	folder := t.TempDir()
	arguments := append([]string{"serve", "--addr", "127.0.0.1:0", "--drain-timeout", "1s",
		"--cache-dir", os.Getenv(cacheVariable), "--crash-dir", ""}, flags...)
	command := exec.Command(os.Getenv(builtVariable), append(arguments, component(guest))...)
	command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+folder, "HOME="+folder, "AppData="+folder)
	out, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout = io.Discard
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan string, 1), make(chan struct{})
	s := &server{command: command, ended: ended, lines: make(chan string, 10_000)}
	certificate := ""
	go func() {
		defer close(ended)
		for in := bufio.NewScanner(out); in.Scan(); {
			line := in.Text()
			s.mu.Lock()
			s.log.WriteString(line + "\n")
			s.mu.Unlock()
			if m := regexp.MustCompile(`certificate (\S+),`).FindStringSubmatch(line); m != nil {
				certificate = m[1]
			}
			if url, ok := strings.CutPrefix(line, "Serving HTTP on "); ok {
				ready <- url
			}
			s.lines <- line
		}
	}()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("the server said:\n%s", s.log.String())
		}
	})
	select {
	case s.url = <-ready:
	case <-ended:
		t.Fatalf("the server did not start:\n%s", s.log.String())
	case <-time.After(patience):
		t.Fatal("the server did not start in time")
	}
	if strings.HasPrefix(s.url, "https:") {
		text, err := os.ReadFile(certificate)
		if err != nil {
			t.Fatal(err)
		}
		s.roots = x509.NewCertPool()
		if !s.roots.AppendCertsFromPEM(text) {
			t.Fatalf("no certificate in %s", certificate)
		}
	}
	return s
}

// stop ends the server. It may be called again.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.command.ProcessState != nil {
		return
	}
	_ = s.command.Process.Signal(os.Interrupt)
	<-s.ended
	if err := s.command.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// await waits for a line of the server's log.
func (s *server) await(t *testing.T, pattern string) {
	t.Helper()
	want, late := regexp.MustCompile(pattern), time.After(patience)
	for {
		select {
		case line := <-s.lines:
			if want.MatchString(line) {
				return
			}
		case <-late:
			t.Fatalf("the server did not say %s", pattern)
		}
	}
}

// dial returns a client of the server.
func (s *server) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	_, rest, _ := strings.Cut(s.url, "://")
	transport := insecure.NewCredentials()
	if s.roots != nil {
		transport = credentials.NewTLS(&tls.Config{RootCAs: s.roots})
	}
	c, err := grpc.NewClient("passthrough:///"+strings.TrimSuffix(rest, "/"), grpc.WithTransportCredentials(transport))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
