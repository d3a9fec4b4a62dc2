package testrunner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

// costly responds as a guest that takes as much as its path says.
func costly(_ int, r *testrunner.Request) *testrunner.Response {
	a := text(200, "same")
	a.Duration, a.Memory, a.UpstreamRequests = 20*time.Millisecond, 1<<20, 1
	a.Instructions = 1_000_000
	if r.Target == "/more" {
		a.Duration, a.Memory, a.UpstreamRequests = 90*time.Millisecond, 3<<20+64<<10, 4
	}
	return a
}

func TestABudgetThatIsNotEnoughIsAMismatch(t *testing.T) {
	for _, tt := range []struct {
		name, text, outcomes, problems string
	}{
		{"enough", "# @max-time 20ms\n# @max-memory 1MiB\n# @max-upstream-requests 1\n" + get, "pass", ""},
		{"time", "# @max-time 10ms\n" + get, "mismatch",
			"Time (@max-time): expected at most 10ms, got 20ms (10ms more, 100 %)"},
		{"a short time", "# @max-time 1ns\n" + get, "mismatch",
			"Time (@max-time): expected at most 1ns, got 20ms (20ms more, 20000000 times as much)"},
		{"a time with many digits", "# @max-time 1.234567ms\n" + get, "mismatch",
			"Time (@max-time): expected at most 1.234567ms, got 20ms (18.8ms more, 16 times as much)"},
		{"memory", "# @max-memory 512KiB\n" + get, "mismatch",
			"Memory (@max-memory): expected at most 512KiB, got 1MiB (512KiB more, 100 %)"},
		{"requests", "# @max-upstream-requests 0\n" + get, "mismatch",
			"Requests to other servers (@max-upstream-requests): expected at most 0, got 1 (1 more)"},
		{"enough instructions", "# @max-instructions 1M\n" + get, "pass", ""},
		{"instructions", "# @max-instructions 999.9k\n" + get, "mismatch",
			"Instructions (@max-instructions): expected at most 999900, got 1000000 (100 more, less than 1 %)"},
		{"of the file", "# @max-memory 2MiB\n\n" + get + "\nGET http://localhost/more\nHTTP 200\n", "pass mismatch",
			"Memory (@max-memory): expected at most 2MiB, got 3136KiB (1088KiB more, 53 %)"},
		{"of the entry", "# @max-memory 1KiB\n\n# @max-memory 2MiB\n" + get, "pass", ""},
		{"of an expected failure", "# @max-memory 1KiB\n# @expect trap\nGET http://localhost/trap\n", "mismatch",
			"Memory (@max-memory): expected at most 1KiB, got 64KiB (63KiB more, 64 times as much)"},
	} {
		h := &fakeHost{reusable: true, response: func(n int, r *testrunner.Request) *testrunner.Response {
			if r.Target == "/trap" {
				a := failure(testrunner.Trap, "")
				a.Memory = 64 << 10
				return a
			}
			return costly(n, r)
		}}
		files, _ := run(t, h, testrunner.Options{}, parse(t, tt.text))
		var said []string
		for _, r := range files[0].Results {
			for _, p := range r.Problems {
				said = append(said, p.Title+": expected "+p.Expected+", got "+p.Actual)
				if p.Kind != testrunner.ProblemBudget {
					t.Errorf("%s: the kind is %s", tt.name, p.Kind)
				}
			}
		}
		if got := strings.Join(said, "; "); outcomes(files) != tt.outcomes || got != tt.problems {
			t.Errorf("%s: %s; %s\nwant %s", tt.name, outcomes(files), got, tt.problems)
		}
	}
}

// A time differs each time, so an update leaves it; a budget of a file becomes enough for all.
func TestAnUpdateRaisesBudgetsButNotTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.hurl")
	const before = "# @max-memory 1KiB\n# @max-upstream-requests 0\n# @max-instructions 5k\n\n# @max-time 1ms\n" + get +
		"\nGET http://localhost/more\nHTTP 200\n\n# @max-upstream-requests  2  \n" + get
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &fakeHost{reusable: true, response: costly}
	files, _ := run(t, h, testrunner.Options{All: true}, testrunner.ReadAll([]string{path}, nil))
	after, err := testrunner.Apply(path, []byte(before), testrunner.Updates(files[0]))
	want := strings.NewReplacer("1KiB", "3136KiB", "requests 0", "requests 4",
		"5k", "1000000").Replace(before)
	if err != nil || string(after) != want {
		t.Errorf("%v\n%s", err, after)
	}
	if n := testrunner.Unacceptable(files[0]); n != 1 {
		t.Errorf("%d differences are left, want the time", n)
	}
}
