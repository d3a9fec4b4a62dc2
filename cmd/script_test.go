package cmd

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		programName: func() { os.Exit(Main()) },
	})
}

// TestScript runs the program as a person would, in one folder for each script.
func TestScript(t *testing.T) {
	guests, err := filepath.Abs(filepath.Join("..", "testdata", "guests"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"code": scriptCode, "occupy": scriptOccupy},
		Setup: func(e *testscript.Env) error {
			// Nothing of the user's own reaches the scripts.
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/.cache")
			e.Setenv("NO_COLOR", "1")
			e.Setenv("GUESTS", guests)
			return nil
		},
	})
}

// scriptCode is the command `code N PROGRAM ARG…`: the program must end with that exit code.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARG...")
	}
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s; stderr:\n%s", got, args[0], ts.ReadFile("stderr"))
	}
}

// scriptOccupy is the command `occupy NAME`: the variable gets an address on which somebody listens
// until the script ends.
func scriptOccupy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: occupy NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(l.Close()) })
	ts.Setenv(args[0], l.Addr().String())
}
