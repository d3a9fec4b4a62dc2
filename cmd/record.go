package cmd

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/testhost"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/regular"
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
	var filter record.Filter
	for _, list := range []struct {
		flag  string
		texts []string
		rules *[]record.Rule
	}{
		{"include", f.include.Value(), &filter.Include},
		{"exclude", f.exclude.Value(), &filter.Exclude},
	} {
		for _, text := range values.Rules(list.texts) {
			rule, err := record.ParseRule(text)
			if err != nil {
				return filter, exit.Usagef("for example --"+list.flag+" 'path:/api/*'",
					"--%s: %v", list.flag, err)
			}
			*list.rules = append(*list.rules, rule)
		}
	}
	return filter, nil
}

// all returns the flags.
func (f *recordFlags) all() []cli.Flag {
	b := &cmdline.Flags{}
	b.Group("Recording")
	b.Text("record", &f.path, "", "write each exchange as a fixture into the folder `PATH`, with "+
		"secrets replaced; or, if PATH ends in .hurl, all of them into that file, as a session in "+
		"one instance")
	f.style.add(b)
	b.Text("crash-dir", &f.crashes, crashDir,
		"keep requests that trapped or expired as fixtures in `FOLDER`; \"\" keeps none")
	return b.All()
}

// crashDir is where serve keeps requests that trapped or expired.
const crashDir = ".wasihttp/crashes"

// noCrashes reports whether nothing was kept in the folder that is looked into by default.
func noCrashes(paths []string) bool {
	if len(paths) != 1 || paths[0] != crashDir {
		return false
	}
	kept, err := filepath.Glob(filepath.Join(crashDir, "*.hurl"))
	return err == nil && len(kept) == 0
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
	o.Moves = func(list []record.Text) ([][][]string, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeForMoves)
		defer cancel()
		said := time.AfterFunc(time.Second, func() {
			t.note("sends what was recorded again, to find what moves; a second signal ends that")
		})
		defer said.Stop()
		test := &testSettings{guest: s, load: s.load, component: path}
		test.load.Outbound, test.load.Engine = nil, engine
		test.load.Dirs = slices.Clone(s.load.Dirs)
		for i := range test.load.Dirs { // what was written once is enough
			test.load.Dirs[i].ReadOnly = true
		}
		test.suite = &suite.Suite{}
		return testhost.Moves(ctx, test.host(t.state, t.doors), list, &testrunner.Options{
			Component: path, Timeout: s.load.Timeout, MaxBody: defaultMaxBody,
		})
	}
	o.Say = func(line string) { t.note("%s", line) }
	r, err := record.New(o)
	if errors.As(err, new(*record.Error)) {
		return nil, convertError(err)
	}
	if errors.Is(err, fs.ErrExist) && o.Session != "" {
		return nil, exit.Usagef("remove it, or name another file", "--record %s: %v exists",
			o.Session, existing(err))
	}
	if err != nil {
		return nil, exit.Usagef("name a folder that can be written", "--record %s: %v",
			cmp.Or(o.Session, o.Dir), regular.Reason(err))
	}
	return r, nil
}

// timeForMoves is how long recorded requests are sent to the component again, to find what moves.
const timeForMoves = 10 * time.Second

// existing returns the path of a file that is there already.
func existing(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Path
	}
	return err.Error()
}
