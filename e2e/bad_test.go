package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cannotBeServed is the exit code for a component that cannot be loaded or run.
const cannotBeServed = 3

// TestBadInput tries to serve what cannot be served: the message must name what is wrong.
func TestBadInput(t *testing.T) {
	if !ours() {
		return // each server has its own words
	}
	for file, words := range map[string][]string{
		"core-module.wasm":      {"core module", "wasm-tools component"},
		"core-wasip1.wasm":      {"core module", "wasi_snapshot_preview1"},
		"command.wasm":          {"wasi:cli/run@0.2.4"},
		"library.wasm":          {"answer", "wasi:http/incoming-handler"},
		"http-0.3-rc.wasm":      {"0.3.0-rc-2026-02-09", "release candidate"},
		"unknown-import.wasm":   {"acme:cache/store@1.2.0"},
		"unknown-function.wasm": {"get-very-random-bytes", "wasi:random/random@0.2.99"},
		"invalid.wasm":          {"not a valid component"},
		"truncated.wasm":        {"truncated"},
		"header.wasm":           {"truncated"},
		"empty.wasm":            {"empty"},
		"text.wasm":             {"not WebAssembly"},
		"text-format.wat":       {"text"},
		"old-version.wasm":      {"version"},
		"absent.wasm":           {"absent.wasm"},
		".":                     {"folder"},
	} {
		t.Run(file, func(t *testing.T) {
			path := filepath.Join("..", "testdata", "guests", "bad", file)
			output, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "serve", "--addr", "127.0.0.1:0", path).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != cannotBeServed {
				t.Errorf("ended with %v, want exit code %d", err, cannotBeServed)
			}
			for _, word := range words {
				if !strings.Contains(string(output), word) {
					t.Errorf("no %q in:\n%s", word, output)
				}
			}
		})
	}
}
