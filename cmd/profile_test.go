package cmd

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// parsedProfile reads a profile.
func parsedProfile(t *testing.T, path string) *profile.Profile {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// spent returns what samples with one of the values have in stacks with that function: on top, or
// anywhere, as names of calls joined by " < ", and in all samples.
func spent(p *profile.Profile, value int, stack string) (found, all int64) {
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			for _, line := range l.Line {
				names = append(names, line.Function.Name)
			}
		}
		all += s.Value[value]
		if strings.HasPrefix(strings.Join(names, " < "), stack) {
			found += s.Value[value]
		}
	}
	return found, all
}

func TestAProfileShowsTheFunctionThatComputes(t *testing.T) {
	dir := t.TempDir()
	path, page := filepath.Join(dir, "cpu.pb.gz"), filepath.Join(dir, "flame.html")
	if code, _, stderr := runMain("run", "--no-cache", "--profile", path, "--profile-html", page, guestPath("profile/hot")); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	p := parsedProfile(t, path)
	if hot, all := spent(p, 1, "hot < work"); all == 0 || hot*10 < all*8 {
		t.Errorf("%d of %d ns in hot, called by work\n%s", hot, all, p)
	}
	html, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(html), `"n":"hot"`) || strings.Contains(string(html), `"DATA"`) {
		t.Errorf("%v, %.500s", err, html)
	}
	top, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", path).CombinedOutput()
	if err != nil || !strings.Contains(string(top), "hot") {
		t.Errorf("go tool pprof: %v\n%s", err, top)
	}
}

func TestAProfileShowsWaits(t *testing.T) {
	dir := t.TempDir()
	path, fixture := filepath.Join(dir, "cpu.pb.gz"), filepath.Join(dir, "a.hurl")
	text := "# @component " + guestPath("rust-kitchen") + "\nGET {{base}}/sleep?ms=30\nHTTP 200\n"
	if err := os.WriteFile(fixture, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := runMain("test", "--no-cache", "--profile", path, fixture); code != 0 {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	p := parsedProfile(t, path)
	const stack = "(waiting) < wasi:io/poll@0.2.12#[method]pollable.block < rust_kitchen::stream::pause"
	if slept, all := spent(p, 2, stack); slept < 25e6 || slept > all {
		t.Errorf("%d of %d ns asleep\n%s", slept, all, p)
	}
	if computed, _ := spent(p, 1, "(waiting)"); computed != 0 {
		t.Errorf("%d ns of processor time in waits\n%s", computed, p)
	}
}

// TestWhatWasAskedForIsWrittenAfterASignal ends a program that waits for its input.
func TestWhatWasAskedForIsWrittenAfterASignal(t *testing.T) {
	dir := t.TempDir()
	path, used := filepath.Join(dir, "cpu.pb.gz"), filepath.Join(dir, "used.json")
	s := newSession()
	st := s.state(programName, "run", "--no-cache", "--profile", path, "--report-capabilities", used, guestPath("bad/command-cat"))
	in, input := io.Pipe()
	defer input.Close()
	st.in = in
	go func() { s.code <- st.main(context.Background(), engineDoors(st)) }()
	go func() { _, _ = io.WriteString(input, "it runs") }()
	s.out.await(t, "it runs")
	s.signals <- os.Interrupt
	if code := s.exit(t); code != 130 {
		t.Errorf("exit code %d: %s", code, s.err)
	}
	if p := parsedProfile(t, path); p.DurationNanos == 0 {
		t.Errorf("got %s", p)
	}
	if b, err := os.ReadFile(used); err != nil || !json.Valid(b) {
		t.Errorf("%v: %s", err, b)
	}
}

func TestAProfileNeedsAFileThatCanBeWritten(t *testing.T) {
	for _, flag := range []string{"--profile", "--profile-html"} {
		code, _, stderr := runMain("run", flag+"="+t.TempDir(), guestPath("profile/hot"))
		if code != 1 || !strings.Contains(stderr, "error: "+flag+" ") {
			t.Errorf("%s: exit code %d, %s", flag, code, stderr)
		}
	}
}
