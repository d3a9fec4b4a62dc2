package report

import (
	"encoding/json"
	"io"

	"github.com/wasihttp/wasihttp/testrunner"
)

// The names of the fields of a list are an interface to other programs.
type (
	jsonList struct {
		Version int              `json:"version"` // of this format: 1
		Files   []jsonListedFile `json:"files"`
	}
	jsonListedFile struct {
		Path        string            `json:"path"`
		ParseErrors []jsonParse       `json:"parse_errors,omitempty"`
		Error       string            `json:"error,omitempty"`
		Entries     []jsonListedEntry `json:"entries"`
	}
	jsonListedEntry struct {
		Line int    `json:"line"`
		Name string `json:"name"`
	}
)

// List writes what a selection would run of files, without running it, and returns what is known of
// the verdict: whether a file cannot be read.
func List(w io.Writer, sources []*testrunner.Source, selection testrunner.Selection) (
	testrunner.Verdict, error,
) {
	list, verdict := jsonList{Version: jsonVersion, Files: []jsonListedFile{}}, testrunner.AllPassed
	for _, source := range selection.Files(sources) {
		f := jsonListedFile{Path: source.Path, Entries: []jsonListedEntry{}}
		if source.Err != nil || len(source.Errors) > 0 {
			verdict = testrunner.Unreadable
			read := fileJSON(&testrunner.FileResult{
				Path: source.Path, ParseErrors: source.Errors, Err: source.Err,
			}, source.Path)
			f.ParseErrors, f.Error = read.ParseErrors, read.Error
		} else {
			for _, e := range selection.Entries(source.Path, source.File.Entries) {
				f.Entries = append(f.Entries,
					jsonListedEntry{e.Range.Start.Line, testrunner.EntryName(e)})
			}
		}
		list.Files = append(list.Files, f)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return verdict, enc.Encode(list)
}
