package p3

import (
	"io"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// source lets a guest read an InputStream as a stream<u8>.
type source struct {
	in wasi.InputStream
	// closed is called once when the guest reads no more: because the stream has ended, with the
	// error if it ended early, or because the guest dropped the rest.
	closed func(ended bool, err error)

	ended bool
	err   error
}

var _ component.ByteSource = (*source)(nil)

func (s *source) Read(p []byte) (n int, end bool) {
	b, err := s.in.Read(len(p))
	if err != nil {
		s.ended = true
		if err != io.EOF {
			s.err = err
		}
	}
	return copy(p, b), err != nil
}

func (s *source) Ready() bool { return s.in.Ready() }

func (s *source) Wait(wake func()) (stop func()) { return wait(s.in, wake) }

func (s *source) Close() {
	_ = s.in.Close() // no way to report it
	s.closed(s.ended, s.err)
}

// nothing is a stream that has ended.
type nothing struct{}

func (nothing) Read([]byte) (int, bool) { return 0, true }
func (nothing) Ready() bool             { return true }
func (nothing) Wait(func()) func()      { return func() {} }
func (nothing) Close()                  {}

// sink writes a guest's stream<u8> into an OutputStream.
type sink struct {
	out   wasi.OutputStream
	owner sinkOwner

	ended bool
}

// sinkOwner is who writes a stream into an OutputStream.
type sinkOwner interface {
	// closed is called once at the end: with nil after the end of the guest's stream, when
	// everything is written; with wasi.ErrClosed if out takes no more; with another error of out;
	// or with component.ErrStoreClosed.
	closed(err error)
}

// onClosed is a sinkOwner.
type onClosed func(err error)

func (f onClosed) closed(err error) { f(err) }

var _ component.ByteSink = (*sink)(nil)

func (s *sink) Accept(n int) int {
	if s.ended {
		return -1
	}
	if a, ok := s.out.(wasi.Admitter); ok {
		if code := a.Admit(n); code != nil {
			s.End(code)
			return -1
		}
	}
	permit, err := s.out.CheckWrite()
	if err != nil {
		s.End(err)
		return -1
	}
	return min(n, permit)
}

func (s *sink) Ready() bool { return s.ended || s.out.Ready() }

func (s *sink) Write(p []byte) {
	if s.ended {
		return
	}
	if err := s.out.Write(p); err != nil {
		s.End(err)
	}
}

func (s *sink) Wait(wake func()) (stop func()) { return wait(s.out, wake) }

func (s *sink) End(err error) {
	if s.ended {
		return
	}
	s.ended = true
	_ = s.out.Close() // no way to report it
	s.owner.closed(err)
}
