package cmd

import (
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// TestEveryFlagWithAValueSaysThatItHasTakenTheFile goes through the flags of all commands.
func TestEveryFlagWithAValueSaysThatItHasTakenTheFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for command, file := range map[string]string{
		"serve": "app.wasm", "run": "app.wasm", "inspect": "app.wasm", "test": "a.hurl",
		"review": "a.hurl", "merge-reports": "a.json", "convert": "a.har",
	} {
		c := commandLine(&state{}, doors{}).Command(command)
		for _, f := range c.Flags {
			if !cmdline.TakesValue(f) || cmdline.ValueName(f) == "DEP.wasm" || cmdline.ValueName(f) == "MIDDLEWARE.wasm" {
				continue
			}
			for _, name := range f.Names() {
				testSwallowed(t, command, name, file)
			}
		}
	}
}

func testSwallowed(t *testing.T, command, name, file string) {
	t.Helper()
	flag := "-" + name
	if len(name) > 1 {
		flag = "--" + name
	}
	code, _, stderr := runMain(command, flag, file)
	if code != exit.Usage || !strings.Contains(stderr, "flag "+flag+" has taken "+file+" for its value") {
		t.Errorf("%s %s %s: exit code %d, stderr %q", command, flag, file, code, stderr)
	}
	// With an equals sign it is meant.
	_, _, stderr = runMain(command, flag+"="+file)
	if strings.Contains(stderr, "has taken") {
		t.Errorf("%s %s=%s: %q", command, flag, file, stderr)
	}
}

// TestSuggestionsLeadToCommandsThatExist holds that suggestions lead to commands that exist.
func TestSuggestionsLeadToCommandsThatExist(t *testing.T) {
	app := commandLine(&state{}, doors{})
	for _, typed := range []string{"dev", "up", "watch", "start", "exec", "check", "replay", "accept", "har", "settings", "completions"} {
		_, _, stderr := runMain(typed)
		_, rest, ok := strings.Cut(stderr, "did you mean ")
		name, _, _ := strings.Cut(rest, "?")
		if !ok || app.Command(name) == nil {
			t.Errorf("%s: %q", typed, stderr)
		}
	}
}
