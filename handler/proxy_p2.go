package handler

import (
	"context"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/p2"
)

// proxyP2 is an instance that exports wasi:http/incoming-handler@0.2.x.
type proxyP2 struct {
	handle *component.Func
	tasks  TaskID

	// Of the request that was prepared last.
	prepared Prepared
	state    *wasi.State
	req      *Request
	respond  func(*wasi.Response, *ErrorCode)
	args     [2]component.Value
	done     func(*wasi.Response, *ErrorCode) // p.set
}

func newProxyP2(handle *component.Func) *proxyP2 {
	p := &proxyP2{handle: handle}
	p.done, p.prepared.run = p.set, p.run
	return p
}

func (p *proxyP2) Kind() Kind { return P2 }

func (p *proxyP2) Prepare(
	state *wasi.State, req *Request, respond func(*wasi.Response, *ErrorCode),
) (*Prepared, error) {
	p.tasks++
	p.prepared.task = p.tasks
	p.state, p.req, p.respond = state, req, respond
	return &p.prepared, nil
}

func (p *proxyP2) run(ctx context.Context) error {
	p.args[0], p.args[1] = p2.Incoming(p.state, p.req, p.done)
	_, err := p.handle.Call(ctx, p.args[:]...)
	clear(p.args[:])
	p.state.Spare(nil)
	return err
}

// set passes on what the guest has given to the outparam. Without either it has dropped it: there
// is no response, and how the guest ends says why.
func (p *proxyP2) set(res *wasi.Response, code *wasi.ErrorCode) {
	if res != nil || code != nil {
		p.respond(res, code)
	}
}
