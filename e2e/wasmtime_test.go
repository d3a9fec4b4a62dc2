package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/bench/served"
)

// wasmtimeLine is what inspect says of wasmtime.
type wasmtimeLine struct {
	Command string
	Line    string
	Flags   []struct{ Flag string }
	Missing []string
}

// grants are flags without which a component starts all the same.
var grants = []string{"-Sinherit-network", "-Sallow-ip-name-lookup"}

// TestWasmtimeRunsWhatInspectSays starts each component with exactly the line that inspect prints
// for it, and once without each of its flags, for which it must not start.
func TestWasmtimeRunsWhatInspectSays(t *testing.T) {
	hello := map[string]string{}
	for _, g := range guests(t) {
		hello[g.path] = g.hello
	}
	for _, path := range allComponents(t) {
		if strings.Contains(path, "spin") {
			continue // goes on until it is stopped
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".wasm"), func(t *testing.T) {
			t.Parallel()
			for _, l := range inspectedLines(t, path) {
				testWasmtimeLine(t, path, l, hello[path])
			}
		})
	}
}

// allComponents are the committed guests, and those of the folder that the environment names.
func allComponents(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("..", "testdata", "guests", "*", "*.wasm"))
	if err != nil || len(all) < 20 {
		t.Fatalf("%d guests, %v", len(all), err)
	}
	if folder := os.Getenv(guestsVariable); folder != "" {
		built, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, built...)
	}
	return all
}

// inspectedLines returns what inspect says of wasmtime; nothing for what cannot be run here.
func inspectedLines(t *testing.T, path string) []wasmtimeLine {
	t.Helper()
	out, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "inspect", "--json", path).Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var report struct {
		Verdict  struct{ Commands []string }
		Wasmtime []wasmtimeLine
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(report.Wasmtime) != len(report.Verdict.Commands) {
		t.Errorf("%v can run it, but of wasmtime there is %+v", report.Verdict.Commands, report.Wasmtime)
	}
	return report.Wasmtime
}

func testWasmtimeLine(t *testing.T, path string, l wasmtimeLine, hello string) {
	t.Helper()
	words := strings.Fields(l.Line)
	if l.Line == "" {
		// Nothing helps, then.
		words = []string{"wasmtime", l.Command, "-Scli", "-Shttp", "-Skeyvalue", "-Sconfig", path}
	} else if words[0] != "wasmtime" || words[1] != l.Command || words[len(words)-1] != path || len(words) != 3+len(l.Flags) {
		t.Fatalf("%+v", l)
	}
	program := os.Getenv(wasmtimeVariable)
	if program == "" {
		return
	}
	if output, ok := startsWith(t, program, words[1:], hello); ok != (l.Line != "") {
		t.Errorf("%s: starts: %v\n%s", strings.Join(words, " "), ok, tail(output, 1000))
	}
	for _, f := range l.Flags {
		if slices.Contains(grants, f.Flag) {
			continue
		}
		i := slices.Index(words, f.Flag)
		without := slices.Delete(slices.Clone(words), i, i+1)
		if _, ok := startsWith(t, program, without[1:], hello); ok {
			t.Errorf("starts without %s, too: %s", f.Flag, l.Line)
		}
	}
}

// startsWith runs wasmtime with arguments and reports whether the component starts, and responds if
// it is served: with hello, unless that is "".
func startsWith(t *testing.T, program string, arguments []string, hello string) (output string, ok bool) {
	t.Helper()
	if arguments[0] == "serve" {
		arguments = slices.Insert(slices.Clone(arguments), 1, "--addr", "127.0.0.1:0")
		peer, err := served.Start(limited(t), program, arguments...)
		if err != nil {
			return err.Error(), false
		}
		defer func() { _ = peer.Kill() }() // it would wait for connections
		resp, err := client(t).Get(peer.URL + "/")
		if err != nil {
			return peer.Output(), false
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		return peer.Output(), err == nil && strings.HasPrefix(string(body), hello)
	}
	// What it does then is up to the program, which has no arguments.
	command := exec.CommandContext(limited(t), program, arguments...)
	var all bytes.Buffer
	command.Stdout, command.Stderr = &all, &all
	err := command.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	output = all.String()
	return output, !strings.Contains(output, "matching implementation was not found") &&
		!strings.Contains(output, "failed to parse WebAssembly module")
}

// TestGrantsForWasmtimeAreNeeded runs programs with sockets with the line that inspect prints, and
// without each of its flags, for which they print something else.
func TestGrantsForWasmtimeAreNeeded(t *testing.T) {
	for program, args := range map[string][]string{"functions": {"4"}, "p3": nil, "std": {"echo"}} {
		path := filepath.Join(socketsGuest, program+".wasm")
		l := inspectedLines(t, path)[0]
		var got []string
		for _, f := range l.Flags {
			got = append(got, f.Flag)
		}
		if !slices.Equal(got, grants) {
			t.Errorf("%s: flags %q", program, got)
		}
		peer := os.Getenv(wasmtimeVariable)
		if peer == "" {
			continue
		}
		run := func(words []string) string {
			command := exec.CommandContext(limited(t), peer, append(slices.Clone(words[1:]), args...)...)
			out, err := command.Output()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			return string(out)
		}
		words := strings.Fields(l.Line)
		whole := run(words)
		for i := 2; i < len(words)-1; i++ {
			if run(slices.Delete(slices.Clone(words), i, i+1)) == whole {
				t.Errorf("%s prints the same without %s", program, words[i])
			}
		}
	}
}
