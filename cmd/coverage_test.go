package cmd

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tracefile is what a record in lcov's format says.
type tracefile struct {
	lines    map[int]bool // that have code: whether they ran
	branches map[int][2]int
	called   map[string]bool
}

// readLcov reads a file in lcov's format, by the names of the source files.
func readLcov(t *testing.T, path string) map[string]*tracefile {
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
func counted(t *testing.T, paths []string, flags ...string) (trace *tracefile, source []string) {
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
			trace, source := counted(t, []string{path}, "--timeout", "200ms")
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
