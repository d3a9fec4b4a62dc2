package cmd

import (
	"github.com/wasihttp/wasihttp/cmd/internal/capabilities"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// reportFlag is the flag for a report on what components used.
const reportFlag = "report-capabilities"

// collect begins to collect what components use, for a report in the file at path; "" for none.
func (s *serveSettings) collect(path string) error {
	if path == "" {
		return nil
	}
	if err := regular.Writable(path, 0o666); err != nil {
		return exit.Usagef("name a file that can be written",
			"--%s %s: %v", reportFlag, path, regular.Reason(err))
	}
	s.report, s.used = path, new(capabilities.Collector)
	s.load.Used = s.used.Add
	return nil
}

// reported writes the report, if one was asked for, after a command has ended with err, and returns
// err or the error of writing.
func (s *serveSettings) reported(err error) error {
	if failed := s.profile.write(); failed != nil && err == nil {
		err = failed
	}
	if s.used == nil {
		return err
	}
	data, failed := s.used.Report(capabilities.Given{
		Dirs: s.load.Dirs, Cwd: s.load.Cwd, KeyValue: s.load.KeyValueFile,
	}).JSON()
	if failed == nil {
		failed = regular.WriteFile(s.report, data, 0o666)
	}
	if failed != nil && err == nil {
		return exit.Loadf(failed, "", "--%s %s: %v", reportFlag, s.report, regular.Reason(failed))
	}
	return err
}
