package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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

// TestAFullFileSystemIsACode has programs copy what there is no room for. Only root can make a
// small file system; others rely on the tests of package files.
func TestAFullFileSystemIsACode(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	for name, want := range map[string]string{
		"rust-files-p3": "InsufficientSpace", "rust-files-std": "StorageFull",
	} {
		folder := t.TempDir()
		if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=1m"); err != nil {
			t.Logf("not even root may mount: %v", err)
			return
		}
		t.Cleanup(func() {
			if err := unix.Unmount(folder, 0); err != nil {
				t.Error(err)
			}
		})
		if err := os.WriteFile(filepath.Join(folder, "in"), make([]byte, 600<<10), 0o666); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join("..", "testdata", "guests", name, name+".wasm")
		out, err := exec.CommandContext(limited(t), os.Getenv(builtVariable), "run",
			"--dir", folder+"::/", program, "copy", "in", "out").CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want %s\n%s", name, err, want, out)
		}
	}
}
