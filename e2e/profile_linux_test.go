package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAProfileIsWrittenWhenASignalEndsTheServer serves a guest that waits, for each signal.
func TestAProfileIsWrittenWhenASignalEndsTheServer(t *testing.T) {
	if !ours() {
		return // profiles are wasihttp's
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		file := filepath.Join(t.TempDir(), "cpu.pb.gz")
		s := serve(t, rustKitchen().path, "--profile", file)
		resp, err := client(t).Get(s.URL + "/sleep?ms=20")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if err := syscall.Kill(s.Pid(), signal); err != nil {
			t.Fatal(err)
		}
		await(t, "the end of the server", func() bool { return syscall.Kill(s.Pid(), 0) != nil })
		if err := s.Stop(); err != nil {
			t.Errorf("%v: %v", signal, err)
		}
		out, err := exec.CommandContext(limited(t), "go", "tool", "pprof", "-sample_index=wait", "-top", file).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "rust_kitchen::stream::pause") {
			t.Errorf("%v: %v\n%s", signal, err, out)
		}
	}
}
