package loader

import (
	"net"
	"sync"

	"github.com/wasihttp/wasihttp/wasi"
)

// maxRefusals is the largest number of different refusals of sockets that are logged.
const maxRefusals = 20

// NetworkWith returns a policy that logs what it refuses, each target once.
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

// networkRefusal describes a refusal, and how to allow the target.
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
