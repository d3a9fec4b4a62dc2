package cmd

import (
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
	dir    string
	redact cli.StringSlice
}

// all returns the flags.
func (f *recordFlags) all() []cli.Flag {
	b := &cmdline.Flags{}
	b.Group("Recording")
	b.Text("record", &f.dir, "", "write each exchange as a fixture into `DIR`, with secrets "+
		"replaced")
	b.List("redact", &f.redact, redactUsage)
	return b.All()
}

// settings translates the flags.
func (f *recordFlags) settings() record.Options {
	return record.Options{Dir: f.dir, Redact: f.redact.Value()}
}

// startRecording returns the recorder of --record; nil without that flag.
func (t *server) startRecording(s *serveSettings) (*record.Recorder, error) {
	if s.record.Dir == "" {
		return nil, nil
	}
	o := s.record
	o.Timeout = s.load.Timeout
	o.Say = func(line string) { t.note("%s", line) }
	r, err := record.New(o)
	if err != nil {
		return nil, exit.Usagef("name a folder that can be written", "--record %s: %v", o.Dir,
			regular.Reason(err))
	}
	return r, nil
}
