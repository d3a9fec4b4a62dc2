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

// nowBody is a tellingBody that can be read without a wait.
type nowBody struct {
	tellingBody
	sizes []int // of the memory for each read
}

func (b *nowBody) Read(p []byte) (int, error) {
	b.sizes = append(b.sizes, len(p))
	return b.tellingBody.Read(p)
}

func (b *nowBody) ReadNow(p []byte) (n int, known bool, err error) {
	if b.next != "" {
		n, err = b.Read(p)
	}
	return n, true, err
}

// TestWhatHasComeIsReadByTheGuest looks at which goroutine reads, and how much at once.
func TestWhatHasComeIsReadByTheGuest(t *testing.T) {
	const name = "TestWhatHasComeIsReadByTheGuest"
	st := newState(t, &Config{})
	src := &nowBody{tellingBody: tellingBody{more: make(chan string, 1)}}
	src.next = strings.Repeat("one", hugeRead)
	want := src.next
	s, _ := st.RequestBody(&Request{Body: src}).Stream()
	var got strings.Builder
	read := func() (n int) {
		p, err := s.Read(50_000)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(p)
		return len(p)
	}
	for got.Len() < len(want) {
		if read() == 0 {
			t.Fatal("what has come is not read")
		}
	}
	for i, stack := range src.stack {
		if !strings.Contains(stack, name) {
			t.Errorf("read on\n%s", stack)
		}
		if want := []int{smallRead, largeRead, hugeRead}[min(i, 2)]; src.sizes[i] != want {
			t.Errorf("read %d has room for %d bytes, want %d", i, src.sizes[i], want)
		}
	}
	// Nothing is there: another goroutine waits for more.
	by := len(src.stack)
	if n := read(); n != 0 {
		t.Fatalf("%d bytes that have not come", n)
	}
	w := NewWaiter()
	stop := s.Subscribe(w)
	src.more <- "two"
	for !s.Ready() {
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if read(); got.String() != want+"two" {
		t.Errorf("got %d bytes, want %d, or others", got.Len(), len(want)+3)
	}
	if strings.Contains(src.stack[by], name) {
		t.Errorf("waited on\n%s", src.stack[by])
	}
}

// The server may read the rest of a body that was closed: a guest that does not wait gets none of
// it.
func TestAClosedBodyOfTheServerIsNotRead(t *testing.T) {
	src := &nowBody{tellingBody: tellingBody{next: "rest"}}
	b := &serverBody{r: src}
	p := make([]byte, 2)
	if n, known, err := b.ReadNow(p); n != 2 || !known || err != nil {
		t.Errorf("before: %d bytes, %v, %v", n, known, err)
	}
	_ = b.Close() // it never fails
	if n, known, err := b.ReadNow(p); n != 0 || !known || err == nil || src.next != "st" {
		t.Errorf("after: %d bytes, %v, %v; %q is left", n, known, err, src.next)
	}
}

// A guest that reads as fast as bytes come waits now and then, so that its instance can do
// something else.
func TestAGuestThatReadsALotWaitsNowAndThen(t *testing.T) {
	st := newState(t, &Config{})
	src := &nowBody{}
	src.next = strings.Repeat("x", 3*streakReads*hugeRead)
	s, _ := st.RequestBody(&Request{Body: src}).Stream()
	got, waits := 0, 0
	for want := len(src.next); got < want; {
		p, err := s.Read(hugeRead)
		if err != nil {
			t.Fatal(err)
		}
		if got += len(p); len(p) > 0 {
			continue
		}
		waits++
		w := NewWaiter()
		stop := s.Subscribe(w)
		for !s.Ready() {
			if err := w.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		stop()
	}
	if waits == 0 {
		t.Error("it had not to wait")
	}
}
