package p2

import (
	"errors"
	"io"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// errHasChildren traps a guest that drops or consumes a resource before the resources derived from
// it.
var errHasChildren = errors.New("resource has children that are alive")

// parent counts the living resources derived from the one that embeds it.
type parent struct{ children int }

// drop reports whether the resource may go now.
func (p *parent) drop() error {
	if p.children > 0 {
		return errHasChildren
	}
	return nil
}

// pollable is the value behind a wasi:io/poll pollable.
type pollable struct {
	src wasi.Source
	of  *parent
}

// newPollable returns an own<pollable> for src, a child of the resource whose parent is of.
func newPollable(src wasi.Source, of *parent) component.Value {
	if of != nil {
		of.children++
	}
	return component.Own(&pollable{src: src, of: of})
}

func dropPollable(rep any) error {
	p := rep.(*pollable)
	if p.of != nil {
		p.of.children--
	}
	return nil
}

// inputStream is the value behind an input-stream.
type inputStream struct {
	parent
	s      wasi.InputStream
	of     *parent
	failed bool // an error was reported: the stream is closed
}

// newInputStream returns an own<input-stream>, which owns s; of is nil or its parent.
func newInputStream(s wasi.InputStream, of *parent) component.Value {
	if of != nil {
		of.children++
	}
	return component.Own(&inputStream{s: s, of: of})
}

func dropInputStream(rep any) error {
	i := rep.(*inputStream)
	if i.of != nil {
		i.of.children--
	}
	return errors.Join(i.drop(), ignore(i.s.Close()))
}

// outputStream is the value behind an output-stream.
type outputStream struct {
	parent
	s      wasi.OutputStream
	of     *parent
	permit int  // bytes that the last check-write still allows
	failed bool // an error was reported: the stream is closed
}

// newOutputStream returns an own<output-stream>, which owns s; of is nil or its parent.
func newOutputStream(s wasi.OutputStream, of *parent) component.Value {
	if of != nil {
		of.children++
	}
	return component.Own(&outputStream{s: s, of: of})
}

func dropOutputStream(rep any) error {
	o := rep.(*outputStream)
	if o.of != nil {
		o.of.children--
	}
	return errors.Join(o.drop(), ignore(o.s.Close()))
}

// ignore drops the error of closing a stream: the guest has no way to learn of it, and it is no
// reason to trap.
func ignore(error) error { return nil }

// ioError is the value behind a wasi:io/error error.
type ioError struct{ err error }

// streamError turns an error of a stream into the failed result.
func streamError(err error) component.Value {
	if err == io.EOF || errors.Is(err, wasi.ErrClosed) {
		return component.Err(component.Enum(1))
	}
	return component.Err(component.Variant(0, component.Own(&ioError{err})))
}

// addIO offers wasi:io.
func addIO(l *component.Linker, h *host) {
	h.ioError = l.Instance("wasi:io/error" + version)
	h.ioError.Resource("error", nil)
	h.define(h.ioError, errorDefs())

	h.poll = l.Instance("wasi:io/poll" + version)
	h.poll.Resource("pollable", dropPollable)
	h.define(h.poll, pollDefs())

	h.streams = l.Instance("wasi:io/streams" + version)
	h.streams.Use(h.ioError, "error")
	h.streams.Use(h.poll, "pollable")
	h.streams.Resource("input-stream", dropInputStream)
	h.streams.Resource("output-stream", dropOutputStream)
	h.streams.Type("stream-error", "variant { last-operation-failed(error), closed }")
	h.define(h.streams, inputDefs())
	h.defineAs(h.streams, h.streams.ViewFunc, outputDefs())
	h.streams.Quick("[method]output-stream.check-write", "[method]output-stream.flush",
		"[method]output-stream.subscribe", "[method]input-stream.subscribe")
}

func errorDefs() []def {
	return []def{{"[method]error.to-debug-string", "func(self: borrow<error>) -> string",
		func(_ call, args []component.Value) (component.Value, error) {
			return component.String(
				strings.ToValidUTF8(args[0].Rep().(*ioError).err.Error(), "\ufffd"),
			), nil
		}}}
}
