package console

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
)

// announced is what stands before the address, on the line that scripts wait for. Labels have its
// width.
const announced = "Serving HTTP on "

// Start is what a person reads at the start. Texts need not be clean.
type Start struct {
	// Component and Build are what is served, each in a few words.
	Component, Build []string
	// Address is the URL, and Note what is to be known about it; "" for nothing.
	Address, Note string
	// Explorer is the URL of the explorer; "" for none.
	Explorer string
	// Certificate is that of https, in a few words, and Fingerprint its hash; nothing for http.
	Certificate []string
	Fingerprint string
	// Watching are the files that are watched; nil for none.
	Watching []string
	// Command is what builds the component whenever Sources change; "" for none.
	Command string
	Sources []string
	// Recording is where exchanges are recorded, and Fixtures what is run with each build.
	Recording string
	Fixtures  []string
	// Keys are what they do.
	Keys []string
}

// Text returns the banner for the terminal out, with empty lines around it.
func (s *Start) Text(out *term.Output) string {
	b := &banner{out: out, room: max(out.Width()-1-len(announced), 1)}
	b.text.WriteByte('\n')
	b.row("Component", s.Component...)
	b.row("Build", s.Build...)
	b.text.WriteString(Announcement(out, s.Address))
	if s.Note != "" {
		for _, line := range term.Wrap(term.Clean(s.Note), b.room) {
			fmt.Fprintf(&b.text, "%*s%s\n", len(announced), "", out.Fair(line))
		}
	}
	b.row("Certificate", s.Certificate...)
	for line := range broken(s.Fingerprint, b.room) {
		fmt.Fprintf(&b.text, "%*s%s\n", len(announced), "", line)
	}
	if s.Watching == nil {
		b.row("Watching", "nothing")
	}
	b.row("Watching", s.Watching...)
	if s.Command != "" {
		b.row("Building", strings.Join(strings.Fields(s.Command), " "),
			"when "+strings.Join(s.Sources, ", ")+" changes")
	}
	if s.Recording != "" {
		b.row("Recording", s.Recording)
	}
	b.row("Testing", s.Fixtures...)
	if s.Explorer != "" {
		// It is never cut.
		b.text.WriteString(out.Dim(term.Pad("Explorer", len(announced))))
		b.text.WriteString(Explorer(out, s.Explorer, s.Address) + "\n")
	}
	b.row("Keys", s.Keys...)
	b.text.WriteByte('\n')
	return b.text.String()
}

// Explorer returns the URL of the explorer of the server at an address, for people.
func Explorer(out *term.Output, url, address string) string {
	if strings.HasPrefix(address, "unix:") {
		return url + ", through the socket" // no browser can open it
	}
	return out.Link(url)
}

// broken returns the lines of a fingerprint, which is never cut: two if one is too wide.
func broken(fingerprint string, room int) iter.Seq[string] {
	if half := (len(fingerprint) + 1) / 2; len(fingerprint) > room {
		return slices.Values([]string{fingerprint[:half], fingerprint[half:]})
	}
	return strings.Lines(fingerprint)
}

// Announcement returns the line that scripts wait for.
func Announcement(out *term.Output, address string) string {
	return announced + out.Link(address) + "\n"
}

// banner is a banner that is being written.
type banner struct {
	out  *term.Output
	room int // columns behind a label
	text strings.Builder
}

// between stands between the items of a row.
const between = " · "

// row writes a label and what belongs to it; nothing without items. If they are wider than the
// terminal, the row breaks between them.
func (b *banner) row(label string, items ...string) {
	if len(items) == 0 {
		return
	}
	b.text.WriteString(b.out.Dim(term.Pad(label, len(announced))))
	used := 0
	for i, item := range items {
		item = term.Cut(term.Clean(item), b.room)
		switch {
		case i == 0:
			b.text.WriteString(item)
		case used+term.Width(between)+term.Width(item) > b.room:
			fmt.Fprintf(&b.text, "\n%*s%s", len(announced), "", item)
			used = 0
		default:
			b.text.WriteString(b.out.Dim(between) + item)
			used += term.Width(between)
		}
		used += term.Width(item)
	}
	b.text.WriteByte('\n')
}
