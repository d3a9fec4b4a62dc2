package coverage

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/words"
)

// The templates of the pages, and their style sheet, which is a file of its own.
var (
	//go:embed page.html
	pageText string
	//go:embed style.css
	styleText string
)

const (
	// IndexFile is the page that HTML begins with.
	IndexFile = "index.html"
	styleFile = "coverage.css"

	// maxSource bounds the source that is shown, in bytes.
	maxSource = 16 << 20
)

type (
	htmlPage struct {
		Title, Home string
		Shares      []htmlShare
		Rows        []htmlRow  // of the index
		Notes       []string   // likewise
		Functions   []htmlFunc // of a file or program
		Lines       []htmlLine // of a file
		Missing     bool       // the source is not there
		Plain       bool       // functions without lines
	}
	htmlShare struct {
		Of, Percent, Count, Class string
		Width                     float64 // percent
	}
	htmlRow struct {
		Name, Link string
		Shares     []htmlShare
	}
	htmlFunc struct {
		Name     string
		Line     int
		Ran      bool
		Branches string
		Partly   bool
	}
	htmlLine struct {
		Number                int
		Class, Mark, Said     string
		Branches, BranchTitle string
		Text                  string
	}
)

// HTML writes pages into a folder, which it creates if needed: an index, a page for each file or
// program, and a style sheet. They need no server. Each file is replaced in one step.
func (r *Report) HTML(dir string) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	put := func(name string, data []byte) error {
		return regular.Replace(filepath.Join(dir, name), data, 0o644)
	}
	write := func(name string, p *htmlPage) error {
		var b bytes.Buffer
		if err := t.Execute(&b, p); err != nil {
			return err
		}
		return put(name, b.Bytes())
	}
	if err := put(styleFile, []byte(styleText)); err != nil {
		return err
	}
	index := &htmlPage{Title: "Coverage", Shares: shares(r.Totals()), Notes: r.notes()}
	names := map[string]bool{IndexFile: true, styleFile: true}
	for _, f := range r.Files {
		row := htmlRow{Name: f.Name, Link: pageName(f.Name, names), Shares: shares(f.Totals())}
		index.Rows = append(index.Rows, row)
		if err := write(row.Link, f.page()); err != nil {
			return err
		}
	}
	for _, p := range r.Programs {
		row := htmlRow{Name: p.Name, Link: pageName(p.Name, names), Shares: shares(p.Totals())}
		index.Rows = append(index.Rows, row)
		page := &htmlPage{
			Title: p.Name, Home: IndexFile, Shares: row.Shares, Plain: true,
			Functions: htmlFuncs(p.Functions),
		}
		if err := write(row.Link, page); err != nil {
			return err
		}
	}
	return write(IndexFile, index)
}

// notes returns what the index says below the table.
func (r *Report) notes() []string {
	notes := r.Notes
	if r.Other.All > 0 {
		notes = append(notes[:len(notes):len(notes)], fmt.Sprintf(
			"Not counted: %s of libraries, runtimes and adapters, of which %d ran.",
			words.Count(r.Other.All, "function", "functions"), r.Other.Ran))
	}
	return notes
}

// shares returns the shares that pages show.
func shares(t Totals) []htmlShare {
	var list []htmlShare
	for _, s := range []struct {
		Share
		of string
	}{{t.Lines, "lines"}, {t.Functions, "functions"}, {t.Branches, "branches"}} {
		out := htmlShare{Of: s.of, Percent: s.Share.String(), Class: "none"}
		if s.All > 0 {
			out.Count = fmt.Sprintf("%d of %d", s.Ran, s.All)
			out.Width = s.Percent()
			switch {
			case out.Width >= 80:
				out.Class = "good"
			case out.Width >= 50:
				out.Class = "fair"
			default:
				out.Class = "bad"
			}
		}
		list = append(list, out)
	}
	return list
}

// pageName returns the name of the page of a file, which no other page has.
func pageName(name string, taken map[string]bool) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		}
		return '-'
	}, strings.TrimLeft(name, "/"))
	page := plain + ".html"
	// Some systems take names that differ in case for the same, and none takes very long ones.
	same := plain == strings.ReplaceAll(name, "/", "-")
	if !same || len(page) > 150 || taken[strings.ToLower(page)] {
		sum := sha256.Sum256([]byte(name))
		page = fmt.Sprintf("%.100s-%x.html", plain, sum[:6])
	}
	taken[strings.ToLower(page)] = true
	return page
}

func htmlFuncs(list []host.CoveredFunc) []htmlFunc {
	var out []htmlFunc
	for i := range list {
		f := htmlFunc{Name: list[i].Name, Line: list[i].Line, Ran: list[i].Ran}
		var s Share
		for _, b := range list[i].Branches {
			for _, came := range b {
				s.count(came)
			}
		}
		if s.All > 0 {
			f.Branches = fmt.Sprintf("%d of %d branches", s.Ran, s.All)
			f.Partly = f.Ran && s.Ran < s.All
		}
		out = append(out, f)
	}
	return out
}

// page returns the page of a file.
func (f *File) page() *htmlPage {
	p := &htmlPage{
		Title: f.Name, Home: IndexFile, Shares: shares(f.Totals()),
		Functions: htmlFuncs(f.Functions),
	}
	covered := map[int]*host.CoveredLine{}
	last := 0
	for i := range f.Lines {
		covered[f.Lines[i].Line] = &f.Lines[i]
		last = max(last, f.Lines[i].Line)
	}
	var source []string
	if f.Path != "" {
		if text, err := regular.ReadFile(f.Path, maxSource); err == nil {
			all := strings.TrimSuffix(strings.ToValidUTF8(string(text), "\uFFFD"), "\n")
			source = strings.Split(all, "\n")
		}
	}
	if p.Missing = source == nil; p.Missing {
		for i := range f.Lines {
			p.Lines = append(p.Lines, htmlOfLine(f.Lines[i].Line, "", &f.Lines[i]))
		}
		return p
	}
	for i, text := range source {
		p.Lines = append(p.Lines, htmlOfLine(i+1, strings.TrimSuffix(text, "\r"), covered[i+1]))
	}
	return p
}

func htmlOfLine(number int, text string, c *host.CoveredLine) htmlLine {
	l := htmlLine{Number: number, Text: text, Class: "none"}
	switch {
	case c == nil:
		return l
	case !c.Ran:
		l.Class, l.Mark, l.Said = "bad", "✗", "did not run"
	case misses(c.Branches):
		l.Class, l.Mark, l.Said = "fair", "◐", "ran, but not every branch"
	default:
		l.Class, l.Mark, l.Said = "good", "✓", "ran"
	}
	var s Share
	for k, b := range c.Branches {
		for i, came := range b {
			if s.count(came); !came && c.Ran {
				l.BranchTitle += fmt.Sprintf("branch %d: way %d of %d never taken\n", k+1, i+1,
					len(b))
			}
		}
	}
	if s.All > 0 {
		l.Branches = fmt.Sprintf("%d/%d", s.Ran, s.All)
	}
	return l
}
