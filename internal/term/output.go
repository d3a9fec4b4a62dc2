package term

import (
	"bytes"
	"io"
	"os"
	"sync"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
	xterm "golang.org/x/term"
)

// Output is a stream and its properties: whether it is a terminal, whether it
// shows color, and its width. Its methods are safe for concurrent use, and each
// Write reaches the stream undivided.
type Output struct {
	terminal bool
	columns  int  // of a terminal that has no descriptor; 0 for others
	dumb     bool // a terminal that cannot move its cursor
	colour   bool
	fd       int
	file     *os.File // nil if the stream is none
	theme    theme

	mu     sync.Mutex
	w      io.Writer
	status string // the progress line now on display, without its line end
	// owner is the progress that is on display; others wait behind it.
	owner *Progress
	// gap says that an empty line is due before the next text, and written that there was any text,
	// which ends with an empty line if blank is set.
	gap, written, blank bool
	// beside is a stream to the same terminal, whose progress line makes way.
	beside *Output
}

// defaultWidth is the width of a stream that is not a terminal.
const defaultWidth = 80

// New describes the stream w. getenv looks up environment variables, as
// os.Getenv does; nil means that none is set.
func New(w io.Writer, getenv func(string) string) *Output {
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	o := &Output{w: w, fd: -1}
	if f, ok := w.(*os.File); ok {
		o.fd, o.file = int(f.Fd()), f
		o.terminal = xterm.IsTerminal(o.fd)
	}
	o.dumb = getenv("TERM") == "dumb"
	o.colour = wantsColour(o.terminal, getenv)
	if o.colour && o.terminal {
		o.colour = understandsColour(w)
	}
	o.theme = themeFor(o.colour)
	return o
}

func themeFor(colour bool) theme {
	renderer := lipgloss.NewRenderer(io.Discard)
	renderer.SetColorProfile(termenv.Ascii)
	if colour {
		renderer.SetColorProfile(termenv.ANSI)
	}
	return newTheme(renderer)
}

// Terminal returns an Output onto w that is taken for a terminal of a number of columns, for
// pictures
// and tests.
func Terminal(w io.Writer, columns int, colour bool) *Output {
	return &Output{w: w, fd: -1, terminal: true, columns: columns, colour: colour,
		theme: themeFor(colour)}
}

// Share declares that both streams may lead to the same terminal, so that text
// written to o must not run into a progress line of other. It must be called
// before either is used.
func (o *Output) Share(other *Output) {
	if o.terminal && other.terminal {
		o.beside = other
	}
}

// Coloured returns the same stream with or without colour.
func (o *Output) Coloured(on bool) *Output {
	c := &Output{terminal: o.terminal, colour: on, fd: o.fd, w: o}
	c.theme = themeFor(on)
	return c
}

// understandsColour makes the terminal interpret escape sequences, which
// consoles of older versions of Windows do only on request, and reports whether
// it does. The setting stays; it does not disturb other programs.
func understandsColour(w io.Writer) bool {
	_, err := termenv.EnableVirtualTerminalProcessing(termenv.NewOutput(w))
	return err == nil
}

// wantsColour decides about colour as https://no-color.org and
// https://bixense.com/clicolors describe: a set NO_COLOR always wins, then
// CLICOLOR_FORCE, then what the stream is.
func wantsColour(terminal bool, getenv func(string) string) bool {
	if getenv("NO_COLOR") != "" {
		return false
	}
	if force := getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return terminal && getenv("CLICOLOR") != "0" && getenv("TERM") != "dumb"
}

// IsTerminal reports whether the stream is a terminal.
func (o *Output) IsTerminal() bool { return o.terminal }

// File returns the stream if it is a file of the system, which can be passed to
// another program; otherwise nil.
func (o *Output) File() *os.File { return o.file }

// Colour reports whether text for this stream is styled.
func (o *Output) Colour() bool { return o.colour }

// Width returns the number of columns of the terminal, or 80 for anything
// else.
func (o *Output) Width() int {
	if o.columns > 0 {
		return o.columns
	}
	if o.terminal {
		if width, _, err := xterm.GetSize(o.fd); err == nil && width > 0 {
			return width
		}
	}
	return defaultWidth
}

// eraseLine returns the cursor to the first column and clears the line.
const eraseLine = "\r\x1b[K"

// Write passes p to the stream in one piece. A progress line on display makes
// way for it and is drawn again below.
func (o *Output) Write(p []byte) (int, error) {
	if s := o.beside; s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.status != "" {
			return o.above(p, s.status)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.write(p)
}

// WriteBlock is Write for lines that belong together: there is an empty line before them, and one
// after them as soon as something else follows.
func (o *Output) WriteBlock(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gap = o.written
	n, err := o.write(p)
	o.gap = true
	return n, err
}

// Continue is Write for lines that belong to the block before, if nothing has come between.
func (o *Output) Continue(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	gap := o.gap
	o.gap = false
	n, err := o.write(p)
	o.gap = gap
	return n, err
}

// write writes p, after the empty line that is due. The lock is held.
func (o *Output) write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	text := p
	if o.gap && !o.blank {
		text = append([]byte{'\n'}, p...)
	}
	o.gap, o.written = false, true
	o.blank = bytes.HasSuffix(p, []byte("\n\n")) || string(p) == "\n"
	if o.status != "" {
		_, err := o.above(text, o.status)
		return len(p), err
	}
	if n, err := o.w.Write(text); err != nil {
		return max(n-(len(text)-len(p)), 0), err
	}
	return len(p), nil
}

// above writes p where a progress line is, and that below. The lock of the
// line's stream is held.
func (o *Output) above(p []byte, status string) (int, error) {
	var b bytes.Buffer
	b.WriteString(eraseLine)
	b.Write(p)
	if bytes.HasSuffix(p, []byte("\n")) {
		b.WriteString(status)
	}
	if _, err := o.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// setStatus replaces the line on display at the bottom; empty removes it.
func (o *Output) setStatus(p *Progress, line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if line == o.status || o.owner != p {
		return
	}
	o.status = line
	// A failed write to a terminal cannot be reported anywhere.
	_, _ = io.WriteString(o.w, eraseLine+line)
}

// IsTerminal reports whether a file descriptor is that of a terminal.
func IsTerminal(fd uintptr) bool { return xterm.IsTerminal(int(fd)) }
