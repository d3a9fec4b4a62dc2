package cmd

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
)

// tracefile is what a record in lcov's format says.
type tracefile struct {
	lines    map[int]bool // that have code: whether they ran
	branches map[int][2]int
	called   map[string]bool
}

// readLcov reads a file in lcov's format, by the names of the source files.
func readLcov(t testing.TB, path string) map[string]*tracefile {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tracefile{}
	var cur *tracefile
	for line := range strings.Lines(string(b)) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		fields := strings.SplitN(rest, ",", 4)
		number, _ := strconv.Atoi(fields[0])
		switch kind {
		case "SF":
			cur = &tracefile{map[int]bool{}, map[int][2]int{}, map[string]bool{}}
			all[rest] = cur
		case "DA":
			cur.lines[number] = fields[1] != "0"
		case "FNDA":
			cur.called[strings.Join(fields[1:], ",")] = number > 0
		case "BRDA":
			n := cur.branches[number]
			if n[1]++; fields[3] != "-" && fields[3] != "0" {
				n[0]++
			}
			cur.branches[number] = n
		}
	}
	return all
}

// counted runs test with requests of the paths against the guest whose lines say what runs, in a
// folder with its source, and returns what ran.
func counted(t testing.TB, paths []string, flags ...string) (trace *tracefile, source []string) {
	t.Helper()
	guest, err := filepath.Abs(guestPath("coverage/counted"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(strings.TrimSuffix(guest, ".wasm") + ".c")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("counted.c", text, 0o666); err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		fixture := "# @component " + guest + "\nGET {{base}}" + path + "\n"
		if err := os.WriteFile(fmt.Sprintf("%d.hurl", i), []byte(fixture), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{"test", "--no-cache", "--coverage", "lcov.info", "."}, flags...)
	if code, stdout, stderr := runMain(args...); code != 0 && code != 3 {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	trace = readLcov(t, "lcov.info")["counted.c"]
	if trace == nil {
		t.Fatal("there is no record of counted.c")
	}
	return trace, strings.Split(string(text), "\n")
}

func TestCoverageIsWhatWasCountedByHand(t *testing.T) {
	mark := regexp.MustCompile(`//([+-])(?: (\d)/(\d))?$`)
	for name, flags := range map[string][]string{
		"in one instance":                 nil,
		"in an instance for each file":    {"--isolate", "file"},
		"in an instance for each request": {"--isolate", "entry"},
		"at the same time":                {"--jobs", "3"},
		"twice, in instances used again":  {"--isolate", "entry", "--repeat", "2"},
		"in a file of new instances":      nil,
	} {
		t.Run(name, func(t *testing.T) {
			paths := []string{"/high", "/low", "/trap"}
			if strings.Contains(name, "new") {
				paths = []string{"/high\n# @instance new\nGET {{base}}/trap\n# @instance new\n" +
					"GET {{base}}/low"}
			}
			trace, source := counted(t, paths, flags...)
			for i, text := range source {
				m := mark.FindStringSubmatch(text)
				ran, has := trace.lines[i+1]
				switch {
				case m == nil:
					if has {
						t.Errorf("line %d has code: %s", i+1, text)
					}
					continue
				case !has || ran != (m[1] == "+"):
					t.Errorf("line %d: has code %t, ran %t: %s", i+1, has, ran, text)
				}
				if got := trace.branches[i+1]; m[2] != "" && fmt.Sprint(got) != fmt.Sprintf("[%s %s]", m[2], m[3]) {
					t.Errorf("line %d: branches %v: %s", i+1, got, text)
				} else if m[2] == "" && got != [2]int{} {
					t.Errorf("line %d has branches: %v: %s", i+1, got, text)
				}
			}
			if !trace.called["handle"] || trace.called["never"] || len(trace.called) != 6 {
				t.Errorf("functions: %v", trace.called)
			}
		})
	}
}

// TestCoverageEndsAtTrapsAndTimeouts wants nothing counted behind the call that did not return.
func TestCoverageEndsAtTrapsAndTimeouts(t *testing.T) {
	for path, ran := range map[string]string{"/trap": "__builtin_trap", "/spin": "used ^= 8"} {
		t.Run(path, func(t *testing.T) {
			timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
				limit := scale * 200 * time.Millisecond
				trace, source := counted(t, []string{path}, "--timeout", limit.String())
				for text, want := range map[string]bool{
					ran: true, "first = ask": true, "return first": false, "status = twice": true, "set_response(out": false,
				} {
					i := slices.IndexFunc(source, func(line string) bool {
						return strings.Contains(line, text) && strings.Contains(line, "//")
					})
					if got, has := trace.lines[i+1]; !has || got != want {
						t.Errorf("%q: has code %t, ran %t", text, has, got)
					}
				}
			})
		})
	}
}

func TestTooLittleCoverageEndsWithFour(t *testing.T) {
	guest, err := filepath.Abs(guestPath("coverage/counted"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	fixture := "GET {{base}}/high\nHTTP 203\n"
	if err := os.WriteFile("a.hurl", []byte(fixture), 0o666); err != nil {
		t.Fatal(err)
	}
	run := func(flags ...string) (int, string) {
		code, stdout, stderr := runMain(append([]string{"test", "--no-cache", "--component", guest, "a.hurl"}, flags...)...)
		return code, stdout + stderr
	}
	if code, out := run("--coverage-min", "50%"); code != 0 || !strings.Contains(out, "coverage: ") {
		t.Errorf("exit code %d: %s", code, out)
	}
	code, out := run("--coverage-min", "99.5", "--report-json", "report.json")
	if code != 4 || !strings.Contains(out, "points less than --coverage-min 99.5%") {
		t.Errorf("exit code %d: %s", code, out)
	}
	b, err := os.ReadFile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Success  bool
		Coverage struct {
			Measure string
			Percent float64
			Lines   struct{ Covered, Total int }
		}
	}
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	c := report.Coverage
	if want := 100 * float64(c.Lines.Covered) / float64(c.Lines.Total); report.Success || c.Measure != "lines" || c.Percent != want {
		t.Errorf("%+v", report)
	}
	if code, out := run("--coverage-min", "120"); code != 1 || !strings.Contains(out, "is more than all") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := run("--coverage", filepath.Join("a.hurl", "x")); code != 1 || !strings.Contains(out, "--coverage ") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestCoveragePagesShowTheSources(t *testing.T) {
	var pages []string
	for range 2 {
		t.Run("", func(t *testing.T) {
			counted(t, []string{"/high"}, "--coverage-html", "pages")
			index, err := os.ReadFile("pages/index.html")
			if err != nil || !strings.Contains(string(index), `<a href="counted.c.html">counted.c</a>`) {
				t.Fatalf("%v\n%s", err, index)
			}
			page, err := os.ReadFile("pages/counted.c.html")
			if err != nil || !strings.Contains(string(page), "if (i == 1000) {") || !strings.Contains(string(page), "i &lt;= to") {
				t.Errorf("%v\n%.3000s", err, page)
			}
			pages = append(pages, string(index)+string(page))
		})
	}
	if pages[0] != pages[1] {
		t.Error("the pages of a second run differ")
	}
}

// apart takes the debug information out of the core modules of a component, which then name a file
// with it, and returns the first module as it was.
func apart(t *testing.T, component []byte, file string) (thin, module []byte) {
	t.Helper()
	section := func(id byte, content ...[]byte) []byte {
		all := bytes.Join(content, nil)
		return append(binary.AppendUvarint([]byte{id}, uint64(len(all))), all...)
	}
	name := func(text string) []byte {
		return append(binary.AppendUvarint(nil, uint64(len(text))), text...)
	}
	each := func(b []byte, visit func(id byte, content, whole []byte)) {
		for at := 8; at < len(b); {
			size, n := binary.Uvarint(b[at+1:])
			end := at + 1 + n + int(size)
			visit(b[at], b[at+1+n:end], b[at:end])
			at = end
		}
	}
	thin = append(thin, component[:8]...)
	each(component, func(id byte, content, whole []byte) {
		if id != 1 {
			thin = append(thin, whole...)
			return
		}
		if module == nil {
			module = content
		}
		core := slices.Clone(content[:8])
		each(content, func(id byte, content, whole []byte) {
			if id != 0 || !bytes.HasPrefix(content[1:], []byte(".debug_")) {
				core = append(core, whole...)
			}
		})
		core = append(core, section(0, name("external_debug_info"), name(file))...)
		thin = append(thin, section(1, core)...)
	})
	return thin, module
}

func TestCoverageReadsDebugInformationBesideTheComponent(t *testing.T) {
	whole, err := os.ReadFile(guestPath("coverage/counted"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(strings.TrimSuffix(guestPath("coverage/counted"), ".wasm") + ".c")
	if err != nil {
		t.Fatal(err)
	}
	thin, module := apart(t, whole, "debug/counted.debug.wasm")
	other := bytes.Replace(module, []byte{0x41, 0xc8, 0x01}, []byte{0x41, 0xc9, 0x01}, 1) // 200, 201
	linked, _ := apart(t, whole, "https://example.com/builds/counted.debug.wasm")
	outside, _ := apart(t, whole, "../counted.debug.wasm")
	for name, tt := range map[string]struct {
		component []byte
		path      string // of the debug information
		debug     []byte
		want      string // in the output; "" for lines
	}{
		"where it is named":           {thin, "app/debug/counted.debug.wasm", module, ""},
		"beside the component":        {thin, "app/counted.debug.wasm", module, ""},
		"named by the path of a URL":  {linked, "app/counted.debug.wasm", module, ""},
		"gone":                        {thin, "counted.debug.wasm", module, "debug/counted.debug.wasm beside the component: "},
		"of another build":            {thin, "app/counted.debug.wasm", other, "of another build"},
		"damaged":                     {thin, "app/counted.debug.wasm", module[:99], "not a WebAssembly module"},
		"something else":              {thin, "app/counted.debug.wasm", []byte("\x00asm\x01\x00\x00\x00"), "it has no debug information"},
		"outside of the app's folder": {outside, "counted.debug.wasm", module, "beside the component: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for path, data := range map[string][]byte{
				"app/counted.wasm": tt.component, tt.path: tt.debug, "counted.c": text,
				"a.hurl": []byte("GET {{base}}/high\n"),
			} {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, data, 0o666)); err != nil {
					t.Fatal(err)
				}
			}
			code, stdout, stderr := runMain("test", "--no-cache", "a.hurl", "--component", "app/counted.wasm", "--coverage", "lcov.info")
			if code != 0 {
				t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
			}
			lines := strings.Contains(stdout, "% of lines")
			if lines != (tt.want == "") || !strings.Contains(stdout, tt.want) {
				t.Error(stdout)
			}
			if trace := readLcov(t, "lcov.info")["counted.c"]; lines && (trace == nil || len(trace.lines) < 30) {
				t.Errorf("%+v", trace)
			}
		})
	}
}

// TestCoverageHasTheLinesOfSplitDebugInformation asks a guest whose lines are in the component and
// whose functions are not.
func TestCoverageHasTheLinesOfSplitDebugInformation(t *testing.T) {
	for _, version := range []string{"4", "5"} {
		t.Run("DWARF "+version, func(t *testing.T) {
			guest, err := filepath.Abs(guestPath("coverage/split-" + version))
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			if err := os.WriteFile("a.hurl", []byte("GET {{base}}/high\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := runMain("test", "--no-cache", "a.hurl", "--component", guest, "--coverage", "lcov.info")
			if code != 0 || !strings.Contains(stdout, "(counted.dwo)") || !strings.Contains(stdout, "70.2 % of lines (26 of 37)") {
				t.Errorf("exit code %d: %s%s", code, stdout, stderr)
			}
		})
	}
}
