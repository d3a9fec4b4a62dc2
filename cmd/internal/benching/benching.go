// Package benching puts fixtures under load for the command bench: what it measures comes from its
// flags, and what it finds goes to the terminal and into files.
package benching

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/load"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// Bench is a run of the command.
type Bench struct {
	Suite *suite.Suite
	// Server, if not nil, gets the requests, and URL is its address; otherwise the component does.
	Server *testrunner.Server
	URL    string
	Load   load.Config
	// Component is the path of the component for fixtures that name none; "" if it is found.
	Component string
	// Baseline is the file with which the build is compared, a component or an earlier result; ""
	// for none. MaxRegression is by how many percent the build may be slower.
	Baseline      string
	MaxRegression float64
	// JSON prints the result as JSON. JSONFile and HTMLFile are files to write, "" for none.
	JSON               bool
	JSONFile, HTMLFile string
	// Program is the version of wasihttp.
	Program string
}

// Run runs the command. The error has its exit code.
func (b *Bench) Run(ctx context.Context) error {
	s := b.Suite
	for flag, path := range map[string]string{
		"report-json": b.JSONFile, "report-html": b.HTMLFile,
	} {
		if path == "" {
			continue
		}
		if err := regular.Writable(path, 0o666); err != nil {
			return exit.Usagef("name a file that can be written", "--%s %s: %v", flag, path,
				regular.Reason(err))
		}
	}
	old, err := b.earlier()
	if err != nil {
		return err
	}
	out := s.Out
	if b.JSON {
		s.Out = s.Err // what is for people
	}
	sources, verdict, err := s.Read(ctx)
	if err != nil || verdict != testrunner.AllPassed {
		return exit.Verdict(verdict, err)
	}
	return b.measure(ctx, sources, old, out)
}

// earlier returns the result that Baseline names; nil if that is a component, or "".
func (b *Bench) earlier() (*load.Result, error) {
	if b.Baseline == "" {
		return nil, nil
	}
	file, _, err := regular.Open(b.Baseline)
	if err != nil {
		return nil, exit.Usagef("name a component, or a file that bench --report-json has written",
			"--baseline %s: %v", b.Baseline, regular.Reason(err))
	}
	defer file.Close()
	start := make([]byte, 4)
	n, err := io.ReadFull(file, start)
	if err == nil && string(start) == "\x00asm" {
		if b.Server != nil {
			return nil, exit.Usagef("remove --url, or name a result of another run",
				"--url and a component as --baseline cannot be combined")
		}
		return nil, nil
	}
	r, err := load.Read(io.MultiReader(bytes.NewReader(start[:n]), file))
	if err != nil {
		return nil, exit.Usagef("name a component, or a file that bench --report-json has written",
			"--baseline %s: %v", b.Baseline, err)
	}
	return r, nil
}

// measure plays the fixtures and reports what was measured. old is the result to compare with; nil
// for none.
func (b *Bench) measure(
	ctx context.Context, sources []*testrunner.Source, old *load.Result, out *term.Output,
) error {
	s := b.Suite
	var host testrunner.Host = s.Host
	if b.Server != nil {
		host = b.Server
		defer b.Server.Close()
		// It has no instances of which one could be tried anew.
		s.Options.Isolate = testrunner.IsolateEntry
	} else {
		defer b.drop(ctx)
	}
	build := testrunner.NewLoad(host, sources, &s.Options)
	if len(build.Files()) == 0 {
		return exit.Usagef("name fixtures with entries, or another --filter",
			"no entry is selected: there is nothing to send")
	}
	var baseline *testrunner.Load
	if b.Baseline != "" && old == nil {
		options := s.Options
		options.Component = b.Baseline
		baseline = testrunner.NewLoad(host, sources, &options)
	}
	if err := b.open(ctx, host, sources, baseline != nil); err != nil {
		return exit.Suite(err)
	}
	r := &load.Result{
		Version: 1, Started: time.Now(), Program: b.Program, Machine: load.ThisMachine(),
		Settings: b.settings(build),
	}
	progress := term.StartProgress(s.Err, "warming up")
	defer progress.Stop()
	b.Load.Progress = progress.Update
	m, err := load.Run(ctx, b.Load, build, baseline)
	progress.Stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		return b.failure(err)
	}
	r.Side, r.Interrupted = m.New, err != nil
	if b.Server == nil {
		for i := range r.Failures {
			f := &r.Failures[i]
			if one := &f.Results[0]; one.Place(f.Path) != "" {
				one.Rerun = s.Rerun(one.Place(f.Path))
			}
		}
	}
	switch {
	case m.Old != nil:
		r.Baseline = m.Old
		r.Comparison = load.Compare(m.Old, m.New, true, b.Load.Rate > 0, b.MaxRegression)
	case old != nil:
		r.Baseline = old.Side
		r.Comparison = load.Compare(old.Side, m.New, false, b.Load.Rate > 0, b.MaxRegression)
		r.Comparison.Other = r.Differs(old)
	}
	if r.Comparison != nil {
		r.Comparison.Baseline = b.Baseline
	}
	if reportErr := b.report(r, out); reportErr != nil {
		return reportErr
	}
	if err != nil {
		return err
	}
	return b.verdict(r)
}

// failure returns why nothing could be measured.
func (b *Bench) failure(err error) error {
	if errors.Is(err, load.ErrNothingSent) {
		return exit.Usagef("see what they do: "+b.Suite.Program+" test", "%v", err)
	}
	return exit.Suite(err)
}

// open loads the components, so that it does not count.
func (b *Bench) open(
	ctx context.Context, host testrunner.Host, sources []*testrunner.Source, baseline bool,
) error {
	if b.Server != nil {
		return nil
	}
	paths := map[string]bool{b.Suite.Options.Component: true}
	if b.Suite.Options.Component == "" {
		paths = make(map[string]bool)
		for _, source := range sources {
			for _, path := range source.Components() {
				paths[path] = true
			}
		}
	}
	if baseline {
		paths[b.Baseline] = true
	}
	for path := range paths {
		target, err := host.Open(ctx, testrunner.Spec{Component: path})
		if err != nil {
			return &testrunner.OpenError{Spec: testrunner.Spec{Component: path}, Err: err}
		}
		target.Close()
	}
	return nil
}

// closing is how long components may take to be freed.
const closing = 5 * time.Second

func (b *Bench) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	// The process ends.
	_ = b.Suite.Host.Drop(ctx)
}

// settings describes how the fixtures are played.
func (b *Bench) settings(l *testrunner.Load) load.Settings {
	c, o := &b.Load, &b.Suite.Options
	out := load.Settings{
		Component: b.Component, URL: b.URL, Concurrency: c.Users, Rate: c.Rate,
		Requests: c.Requests, WarmUp: c.WarmUp.Seconds(), Isolate: string(o.Isolate),
	}
	if c.Requests == 0 {
		out.For = c.For.Seconds()
	}
	if b.Server != nil {
		out.Component, out.Isolate = "", ""
	}
	sum := sha256.New()
	for _, f := range l.Files() {
		out.Fixtures = append(out.Fixtures, f.Path)
		fmt.Fprintf(sum, "%s\n%d\n%s", filepath.Base(f.Path), len(f.File.Source), f.File.Source)
		for _, path := range testrunner.UpstreamsOf(f) {
			hash(sum, path)
		}
	}
	for _, path := range o.Upstreams {
		hash(sum, path)
	}
	fmt.Fprintf(sum, "%q %v %v %v", o.Variables, o.World, o.UpstreamMode, o.Timeout)
	out.Digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return out
}

// hash adds the content of a file, whose reader reports what is wrong with it.
func hash(sum io.Writer, path string) {
	if content, err := os.ReadFile(path); err == nil {
		fmt.Fprintf(sum, "%d\n%s", len(content), content)
	}
}

// report prints the result and writes the files.
func (b *Bench) report(r *load.Result, out *term.Output) error {
	if b.JSON {
		if err := r.Write(out); err != nil {
			return exit.Loadf(err, "", "the result could not be printed: %v", err)
		}
	} else {
		text := &load.Text{Styles: out}
		if out.IsTerminal() {
			text.Width = out.Width()
		}
		_, _ = io.WriteString(out, text.Write(r))
	}
	return errors.Join(cmdline.Write("report-json", b.JSONFile, r.Write),
		cmdline.Write("report-html", b.HTMLFile, r.HTML))
}

// verdict returns the error with the exit code.
func (b *Bench) verdict(r *load.Result) error {
	if err := exit.Verdict(r.Side.Verdict(), nil); err != nil {
		return err
	}
	c := r.Comparison
	if c == nil || c.Verdict != load.Slower {
		return nil
	}
	if !c.InTurns && len(c.Other) > 0 {
		return nil // who knows what made it slower
	}
	return exit.Guest(exit.Slower)
}
