package scaffold

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// Tool is a program, or a part of one, that building a project needs.
type Tool struct {
	Name string
	// Install is a command that installs it.
	Install string
	// found reports whether it is there.
	found func() bool
}

// Missing returns the tools of the language that are not installed here.
func (l *Language) Missing() []Tool {
	var missing []Tool
	for _, t := range l.Tools {
		if !t.found() {
			missing = append(missing, t)
		}
	}
	return missing
}

// inPath reports whether a program is in the PATH.
func inPath(name string) func() bool {
	return func() bool {
		_, err := exec.LookPath(name)
		return err == nil
	}
}

func cargo() Tool {
	install := "curl -sSf https://sh.rustup.rs | sh"
	if runtime.GOOS == "windows" {
		install = "winget install Rustlang.Rustup"
	}
	return Tool{Name: "cargo", Install: install, found: inPath("cargo")}
}

// wasmTarget is the standard library of Rust for components.
func wasmTarget() Tool {
	return Tool{
		Name: "Rust's target wasm32-wasip2", Install: "rustup target add wasm32-wasip2",
		found: func() bool {
			out, err := exec.Command("rustc", "--print", "target-libdir",
				"--target", "wasm32-wasip2").Output()
			if err != nil {
				return false
			}
			libs, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "libstd-*"))
			return err == nil && len(libs) > 0
		},
	}
}

// Hint returns how to install a program that a build command needs and that is not here, or "". It
// looks for the names of the tools in the command.
func Hint(command string) string {
	for _, l := range Languages() {
		for _, t := range l.Tools {
			name := t.Name
			if i := strings.LastIndex(name, " "); i >= 0 {
				name = name[i+1:]
			}
			word := regexp.MustCompile(`(^|[\s=;&|(])` + regexp.QuoteMeta(name) + `($|[\s;&|)])`)
			if word.MatchString(command) && !t.found() {
				return t.Name + " is not installed: " + t.Install
			}
		}
	}
	return ""
}
