// Package exploring joins package explorer with the command line: what it needs to know of a
// server, and what it needs of other rooms.
package exploring

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/listening"
	"github.com/wasihttp/wasihttp/internal/explorer"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/serve"
)

// Settings are what an explorer is made of.
type Settings struct {
	// Listen is what the server listens on, and URL where that is.
	Listen *listening.Settings
	URL    string
	// Names are the names that --allow-host lists.
	Names []string
	// Version is the program's, and Path that of the component.
	Version, Path string
	// Record says how requests become fixtures.
	Record record.Options
}

// fixtures is the folder for fixtures that are saved, unless they are recorded in another one.
const fixtures = "fixtures"

// New returns an explorer.
func New(ctx context.Context, s Settings) *explorer.Explorer {
	names := slices.Clone(s.Names)
	if host, _, err := net.SplitHostPort(s.Listen.Addr); err == nil && net.ParseIP(host) != nil {
		names = append(names, host)
	}
	if s.Record.Dir == "" {
		s.Record.Dir = fixtures
	}
	return explorer.New(ctx, explorer.Options{
		Names: names, Version: s.Version, Component: s.Path, Address: s.URL, Record: s.Record,
		Compare: compare,
	})
}

// Attach joins an explorer with its server, whose first build took a while to load.
func Attach(e *explorer.Explorer, s *serve.Server, first serve.Build, took time.Duration) {
	ready := first.Digest != ""
	if ready {
		e.Built(explorer.Build{
			At: at(time.Now()), MS: lasted(took), Outcome: explorer.Ready, Digest: first.Digest,
		})
	}
	e.Attach(s, ready)
}

// Results returns what tells an explorer of later builds.
func Results(e *explorer.Explorer) func(reload.Result) {
	if e == nil {
		return nil
	}
	return func(r reload.Result) {
		b := explorer.Build{
			At: at(time.Now()), MS: lasted(r.Took), Outcome: explorer.Ready, Digest: r.Digest,
			Message: r.Changes,
		}
		switch {
		case r.Err != nil:
			b.Outcome, b.Message = explorer.Fail, r.Err.Error()
		case r.Same:
			b.Outcome = explorer.Same
		}
		e.Built(b)
	}
}

func at(t time.Time) float64 { return float64(t.UnixMicro()) / 1000 }

func lasted(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	ms := float64(d.Microseconds()) / 1000
	return &ms
}
