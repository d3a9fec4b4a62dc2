package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// socketsGuest is the folder of the programs that use sockets.
var socketsGuest = filepath.Join("..", "testdata", "guests", "rust-sockets")

// runSockets returns the command that runs one of them.
func runSockets(t *testing.T, flags []string, program string, args ...string) *exec.Cmd {
	t.Helper()
	cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
	all := append([]string{"run", "--cache-dir", cache}, flags...)
	all = append(all, filepath.Join(socketsGuest, program+".wasm"))
	return exec.CommandContext(limited(t), os.Getenv(builtVariable), append(all, args...)...)
}

// socketsDiffer has what wasmtime 49 prints in place of some of our lines.
var socketsDiffer = map[string]string{
	// A peer was set, could not be reached by connect, and is taken away: the socket stays bound.
	"no peer, still bound where it was: true": "no peer, still bound where it was: false",
	// No look-up returns IPv4-mapped IPv6 addresses.
	`look-up "::ffff:127.0.0.1": [IpAddress::Ipv4((127, 0, 0, 1))]`: "look-up " +
		`"::ffff:127.0.0.1": [IpAddress::Ipv6((0, 0, 0, 0, 0, 65535, 32512, 1))]`,
	`look-up "a..b": invalid-argument`: `look-up "a..b": name-unresolvable`,
	// What the system has no more of is new-socket-limit here, EMFILE.
	"more than 100: true, Some(33)": "more than 100: true, Some(58)",
}

// asPeer compares what a program with sockets prints, and its exit code, with those of wasmtime,
// unless there is none here.
func asPeer(t *testing.T, output string, code int, program string, args ...string) {
	t.Helper()
	peer := os.Getenv(wasmtimeVariable)
	if peer == "" {
		return
	}
	all := append([]string{"run", "-Wcomponent-model-async=y", "-Sp3=y,inherit-network=y",
		"-Sallow-ip-name-lookup=y", filepath.Join(socketsGuest, program+".wasm")}, args...)
	run := exec.CommandContext(limited(t), peer, all...)
	got, err := run.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(output, "\n")
	for i, line := range lines {
		if other, ok := socketsDiffer[strings.TrimSuffix(line, "\n")]; ok {
			lines[i] = other + "\n"
		}
	}
	sameText(t, "output of wasmtime", strings.Join(lines, ""), string(got))
	if other := run.ProcessState.ExitCode(); other != code {
		t.Errorf("%s %q: exit code %d, on wasmtime %d", program, args, code, other)
	}
}

// TestEachFunctionOfSockets compares what each function returns with what is known to be right:
// what wasmtime prints, but for socketsDiffer.
func TestEachFunctionOfSockets(t *testing.T) {
	for version, at := range map[string]string{"4": "127.0.0.1:0", "6": "[::1]:0"} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at)
		if err != nil && version == "6" {
			t.Log("this machine has no IPv6")
			continue
		}
		if err := errors.Join(err, l.Close()); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(socketsGuest, "functions-"+version+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := runSockets(t, []string{"--inherit-network"}, "functions", version).Output()
		if err != nil {
			t.Fatalf("IPv%s: %v\n%s", version, err, got)
		}
		sameText(t, "IPv"+version, string(want), string(got))
		asPeer(t, string(got), 0, "functions", version)
	}
}

func TestSocketsOfWASI03(t *testing.T) {
	want, err := os.ReadFile(filepath.Join(socketsGuest, "p3.txt"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := runSockets(t, []string{"--inherit-network"}, "p3").Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	sameText(t, "output", string(want), string(got))
	asPeer(t, string(got), 0, "p3")
}

func TestSocketsOfTheStandardLibrary(t *testing.T) {
	for args, want := range map[string]string{
		"echo": "over TCP\nErr(WouldBlock)\nttl 42\nover UDP true\nconnected\ntrue\n" +
			"Err(ConnectionRefused)\n",
		"many 500": "1001 sockets, sum 124750\n",
		"exhaust":  "more than 100: true, Some(33)\nand again\n", // EMFILE of wasi-libc
	} {
		got, err := runSockets(t, []string{"--inherit-network"}, "std", strings.Fields(args)...).Output()
		if err != nil {
			t.Errorf("%s: %v", args, err)
		}
		sameText(t, args, want, string(got))
		asPeer(t, string(got), 0, "std", strings.Fields(args)...)
	}
}

// TestSocketPolicy has a guest connect, bind and send where it may and where it may not.
func TestSocketPolicy(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // says to each what it has said
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c) // the guest may have gone
			_ = c.Close()
		}
	}()
	u, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	go func() {
		buf := make([]byte, 64)
		for {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = u.WriteTo(buf[:n], from) // the guest may have gone
		}
	}()
	tcp, udp := l.Addr().String(), u.LocalAddr().String()
	_, port, _ := net.SplitHostPort(tcp)
	const denied = 1 // of the program, which says PermissionDenied
	for name, tt := range map[string]struct {
		flags string
		args  string
		code  int
		want  string // on stdout; on stderr if it is refused
	}{
		"nothing": {"", "connect " + tcp, denied, "--allow-net PATTERN"},
		"outbound requests": {"--allow-outbound 127.0.0.1", "connect " + tcp, denied,
			"--allow-net PATTERN"},
		"everything":  {"--inherit-network", "connect " + tcp, 0, "hello"},
		"all names":   {"--inherit-network", "connect localhost:" + port, 0, "hello"},
		"any address": {"--inherit-network", "bind 0.0.0.0:0", 0, "bound"},
		"all of UDP":  {"--inherit-network", "udp " + udp, 0, "hello"},
		"the address": {"--allow-net 127.0.0.1", "connect " + tcp, 0, "hello"},
		"the port":    {"--allow-net 127.0.0.1:" + port, "connect " + tcp, 0, "hello"},
		"a network":   {"--allow-net 127.0.0.0/8:" + port, "connect " + tcp, 0, "hello"},
		"one of several": {"--allow-net a.example --allow-net 127.0.0.1", "connect " + tcp, 0,
			"hello"},
		"another port":    {"--allow-net 127.0.0.1:1", "connect " + tcp, denied, "--allow-net " + tcp},
		"another address": {"--allow-net 127.0.0.2", "connect " + tcp, denied, "--allow-net " + tcp},
		"a name":          {"--allow-net localhost:" + port, "connect localhost:" + port, 0, "hello"},
		"its address, not looked up": {"--allow-net localhost", "connect " + tcp, denied,
			"--allow-net " + tcp},
		"another name": {"--allow-net *.example", "connect localhost:" + port, 1,
			"--allow-net localhost"},
		"bind":          {"--allow-net 127.0.0.1", "bind 127.0.0.1:0", 0, "bound"},
		"bind anywhere": {"--allow-net 127.0.0.1", "bind 0.0.0.0:0", denied, "--allow-net 0.0.0.0"},
		"bind a port":   {"--allow-net 127.0.0.1:1", "bind 127.0.0.1:0", denied, "--allow-net 127.0.0.1"},
		"UDP":           {"--allow-net " + udp, "udp " + udp, 0, "hello"},
		"UDP elsewhere": {"--allow-net 127.0.0.1:1", "udp " + udp, denied, "--allow-net " + udp},
	} {
		t.Run(name, func(t *testing.T) {
			command := runSockets(t, strings.Fields(tt.flags), "std", strings.Fields(tt.args)...)
			var out, errs bytes.Buffer
			command.Stdout, command.Stderr = &out, &errs
			err := command.Run()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			shown := out.String()
			if tt.code != 0 {
				shown = errs.String()
			}
			if tt.code == denied && !strings.HasPrefix(tt.args, "connect localhost") &&
				out.String() != "error: PermissionDenied\n" {
				t.Errorf("the guest says %q", &out)
			}
			if tt.flags == "--inherit-network" {
				asPeer(t, out.String(), tt.code, "std", strings.Fields(tt.args)...)
			}
			if command.ProcessState.ExitCode() != tt.code || !strings.Contains(shown, tt.want) {
				t.Errorf("exit code %d, %q, %q; want %d, %q",
					command.ProcessState.ExitCode(), &out, &errs, tt.code, tt.want)
			}
		})
	}
}

// TestWhatAGuestHasWrittenArrives ends a guest right after it has written more than any buffer
// holds.
func TestWhatAGuestHasWrittenArrives(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const size = 20 << 20
	command := runSockets(t, []string{"--allow-net", "127.0.0.1"}, "std",
		"leave", l.Addr().String(), strconv.Itoa(size))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n, err := io.Copy(io.Discard, c)
	if n != size || err != nil {
		t.Errorf("%d bytes, %v, want %d", n, err, size)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
}

// TestAGuestThatWaitsForASocketCanBeEnded interrupts one that waits for a connection.
func TestAGuestThatWaitsForASocketCanBeEnded(t *testing.T) {
	command := runSockets(t, []string{"--inherit-network"}, "std", "hang")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	waiting := make([]byte, len("waiting\n"))
	if _, err := io.ReadFull(stdout, waiting); err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // the code is looked at next
	if code := command.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
}
