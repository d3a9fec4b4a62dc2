package cmd

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

// versionCommand describes "wasihttp version".
func versionCommand(t *state) *cli.Command {
	asJSON := false
	b := &cmdline.Flags{}
	jsonFlag(b, &asJSON)
	return command(&cli.Command{
		Name:      "version",
		Usage:     "print the versions of the program, of Go and of the engine",
		UsageText: programName + " version [--json]",
		Description: cmdline.Examples(`
wasihttp version          lines for a bug report
wasihttp version --json   for a program`),
		Flags: b.All(),
		Action: func(c *cli.Context) error {
			if err := cmdline.NoArguments(c); err != nil {
				return err
			}
			if !asJSON {
				return printVersion(t)
			}
			enc := json.NewEncoder(t.stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(versionOf(buildInfo()))
		},
	})
}

// buildInfo returns what the compiler wrote into the program.
func buildInfo() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return info
}

// printVersion writes one line each for the program, Go and the engine.
func printVersion(t *state) error {
	_, err := fmt.Fprint(t.stdout, versionOf(buildInfo()).text())
	return err
}

// version says which program this is. The names in JSON are an interface to other programs.
type version struct {
	Program  string `json:"program"`
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"` // of the commit
	Modified bool   `json:"modified"`       // since the commit
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Wazero   string `json:"wazero"`
}

// engineModule is the module that compiles and runs core modules.
const engineModule = "github.com/tetratelabs/wazero"

// versionOf returns the versions in info.
func versionOf(info *debug.BuildInfo) *version {
	v := &version{
		Program: programName, Version: info.Main.Version,
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	for _, dep := range info.Deps {
		if dep.Path == engineModule {
			if dep.Replace != nil {
				dep = dep.Replace
			}
			v.Wazero = dep.Version
		}
	}
	return v
}

// text writes the versions for a person, each on its line.
func (v *version) text() string {
	text := v.Program + " " + v.Version
	if v.Commit != "" {
		text += " commit " + v.Commit[:min(len(v.Commit), 12)]
		if v.Time != "" {
			text += " of " + v.Time
		}
		if v.Modified {
			text += ", modified"
		}
	}
	text += fmt.Sprintf("\n%s %s/%s\n", v.Go, v.OS, v.Arch)
	if v.Wazero != "" {
		text += "wazero " + v.Wazero + "\n"
	}
	return text
}
