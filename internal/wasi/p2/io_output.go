package p2

import (
	"context"
	"errors"
	"fmt"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// maxBlockingWrite is the most that a blocking write takes, in bytes.
const maxBlockingWrite = 4096

// piece is how much is written before the guest can be stopped, in bytes.
const piece = 1 << 20

var errBlockingWrite = fmt.Errorf("blocking write of more than %d bytes", maxBlockingWrite)

func outputDefs() []def {
	return []def{
		{"[method]output-stream.check-write",
			"func(self: borrow<output-stream>) -> result<u64, stream-error>", outputCheckWrite},
		{"[method]output-stream.write",
			"func(self: borrow<output-stream>, contents: list<u8>) -> result<_, stream-error>",
			outputWrite},
		{"[method]output-stream.blocking-write-and-flush",
			"func(self: borrow<output-stream>, contents: list<u8>) -> result<_, stream-error>",
			outputBlockingWrite},
		{"[method]output-stream.flush",
			"func(self: borrow<output-stream>) -> result<_, stream-error>", outputFlush},
		{"[method]output-stream.blocking-flush",
			"func(self: borrow<output-stream>) -> result<_, stream-error>", outputBlockingFlush},
		{"[method]output-stream.subscribe",
			"func(self: borrow<output-stream>) -> pollable", outputSubscribe},
		{"[method]output-stream.write-zeroes",
			"func(self: borrow<output-stream>, len: u64) -> result<_, stream-error>",
			outputWriteZeroes},
		{"[method]output-stream.blocking-write-zeroes-and-flush",
			"func(self: borrow<output-stream>, len: u64) -> result<_, stream-error>",
			outputBlockingWriteZeroes},
		{"[method]output-stream.splice",
			"func(self: borrow<output-stream>, src: borrow<input-stream>, len: u64) -> " +
				"result<u64, stream-error>", outputSplice},
		{"[method]output-stream.blocking-splice",
			"func(self: borrow<output-stream>, src: borrow<input-stream>, len: u64) -> " +
				"result<u64, stream-error>", outputBlockingSplice},
	}
}

// fail reports an error to the guest; the stream is closed after it.
func (o *outputStream) fail(err error) error {
	if err != nil {
		o.failed, o.permit = true, 0
	}
	return err
}

// checkWrite asks for a new permit.
func (o *outputStream) checkWrite() (int, error) {
	if o.failed {
		return 0, wasi.ErrClosed
	}
	n, err := o.s.CheckWrite()
	o.permit = n
	return n, o.fail(err)
}

// write passes on p. It waits for a wasi.Prompt, whose error is that of
// the write. trap ends the guest.
func (o *outputStream) write(ctx context.Context, p []byte) (err, trap error) {
	if o.failed {
		return wasi.ErrClosed, nil
	}
	o.permit = max(o.permit-len(p), 0)
	for _, unlimited := o.s.(wasi.Unlimited); unlimited && len(p) > piece && err == nil; {
		if _, ok := o.s.(wasi.Prompt); ok {
			break // written elsewhere
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		err = o.s.Write(p[:piece])
		p = p[piece:]
	}
	if err == nil {
		err = o.s.Write(p)
	}
	if _, ok := o.s.(wasi.Prompt); ok && err == nil {
		if err := wasi.Await(ctx, o.s); err != nil {
			return nil, err
		}
		err = o.s.Flush()
	}
	return o.fail(err), nil
}

// admit finds out whether n bytes may be written. A guest that has not asked, or asked for less,
// may write as long as there is room: WIT allows a trap, but every host accepts that, and there are
// guests that rely on it. err is what the stream has become meanwhile, trap is the end of the
// guest.
func (o *outputStream) admit(n uint64) (err, trap error) {
	switch {
	case o.failed:
		return wasi.ErrClosed, nil
	case n <= uint64(o.permit):
		return nil, nil
	}
	room, err := o.checkWrite()
	if err == nil && n > uint64(room) {
		trap = fmt.Errorf("write of %d bytes where check-write permits %d", n, room)
	}
	return err, trap
}

func (o *outputStream) flush() error {
	if o.failed {
		return wasi.ErrClosed
	}
	o.permit = 0
	return o.fail(o.s.Flush())
}

// blockingFlush flushes and waits until that is done. trap ends the guest.
func (o *outputStream) blockingFlush(ctx context.Context, st *wasi.State) (err, trap error) {
	if err := o.flush(); err != nil {
		return err, nil
	}
	for {
		if f, ok := o.s.(wasi.Flusher); ok && f.Flushed() {
			return nil, nil
		}
		n, err := o.checkWrite()
		o.permit = 0
		if err != nil || n > 0 {
			return err, nil
		}
		if err := st.Await(ctx, o.s); err != nil {
			return nil, err
		}
	}
}

// blockingWrite writes and flushes all of p. It is no failure if the stream closes once everything
// is written.
func (o *outputStream) blockingWrite(
	ctx context.Context,
	st *wasi.State,
	p []byte,
) (err, trap error) {
	if o.failed {
		return wasi.ErrClosed, nil
	}
	for len(p) > 0 {
		n, err := o.checkWrite()
		if err != nil {
			return err, nil
		}
		if n == 0 {
			if err := st.Await(ctx, o.s); err != nil {
				return nil, err
			}
			continue
		}
		n = min(n, len(p))
		if err, trap := o.write(ctx, p[:n:n]); err != nil || trap != nil {
			return err, trap
		}
		p = p[n:]
	}
	err, trap = o.blockingFlush(ctx, st)
	if errors.Is(err, wasi.ErrClosed) {
		err = nil
	}
	return err, trap
}

func written(err, trap error) (component.Value, error) {
	switch {
	case trap != nil:
		return unit(), trap
	case err != nil:
		return streamError(err), nil
	}
	return component.OkUnit(), nil
}

func outputCheckWrite(_ call, args []component.Value) (component.Value, error) {
	n, err := args[0].Rep().(*outputStream).checkWrite()
	if err != nil {
		return streamError(err), nil
	}
	return component.Ok(component.U64(uint64(n))), nil
}

func outputWrite(c call, args []component.Value) (component.Value, error) {
	o, p := args[0].Rep().(*outputStream), args[1].Bytes()
	n := uint64(len(p))
	if _, ok := o.s.(wasi.Unlimited); ok {
		n = min(n, 1)
	}
	err, trap := o.admit(n)
	if err == nil && trap == nil {
		err, trap = o.write(c.ctx, p)
	}
	return written(err, trap)
}

func outputBlockingWrite(c call, args []component.Value) (component.Value, error) {
	p := args[1].Bytes()
	if len(p) > maxBlockingWrite {
		return unit(), errBlockingWrite
	}
	o := args[0].Rep().(*outputStream)
	return written(o.blockingWrite(c.ctx, c.state, p))
}

func outputFlush(_ call, args []component.Value) (component.Value, error) {
	return written(args[0].Rep().(*outputStream).flush(), nil)
}

func outputBlockingFlush(c call, args []component.Value) (component.Value, error) {
	return written(args[0].Rep().(*outputStream).blockingFlush(c.ctx, c.state))
}

func outputSubscribe(_ call, args []component.Value) (component.Value, error) {
	o := args[0].Rep().(*outputStream)
	return newPollable(o.s, &o.parent), nil
}

func outputWriteZeroes(c call, args []component.Value) (component.Value, error) {
	o, n := args[0].Rep().(*outputStream), args[1].U64()
	err, trap := o.admit(n)
	if err == nil && trap == nil {
		err, trap = o.write(c.ctx, make([]byte, n))
	}
	return written(err, trap)
}

func outputBlockingWriteZeroes(c call, args []component.Value) (component.Value, error) {
	n := args[1].U64()
	if n > maxBlockingWrite {
		return unit(), errBlockingWrite
	}
	return written(args[0].Rep().(*outputStream).blockingWrite(c.ctx, c.state, make([]byte, n)))
}

// splice moves what both sides are ready for. trap ends the guest.
func (o *outputStream) splice(
	ctx context.Context, src *inputStream, n uint64,
) (moved int, err, trap error) {
	permit, err := o.checkWrite()
	if err != nil || permit == 0 {
		return 0, err, nil
	}
	b, err, trap := src.read(ctx, min(n, uint64(permit)))
	if err != nil || trap != nil || len(b) == 0 {
		return 0, err, trap
	}
	err, trap = o.write(ctx, b)
	o.permit = 0
	return len(b), err, trap
}

func outputSplice(c call, args []component.Value) (component.Value, error) {
	o, src := args[0].Rep().(*outputStream), args[1].Rep().(*inputStream)
	n, err, trap := o.splice(c.ctx, src, args[2].U64())
	switch {
	case trap != nil:
		return unit(), trap
	case err != nil:
		return streamError(err), nil
	}
	return component.Ok(component.U64(uint64(n))), nil
}

func outputBlockingSplice(c call, args []component.Value) (component.Value, error) {
	o, src, want := args[0].Rep().(*outputStream), args[1].Rep().(*inputStream), args[2].U64()
	for {
		n, err, trap := o.splice(c.ctx, src, want)
		switch {
		case trap != nil:
			return unit(), trap
		case err != nil:
			return streamError(err), nil
		case n > 0 || want == 0:
			return component.Ok(component.U64(uint64(n))), nil
		}
		for _, s := range []wasi.Source{o.s, src.s} {
			if err := c.state.Await(c.ctx, s); err != nil {
				return unit(), err
			}
		}
	}
}
