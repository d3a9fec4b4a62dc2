package wasi

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// next waits for i and reads up to n bytes.
func next(t *testing.T, i InputStream, n int) (string, error) {
	t.Helper()
	for {
		if err := Await(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		if b, err := i.Read(n); len(b) > 0 || err != nil {
			return string(b), err
		}
	}
}

// counted counts the reads of r.
type counted struct {
	r     io.Reader
	reads atomic.Int32
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.r.Read(p)
}

func TestStdinReadsOnlyOnDemand(t *testing.T) {
	tests := []struct {
		name  string
		act   func(i InputStream)
		reads int32
	}{
		{"opening", func(InputStream) {}, 0},
		{"reading nothing", func(i InputStream) { i.Read(0) }, 0},
		{"closing", func(i InputStream) { i.Close() }, 0},
		{"reading", func(i InputStream) { i.Read(1) }, 1},
		{"asking whether it is ready", func(i InputStream) { i.Ready() }, 1},
		{"subscribing", func(i InputStream) { i.Subscribe(NewWaiter())() }, 1},
		{
			"all of them",
			func(i InputStream) { i.Read(1); i.Read(1); i.Ready(); i.Subscribe(NewWaiter())() },
			1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, w := io.Pipe()
				c := &counted{r: r}
				s := NewStdin(c)
				tt.act(s.Open())
				synctest.Wait()
				if got := c.reads.Load(); got != tt.reads {
					t.Errorf("%d reads, want %d", got, tt.reads)
				}
				w.Close()
			})
		})
	}
}

func TestStdinReturnsWhatIsThereWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		i := NewStdin(r).Open()
		if b, err := i.Read(100); len(b) > 0 || err != nil {
			t.Fatalf("before anything was written: %q, %v", b, err)
		}
		if i.Ready() {
			t.Error("ready before anything was written")
		}
		if _, err := io.WriteString(w, "hello!"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if b, err := i.Read(0); len(b) > 0 || err != nil {
			t.Errorf("reading nothing: %q, %v", b, err)
		}
		if got, err := next(t, i, 100); got != "hello!" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		w.Close()
	})
}

func TestStdinHandlesShareWhatIsLeft(t *testing.T) {
	s := NewStdin(strings.NewReader("one two three"))
	first := s.Open()
	if got, err := next(t, first, 4); got != "one " || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := first.Read(4); len(b) > 0 || err != io.EOF {
		t.Errorf("a closed handle returns %q, %v", b, err)
	}
	second, third := s.Open(), s.Open()
	if got, err := next(t, second, 4); got != "two " || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := next(t, third, 100); got != "three" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, i := range []InputStream{second, third, s.Open()} {
		if got, err := next(t, i, 1); got != "" || err != io.EOF {
			t.Errorf("at the end: %q, %v", got, err)
		}
	}
}

func TestStdinEndsForever(t *testing.T) {
	tests := []struct {
		name string
		s    *Stdin
	}{
		{"empty reader", NewStdin(strings.NewReader(""))},
		{"no reader", NewStdin(nil)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := tt.s.Open()
			if got, err := next(t, i, 1); got != "" || err != io.EOF {
				t.Fatalf("%q, %v", got, err)
			}
			for _, n := range []int{0, 1} {
				if b, err := i.Read(n); len(b) > 0 || err != io.EOF {
					t.Errorf("Read(%d) after the end: %q, %v", n, b, err)
				}
			}
			if !i.Ready() {
				t.Error("the end is not ready")
			}
		})
	}
}

func TestStdinReportsAnErrorOncePerHandleAfterTheBytes(t *testing.T) {
	broken := errors.New("broken")
	s := NewStdin(iotest.DataErrReader(io.MultiReader(strings.NewReader("ab"), failing{broken})))
	for _, i := range []InputStream{s.Open(), s.Open()} {
		var got strings.Builder
		var err error
		for err == nil {
			var b string
			b, err = next(t, i, 10)
			got.WriteString(b)
		}
		if err != broken {
			t.Errorf("after %q: %v", got.String(), err)
		}
		if _, err := i.Read(1); err != io.EOF {
			t.Errorf("after the error: %v", err)
		}
	}
}

func TestStdinFailsForAReaderThatMakesNoProgress(t *testing.T) {
	i := NewStdin(idle{}).Open()
	if _, err := next(t, i, 1); err != io.ErrNoProgress {
		t.Error(err)
	}
}

// idle is a reader that returns nothing.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestClosingStdinReleasesWaitersAndTheReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	s := NewStdin(r)
	i := s.Open()
	i.Ready()
	waited := make(chan error)
	go func() { waited <- Await(t.Context(), i) }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if b, err := i.Read(1); len(b) > 0 || err != io.EOF {
		t.Errorf("after closing: %q, %v", b, err)
	}
	if r.SetReadDeadline(time.Time{}) != nil {
		return // pipes of Windows have no deadlines: the read goes on, and ends with the pipe
	}
	if s.reading != nil {
		t.Error("the reader is still reading")
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}

	if _, err := io.WriteString(w, "x"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("the reader is of no use to its owner any more: %d, %v", n, err)
	}
}

func TestClosingStdinDoesNotWaitForAReadThatCannotBeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := NewStdin(r)
		i := s.Open()
		i.Ready()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if b, err := i.Read(1); len(b) > 0 || err != io.EOF {
			t.Errorf("after closing: %q, %v", b, err)
		}
		w.Close() // ends the goroutine, or the test would not end
	})
}

func TestClosedStdinStillReturnsTheBytesThatAreThere(t *testing.T) {
	s := NewStdin(strings.NewReader("abc"))
	i := s.Open()
	if got, err := next(t, i, 1); got != "a" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := next(t, i, 9); got != "bc" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := next(t, i, 9); got != "" || err != io.EOF {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStdinWakesOnlySubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		i := NewStdin(r).Open()
		gone, there := NewWaiter(), NewWaiter()
		i.Subscribe(gone)()
		defer i.Subscribe(there)()
		w.Close()
		if err := there.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gone.c:
			t.Error("woken after unsubscribing")
		default:
		}
	})
}

func TestStdinPassesEachByteToOneGuest(t *testing.T) {
	const size, guests = 200_000, 8
	in := bytes.Repeat([]byte{1, 2, 3, 4, 5}, size/5)
	s := NewStdin(iotest.HalfReader(bytes.NewReader(in)))
	var mu sync.Mutex
	got := map[byte]int{}
	var wg sync.WaitGroup
	for range guests {
		wg.Go(func() {
			i := s.Open()
			for {
				if err := Await(t.Context(), i); err != nil {
					t.Error(err)
					return
				}
				b, err := i.Read(100)
				if err == io.EOF {
					return
				}
				mu.Lock()
				for _, c := range b {
					got[c]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	want := map[byte]int{1: size / 5, 2: size / 5, 3: size / 5, 4: size / 5, 5: size / 5}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
