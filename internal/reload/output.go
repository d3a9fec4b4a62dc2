package reload

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
)

// What is remembered of the output of a command: so many lines, each cut at so many bytes.
const (
	outputLines     = 60
	outputLineBytes = 4 << 10
)

// output passes on what a command writes and remembers its last lines. Processes that the command
// has left running may go on writing after its end.
type output struct {
	write *os.File // for the command
	read  *os.File
	ended chan struct{} // closed when nothing has the other end any more
	wrote chan struct{} // gets a value after something was read

	mu    sync.Mutex
	lines []string
	held  []byte
}

// startOutput returns an output that passes on to w.
func startOutput(w io.Writer) (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{
		read: read, write: write, ended: make(chan struct{}), wrote: make(chan struct{}, 1),
	}
	go o.run(w)
	return o, nil
}

func (o *output) run(w io.Writer) {
	defer close(o.ended)
	var partial []byte // of a line, not yet passed on
	block := blockOf(w)
	write := block.first
	b := make([]byte, 32<<10)
	for {
		n, err := o.read.Read(b)
		o.remember(b[:n])
		partial = append(partial, b[:n]...)
		// Lines are passed on whole: others write to the same stream.
		end := bytes.LastIndexByte(partial, '\n') + 1
		if err != nil && len(partial) > end {
			partial = append(partial, '\n')
			end = len(partial)
		}
		if end == 0 && len(partial) > outputLineBytes {
			end = len(partial)
		}
		if end > 0 {
			// What cannot be written is lost, as if the stream were the command's own.
			_, _ = write(partial[:end])
			write = block.more
			partial = append(partial[:0], partial[end:]...)
		}
		select {
		case o.wrote <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// block are the functions that write lines which belong together.
type block struct{ first, more func([]byte) (int, error) }

// blockOf returns those of w: on a terminal, the output of a command has space around it.
func blockOf(w io.Writer) block {
	if out, ok := w.(*term.Output); ok && out.IsTerminal() {
		return block{out.WriteBlock, out.Continue}
	}
	return block{w.Write, w.Write}
}

func (o *output) remember(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		room := outputLineBytes - len(o.held)
		o.held = append(o.held, line[:min(room, len(line))]...)
		if whole {
			o.push()
		}
		p = rest
	}
}

func (o *output) push() {
	if len(o.lines) == outputLines {
		o.lines = slices.Delete(o.lines, 0, 1)
	}
	o.lines = append(o.lines, string(bytes.TrimSuffix(o.held, []byte("\r"))))
	o.held = o.held[:0]
}

// started gives up the end that the command has now.
func (o *output) started() { _ = o.write.Close() }

// last returns the last lines, once the command has ended: what it has written is read then, but it
// does not wait for processes that it has left running.
func (o *output) last() []string {
	timer := time.NewTimer(outputQuiet)
	defer timer.Stop()
	end := time.Now().Add(outputGrace)
	for waiting := true; waiting && time.Now().Before(end); {
		select {
		case <-o.ended:
			waiting = false
		case <-o.wrote:
			timer.Reset(outputQuiet)
		case <-timer.C:
			waiting = false
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := slices.Clone(o.lines)
	if len(o.held) > 0 {
		lines = append(lines, string(o.held))
	}
	return lines
}

// close stops reading. All processes of the command have ended.
func (o *output) close() {
	if o == nil {
		return
	}
	timer := time.NewTimer(outputGrace)
	defer timer.Stop()
	select {
	case <-o.ended:
	case <-timer.C: // something has left the command's group, and holds the other end
	}
	_ = o.read.Close()
	<-o.ended
}

const (
	// outputGrace is how long the output of a command is read after its end, at most, and
	// outputQuiet how long nothing has to come.
	outputGrace = 500 * time.Millisecond
	outputQuiet = 50 * time.Millisecond
)

// ColourEnv returns variables by which programs whose output is passed on to the terminal out know
// that colours are wanted. What environ sets already stays.
func ColourEnv(out *term.Output, environ []string) []string {
	if !out.IsTerminal() || !out.Colour() {
		return nil
	}
	wanted := []string{"FORCE_COLOR=1", "CLICOLOR_FORCE=1", "CARGO_TERM_COLOR=always"}
	return slices.DeleteFunc(wanted, func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.ContainsFunc(environ, func(entry string) bool {
			return strings.HasPrefix(entry, name+"=")
		})
	})
}
