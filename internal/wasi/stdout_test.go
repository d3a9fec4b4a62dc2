package wasi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writes keeps each write.
type writes struct{ got []string }

func (w *writes) Write(p []byte) (int, error) {
	w.got = append(w.got, string(p))
	return len(p), nil
}

func TestSinkPassesEachWriteOnAtOnce(t *testing.T) {
	w := &writes{}
	one, two := NewSink(w), NewSink(w)
	steps := []struct {
		s    OutputStream
		text string
	}{{one, "no newline"}, {two, "a\n"}, {one, ""}, {one, "b\nc"}}
	for _, step := range steps {
		if err := step.s.Write([]byte(step.text)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"no newline", "a\n", "b\nc"}, w.got); diff != "" {
		t.Error(diff)
	}
}

func TestSinkIsAlwaysReadyForAMebibyte(t *testing.T) {
	var buf bytes.Buffer
	s := NewSink(&buf)
	for range 2 {
		if n, err := s.CheckWrite(); n != 1<<20 || err != nil {
			t.Errorf("permit %d, %v", n, err)
		}
		if err := s.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := Await(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	w := NewWaiter()
	defer s.Subscribe(w)()
	if err := w.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if buf.Len() != 2<<20 {
		t.Errorf("%d bytes arrived", buf.Len())
	}
}

func TestSinkWithoutWriterDiscards(t *testing.T) {
	if err := NewSink(nil).Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// checkClosed fails unless s takes nothing more.
func checkClosed(t *testing.T, s OutputStream) {
	t.Helper()
	if !s.Ready() {
		t.Error("a closed sink is not ready")
	}
	_, err := s.CheckWrite()
	if diff := cmp.Diff([]bool{true, true, true},
		[]bool{errors.Is(err, ErrClosed), errors.Is(s.Write([]byte("x")), ErrClosed), errors.Is(s.Flush(), ErrClosed)}); diff != "" {
		t.Error("check-write, write and flush of a closed sink:", diff)
	}
}

func TestSinkIsClosedWhenItsReaderHasGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	shut, other := io.Pipe()
	shut.Close()
	for name, to := range map[string]io.Writer{
		"pipe":        w,
		"pipe in Go":  other,
		"broken pipe": failing{fmt.Errorf("prefixing: %w", syscall.EPIPE)},
		"closed file": failing{os.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSink(to)
			if err := s.Write([]byte("x")); !errors.Is(err, ErrClosed) {
				t.Errorf("first write: %v", err)
			}
			checkClosed(t, s)
		})
	}
}

func TestSinkReportsAnyOtherErrorOnce(t *testing.T) {
	broken := errors.New("disk full")
	for name, tt := range map[string]struct {
		to   io.Writer
		want error
	}{
		"error":       {failing{broken}, broken},
		"short write": {short{}, io.ErrShortWrite},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSink(tt.to)
			if err := s.Write([]byte("xy")); !errors.Is(err, tt.want) || errors.Is(err, ErrClosed) {
				t.Errorf("first write: %v", err)
			}
			checkClosed(t, s)
		})
	}
}

// short takes one byte less than it is given.
type short struct{}

func (short) Write(p []byte) (int, error) { return len(p) - 1, nil }

func TestClosingASinkLeavesTheOthersOpen(t *testing.T) {
	w := &writes{}
	one, two := NewSink(w), NewSink(w)
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	checkClosed(t, one)
	if err := two.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"x"}, w.got); diff != "" {
		t.Error(diff)
	}
}
