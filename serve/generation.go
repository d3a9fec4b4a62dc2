package serve

import (
	"context"
	"strconv"
	"sync/atomic"
)

// generation is a build with a count of who uses it. The server itself holds
// one reference while the build is the current one, each request holds one.
type generation struct {
	build  Build
	number uint64 // from 1
	refs   atomic.Int64
	// header is the value of BuildHeader, nil for a build without a digest;
	// page names the generation in pages that reload themselves.
	header []string
	page   string
	// idle is closed when the last reference is gone; no new one can be taken
	// after that.
	idle chan struct{}
}

func newGeneration(b Build, number uint64) *generation {
	page := b.Digest + "-" + strconv.FormatUint(number, 10)
	g := &generation{build: b, number: number, idle: make(chan struct{}), page: page}
	if b.Digest != "" {
		g.header = []string{b.Digest}
	}
	g.refs.Store(1)
	return g
}

// acquire takes a reference unless the last one has been given back: that can
// happen between reading the pointer to the current generation and this call,
// and the caller then reads the pointer again.
func (g *generation) acquire() bool {
	for {
		n := g.refs.Load()
		if n == 0 {
			return false
		}
		if g.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (g *generation) release() {
	if g.refs.Add(-1) == 0 {
		close(g.idle)
	}
}

// retire gives back the server's own reference, waits until no request is left
// or ctx ends, and closes the build either way.
func (g *generation) retire(ctx context.Context) error {
	g.release()
	select {
	case <-g.idle:
	case <-ctx.Done():
	}
	if g.build.Close == nil {
		return nil
	}
	return g.build.Close(ctx)
}

// Retired is a build that was swapped out and may still have requests.
type Retired struct{ g *generation }

// Requests returns the number of requests that are still running on the build.
// The number is valid only before Wait is called.
func (r *Retired) Requests() int { return max(int(r.g.refs.Load())-1, 0) }

// Wait waits until the requests of the build have ended or ctx has, and then
// closes the build. The caller must call it once.
func (r *Retired) Wait(ctx context.Context) error { return r.g.retire(ctx) }
