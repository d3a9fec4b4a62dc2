package handler

import (
	"context"
	"net/http"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/p2"
)

// proxyP2 is an instance that exports wasi:http/incoming-handler@0.2.x.
type proxyP2 struct {
	handle *component.Func
	tasks  TaskID
}

func (p *proxyP2) Kind() Kind { return P2 }

func (p *proxyP2) Prepare(
	state *wasi.State, req *Request, respond func(*wasi.Response, *ErrorCode),
) (*Prepared, error) {
	p.tasks++
	return NewPrepared(p.tasks, func(ctx context.Context) error {
		out := wasi.NewResponseOutparam(func(res *wasi.Response, code *wasi.ErrorCode) {
			if res != nil || code != nil {
				respond(res, code)
			}
			// Dropped: there is no response, and how the guest ends says why.
		})
		out.Head = req.Method == http.MethodHead
		_, err := p.handle.Call(ctx, p2.IncomingRequest(state, req), p2.Outparam(state, out))
		return err
	}), nil
}
