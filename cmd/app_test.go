package cmd

import (
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

func TestFlagsFirst(t *testing.T) {
	tests := map[string]string{
		"w serve a.wasm --addr :0 -q":           "w serve --addr :0 -q -- a.wasm",
		"w serve --quiet a.wasm":                "w serve --quiet -- a.wasm",
		"w serve a.wasm --addr=:0 --no-cache b": "w serve --addr=:0 --no-cache -- a.wasm b",
		"w serve --env A=1 -- -x.wasm":          "w serve --env A=1 -- -x.wasm",
		"w serve a.wasm --env":                  "w serve --env",
		"w serve":                               "w serve",
		"w serve --help":                        "w serve --help",
		"w unknown a --b":                       "w unknown a --b",
		"w completion bash --help":              "w completion bash --help",
	}
	for in, want := range tests {
		got, err := cmdline.First(commandLine(&state{}, doors{}), strings.Fields(in), runName)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s\n got %s, %v\nwant %s", in, got, err, want)
		}
	}
}

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	app := commandLine(&state{}, doors{})
	cmdline.WriteHelp(app, 0)
	for _, c := range app.Commands {
		if c.Hidden {
			if strings.Contains(app.CustomAppHelpTemplate, c.Name) {
				t.Errorf("%s is shown", c.Name)
			}
			continue
		}
		if !strings.Contains(c.CustomHelpTemplate, "Examples:\n  "+programName+" ") &&
			!strings.Contains(c.CustomHelpTemplate, "Examples:\n  source ") {
			t.Errorf("%s:\n%s", c.Name, c.CustomHelpTemplate)
		}
	}
}
