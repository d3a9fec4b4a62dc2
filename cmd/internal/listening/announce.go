package listening

import (
	"fmt"
	"io"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/serve/console"
	"github.com/wasihttp/wasihttp/serve/listen"
)

// Announcement is what serve says at its start.
type Announcement struct {
	// About describes the component in the file at Path.
	About loader.Description
	Path  string
	// Banner has what only the banner for people shows, which is written if it is not nil. JSON
	// writes lines of JSON, and Quiet the address alone.
	Banner      *console.Start
	Quiet, JSON bool
	ErrorPages  serve.ErrorPages
	// Explorer is the URL of the explorer, with its token; "" for none.
	Explorer string
	// Note prints a line for the user.
	Note func(format string, args ...any)
}

// Announce writes what is served, and then the address, on the line that scripts wait for.
func (l *Listener) Announce(out *term.Output, a Announcement) {
	note := ""
	if !listen.IsLoopback(l.Listener) {
		note = "other machines can reach this address"
		if a.ErrorPages == serve.PagesAuto {
			note += "; error pages are brief (--error-pages full shows more)"
		}
	}
	c := l.Certificate
	switch {
	case a.Quiet:
	case a.JSON:
		if a.About.File != "" {
			_, _ = io.WriteString(out, a.About.JSON()+"\n")
		}
		if a.Explorer != "" {
			// A URL needs no escapes.
			fmt.Fprintf(out, `{"event":"explorer","url":"%s"}`+"\n", a.Explorer)
		}
	case a.Banner != nil:
		start := *a.Banner
		start.Address, start.Note = l.URL, note
		start.Component, start.Build = a.About.Short(a.Path)
		if c != nil {
			a.notes(c.Notes)
			start.Certificate, start.Fingerprint = c.Short(), c.Fingerprint()
		}
		_, _ = io.WriteString(out, start.Text(out))
		return
	case a.About.File != "":
		// Some programs look for the address on the very first line.
		_, _ = io.WriteString(out, a.About.Text(out)+", at "+l.URL+"\n")
		if note != "" {
			fmt.Fprintf(out, "%s %s\n", out.Fair(term.SymbolItem), note)
		}
		if a.Explorer != "" {
			fmt.Fprintf(out, "%s explorer: %s\n", out.Fair(term.SymbolItem),
				console.Explorer(out, a.Explorer, l.URL))
		}
	}
	if c != nil {
		a.notes(c.Notes)
		switch {
		case a.Quiet:
		case a.JSON:
			_, _ = io.WriteString(out, c.JSON()+"\n")
		default:
			fmt.Fprintf(out, "%s %s\n", out.Fair(term.SymbolItem), term.Clean(c.Text()))
		}
	}
	_, _ = io.WriteString(out, console.Announcement(out, l.URL))
}

func (a *Announcement) notes(lines []string) {
	for _, line := range lines {
		a.Note("%s", line)
	}
}
