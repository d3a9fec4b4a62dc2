package values

import (
	"errors"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/wasi"
)

// DirHint shows how --dir is written.
const DirHint = "write --dir HOST, --dir HOST::GUEST, or --dir HOST::GUEST:ro"

// parseDir parses one value of --dir.
func parseDir(text string) (host.Dir, error) {
	rest, readOnly := strings.CutSuffix(text, ":ro")
	from, guest, found := strings.Cut(rest, "::")
	if !found {
		guest = from
	}
	d := host.Dir{Host: from, Guest: guest, ReadOnly: readOnly}
	if d.Host == "" || d.Guest == "" {
		return d, exit.Usagef(DirHint, "--dir %q has no folder", text)
	}
	if !utf8.ValidString(d.Guest) {
		return d, exit.Usagef("name it for the component: --dir HOST::GUEST",
			"--dir %q is not UTF-8", text)
	}
	return d, nil
}

// Dirs parses the values of --dir. Each must name a folder, and a place of its own for the
// component.
func Dirs(texts []string) ([]host.Dir, error) {
	var dirs []host.Dir
	for _, text := range texts {
		d, err := parseDir(text)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(d.Host)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, exit.Usagef("make it, or name another", "--dir %s: there is no folder %s",
				text, d.Host)
		case err != nil:
			return nil, exit.Usagef("", "--dir %s: %v", text, regular.Reason(err))
		case !info.IsDir():
			return nil, exit.Usagef("name the folder that it is in", "--dir %s: %s is not a folder",
				text, d.Host)
		}
		for _, other := range dirs {
			if other.Guest == d.Guest {
				return nil, exit.Usagef("name them apart: --dir HOST::GUEST",
					"--dir %s: there are two folders %s", text, d.Guest)
			}
		}
		dirs = append(dirs, d)
	}
	return dirs, nil
}

// Network returns the policy for sockets of --inherit-network (inherit) and --allow-net (patterns),
// or nil if nothing is allowed.
func Network(inherit bool, patterns []string) (*wasi.Network, error) {
	switch {
	case inherit && len(patterns) > 0:
		return nil, exit.Usagef("leave one of them out",
			"--inherit-network and --allow-net contradict each other")
	case inherit:
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
