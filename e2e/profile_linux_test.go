package e2e

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/pprof/profile"
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

// stacks returns what samples with functions that stacks contain have of a value: of a stack as the
// names of its calls, innermost first, joined by " < ".
func stacks(p *profile.Profile, value int, contains string) (found int64) {
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			for _, line := range l.Line {
				names = append(names, line.Function.Name)
			}
		}
		if strings.Contains(strings.Join(names, " < "), contains) {
			found += s.Value[value]
		}
	}
	return found
}

// TestProfilesOfEachLanguage has each guest compute and sleep, and looks for both.
func TestProfilesOfEachLanguage(t *testing.T) {
	if !ours() {
		return // profiles are wasihttp's
	}
	var b *browser
	if driver := os.Getenv(driverVariable); driver != "" && os.Getenv(picturesVariable) != "" {
		b = startBrowser(t, driver)
	}
	for _, g := range guests(t) {
		want, known := profiles[g.name]
		if !known {
			continue
		}
		dir := t.TempDir()
		file, page := filepath.Join(dir, "cpu.pb.gz"), filepath.Join(dir, "flame.html")
		s := serve(t, g.path, "--profile", file, "--profile-html", page)
		c := client(t)
		const naps = 3
		for i := range 10 {
			paths := []string{"/big?n=4000000"}
			if i < naps {
				paths = append(paths, "/sleep?ms=30")
			}
			for _, path := range paths {
				resp, err := c.Get(s.URL + path)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				if err != nil {
					t.Fatalf("%s: %s: %v", g.name, path, err)
				}
			}
		}
		if err := s.Stop(); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := profile.Parse(in)
		_ = in.Close()
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		const cpu, wait = 1, 2
		html, err := os.ReadFile(page)
		if err != nil || !strings.Contains(string(html), "(waiting)") {
			t.Errorf("%s: %v: the page shows no waits", g.name, err)
		}
		if stacks(p, cpu, want.computes) == 0 {
			t.Errorf("%s: no time in %q\n%s", g.name, want.computes, p)
		}
		if slept := stacks(p, wait, "(waiting) < "+want.sleeps); slept < naps*25e6 {
			t.Errorf("%s: %d ns asleep in %q\n%s", g.name, slept, want.sleeps, p)
		}
		if b != nil && want.picture != "" {
			b.open(t, "file://"+page)
			if b.look(t, 1000, 420, "light"); strings.HasSuffix(want.picture, "-p3") {
				b.look(t, 1000, 240, "light")
				b.eval(t, "const what = document.getElementById('what'); what.value = 't'; what.onchange(); return ''")
			}
			b.picture(t, "profile-"+want.picture)
		}
	}
}
