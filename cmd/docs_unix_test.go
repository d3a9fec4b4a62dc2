//go:build unix

package cmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// examples are the pages with examples to be run, and the components that they name.
var examples = map[string]map[string]string{
	"files.md":   {"copy.wasm": "rust-files-std/rust-files-std.wasm"},
	"network.md": {"sockets.wasm": "rust-sockets/std.wasm"},
	"test.md": {
		"app.wasm": "rust-kitchen/rust-kitchen.wasm", "next.wasm": "c-kitchen/c-kitchen.wasm",
	},
}

// TestExamplesOfThePagesAreTrue runs the blocks of the kind console on pages of docs, in order, in
// a folder for each page. A line with a dollar sign is a command of a shell; those after it are
// what it prints. Blocks of the kind hurl are fixtures; one whose first line names a file is that
// file.
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
			blocks := blocksOf(string(text))
			if len(blocks) == 0 {
				t.Fatal("no example")
			}
			for _, block := range blocks {
				if block[0] == "hurl" {
					writeExample(t, folder, block[1])
					continue
				}
				for _, step := range strings.Split("\n"+block[1], "\n$ ")[1:] {
					command, want, _ := strings.Cut(strings.TrimSuffix(step, "\n")+"\n", "\n")
					run := exec.CommandContext(t.Context(), "sh", "-c", command)
					run.Dir = folder
					// On a reader's machine CI is not set.
					run.Env = append(os.Environ(), "NO_COLOR=1", "CI=", "GITHUB_ACTIONS=",
						"XDG_CACHE_HOME="+filepath.Join(folder, ".cache"))
					got, _ := run.Output() // the output says what became of it
					if steady(string(got)) != steady(want) {
						t.Errorf("$ %s\n%s\nwant:\n%s", command, got, want)
					}
				}
			}
		})
	}
}

// blocksOf returns the kind and the content of the blocks of the kinds console and hurl on a page.
func blocksOf(page string) (blocks [][2]string) {
	for i, part := range strings.Split("\n"+page, "\n```") {
		kind, content, _ := strings.Cut(part, "\n")
		if i%2 == 1 && (kind == "console" || kind == "hurl") {
			blocks = append(blocks, [2]string{kind, content + "\n"})
		}
	}
	return blocks
}

// writeExample checks a fixture, and writes it into the file that its first line names, if it does.
func writeExample(t *testing.T, folder, text string) {
	t.Helper()
	if _, errs := hurl.Parse("", []byte(text)); len(errs) > 0 {
		t.Errorf("%s\nin\n%s", errs[0].Render(), text)
	}
	first, _, _ := strings.Cut(text, "\n")
	name := strings.TrimPrefix(first, "# ")
	if name == first || !strings.HasSuffix(name, ".hurl") {
		return
	}
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	replace(t, path, []byte(text))
}

// Lengths of time differ each time, so do the entries that took longest, and whether loading did.
var (
	lengths = regexp.MustCompile(`\b[0-9.]+(µs|ms|s)\b`)
	longest = regexp.MustCompile(`(?m)^(slowest| {7}) +[0-9.]+(µs|ms|s)  .*\n`)
	loading = regexp.MustCompile(` \([^()]* to load the component\)`)
)

// steady returns the output of a command without what differs each time.
func steady(output string) string {
	for _, varying := range []*regexp.Regexp{longest, loading} {
		output = varying.ReplaceAllString(output, "")
	}
	return lengths.ReplaceAllString(output, "TIME")
}
