// Package version says which program this is, and what it was made with.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Build returns what the compiler wrote into the program.
func Build() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return info
}

// Versions says which program this is. The names in JSON are an interface to other programs.
type Versions struct {
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

// Of returns the versions in info, which is about the program of that name.
func Of(program string, info *debug.BuildInfo) *Versions {
	v := &Versions{
		Program: program, Version: info.Main.Version,
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

// Text returns the versions for a person, each on its line.
func (v *Versions) Text() string {
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
