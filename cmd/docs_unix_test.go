//go:build unix

package cmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// examples are the pages with examples to be run, and the components that they name.
var examples = map[string]map[string]string{
	"files.md":   {"copy.wasm": "rust-files-std/rust-files-std.wasm"},
	"network.md": {"sockets.wasm": "rust-sockets/std.wasm"},
}

// TestExamplesOfThePagesAreTrue runs the blocks of the kind console on pages of docs, in order, in
// a folder for each page. A line with a dollar sign is a command of a shell; those after it are
// what it prints.
func TestExamplesOfThePagesAreTrue(t *testing.T) {
	for page, components := range examples {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "docs", page))
			if err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			for name, guest := range components {
				wasm, err := os.ReadFile(filepath.Join(guests, filepath.FromSlash(guest)))
				if err != nil {
					t.Fatal(err)
				}
				replace(t, filepath.Join(folder, name), wasm)
			}
			blocks := strings.Split(string(text), "```console\n")[1:]
			if len(blocks) == 0 {
				t.Fatal("no example")
			}
			for _, block := range blocks {
				block, _, _ = strings.Cut(block, "```")
				for _, step := range strings.Split("\n"+block, "\n$ ")[1:] {
					command, want, _ := strings.Cut(strings.TrimSuffix(step, "\n")+"\n", "\n")
					run := exec.CommandContext(t.Context(), "sh", "-c", command)
					run.Dir = folder
					run.Env = append(os.Environ(), "NO_COLOR=1",
						"XDG_CACHE_HOME="+filepath.Join(folder, ".cache"))
					got, _ := run.Output() // the output says what became of it
					if string(got) != want {
						t.Errorf("$ %s\n%s\nwant:\n%s", command, got, want)
					}
				}
			}
		})
	}
}
