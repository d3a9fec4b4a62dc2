package cmd

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/profile"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// The flags for profiles.
const (
	profileFlag     = "profile"
	profileHTMLFlag = "profile-html"
)

// profileFlags names the files of a profile, "" for none.
type profileFlags struct{ pprof, html string }

// add adds the flags.
func (f *profileFlags) add(b *cmdline.Flags) {
	b.Text(profileFlag, &f.pprof, "", "at the end, write where the component spent its time to "+
		"`FILE`, for go tool pprof and speedscope")
	b.Text(profileHTMLFlag, &f.html, "",
		"at the end, write that to `FILE`, as a page with a flame graph")
}

// profiler samples what components do, and writes the files when a command ends.
type profiler struct {
	files   profileFlags
	samples *host.Profile
	began   time.Time
	comment string
}

// begin begins to sample the components of a command; it returns nil if no file is wanted.
func (f profileFlags) begin(load *loader.Config, t *state) (*profiler, error) {
	if f.pprof == "" && f.html == "" {
		return nil, nil
	}
	for flag, path := range map[string]string{profileFlag: f.pprof, profileHTMLFlag: f.html} {
		if path == "" {
			continue
		}
		if err := regular.Writable(path, 0o666); err != nil {
			return nil, exit.Usagef("name a file that can be written", "--%s %s: %v", flag, path,
				regular.Reason(err))
		}
	}
	load.Profile = host.NewProfile()
	var command []string
	if len(t.args) > 1 {
		command = []string{programName, t.args[1]}
	}
	return &profiler{f, load.Profile, time.Now(), strings.Join(command, " ")}, nil
}

// write writes the files that are wanted.
func (p *profiler) write() error {
	if p == nil {
		return nil
	}
	out := &profile.Profile{Began: p.began, Duration: time.Since(p.began), Comment: p.comment}
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
		writeProfile(profileFlag, p.files.pprof, out.Pprof),
		writeProfile(profileHTMLFlag, p.files.html, out.HTML),
	)
}

// writeProfile writes a file, unless its path is "".
func writeProfile(flag, path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	file, err := regular.Create(path, 0o666)
	if err == nil {
		err = errors.Join(write(file), file.Close())
	}
	if err != nil {
		return exit.Loadf(err, "", "--%s %s: %v", flag, path, regular.Reason(err))
	}
	return nil
}
