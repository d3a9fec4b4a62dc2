package p2

import (
	"context"
	"io"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// maxRead is the most that one read returns, in bytes, whatever the guest asks for.
const maxRead = 64 << 10

func inputDefs() []def {
	return []def{
		{"[method]input-stream.read",
			"func(self: borrow<input-stream>, len: u64) -> result<list<u8>, stream-error>",
			inputRead},
		{"[method]input-stream.blocking-read",
			"func(self: borrow<input-stream>, len: u64) -> result<list<u8>, stream-error>",
			inputBlockingRead},
		{"[method]input-stream.skip",
			"func(self: borrow<input-stream>, len: u64) -> result<u64, stream-error>", inputSkip},
		{"[method]input-stream.blocking-skip",
			"func(self: borrow<input-stream>, len: u64) -> result<u64, stream-error>",
			inputBlockingSkip},
		{"[method]input-stream.subscribe",
			"func(self: borrow<input-stream>) -> pollable", inputSubscribe},
	}
}

// read reads without blocking, but for a wasi.Prompt; io.EOF stands for a closed stream. trap ends
// the guest.
func (i *inputStream) read(ctx context.Context, n uint64) (b []byte, err, trap error) {
	if i.failed {
		return nil, io.EOF, nil
	}
	b, err = i.s.Read(int(min(n, maxRead)))
	if _, ok := i.s.(wasi.Prompt); ok && err == nil && len(b) == 0 && n > 0 {
		if err := wasi.Await(ctx, i.s); err != nil {
			return nil, nil, err
		}
		b, err = i.s.Read(int(min(n, maxRead)))
	}
	i.failed = err != nil
	return b, err, nil
}

// blockingRead reads at least one byte, unless n is 0. trap ends the guest.
func (i *inputStream) blockingRead(
	ctx context.Context, st *wasi.State, n uint64,
) (b []byte, err, trap error) {
	if _, ok := i.s.(wasi.Asker); ok && n > 0 && !i.failed {
		if err := st.Await(ctx, i.s); err != nil {
			return nil, nil, err
		}
	}
	for {
		b, err, trap := i.read(ctx, n)
		if trap != nil || err != nil || len(b) > 0 || n == 0 {
			return b, err, trap
		}
		if err := st.Await(ctx, i.s); err != nil {
			return nil, nil, err
		}
	}
}

// bytesRead and bytesSkipped turn what was read into a result.
func bytesRead(b []byte) component.Value    { return component.Ok(component.Bytes(b)) }
func bytesSkipped(b []byte) component.Value { return component.Ok(component.U64(uint64(len(b)))) }

func inputResult(
	conv func([]byte) component.Value,
	b []byte,
	err, trap error,
) (component.Value, error) {
	switch {
	case trap != nil:
		return unit(), trap
	case err != nil:
		return streamError(err), nil
	}
	return conv(b), nil
}

func inputRead(c call, args []component.Value) (component.Value, error) {
	b, err, trap := args[0].Rep().(*inputStream).read(c.ctx, args[1].U64())
	return inputResult(bytesRead, b, err, trap)
}

func inputBlockingRead(c call, args []component.Value) (component.Value, error) {
	b, err, trap := args[0].Rep().(*inputStream).blockingRead(c.ctx, c.state, args[1].U64())
	return inputResult(bytesRead, b, err, trap)
}

func inputSkip(c call, args []component.Value) (component.Value, error) {
	b, err, trap := args[0].Rep().(*inputStream).read(c.ctx, args[1].U64())
	return inputResult(bytesSkipped, b, err, trap)
}

func inputBlockingSkip(c call, args []component.Value) (component.Value, error) {
	b, err, trap := args[0].Rep().(*inputStream).blockingRead(c.ctx, c.state, args[1].U64())
	return inputResult(bytesSkipped, b, err, trap)
}

func inputSubscribe(_ call, args []component.Value) (component.Value, error) {
	i := args[0].Rep().(*inputStream)
	return newPollable(i.s, &i.parent), nil
}
