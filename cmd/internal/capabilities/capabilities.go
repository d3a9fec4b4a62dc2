// Package capabilities collects what components use of the host and what they are refused, and
// reports it with the flags that allow exactly that.
package capabilities

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/wasi"
)

// maxUses bounds how many different things are kept: a guest can invent names without end.
const maxUses = 10_000

// Collector keeps what was used, each thing once. It is safe for concurrent use.
type Collector struct {
	mu        sync.Mutex
	uses      map[wasi.Use]struct{}
	truncated bool
}

// Add keeps a use.
func (c *Collector) Add(u wasi.Use) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.uses[u]; known {
		return
	}
	if len(c.uses) >= maxUses {
		c.truncated = true
		return
	}
	if c.uses == nil {
		c.uses = make(map[wasi.Use]struct{})
	}
	c.uses[u] = struct{}{}
}

// Report is what was used. Its lists are sorted and have each thing once.
type Report struct {
	// Interfaces are those of which a function was called, with the version that is offered.
	Interfaces []string `json:"interfaces"`
	// Outbound are the hosts that requests were sent to, as host:port.
	Outbound []Item `json:"outbound"`
	// Network are the addresses that sockets used and the names that were looked up.
	Network []Item `json:"network"`
	// Paths are those that were looked at or opened.
	Paths []Item `json:"paths"`
	// Environment are the names of the variables that were read. A component always reads all of
	// them.
	Environment []string `json:"environment"`
	// Config are the keys of wasi:config that were read; those without a value are refused.
	Config []Item `json:"config"`
	// KeyValue are the buckets of wasi:keyvalue that were opened.
	KeyValue []Item `json:"keyvalue"`
	// Flags allow exactly what the component used in this run.
	Flags []string `json:"flags"`
	// Refused are flags that would also allow what was refused, as far as flags can.
	Refused []string `json:"flags_for_refused"`
	// Truncated is set if there was more than is listed.
	Truncated bool `json:"truncated,omitempty"`
}

// Item is one thing that was used, or refused.
type Item struct {
	Name string `json:"name"`
	// Write is set for a path or a bucket if it was changed, or was to be.
	Write bool `json:"write,omitempty"`
	// Refused is set if it was refused, at least once.
	Refused bool `json:"refused,omitempty"`
}

// Given is what components were given of which the report must know more than what they used.
type Given struct {
	Dirs []host.Dir
	// Cwd is the working directory that they began in; "" for none.
	Cwd string
	// KeyValue is the file of wasi:keyvalue; "" for none.
	KeyValue string
}

// Report returns what was used until now by components that were given all that.
func (c *Collector) Report(given Given) *Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &Report{
		Interfaces: c.names(wasi.UseInterface), Environment: c.names(wasi.UseEnvironment),
		Outbound: c.items(wasi.UseOutbound), Network: c.items(wasi.UseNetwork),
		Paths: c.items(wasi.UsePath), Config: c.items(wasi.UseConfig),
		KeyValue: c.items(wasi.UseKeyValue), Truncated: c.truncated,
	}
	r.Flags, r.Refused = r.flags(given)
	return r
}

func (c *Collector) names(kind wasi.UseKind) []string {
	names := []string{}
	for _, i := range c.items(kind) {
		names = append(names, i.Name)
	}
	return names
}

// items returns the uses of a kind, one for each name.
func (c *Collector) items(kind wasi.UseKind) []Item {
	byName := make(map[string]Item)
	for u := range c.uses {
		if u.Kind == kind {
			i := byName[u.Name]
			byName[u.Name] = Item{
				Name: u.Name, Write: i.Write || u.Write, Refused: i.Refused || u.Refused,
			}
		}
	}
	items := make([]Item, 0, len(byName))
	for _, i := range byName {
		items = append(items, i)
	}
	stable.Sort(items, func(a, b Item) int { return cmp.Compare(a.Name, b.Name) })
	return items
}

// flags returns the flags that give what was used, and those for what was refused.
func (r *Report) flags(given Given) (used, refused []string) {
	dirs := given.Dirs
	used, refused = []string{}, []string{}
	add := func(flag string, wasRefused bool) {
		if wasRefused {
			refused = append(refused, flag)
		} else {
			used = append(used, flag)
		}
	}
	for _, name := range r.Environment {
		add("--env="+name, false)
	}
	for _, i := range r.Config {
		if !i.Refused {
			add("--config-var="+i.Name, false)
		}
	}
	if given.KeyValue != "" && len(r.KeyValue) > 0 {
		add("--keyvalue="+given.KeyValue, false)
	}
	for _, d := range dirs {
		touched, changed := r.usesOf(d, dirs)
		flag := "--dir=" + d.Host + "::" + d.Guest
		switch {
		case !touched:
		case !changed:
			add(flag+":ro", false)
		default:
			add(flag, false)
		}
		if changed && d.ReadOnly {
			used[len(used)-1] += ":ro"
			add(flag, true)
		}
	}
	if given.Cwd != "" && r.calls("wasi:cli/environment") {
		add("--cwd="+given.Cwd, false)
	}
	outbound := false
	for _, i := range r.Outbound {
		outbound = outbound || !i.Refused
		add("--allow-outbound="+i.Name, i.Refused)
	}
	if !outbound {
		add("--no-outbound", false)
	}
	for _, i := range r.Network {
		name := i.Name
		if host, port, err := net.SplitHostPort(name); err == nil && port == "0" {
			name = host
		}
		if name != "*" {
			add("--allow-net="+name, i.Refused)
		}
	}
	return used, refused
}

// calls reports whether a function of an interface was called, in any version.
func (r *Report) calls(name string) bool {
	return slices.ContainsFunc(r.Interfaces, func(i string) bool {
		interfaceName, _, _ := strings.Cut(i, "@")
		return interfaceName == name
	})
}

// usesOf reports whether a folder was used, and whether something in it was changed or was to be. A
// path belongs to the folder with the longest name that it begins with.
func (r *Report) usesOf(d host.Dir, all []host.Dir) (touched, changed bool) {
	for _, i := range r.Paths {
		if owner(i.Name, all) == d.Guest {
			touched, changed = true, changed || i.Write
		}
	}
	return touched, changed
}

// owner returns the name of the folder that a path belongs to; "" if it is in none.
func owner(name string, dirs []host.Dir) string {
	best, length := "", -1
	for _, d := range dirs {
		folder := path.Clean(d.Guest)
		inside := name == folder || folder == "/" || strings.HasPrefix(name, folder+"/") ||
			folder == "." && !strings.HasPrefix(name, "/")
		if inside && len(folder) > length {
			best, length = d.Guest, len(folder)
		}
	}
	return best
}

// JSON returns the report as an indented JSON object that ends with a line feed.
func (r *Report) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(r)
	return b.Bytes(), err
}
