// Package exploring joins package explorer with the command line: what it needs to know of a
// server, and what it needs of other rooms.
package exploring

import (
	"net"
	"slices"

	"github.com/wasihttp/wasihttp/cmd/internal/listening"
	"github.com/wasihttp/wasihttp/internal/explorer"
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
}

// New returns an explorer.
func New(s Settings) *explorer.Explorer {
	names := slices.Clone(s.Names)
	if host, _, err := net.SplitHostPort(s.Listen.Addr); err == nil && net.ParseIP(host) != nil {
		names = append(names, host)
	}
	return explorer.New(explorer.Options{
		Names: names, Version: s.Version, Component: s.Path, Address: s.URL, Fixtures: Fixtures,
	})
}

// Fixtures is the folder for fixtures that are saved.
const Fixtures = "fixtures"
