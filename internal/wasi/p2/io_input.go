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
			"func(self: borrow<input-stream>, len: u64) -> result<list<u8>, stream-error>", inputRead},
		{"[method]input-stream.blocking-read",
			"func(self: borrow<input-stream>, len: u64) -> result<list<u8>, stream-error>", inputBlockingRead},
		{"[method]input-stream.skip",
			"func(self: borrow<input-stream>, len: u64) -> result<u64, stream-error>", inputSkip},
		{"[method]input-stream.blocking-skip",
			"func(self: borrow<input-stream>, len: u64) -> result<u64, stream-error>", inputBlockingSkip},
		{"[method]input-stream.subscribe",
			"func(self: borrow<input-stream>) -> pollable", inputSubscribe},
	}
}

// read reads without blocking; io.EOF stands for a closed stream.
func (i *inputStream) read(n uint64) ([]byte, error) {
	if i.failed {
		return nil, io.EOF
	}
	b, err := i.s.Read(int(min(n, maxRead)))
	i.failed = err != nil
	return b, err
}

// blockingRead reads at least one byte, unless n is 0. trap ends the guest.
func (i *inputStream) blockingRead(
	ctx context.Context, st *wasi.State, n uint64,
) (b []byte, err, trap error) {
	for {
		b, err := i.read(n)
		if err != nil || len(b) > 0 || n == 0 {
			return b, err, nil
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

func inputRead(_ call, args []component.Value) (component.Value, error) {
	b, err := args[0].Rep().(*inputStream).read(args[1].U64())
	return inputResult(bytesRead, b, err, nil)
}

func inputBlockingRead(c call, args []component.Value) (component.Value, error) {
	b, err, trap := args[0].Rep().(*inputStream).blockingRead(c.ctx, c.state, args[1].U64())
	return inputResult(bytesRead, b, err, trap)
}

func inputSkip(_ call, args []component.Value) (component.Value, error) {
	b, err := args[0].Rep().(*inputStream).read(args[1].U64())
	return inputResult(bytesSkipped, b, err, nil)
}

func inputBlockingSkip(c call, args []component.Value) (component.Value, error) {
	b, err, trap := args[0].Rep().(*inputStream).blockingRead(c.ctx, c.state, args[1].U64())
	return inputResult(bytesSkipped, b, err, trap)
}

func inputSubscribe(_ call, args []component.Value) (component.Value, error) {
	i := args[0].Rep().(*inputStream)
	return newPollable(i.s, &i.parent), nil
}
