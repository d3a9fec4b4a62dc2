package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/wasihttp/wasihttp/cmd/internal/cli"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

// versionCommand describes "wasihttp version".
func versionCommand(t *state) *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the versions of the program, of Go and of the engine",
		UsageText:   programName + " version",
		Description: cmdline.Examples("wasihttp version    lines for a bug report"),
		Action: func(c *cli.Context) error {
			if err := cmdline.NoArguments(c); err != nil {
				return err
			}
			return printVersion(t)
		},
	}
}

// printVersion writes one line each for the program, Go and the engine.
func printVersion(t *state) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	_, err := fmt.Fprint(t.stdout, versionText(info))
	return err
}

// engineModule is the module that compiles and runs core modules.
const engineModule = "github.com/tetratelabs/wazero"

func versionText(info *debug.BuildInfo) string {
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	text := programName + " " + version
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		text += " commit " + revision[:min(len(revision), 12)]
		if when := settings["vcs.time"]; when != "" {
			text += " of " + when
		}
		if settings["vcs.modified"] == "true" {
			text += ", modified"
		}
	}
	text += fmt.Sprintf("\n%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, dep := range info.Deps {
		if dep.Path == engineModule {
			if dep.Replace != nil {
				dep = dep.Replace
			}
			text += "wazero " + dep.Version + "\n"
		}
	}
	return text
}
