package term

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a stream whose reader takes what is written when it wants to.
type gate struct {
	open chan struct{} // closed when the reader reads
	got  bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.got.Write(p)
}

// stalls collects what a spool says.
type stalls struct {
	mu    sync.Mutex
	lines []int
}

func (s *stalls) add(stall Stall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, stall.Lines)
}

func (s *stalls) all() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

func TestWritesReturnAlthoughNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		out, said := New(g, nil), &stalls{}
		restore := Spool(said.add, out)
		began := time.Now()
		line := strings.Repeat("x", 999) + "\n"
		const lines = 5000
		for range lines {
			if n, err := io.WriteString(out, line); n != len(line) || err != nil {
				t.Fatalf("wrote %d bytes: %v", n, err)
			}
		}
		if waited := time.Since(began); waited > stuckAfter {
			t.Errorf("the writes waited %v in all", waited)
		}
		synctest.Wait()
		if got := said.all(); !slices.Equal(got, []int{0}) {
			t.Errorf("while nobody reads, it says %v, want that dropping begins", got)
		}
		close(g.open)
		synctest.Wait()
		_, _ = io.WriteString(out, "after\n")
		restore()
		arrived := strings.Count(g.got.String(), line)
		if !strings.HasSuffix(g.got.String(), line+"after\n") || arrived < spoolBytes/len(line) {
			t.Errorf("%d lines arrived, and not the last one", arrived)
		}
		if got := said.all(); !slices.Equal(got, []int{0, lines - arrived}) {
			t.Errorf("it says that %v lines were dropped, %d of %d arrived", got, arrived, lines)
		}
	})
}

// pauses is a stream whose reader pauses before it takes each piece.
type pauses struct {
	pause time.Duration
	got   bytes.Buffer
}

func (p *pauses) Write(b []byte) (int, error) {
	time.Sleep(p.pause)
	return p.got.Write(b)
}

func TestAReaderThatIsSlowLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &pauses{pause: stuckAfter - time.Millisecond}
		out, said := New(slow, nil), &stalls{}
		restore := Spool(said.add, out)
		var want strings.Builder
		for i := range 3 * spoolBytes / 100 {
			line := fmt.Sprintf("%099d\n", i)
			want.WriteString(line)
			_, _ = io.WriteString(out, line)
		}
		restore()
		if slow.got.String() != want.String() {
			t.Errorf("%d bytes arrived, want %d", slow.got.Len(), want.Len())
		}
		if got := said.all(); got != nil {
			t.Errorf("it says %v", got)
		}
	})
}

func TestTheLastLinesReachAReaderThatIsVerySlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &pauses{pause: 5 * stuckAfter}
		out := New(slow, nil)
		restore := Spool(func(Stall) { t.Error("it drops output") }, out)
		for i := range 2 {
			_, _ = fmt.Fprintln(out, i)
			synctest.Wait() // the first is being written now
		}
		restore()
		if got := slow.got.String(); got != "0\n1\n" {
			t.Errorf("%q arrived", got)
		}
	})
}

func TestRestoringDoesNotWaitForAReaderThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		out := New(g, nil)
		restore := Spool(func(Stall) {}, out)
		_, _ = io.WriteString(out, "lost\n")
		began := time.Now()
		restore()
		if took := time.Since(began); took != goneAfter {
			t.Errorf("it waits for %v", took)
		}
		if _, ok := out.w.(*gate); !ok {
			t.Errorf("the output writes to a %T", out.w)
		}
		close(g.open)
	})
}

func TestOutputsToOnePlaceKeepTheirOrder(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	outs := []*Output{New(w, nil), New(w, nil)}
	restore := Spool(func(Stall) {}, outs...)
	const lines = 20_000
	read := make(chan error, 1)
	go func() {
		in := bufio.NewScanner(r)
		for i := range lines {
			if want := fmt.Sprint(i); !in.Scan() || in.Text() != want {
				read <- fmt.Errorf("got %q, want %s", in.Text(), want)
				return
			}
		}
		read <- nil
	}()
	for i := range lines {
		fmt.Fprintln(outs[i%2], i)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
	restore()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkSpool writes lines to a file, as an access log does.
func BenchmarkSpool(b *testing.B) {
	for _, spooled := range []bool{false, true} {
		b.Run(fmt.Sprintf("spooled=%t", spooled), func(b *testing.B) {
			file, err := os.Create(b.TempDir() + "/log")
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			out := New(file, nil)
			if spooled {
				defer Spool(func(Stall) {}, out)()
			}
			line := []byte(strings.Repeat("x", 79) + "\n")
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, _ = out.Write(line)
				}
			})
		})
	}
}
