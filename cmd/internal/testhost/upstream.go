package testhost

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/wasi"
)

// upstreams are what stands for other servers, for each request that an instance works for. It is
// safe for concurrent use.
type upstreams struct {
	hermetic bool

	mu     sync.Mutex
	byID   map[string]*others
	latest *others
}

// others are the other servers of a request.
type others struct {
	upstream testrunner.Upstream // nil: themselves
	sent     atomic.Int64        // requests to them
}

// add adds those of a request. The function that it returns removes them: what the guest does later
// for the request counts for the latest one.
func (u *upstreams) add(id string, upstream testrunner.Upstream) (o *others, remove func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID == nil {
		u.byID = make(map[string]*others)
	}
	o = &others{upstream: upstream}
	u.byID[id], u.latest = o, o
	return o, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.byID, id)
	}
}

// of returns those of a request, "" if the request is unknown; none of them is nil.
func (u *upstreams) of(id string) *others {
	u.mu.Lock()
	defer u.mu.Unlock()
	if found := u.byID[id]; found != nil {
		return found
	}
	if u.latest == nil {
		return &others{}
	}
	return u.latest
}

// errNoUpstream is the error for a request that a guest sends before it has got one.
var errNoUpstream = errors.New("no upstream is recorded")

func (u *upstreams) connect(ctx context.Context, r wasi.Destination) (net.Conn, error) {
	o := u.of(r.Sender)
	o.sent.Add(1)
	upstream := o.upstream
	switch {
	case upstream == nil && u.hermetic:
		return nil, errNoUpstream
	case upstream == nil:
		return r.Dial(ctx)
	}
	return upstream.Connect(ctx, testrunner.UpstreamRequest{
		Method: r.Method, Scheme: r.Scheme, Host: r.Host, Target: r.Target, Header: r.Header,
		Dial: r.Dial, After: r.After,
	})
}

// refused records that a socket was refused.
func (u *upstreams) refused(target string) {
	if upstream := u.of("").upstream; upstream != nil {
		upstream.Refuse("a socket for " + target + " (wasi:sockets): sockets are not recorded")
	}
}
