package capabilities

import (
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// Flag is the flag that names the file of a report.
const Flag = "report-capabilities"

// File is a file for a report on what components use.
type File struct {
	Collector
	path  string
	given Given
}

// Create begins to collect what components use that are given all that, for a report in the file at
// path. It returns nil if path is "".
func Create(path string, given Given) (*File, error) {
	if path == "" {
		return nil, nil
	}
	if err := regular.Writable(path, 0o666); err != nil {
		return nil, exit.Usagef("name a file that can be written", "--%s %s: %v", Flag, path,
			regular.Reason(err))
	}
	return &File{path: path, given: given}, nil
}

// Write writes the report. It may be called on nil.
func (f *File) Write() error {
	if f == nil {
		return nil
	}
	data, err := f.Report(f.given).JSON()
	if err == nil {
		err = regular.WriteFile(f.path, data, 0o666)
	}
	if err != nil {
		return exit.Loadf(err, "", "--%s %s: %v", Flag, f.path, regular.Reason(err))
	}
	return nil
}
