package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// wasip3Process is a program under test, with the operations of its specification. They use it as
// the official runner does: one that serves tells its address on the first line of its standard
// error.
type wasip3Process struct {
	client         *http.Client
	command        *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr *bufio.Reader
	url            string
	connections    map[string]net.Conn
	output         string // what nobody read
	ended          bool
}

func (p *wasip3Process) run(ctx context.Context, t *testing.T, world, program string, launch wasip3Launch, env map[string]string) error {
	arguments := []string{"run"}
	if world == "wasi:http/service" {
		arguments = []string{"serve", "--addr=127.0.0.1:0"}
	}
	if strings.HasPrefix(filepath.Base(program), "sockets-") {
		arguments = append(arguments, "--inherit-network")
	}
	arguments = append(arguments, "--cache-dir", filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache"))
	for _, variables := range []map[string]string{launch.Env, env} {
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			arguments = append(arguments, "--env", name+"="+variables[name])
		}
	}
	if launch.Root != "" {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS(filepath.Join(filepath.Dir(program), launch.Root))); err != nil {
			return err
		}
		arguments = append(arguments, "--dir", root+"::/")
	}
	p.command = exec.CommandContext(ctx, os.Getenv(builtVariable), slices.Concat(arguments, []string{program}, launch.Args)...)
	stdin, err1 := p.command.StdinPipe()
	stdout, err2 := p.command.StdoutPipe()
	stderr, err3 := p.command.StderrPipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	p.stdin, p.stdout, p.stderr = stdin, bufio.NewReader(stdout), bufio.NewReader(stderr)
	return p.command.Start()
}

func (p *wasip3Process) do(ctx context.Context, op *wasip3Operation) error {
	switch op.Type {
	case "read":
		from := p.stdout
		if op.ID == "stderr" {
			from = p.stderr
		}
		return expect(from, op.Payload)
	case "write":
		_, err := io.WriteString(p.stdin, op.Payload)
		return err
	case "connect":
		address, err := p.stdout.ReadString('\n')
		if err != nil {
			return err
		}
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimSpace(address))
		if err != nil {
			return err
		}
		if p.connections == nil {
			p.connections = map[string]net.Conn{}
		}
		p.connections[op.ID] = c
		return nil
	case "send", "recv":
		c := p.connections[op.ID]
		if c == nil {
			return fmt.Errorf("no connection %q", op.ID)
		}
		if op.Type == "recv" {
			return expect(c, op.Payload)
		}
		_, err := io.WriteString(c, op.Payload)
		return err
	case "request":
		return p.request(ctx, op)
	case "kill":
		signals := map[string]os.Signal{"": syscall.SIGTERM, "SIGTERM": syscall.SIGTERM, "SIGINT": os.Interrupt}
		return p.command.Process.Signal(signals[op.Signal])
	case "wait":
		code, err := p.wait()
		if err == nil && code != op.ExitCode {
			err = fmt.Errorf("exit code %d, want %d", code, op.ExitCode)
		}
		return err
	}
	return fmt.Errorf("the operation is not known")
}

// expect reads want.
func expect(r io.Reader, want string) error {
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if string(got[:n]) != want {
		return fmt.Errorf("got %q, %w, want %q", got[:n], err, want)
	}
	return nil
}

func (p *wasip3Process) request(ctx context.Context, op *wasip3Operation) error {
	if p.url == "" {
		line, err := p.stderr.ReadString('\n')
		at := strings.Index(line, "http://")
		if at < 0 {
			return fmt.Errorf("no address on the first line, %q: %w", line, err)
		}
		p.url = strings.TrimSuffix(strings.Fields(line[at:])[0], "/")
	}
	req, err := http.NewRequestWithContext(ctx, op.Method, p.url+op.Path, strings.NewReader(op.Body))
	if err != nil {
		return err
	}
	for name, value := range op.Headers {
		req.Header.Set(name, value)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != op.Response.status() || string(body) != op.Response.Body {
		return fmt.Errorf("%s %s: status %d, body %q, want %d, %q", op.Method, op.Path, res.StatusCode, body, op.Response.status(), op.Response.Body)
	}
	for name, want := range op.Response.Headers {
		if got := res.Header.Get(name); got != want {
			return fmt.Errorf("%s %s: %s: %q, want %q", op.Method, op.Path, name, got, want)
		}
	}
	return nil
}

// wait ends the program's input, takes what it still prints, and returns its exit code.
func (p *wasip3Process) wait() (code int, err error) {
	p.ended = true
	_ = p.stdin.Close() // the program may have closed it
	var out, errs []byte
	var reads sync.WaitGroup
	reads.Go(func() { out, _ = io.ReadAll(p.stdout) })  // what can be read
	reads.Go(func() { errs, _ = io.ReadAll(p.stderr) }) // likewise
	reads.Wait()
	p.output = string(out) + string(errs)
	var exit *exec.ExitError
	if err := p.command.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return p.command.ProcessState.ExitCode(), nil
}

// close ends the program if it still runs, and returns what it printed that no operation read.
func (p *wasip3Process) close() (output string) {
	for _, c := range p.connections {
		_ = c.Close() // nothing is lost
	}
	if p.command != nil && p.command.Process != nil && !p.ended {
		_ = p.command.Process.Kill() // it may have ended just now
		_, _ = p.wait()              // the failure has been found before
	}
	return p.output
}
