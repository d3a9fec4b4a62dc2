package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// GitHub writes the commands by which GitHub Actions shows what failed, and what
// is flaky, beside the lines of the fixtures. path is the file's, from the root of the repository.
func GitHub(w io.Writer, f *testrunner.FileResult, path string) error {
	var b strings.Builder
	path = shownPath(path)
	brief := &Pretty{Styles: plain{}}
	for _, e := range f.ParseErrors {
		annotate(&b, "error", path, e.Range.Start, "cannot be parsed", term.Clean(e.Message))
	}
	if f.Err != nil {
		annotate(&b, "error", path, hurl.Pos{Line: 1, Col: 1}, "not run",
			term.CleanLines(f.Err.Error()))
	}
	for i := range f.Results {
		r := &f.Results[i]
		at := r.Entry.Range.Start
		if r.Flaky() {
			annotate(&b, "warning", path, at, "flaky: "+term.Clean(r.Name()), r.AttemptsNote())
		}
		if !r.Outcome.Failed() {
			continue
		}
		if len(r.Problems) > 0 && r.Problems[0].Range.Start.Line > 0 {
			at = r.Problems[0].Range.Start
		}
		annotate(&b, "error", path, at, outcomeText(r)+": "+term.Clean(r.Name()),
			brief.Entry(f.Path, r))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func annotate(b *strings.Builder, level, path string, at hurl.Pos, title, message string) {
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	fmt.Fprintf(b, "::%s file=%s,", level, property.Replace(path))
	if at.Line > 0 {
		fmt.Fprintf(b, "line=%d,col=%d,", at.Line, at.Col)
	}
	message = text.Replace(strings.TrimRight(message, "\n"))
	fmt.Fprintf(b, "title=%s::%s\n", property.Replace(title), message)
}
