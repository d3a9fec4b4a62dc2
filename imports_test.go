package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wasihttp/wasihttp"

// allowed lists, for each room of the house, the rooms that it may import. A room stands for the
// folder and everything below it; below internal each folder is a room.
var allowed = map[string][]string{
	"main": {"cmd"},
	"cmd": {"serve", "testrunner", "watch", "host", "wasi", "handler", "component",
		"internal/coverage", "internal/explorer", "internal/interfaces", "internal/scaffold",
		"internal/fixture", "internal/term", "internal/engine", "internal/regular",
		"internal/devcert", "internal/kvfile", "internal/record", "internal/inspect", "internal/reload",
		"internal/load", "internal/profile", "internal/settings", "internal/stable", "internal/timeline",
		"internal/units", "internal/words"},
	"serve": {"internal/curl", "internal/exchange", "internal/nowait", "internal/term",
		"internal/timeline", "internal/units"},
	"testrunner": {"watch", "internal/curl", "internal/fixture", "internal/term",
		"internal/regular", "internal/stable", "internal/units", "internal/words"},
	"watch": {"internal/regular", "internal/stable"},
	"host": {"handler", "wasi", "component", "internal/compose",
		"internal/engine", "internal/exchange", "internal/panics", "internal/rustname", "internal/timeline",
		"internal/wasi"},
	"handler": {"component", "internal/engine", "internal/timeline", "internal/units", "internal/wasi"},
	"wasi":    {"component", "internal/wasi"},
	"internal/wasi": {"component", "internal/nowait", "internal/timeline",
		"internal/zones"}, // component: the dialects only
	"component":         {"internal/engine", "internal/corewasm"},
	"internal/engine":   {"internal/corewasm", "internal/regular", "internal/rustname", "internal/stable"},
	"internal/corewasm": {},
	"internal/coverage": {"host", "internal/regular", "internal/stable", "internal/words"},
	"internal/devcert":  {"internal/regular"},
	"internal/exchange": {"internal/timeline"},
	"internal/compose":  {"component"},
	"internal/curl":     {"internal/term"},
	"internal/kvfile":   {"internal/wasi"},
	"internal/inspect": {"component", "internal/compose", "internal/corewasm", "internal/regular",
		"internal/term", "internal/units", "internal/words"},
	"internal/explorer": {"internal/curl", "internal/fixture", "internal/packed", "internal/record",
		"internal/term", "internal/timeline", "serve"},
	"internal/fixture": {"internal/curl", "internal/regular", "internal/stable", "internal/words"},
	"internal/load": {"testrunner", "internal/fixture", "internal/regular", "internal/stable",
		"internal/term", "internal/timeline", "internal/units", "internal/words"},
	"internal/panics":  {"internal/words"},
	"internal/record":  {"internal/fixture", "internal/regular", "internal/words", "serve"},
	"internal/nowait":  {},
	"internal/profile": {"internal/stable"},
	"internal/regular": {"internal/units"},
	"internal/reload":  {"serve", "watch", "internal/term", "internal/units", "internal/words"},
	"internal/scaffold": {"internal/interfaces", "internal/packed", "internal/regular",
		"internal/stable"},
	"internal/settings": {"internal/regular"},
	"internal/term":     {"internal/units", "internal/words"},
	"internal/timeline": {},
	"internal/timetest": {}, // for tests
	"internal/units":    {},
	"internal/words":    {},
	"bench":             {},
	"docs":              {"internal/term"}, // a program that makes the pictures

	"internal/interfaces": {"internal/packed"},
	"internal/packed":     {},
	"internal/rustname":   {},
	"internal/stable":     {},
	"internal/zones":      {"internal/packed"},

	"e2e":       {},
	"packaging": {}, // programs that make packages of a release
}

// homes lists the only rooms that may import a third-party module.
var homes = map[string][]string{
	"github.com/tetratelabs/wazero":     {"internal/engine"},
	"github.com/urfave/cli/v2":          {"cmd"},
	"github.com/fsnotify/fsnotify":      {"watch"},
	"go.etcd.io/bbolt":                  {"internal/kvfile"},
	"github.com/charmbracelet/lipgloss": {"internal/term"},
	"github.com/muesli/termenv":         {"internal/term"},
	"github.com/google/pprof":           {"internal/profile"},
	"golang.org/x/sys": {"internal/engine", "internal/reload", "internal/term", "internal/wasi",
		"docs"},
	"golang.org/x/term": {"internal/term"},

	"github.com/pelletier/go-toml/v2": {"internal/settings"},

	"github.com/HdrHistogram/hdrhistogram-go": {"internal/load"},
	"golang.org/x/perf":                       {"internal/load"},

	"golang.org/x/net":              {"testrunner", "internal/wasi"},
	"github.com/andybalholm/brotli": {"internal/fixture"},
	"github.com/klauspost/compress": {"internal/fixture"},
	"golang.org/x/text":             {"testrunner"},
}

type listedPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", "./...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pkgs []listedPackage
	for dec := json.NewDecoder(out); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return pkgs
}

func room(path string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
	if rest == "" {
		return "main"
	}
	first, rest, _ := strings.Cut(rest, "/")
	if first == "internal" {
		second, _, _ := strings.Cut(rest, "/")
		return first + "/" + second
	}
	return first
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range listPackages(t) {
		from := room(p.ImportPath)
		may, known := allowed[from]
		if !known {
			t.Errorf("%s: room %q has no import rule", p.ImportPath, from)
			continue
		}
		for _, imp := range p.Imports {
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				continue
			}
			to := room(imp)
			if to == from {
				dialects := []string{"/wasi/p2", "/wasi/p3"}
				for i, d := range dialects {
					if strings.HasSuffix(p.ImportPath, d) && strings.HasSuffix(imp, dialects[1-i]) {
						t.Errorf("%s imports %s: the dialects do not know each other", p.ImportPath, imp)
					}
				}
				continue
			}
			ok := false
			for _, m := range may {
				ok = ok || m == to
			}
			if p.ImportPath == module+"/internal/wasi" && to == "component" {
				ok = false
			}
			if !ok {
				t.Errorf("%s imports %s: not allowed", p.ImportPath, imp)
			}
		}
	}
}

// TestAnEmbedderGetsNothingOfTheTool looks at all that comes with the packages for Go programs.
func TestAnEmbedderGetsNothingOfTheTool(t *testing.T) {
	public := []string{"host", "handler", "component", "wasi"}
	args := []string{"list", "-deps"}
	for _, p := range public {
		args = append(args, "./"+p)
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	rooms := append([]string{
		"internal/compose", "internal/corewasm", "internal/engine", "internal/exchange",
		"internal/nowait", "internal/packed", "internal/panics", "internal/regular",
		"internal/rustname", "internal/stable", "internal/timeline", "internal/units",
		"internal/wasi", "internal/words", "internal/zones",
	}, public...)
	modules := []string{
		"github.com/tetratelabs/wazero", "golang.org/x/sys",
		"golang.org/x/net/idna", "golang.org/x/text", // names of hosts beyond ASCII
	}
	for path := range strings.FieldsSeq(string(out)) {
		first, _, _ := strings.Cut(path, "/")
		switch {
		case strings.HasPrefix(path, module+"/"):
			if !slices.Contains(rooms, room(path)) {
				t.Errorf("an embedder gets %s", path)
			}
		case strings.Contains(first, "."):
			if !slices.ContainsFunc(modules, func(m string) bool { return strings.HasPrefix(path, m) }) {
				t.Errorf("an embedder gets %s", path)
			}
		}
	}
}

func TestEachThirdPartyModuleHasOneHome(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imp := range p.Imports {
			first, _, _ := strings.Cut(imp, "/")
			if !strings.Contains(first, ".") || imp == module || strings.HasPrefix(imp, module+"/") {
				continue
			}
			home := ""
			for mod := range homes {
				if imp == mod || strings.HasPrefix(imp, mod+"/") {
					home = mod
				}
			}
			if home == "" {
				t.Errorf("%s imports %s, which has no home in the list", p.ImportPath, imp)
				continue
			}
			ok := false
			for _, r := range homes[home] {
				ok = ok || r == room(p.ImportPath)
			}
			if !ok {
				t.Errorf("%s imports %s, whose home is %v", p.ImportPath, imp, homes[home])
			}
		}
	}
}
