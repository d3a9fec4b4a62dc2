// Package profiling samples what the components of a command do, and writes the files that show it.
package profiling

import (
	"errors"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/profile"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// The flags that name the files.
const (
	Flag     = "profile"
	HTMLFlag = "profile-html"
)

// Files names the files to write, "" for none: a profile in pprof's format, and a page with a flame
// graph.
type Files struct{ Pprof, HTML string }

// Profiler samples what components do, and writes the files when a command ends.
type Profiler struct {
	files   Files
	samples *host.Profile
	began   time.Time
	command string
}

// Begin begins to sample the components of a command. It returns nil if no file is wanted.
func (f Files) Begin(command string) (*Profiler, error) {
	if f == (Files{}) {
		return nil, nil
	}
	for flag, path := range map[string]string{Flag: f.Pprof, HTMLFlag: f.HTML} {
		if path == "" {
			continue
		}
		if err := regular.Writable(path, 0o666); err != nil {
			return nil, exit.Usagef("name a file that can be written", "--%s %s: %v", flag, path,
				regular.Reason(err))
		}
	}
	return &Profiler{f, host.NewProfile(), time.Now(), command}, nil
}

// Samples returns what receives the samples; nil for a nil Profiler.
func (p *Profiler) Samples() *host.Profile {
	if p == nil {
		return nil
	}
	return p.samples
}

// Write writes the files that are wanted. It may be called on nil.
func (p *Profiler) Write() error {
	if p == nil {
		return nil
	}
	out := &profile.Profile{Began: p.began, Duration: time.Since(p.began), Comment: p.command}
	for _, s := range p.samples.Samples() {
		sample := profile.Sample{Count: s.Count, CPU: s.CPU, Wait: s.Wait}
		for _, f := range s.Frames {
			sample.Stack = append(sample.Stack, profile.Frame{
				Func: f.Func, File: f.File, Line: f.Line, Module: f.Module,
			})
		}
		if s.Wait > 0 {
			// The same call of the host may take long now and then.
			wait := profile.Sample{Wait: s.Wait}
			if sample.Wait = 0; s.CPU == 0 {
				wait.Count, sample.Count = sample.Count, 0
			}
			wait.Stack = append([]profile.Frame{{Func: "(waiting)"}}, sample.Stack...)
			out.Samples = append(out.Samples, wait)
		}
		if sample.Count > 0 {
			out.Samples = append(out.Samples, sample)
		}
	}
	return errors.Join(
		cmdline.Write(Flag, p.files.Pprof, out.Pprof),
		cmdline.Write(HTMLFlag, p.files.HTML, out.HTML),
	)
}
