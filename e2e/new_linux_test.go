package e2e

import (
	"os"
	"path/filepath"
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
