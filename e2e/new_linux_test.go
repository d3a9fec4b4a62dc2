package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNewAsksForTheLanguage types a language that there is not, and then one that there is.
func TestNewAsksForTheLanguage(t *testing.T) {
	if !ours() {
		return // other servers write no projects
	}
	dir := filepath.Join(t.TempDir(), "app")
	tty := openTerminal(t)
	tty.start(t, "new", dir)
	tty.await(t, "Which language?")
	tty.press(t, "cobol\n")
	tty.await(t, "type a number from 1 to ")
	tty.press(t, "typescript\n")
	tty.await(t, "TypeScript, WASI 0.2")
	if err := tty.command.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tsconfig.json")); err != nil {
		t.Error(err)
	}
}

// TestNewIsInterruptedWhileItAsks leaves nothing behind.
func TestNewIsInterruptedWhileItAsks(t *testing.T) {
	if !ours() {
		return // other servers write no projects
	}
	dir := filepath.Join(t.TempDir(), "app")
	tty := openTerminal(t)
	tty.start(t, "new", dir)
	tty.await(t, "Which language?")
	tty.press(t, "\x03")
	if err := tty.command.Wait(); tty.command.ProcessState.ExitCode() != 130 {
		t.Errorf("%v\n%s", err, tty.output())
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a project was written")
	}
}

// TestTemplatesOfWITAreReadByTools has wasm-tools read what "wasihttp wit" writes, for each
// version.
func TestTemplatesOfWITAreReadByTools(t *testing.T) {
	if os.Getenv(templatesVariable) == "" || !ours() {
		return // needs wasm-tools
	}
	versions := []string{"", "0.2", "0.3", "0.3.0", "0.3.1", "0.3.2"}
	for patch := 1; patch <= 12; patch++ {
		versions = append(versions, fmt.Sprintf("0.2.%d", patch))
	}
	dir := project(t.TempDir())
	for i, version := range versions {
		folder := fmt.Sprint("wit", i)
		args := []string{os.Getenv(builtVariable), "wit", "-o", folder}
		if version != "" {
			args = append(args, "--world", version)
		}
		dir.run(t, args...)
		text := dir.run(t, "wasm-tools", "component", "wit", folder)
		worlds := strings.Count(text, "\nworld ")
		if want := map[bool]int{true: 2, false: 1}[version == ""]; worlds != want {
			t.Errorf("%q: %d worlds:\n%s", version, worlds, tail(text, 2000))
		}
		if strings.Count(version, ".") == 2 && !strings.Contains(text, "wasi:http/types@"+version) {
			t.Errorf("%q: another version", version)
		}
	}
}
