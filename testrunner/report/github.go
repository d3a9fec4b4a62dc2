package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/testrunner"
)

// GitHub writes the commands by which GitHub Actions shows what failed beside
// the lines of the fixtures. path is the file's, from the root of the repository.
func GitHub(w io.Writer, f *testrunner.FileResult, path string) error {
	var b strings.Builder
	path = filepath.ToSlash(path)
	brief := &Pretty{Styles: plain{}}
	for _, e := range f.ParseErrors {
		annotate(&b, path, e.Range.Start.Line, e.Range.Start.Col, "cannot be parsed", e.Message)
	}
	if f.Err != nil {
		annotate(&b, path, 1, 1, "not run", f.Err.Error())
	}
	for i := range f.Results {
		r := &f.Results[i]
		if !r.Outcome.Failed() {
			continue
		}
		at := r.Entry.Range.Start
		if len(r.Problems) > 0 && r.Problems[0].Range.Start.Line > 0 {
			at = r.Problems[0].Range.Start
		}
		annotate(&b, path, at.Line, at.Col, outcomeText(r)+": "+r.Name(), brief.Entry(f.Path, r))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func annotate(b *strings.Builder, path string, line, col int, title, message string) {
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	fmt.Fprintf(b, "::error file=%s,line=%d,col=%d,title=%s::%s\n", property.Replace(path), line, col, property.Replace(title), text.Replace(strings.TrimRight(message, "\n")))
}
