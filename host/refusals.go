package host

import (
	"slices"
	"sync"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// maxRefusals is how many refusals of a request are remembered.
const maxRefusals = 3

// refusals remembers what a guest was refused. Its methods are safe for concurrent use, and its
// zero value is ready for use.
type refusals struct {
	mu   sync.Mutex
	uses []wasi.Use
}

// add remembers the use, unless it is known or there are many.
func (r *refusals) add(use wasi.Use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.uses) < maxRefusals && !slices.Contains(r.uses, use) {
		r.uses = append(r.uses, use)
	}
}

// list returns what is remembered, oldest first.
func (r *refusals) list() []wasi.Use {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.uses)
}
