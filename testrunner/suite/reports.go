package suite

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/testrunner/report"
)

// Reports holds the paths of the reports to write: files, but a folder for HTML;
// "" for none.
type Reports struct {
	JUnit, TAP, JSON, HTML string
}

// Paths returns the files and folders that are written; those that are not wanted are empty.
func (r *Reports) Paths() []string { return []string{r.JUnit, r.TAP, r.JSON, r.HTML} }

// fileReport is a report in one file.
type fileReport struct {
	flag, path string
	write      func(io.Writer, *report.Run) error
}

// files returns the reports in one file that are wanted.
func (r *Reports) files() []fileReport {
	var wanted []fileReport
	for _, f := range []fileReport{
		{"--report-junit", r.JUnit, report.JUnit},
		{"--report-tap", r.TAP, report.TAP},
		{"--report-json", r.JSON, report.JSON},
	} {
		if f.path != "" {
			wanted = append(wanted, f)
		}
	}
	return wanted
}

const htmlFlag = "--report-html"

// check finds out before a run whether the reports can be written, and creates
// their folders.
func (r *Reports) check() error {
	for _, f := range r.files() {
		err := os.MkdirAll(filepath.Dir(f.path), 0o755)
		if err == nil {
			err = regular.Writable(f.path, 0o644)
		}
		if err != nil {
			return fail(err, "name a file to write to", "%s %s: %v", f.flag, f.path,
				regular.Reason(err))
		}
	}
	if r.HTML == "" {
		return nil
	}
	err := os.MkdirAll(r.HTML, 0o755)
	if err == nil {
		err = regular.Writable(filepath.Join(r.HTML, report.HTMLFile), 0o644)
	}
	if err != nil {
		return fail(err, "name a folder to write to", "%s %s: %v", htmlFlag, r.HTML,
			regular.Reason(err))
	}
	return nil
}

// write writes the reports.
func (r *Reports) write(run *report.Run) error {
	for _, f := range r.files() {
		if err := writeReport(f, run); err != nil {
			return fail(err, "", "%s %s: %v", f.flag, f.path, regular.Reason(err))
		}
	}
	if r.HTML == "" {
		return nil
	}
	if err := report.HTML(r.HTML, run); err != nil {
		return fail(err, "", "%s %s: %v", htmlFlag, r.HTML, regular.Reason(err))
	}
	return nil
}

// writeJSON writes the run for programs if they want it.
func (s *Suite) writeJSON(run *report.Run) error {
	if s.JSON == nil {
		return nil
	}
	return report.JSON(s.JSON, run)
}

func writeReport(f fileReport, run *report.Run) error {
	out, err := regular.Create(f.path, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.write(out, run), out.Close())
}
