package cmd

import (
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

func TestConfigVarsAreWhatTheComponentFinds(t *testing.T) {
	path := filepath.Join(guests, "bad", "command-config.wasm")
	for name, tt := range map[string]struct {
		vars   []string
		code   int
		stderr string // "": anything
	}{
		"in order, the last one of a key": {
			[]string{"a=1", "greeting=Hi", "a=x=y", "empty="}, exit.OK,
			"INFO a: x=y\nINFO greeting: Hi\nINFO empty: \nCRITICAL Hi\n",
		},
		"a key that is not there": {[]string{"a=1"}, exit.Trap, ""},
		"no value":                {[]string{"greeting"}, exit.Usage, ""},
		"no key":                  {[]string{"=x"}, exit.Usage, ""},
		"not text":                {[]string{"greeting=\xff"}, exit.Usage, ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"run", "--no-cache"}
			for _, v := range tt.vars {
				args = append(args, "--config-var", v)
			}
			code, _, stderr := runMain(append(args, path)...)
			if code != tt.code || tt.stderr != "" && stderr != tt.stderr {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
		})
	}
}
