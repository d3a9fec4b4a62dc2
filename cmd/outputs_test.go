package cmd

import (
	"os"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestFlagsDoNotOverwriteEachOther gives each pair of flags of each command that write files the
// same path.
func TestFlagsDoNotOverwriteEachOther(t *testing.T) {
	t.Chdir(t.TempDir())
	pairs := 0
	for _, command := range commandLine(&state{}, doors{}).Commands {
		var outputs []string
		for _, f := range command.Flags {
			if s, ok := f.(*cli.StringFlag); ok && s.TakesFile {
				outputs = append(outputs, "--"+s.Name)
			}
		}
		for i, first := range outputs {
			for _, second := range outputs[:i] {
				pairs++
				code, _, stderr := runMain(command.Name, first, "x.out", second, "./x.out", "nothing")
				if code != 1 || !strings.Contains(stderr, second+" and "+first+" both write x.out\n") {
					t.Errorf("%s %s %s: exit code %d: %s", command.Name, first, second, code, stderr)
				}
			}
		}
	}
	if pairs < 40 {
		t.Errorf("%d pairs of flags that write files", pairs)
	}
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		t.Errorf("there are files: %v, %v", files, err)
	}
}

func TestSeveralFlagsMayWriteToADevice(t *testing.T) {
	code, _, stderr := runMain("merge-reports", "--report-tap", os.DevNull, "--report-junit", os.DevNull)
	if code != 1 || !strings.Contains(stderr, "needs a REPORT") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
