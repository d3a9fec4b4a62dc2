package wasi

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// tellingBody knows when it can be read: once something is sent to more.
type tellingBody struct {
	more  chan string
	next  string
	mute  bool     // it cannot tell
	stack []string // of each Read
}

func (b *tellingBody) AwaitReadable(ctx context.Context) (bool, error) {
	if b.mute {
		return false, nil
	}
	if b.next != "" {
		return true, nil
	}
	select {
	case b.next = <-b.more:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (b *tellingBody) Read(p []byte) (int, error) {
	if b.next == "" {
		b.next = <-b.more
	}
	stack := make([]byte, 1<<16)
	own, _, _ := strings.Cut(string(stack[:runtime.Stack(stack, false)]), "created by")
	b.stack = append(b.stack, own)
	n := copy(p, b.next)
	b.next = b.next[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (b *tellingBody) Close() error {
	b.mute = true
	return nil
}

// TestABodyThatCanBeAwaitedIsReadByTheGuest looks at which goroutine reads.
func TestABodyThatCanBeAwaitedIsReadByTheGuest(t *testing.T) {
	for name, mute := range map[string]bool{"can tell": false, "cannot tell": true} {
		t.Run(name, func(t *testing.T) {
			st := newState(t, &Config{})
			src := &tellingBody{more: make(chan string, 3), mute: mute}
			b := st.RequestBody(&Request{Body: src})
			s, _ := b.Stream()
			var got strings.Builder
			for _, piece := range []string{"one", strings.Repeat("two", 20_000), "three"} {
				src.more <- piece
				for want := got.Len() + len(piece); got.Len() < want; {
					if err := st.Await(t.Context(), s); err != nil {
						t.Fatal(err)
					}
					p, err := s.Read(1000)
					if err != nil {
						t.Fatal(err)
					}
					got.Write(p)
				}
			}
			if want := "one" + strings.Repeat("two", 20_000) + "three"; got.String() != want {
				t.Errorf("%d bytes, want %d, or others", got.Len(), len(want))
			}
			for _, stack := range src.stack {
				if strings.Contains(stack, "TestABodyThatCanBeAwaited") == mute {
					t.Errorf("read on\n%s", stack)
				}
			}
			close(src.more)
			if err := st.Await(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Read(1); err != io.EOF {
				t.Error(err)
			}
		})
	}
}

func TestAwaitingABodyEndsWithTheGuestsTime(t *testing.T) {
	st := newState(t, &Config{})
	src := &tellingBody{more: make(chan string, 1)}
	s, _ := st.RequestBody(&Request{Body: src}).Stream()
	late := errors.New("late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(late)
	if err := st.Await(ctx, s); !errors.Is(err, late) {
		t.Error(err)
	}
	src.more <- "more" // it can be awaited again
	if err := st.Await(t.Context(), s); err != nil {
		t.Error(err)
	}
	if p, err := s.Read(9); string(p) != "more" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
}
