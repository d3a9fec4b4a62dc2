// Package controls acts on the keys and signals by which a user controls a server.
package controls

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/process"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// User is the user of a server.
type User struct {
	// Keys are the keys that the user presses; nil without a terminal. The caller closes them.
	Keys *term.Keys
	// Hangups receives the hangup signals.
	Hangups <-chan os.Signal
	// Closed reports whether the terminal was closed; nil if there is none.
	Closed func() bool
	// Quit ends the server.
	Quit func()
	// Decider loads the component again.
	Decider *reload.Decider
	// Fixtures runs fixtures with each build; nil for none.
	Fixtures *suite.Retester
	// URL is the address of the server, and Explorer that of its explorer; "" for none.
	URL, Explorer string
	// Out receives what the user asks to see, and Note prints a line.
	Out  *term.Output
	Note func(format string, args ...any)
}

// hangupDelay is how long after a hangup signal the system takes, at most, to close the terminal.
const hangupDelay = 200 * time.Millisecond

// Obey acts on keys and signals until ctx ends. A hangup signal makes the server load the component
// again, unless the terminal was closed.
func (u *User) Obey(ctx context.Context) {
	gone := func() bool { return u.Closed != nil && u.Closed() }
	recheck := time.NewTimer(hangupDelay)
	defer recheck.Stop()
	var opening sync.WaitGroup
	defer opening.Wait()
	presses := u.Keys.Presses()
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.Hangups:
			if gone() {
				u.Quit()
				return
			}
			u.Decider.Again(ctx)
			// The system may send the signal before it takes the terminal away.
			recheck.Reset(hangupDelay)
		case <-recheck.C:
			if gone() {
				u.Quit()
				return
			}
		case key, ok := <-presses:
			switch {
			case !ok:
				// The terminal was closed.
				u.Quit()
				return
			case u.Fixtures.Press(key):
			case key == 'r':
				u.Decider.Again(ctx)
			case key == 'c':
				// Erases the display and what was scrolled out of it.
				_, _ = io.WriteString(u.Out, "\x1b[H\x1b[2J\x1b[3J")
			case (key == 'o' || key == 'e') && strings.HasPrefix(u.URL, "unix:"):
				u.Note("no browser can open %s: use curl --unix-socket %s http://localhost/", u.URL,
					strings.TrimPrefix(u.URL, "unix:"))
			case key == 'e' && u.Explorer == "":
				u.Note("there is no explorer: --no-explorer turns it off")
			case key == 'o':
				opening.Go(func() { u.open(ctx, u.URL) })
			case key == 'e':
				opening.Go(func() { u.open(ctx, u.Explorer) })
			case key == 'q':
				u.Quit()
			case key == '?' || key == 'h':
				_, _ = io.WriteString(u.Out, help+u.Decider.Log.Details())
			}
		}
	}
}

// open opens a page in the user's browser.
func (u *User) open(ctx context.Context, url string) {
	if process.OpenBrowser(ctx, url) != nil {
		u.Note("there is no browser to open; the address is %s", url)
	}
}

// Hints returns what is said about keys at the start; nil if none are read.
func (u *User) Hints() []string {
	if u.Keys == nil {
		return nil
	}
	hints := []string{"r reload", "c clear", "o open", "e explore", "q quit", "? help"}
	if u.Explorer == "" || strings.HasPrefix(u.URL, "unix:") {
		hints = slices.DeleteFunc(hints, func(s string) bool { return s == "e explore" })
	}
	if u.Fixtures != nil {
		hints = append([]string{"d differences", "a accept"}, hints...)
	}
	return hints
}

const help = `  r  reload the component now
  c  clear the screen
  o  open the page in a browser
  e  open the explorer, which shows what requests did, in a browser
  d  differences from the fixtures of --test; a accepts them
  q  quit, as Ctrl-C does
  ?  show this list, and what the last swap has changed
`
