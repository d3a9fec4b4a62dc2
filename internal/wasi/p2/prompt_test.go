package p2

import (
	"context"
	"errors"
	"testing"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// slow is a file whose disk takes its time: what is read or written is there after one wait.
type slow struct {
	gate
	read    []byte
	written []byte
	err     error
}

func (*slow) Prompt() {}

func (s *slow) Read(n int) ([]byte, error) {
	if !s.Ready() {
		return nil, nil
	}
	return s.read[:min(n, len(s.read))], s.err
}

func (s *slow) CheckWrite() (int, error) { return 64 << 10, nil }

func (s *slow) Write(p []byte) error {
	s.written = append(s.written, p...)
	return nil
}

func (s *slow) Flush() error { return s.err }

func (s *slow) Close() error { return nil }

// Subscribe opens the gate: the disk is done.
func (s *slow) Subscribe(w *wasi.Waiter) func() {
	close(s.open)
	w.Wake()
	return func() {}
}

func TestFilesAreWaitedForWhereStreamsAreNot(t *testing.T) {
	c := call{t.Context(), wasi.NewState(&wasi.Config{})}
	in := newInputStream(&slow{gate: newGate(), read: []byte("text")}, nil)
	v, err := inputRead(c, []component.Value{in, component.U64(3)})
	if err != nil || !v.IsOk() || string(v.Payload().Bytes()) != "tex" {
		t.Errorf("read: %v, %v", v, err)
	}
	s := &slow{gate: newGate(), err: wasi.FileCode("insufficient-space")}
	p := []byte("text")
	v, err = outputWrite(c, []component.Value{newOutputStream(s, nil), component.Bytes(p)})
	if got := outcome(v, err); got != "failed: insufficient-space" || string(s.written) != "text" {
		t.Errorf("write: %s, %q", got, s.written)
	}
}

// TestAGuestStopsThatWaitsForAFile has a disk that does not respond.
func TestAGuestStopsThatWaitsForAFile(t *testing.T) {
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	c := call{ctx, wasi.NewState(&wasi.Config{})}
	never := struct{ *stuck }{&stuck{newGate()}}
	args := []component.Value{newInputStream(never, nil), component.U64(1)}
	if _, err := inputRead(c, args); !errors.Is(err, stopped) {
		t.Errorf("read: %v", err)
	}
	args = []component.Value{newOutputStream(never, nil), component.Bytes([]byte("x"))}
	if _, err := outputWrite(c, args); !errors.Is(err, stopped) {
		t.Errorf("write: %v", err)
	}
}

// stuck is a file whose disk does not respond.
type stuck struct{ gate }

func (*stuck) Prompt()                  {}
func (*stuck) Read(int) ([]byte, error) { return nil, nil }
func (*stuck) CheckWrite() (int, error) { return 1, nil }
func (*stuck) Write([]byte) error       { return nil }
func (*stuck) Flush() error             { return nil }
func (*stuck) Close() error             { return nil }
