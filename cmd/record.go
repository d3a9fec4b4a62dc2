package cmd

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/recording"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// redactUsage explains --redact.
const redactUsage = "also replace the value of each header, cookie, parameter, form field, " +
	"JSON member, element or attribute called `NAME` (repeatable)"

// recordFlags holds the values of the recording flags of serve.
type recordFlags struct {
	path    string
	crashes string
	style   styleFlags
}

// styleFlags holds the values of the flags about how fixtures are written, and of what.
type styleFlags struct {
	base               string
	include, exclude   cli.StringSlice
	redact             cli.StringSlice
	allHeaders, pretty bool
}

// add adds the flags.
func (f *styleFlags) add(b *cmdline.Flags) {
	b.List("redact", &f.redact, redactUsage)
	b.Text("base", &f.base, "", "write `URL` in place of scheme and host, for example {{base}}")
	b.List("include", &f.include, "write only what matches `RULE`: host:PATTERN, path:PATTERN, or "+
		"type:PATTERN for the media type of the response; * stands for any text (repeatable: one "+
		"rule of each kind has to match)")
	b.List("exclude", &f.exclude, "leave out what matches `RULE`, as for --include (repeatable)")
	b.Toggle("all-headers", &f.allHeaders,
		"also write request headers in which browsers describe themselves, such as sec-fetch-mode")
	b.Toggle("pretty", &f.pretty,
		"write JSON of responses indented, to be compared by value (# @json)")
}

// filter translates --include and --exclude.
func (f *styleFlags) filter() (record.Filter, error) {
	return recording.Filter(f.include.Value(), f.exclude.Value())
}

// all returns the flags.
func (f *recordFlags) all() []cli.Flag {
	b := &cmdline.Flags{}
	b.Group("Recording")
	b.Output("record", &f.path, "write each exchange as a fixture into the folder `PATH`, with "+
		"secrets replaced; or, if PATH ends in .hurl, all of them into that file, as a session in "+
		"one instance")
	f.style.add(b)
	b.Text("crash-dir", &f.crashes, record.CrashDir,
		"keep requests that trapped or expired as fixtures in `FOLDER`; \"\" keeps none")
	return b.All()
}

// keepCrashes returns what keeps requests that trapped or expired; nil if nothing does.
func (t *server) keepCrashes(s *serveSettings) func(serve.Recorded) {
	if s.crashDir == "" {
		return nil
	}
	o := record.Options{Redact: s.record.Redact, Timeout: s.load.Timeout, Say: func(line string) {
		if !s.quiet && !s.jsonLog {
			t.note("%s", line)
		}
	}}
	return record.NewCrashes(s.crashDir, o).Keep
}

// settings translates the flags.
func (f *recordFlags) settings() (record.Options, error) {
	filter, err := f.style.filter()
	o := record.Options{
		Dir: f.path, Redact: f.style.redact.Value(), Filter: filter, Base: f.style.base,
		AllHeaders: f.style.allHeaders, Pretty: f.style.pretty,
	}
	if record.IsSession(f.path) {
		o.Dir, o.Session = "", f.path
	}
	return o, err
}

// startRecording returns the recorder of --record; nil without that flag.
func (t *server) startRecording(
	ctx context.Context, path string, s *serveSettings, engine *host.Engine,
) (*record.Recorder, error) {
	o := s.record
	if o.Dir == "" && o.Session == "" {
		return nil, nil
	}
	o.Timeout = s.load.Timeout
	test := &testSettings{guest: s, load: s.load, component: path}
	test.load.Outbound, test.load.Engine = nil, engine
	test.load.Dirs = slices.Clone(s.load.Dirs)
	for i := range test.load.Dirs { // what was written once is enough
		test.load.Dirs[i].ReadOnly = true
	}
	test.suite = &suite.Suite{}
	o.Say = func(line string) { t.note("%s", line) }
	o.Moves = recording.Moves(ctx, test.host(t.state, t.doors), o.Say, testrunner.Options{
		Component: path, Timeout: s.load.Timeout, MaxBody: defaultMaxBody,
	})
	return recording.New(o)
}
