package loader

import (
	"net"
	"sync"

	"github.com/wasihttp/wasihttp/wasi"
)

// maxRefusals is how many different refusals of sockets are told.
const maxRefusals = 20

// NetworkWith returns a policy that tells what it refuses, each thing once.
func NetworkWith(policy *wasi.Network, notice func(line string)) *wasi.Network {
	n := &wasi.Network{}
	if policy != nil {
		*n = *policy
	}
	if notice == nil {
		return n
	}
	var mu sync.Mutex
	told := map[string]bool{}
	n.Refused = func(target string) {
		mu.Lock()
		first := !told[target] && len(told) < maxRefusals
		if first {
			told[target] = true
		}
		mu.Unlock()
		if first {
			notice(networkRefusal(target))
		}
	}
	return n
}

// networkRefusal tells of a refusal, and how to allow that.
func networkRefusal(target string) string {
	if target == "*" {
		return "the component was refused a socket: --allow-net PATTERN allows what it needs, " +
			"--inherit-network all"
	}
	if name, port, err := net.SplitHostPort(target); err == nil && port == "0" {
		target = name // any port
	}
	return "the component was refused " + target + ": --allow-net " + target + " would allow it"
}
