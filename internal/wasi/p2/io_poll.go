package p2

import (
	"context"
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// polled is how many pollables are looked at before the guest can be stopped.
const polled = 1 << 12

var errPollNothing = errors.New("poll of an empty list")

func pollDefs() []def {
	return []def{
		{"[method]pollable.ready", "func(self: borrow<pollable>) -> bool", pollableReady},
		{"[method]pollable.block", "func(self: borrow<pollable>)", pollableBlock},
		{"poll", "func(in: list<borrow<pollable>>) -> list<u32>", poll},
	}
}

func pollableReady(c call, args []component.Value) (component.Value, error) {
	c.state.Busy()
	return component.Bool(args[0].Rep().(*pollable).src.Ready()), nil
}

func pollableBlock(c call, args []component.Value) (component.Value, error) {
	return unit(), c.state.Await(c.ctx, args[0].Rep().(*pollable).src)
}

func poll(c call, args []component.Value) (component.Value, error) {
	list := args[0].Items()
	if len(list) == 0 {
		return unit(), errPollNothing
	}
	ready, err := readyOf(c.ctx, list)
	if err != nil || ready != nil {
		c.state.Busy()
		return component.List(ready...), err
	}
	if len(list) == 1 {
		if err := c.state.Await(c.ctx, list[0].Rep().(*pollable).src); err != nil {
			return unit(), err
		}
		return component.List(component.U32(0)), nil
	}
	c.state.Waits()
	w := wasi.NewWaiter()
	alone := true
	for i, v := range list {
		if i%polled == 0 && c.ctx.Err() != nil {
			return unit(), context.Cause(c.ctx)
		}
		src := v.Rep().(*pollable).src
		alone = alone && wasi.Timed(src)
		defer src.Subscribe(w)()
	}
	for {
		if ready, err := readyOf(c.ctx, list); err != nil || ready != nil {
			return component.List(ready...), err
		}
		if err := c.state.Wait(c.ctx, w, alone); err != nil {
			return unit(), err
		}
	}
}

// readyOf returns the indices of the pollables that are ready. The error is the end of ctx.
func readyOf(ctx context.Context, list []component.Value) (ready []component.Value, err error) {
	for i, v := range list {
		if i%polled == polled-1 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if v.Rep().(*pollable).src.Ready() {
			ready = append(ready, component.U32(uint32(i)))
		}
	}
	return ready, nil
}
