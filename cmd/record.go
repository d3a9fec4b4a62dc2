package cmd

import (
	"cmp"
	"errors"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// redactUsage explains --redact.
const redactUsage = "also replace the value of each header, cookie, parameter, form field, " +
	"JSON member, element or attribute called `NAME` (repeatable)"

// recordFlags holds the values of the recording flags of serve.
type recordFlags struct {
	path   string
	redact cli.StringSlice
}

// all returns the flags.
func (f *recordFlags) all() []cli.Flag {
	b := &cmdline.Flags{}
	b.Group("Recording")
	b.Text("record", &f.path, "", "write each exchange as a fixture into the folder `PATH`, with "+
		"secrets replaced; or, if PATH ends in .hurl, all of them into that file, as a session in "+
		"one instance")
	b.List("redact", &f.redact, redactUsage)
	return b.All()
}

// settings translates the flags.
func (f *recordFlags) settings() record.Options {
	o := record.Options{Dir: f.path, Redact: f.redact.Value()}
	if record.IsSession(f.path) {
		o.Dir, o.Session = "", f.path
	}
	return o
}

// startRecording returns the recorder of --record; nil without that flag.
func (t *server) startRecording(s *serveSettings) (*record.Recorder, error) {
	o := s.record
	if o.Dir == "" && o.Session == "" {
		return nil, nil
	}
	o.Timeout = s.load.Timeout
	o.Say = func(line string) { t.note("%s", line) }
	r, err := record.New(o)
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

// existing returns the path of a file that is there already.
func existing(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Path
	}
	return err.Error()
}
