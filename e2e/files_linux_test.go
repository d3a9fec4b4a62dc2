package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// wasmtimeVariable names a wasmtime that programs with files are run with, too. It must print the
// same, but for what filesDiffer lists.
const wasmtimeVariable = "WASIHTTP_WASMTIME"

// filesDiffer says where wasmtime 49 does something else, by function.
func filesDiffer(program, function string) string {
	reads := map[string]string{
		"read-via-stream": "a read that does not block finds nothing at first",
		"splice":          "a read that does not block finds nothing at first",
	}
	if reads[function] != "" && program == "rust-files" {
		return reads[function]
	}
	return map[string]string{
		"set-times":           "a folder is a bad-descriptor",
		"read-directory":      "a FIFO is unknown",
		"stat-at":             "a FIFO is unknown; a slash after the name of a file is ignored",
		"remove-directory-at": "a slash after the name is invalid",
	}[function]
}

// filesRoot makes the folder that the programs get, and one beside it, and returns its path.
func filesRoot(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	root := filepath.Join(top, "root")
	errs := []error{os.Mkdir(root, 0o777), os.Mkdir(filepath.Join(top, "out"), 0o777)}
	for _, dir := range []string{"sub", "empty"} {
		errs = append(errs, os.Mkdir(filepath.Join(root, dir), 0o777))
	}
	for name, text := range map[string]string{
		"root/f.txt": "hello", "root/sub/g.txt": "deep", "out/secret": "secret",
	} {
		errs = append(errs, os.WriteFile(filepath.Join(top, name), []byte(text), 0o666))
	}
	for name, text := range map[string]string{"link": "f.txt", "up": "../out", "dangling": "none"} {
		errs = append(errs, os.Symlink(text, filepath.Join(root, name)))
	}
	errs = append(errs, syscall.Mkfifo(filepath.Join(root, "fifo"), 0o666))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return root
}

// runFiles runs a program in a new folder and returns what it prints, and its exit code if that is
// not 0.
func runFiles(t *testing.T, command []string, program, function string) string {
	t.Helper()
	args := slices.Concat(command[1:], []string{"--dir", filesRoot(t) + "::/", program, function})
	out, err := exec.CommandContext(limited(t), command[0], args...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(out) + exit.String() + "\n"
	case err != nil:
		t.Fatal(err)
	}
	return string(out)
}

// TestFilesAsOtherHostsGiveThem has programs call each function of wasi:filesystem. expected.txt
// beside each has, for each function, what it prints: the same under wasmtime, but for filesDiffer.
func TestFilesAsOtherHostsGiveThem(t *testing.T) {
	for _, name := range []string{"rust-files", "rust-files-p3", "rust-files-std"} {
		folder := filepath.Join("..", "testdata", "guests", name)
		program := filepath.Join(folder, name+".wasm")
		text, err := os.ReadFile(filepath.Join(folder, "expected.txt"))
		if err != nil {
			t.Fatal(err)
		}
		sections := strings.Split(string(text), "== ")[1:]
		if want := map[string]int{"rust-files-std": 1}[name]; len(sections) < 20 && want == 0 {
			t.Fatalf("%s: only %d functions", name, len(sections))
		}
		for _, section := range sections {
			function, want, _ := strings.Cut(section, "\n")
			t.Run(name+"/"+function, func(t *testing.T) {
				t.Parallel()
				own := []string{os.Getenv(builtVariable), "run"}
				sameText(t, "output", want, runFiles(t, own, program, function))
				peer := os.Getenv(wasmtimeVariable)
				if peer == "" {
					return
				}
				other := []string{peer, "run", "-Wcomponent-model-async=y", "-Sp3=y"}
				got := runFiles(t, other, program, function)
				if why := filesDiffer(name, function); why == "" {
					sameText(t, "output of wasmtime", want, got)
				} else if got == want {
					t.Errorf("wasmtime does the same now, in spite of: %s", why)
				}
			})
		}
	}
}

// TestAFileIsCopied copies a file that is larger than all buffers, in each version.
func TestAFileIsCopied(t *testing.T) {
	for _, name := range []string{"rust-files", "rust-files-p3", "rust-files-std"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := filesRoot(t)
			text := strings.Repeat("0123456789abcde\n", 300_001)
			if err := os.WriteFile(filepath.Join(root, "in"), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			program := filepath.Join("..", "testdata", "guests", name, name+".wasm")
			out, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "run", "--dir", root+"::/",
				program, "copy", "in", "out").CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Fatalf("%v\n%s", err, out)
			}
			got, err := os.ReadFile(filepath.Join(root, "out"))
			if err != nil || string(got) != text {
				t.Errorf("%d bytes of %d, or others, %v", len(got), len(text), err)
			}
		})
	}
}

// TestADirThatIsReadOnly gives a program a folder that it must not change.
func TestADirThatIsReadOnly(t *testing.T) {
	root := filesRoot(t)
	program := filepath.Join("..", "testdata", "guests", "rust-files", "rust-files.wasm")
	for function, want := range map[string]string{
		"create-directory-at": "new: not-permitted", "unlink-file-at": "f.txt: not-permitted",
		"get-flags": "folder: DescriptorFlags(READ)",
	} {
		out, _ := exec.CommandContext(limited(t), os.Getenv(builtVariable), "run", "--dir", root+"::/:ro",
			program, function).CombinedOutput() // the program may panic where it cannot write
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("%s: %s", function, out)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "f.txt")); err != nil {
		t.Error(err)
	}
}
