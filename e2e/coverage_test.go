package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// covered runs a fixture that asks a guest for a path, in the folder of the guests' sources, and
// returns the tracefile of lcov and what was printed.
func covered(t *testing.T, path, target string, flags ...string) (trace, output string) {
	t.Helper()
	return coveredIn(t, filepath.Join("..", "testdata", "guests"), path, target, flags...)
}

// coveredIn does so in another folder.
func coveredIn(t *testing.T, sources, path, target string, flags ...string) (trace, output string) {
	t.Helper()
	guest, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fixture, file := filepath.Join(dir, "a.hurl"), filepath.Join(dir, "lcov.info")
	if err := os.WriteFile(fixture, []byte("GET {{base}}"+target+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"test", fixture, "--component", guest, "--coverage", file}, flags...)
	command := exec.CommandContext(limited(t), os.Getenv(builtVariable), args...)
	command.Dir = sources
	out, err := command.CombinedOutput()
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() == 3 { // it trapped
		err = nil
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), string(out)
}

// branchNotTaken is a line of a tracefile: a branch that was reached and never taken.
var branchNotTaken = regexp.MustCompile(`(?m)^BRDA:\d+,\d+,\d+,0$`)

// TestCoverageOfEveryLanguage asks each guest once. Interpreters say that they hide the program;
// others have functions that ran, functions that did not, and branches that were not taken.
func TestCoverageOfEveryLanguage(t *testing.T) {
	if !ours() {
		return // coverage is wasihttp's
	}
	for _, g := range guests(t) {
		t.Run(g.name, func(t *testing.T) {
			trace, output := covered(t, g.path, "/")
			if language, _, _ := strings.Cut(g.name, "-"); language == "py" || language == "js" || language == "qjs" {
				if trace != "" || !strings.Contains(output, "only the engine (") || !strings.Contains(output, "coverage: nothing to count") {
					t.Errorf("%s\n%s", output, trace)
				}
				return
			}
			// In small programs everything is inlined into functions that run.
			whole := strings.Contains(output, "coverage: 100.0 % of functions")
			branches := !strings.HasPrefix(g.name, "go-") // those of Go belong to its scheduler, too
			if !strings.Contains(trace, "\nFNDA:1,") || branches != branchNotTaken.MatchString(trace) ||
				whole == strings.Contains(trace, "\nFNDA:0,") {
				t.Errorf("%s\n%.2000s", output, trace)
			}
			if strings.HasPrefix(g.name, "go-") && whole || !strings.Contains(output, "coverage: ") {
				t.Error(output)
			}
		})
	}
}

// TestCoverageHasTheLinesOfRust asks a guest that traps in a function below others.
func TestCoverageHasTheLinesOfRust(t *testing.T) {
	if !ours() {
		return
	}
	trap := filepath.Join("..", "testdata", "guests", "rust-trap", "rust-trap.wasm")
	trace, output := covered(t, trap, "/")
	for _, want := range []string{"SF:rust-trap/src/lib.rs\n", "SF:rust-trap/src/depth.rs\n"} {
		_, record, ok := strings.Cut(trace, want)
		record, _, _ = strings.Cut(record, "end_of_record")
		if !ok || !strings.Contains(record, ",1\nLF:") && !strings.Contains(record, ",1\nDA:") {
			t.Errorf("no line of %s ran:\n%s\n%s", want, trace, output)
		}
	}
	if strings.Contains(trace, "rustc/") || strings.Contains(trace, "library/") {
		t.Errorf("libraries count:\n%s", trace)
	}
}

// TestCoveragePagesInABrowser opens the pages as files.
func TestCoveragePagesInABrowser(t *testing.T) {
	driver := os.Getenv(driverVariable)
	if driver == "" || !ours() {
		return
	}
	folder := t.TempDir()
	counted := filepath.Join("..", "testdata", "guests", "coverage", "counted.wasm")
	covered(t, counted, "/high", "--coverage-html", folder)
	b := startBrowser(t, driver)
	for _, scheme := range []string{"light", "dark"} {
		b.look(t, 1000, 1150, scheme)
		b.open(t, "file://"+filepath.Join(folder, "index.html"))
		if got := b.eval(t,
			"return document.querySelectorAll('.files tbody tr').length + ' ' + "+
				"getComputedStyle(document.querySelector('.bar span')).height"); got != "1 8px" {
			t.Errorf("%s: %s", scheme, got)
		}
		b.eval(t, "document.querySelector('.files a').click(); return ''")
		await(t, "the page of the source", func() bool { return b.eval(t, "return document.title") == "coverage/counted.c – coverage" })
		// Text must contrast with what is behind it.
		if got := b.eval(t, `
			const light = (c) => { const [r, g, b] = c.match(/[\d.]+/g).map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
			let least = 99;
			for (const row of document.querySelectorAll('.source tbody tr:not(.none)')) for (const cell of row.querySelectorAll('pre, .mark')) {
				const [a, b] = [light(getComputedStyle(cell).color), light(getComputedStyle(row).backgroundColor)].sort((x, y) => y - x);
				least = Math.min(least, (a + .05) / (b + .05));
			}
			return (least >= 4.5) + ''`); got != "true" {
			t.Errorf("%s: the contrast is too low", scheme)
		}
		b.picture(t, "coverage-"+scheme)
		if got := b.eval(t, "return (document.documentElement.scrollWidth <= innerWidth) + ''"); got != "true" {
			t.Errorf("%s: the page is wider than the window", scheme)
		}
	}
	if got, want := b.eval(t, "return document.querySelectorAll('.source tr.good, .source tr.fair, .source tr.bad').length + ''"), "0"; got == want {
		t.Error(fmt.Sprint(got, " lines are coloured"))
	}
}

// TestCoveragePictures takes the pictures of docs/images for each language and version of WASI, if
// picturesVariable asks for pictures. The folder of guestsVariable has the guests, those in Rust as
// NAME-lines (with the profile lines of their workspace) and those in Go without -ldflags=-s.
func TestCoveragePictures(t *testing.T) {
	driver := os.Getenv(driverVariable)
	if driver == "" || os.Getenv(picturesVariable) == "" || !ours() {
		return
	}
	b := startBrowser(t, driver)
	b.command(t, "Emulation.setScrollbarsHidden", object{"hidden": true})
	for _, picture := range []struct {
		name, guest string
		link        string // to follow from the index, if any
		height      int
	}{
		{"rust", "rust-kitchen-lines", "src/lib.rs", 452},
		{"rust-p3", "rust-kitchen-p3-lines", "src/lib.rs", 452},
		{"go", "go-kitchen", "go-kitchen", 460},
		{"go-p3", "go-kitchen-p3", "go-kitchen-p3", 460},
		{"python", "py-kitchen", "", 256},
		{"python-p3", "py-kitchen-p3", "", 256},
		{"javascript", "js-kitchen", "", 256},
		{"javascript-p3", "qjs-kitchen-p3", "", 256},
	} {
		folder, path := t.TempDir(), built(t, picture.guest)
		sources := filepath.Join("..", "testdata", "guests")
		if !strings.HasPrefix(picture.guest, "rust-") {
			sources = filepath.Dir(path)
		}
		coveredIn(t, sources, path, "/\nGET {{base}}/headers\nGET {{base}}/status?code=404", "--coverage-html", folder)
		b.look(t, 1000, picture.height, "light")
		b.open(t, "file://"+filepath.Join(folder, "index.html"))
		if picture.link != "" {
			b.eval(t, fmt.Sprintf("[...document.querySelectorAll('.files a')].find((a) => "+
				"a.textContent.includes(%q)).click(); return ''", picture.link))
			await(t, "the page of "+picture.link, func() bool {
				return strings.Contains(b.eval(t, "return document.title"), picture.link)
			})
			// The lines around the first one of whose ways one was not taken.
			b.eval(t, "let row = document.querySelector('tr.fair'); for (let i = 0; i < 8; i++) row = row?.previousElementSibling; "+
				"row?.scrollIntoView(); return ''")
		}
		b.picture(t, "coverage-"+picture.name)
	}
}
