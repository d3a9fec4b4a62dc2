package cmd

import (
	"errors"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/wasi"
)

// network returns the policy for sockets; nil if nothing is allowed.
func (f *serveFlags) network() (*wasi.Network, error) {
	patterns := f.allowNet.Value()
	switch {
	case f.inheritNetwork && len(patterns) > 0:
		return nil, exit.Usagef("leave one of them out",
			"--inherit-network and --allow-net contradict each other")
	case f.inheritNetwork:
		return &wasi.Network{All: true}, nil
	case len(patterns) == 0:
		return nil, nil
	}
	n := &wasi.Network{}
	for _, text := range patterns {
		r, err := host.ParseNetworkRule(text)
		if bad := (*host.PatternError)(nil); errors.As(err, &bad) {
			return nil, exit.Usagef(bad.Hint, "--allow-net %q %s", bad.Text, bad.Problem)
		}
		n.Rules = append(n.Rules, r)
	}
	return n, nil
}
