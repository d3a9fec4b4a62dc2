//go:build linux && !race && !386

package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// takingTurns is a connection whose requests after the first one all come soon, and whose ticks are
// the test's. The handler responds to a request for /wait when the test says so.
type takingTurns struct {
	*testing.T
	f        *front
	p        *plainConn
	client   net.Conn
	in       *bufio.Reader
	entered  chan struct{}
	released chan struct{}
}

func newTakingTurns(t *testing.T) *takingTurns {
	s := &takingTurns{T: t, entered: make(chan struct{}), released: make(chan struct{})}
	s.f, s.client = frontOf(t, func(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/wait" {
			s.entered <- struct{}{}
			<-s.released
		}
		return answer(200, r.URL.Path), nil
	})
	s.in = bufio.NewReader(s.client)
	if err := s.client.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	s.f.armed.Store(true) // nothing else arms it
	s.f.soon = math.MaxInt64
	s.send("/first")
	s.respond("/first")
	s.p = s.f.all()[0]
	return s
}

func (s *takingTurns) send(path string) {
	s.Helper()
	if _, err := io.WriteString(s.client, strings.Replace(plainGet, "/", path, 1)); err != nil {
		s.Fatal(err)
	}
}

func (s *takingTurns) respond(path string) {
	s.Helper()
	resp, err := http.ReadResponse(s.in, nil)
	if err != nil {
		s.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); string(body) != path || err != nil {
		s.Fatalf("got %q, %v", body, err)
	}
}

// early sends a request, and something else before the server responds.
func (s *takingTurns) early(send func()) {
	s.send("/wait")
	<-s.entered
	send()
	raw, err := s.p.c.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		s.Fatal(err)
	}
	await(s.T, "what was sent early", func() (there bool) {
		_ = raw.Control(func(fd uintptr) {
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
			there = err == nil
		})
		return there
	})
	s.released <- struct{}{}
	s.respond("/wait")
}

// look is two ticks, if the connection waits without a look. It reports whether that is so.
func (s *takingTurns) look() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if !s.p.late.unread {
		return false
	}
	if s.p.marked = false; !s.p.late.tick() || s.p.late.tick() {
		s.Error("it is not the second tick that ends the wait")
	}
	return true
}

func TestAResponseLeavesWithTheWaitForTheNextRequest(t *testing.T) {
	s := newTakingTurns(t)
	for _, path := range []string{"/second", "/third"} {
		s.send(path)
		s.respond(path)
	}
	await(t, "a turn", s.look)
	s.send("/fourth")
	s.respond("/fourth")
	s.f.stop()
	if b, err := s.in.ReadByte(); err != io.EOF {
		t.Errorf("after the end: %q, %v", b, err)
	}
}

func TestWhatComesBeforeAResponseIsNoticed(t *testing.T) {
	s := newTakingTurns(t)
	s.early(func() { s.send("/early") })
	var looking sync.WaitGroup
	defer looking.Wait()
	responded := make(chan struct{})
	defer close(responded)
	looking.Go(func() {
		for {
			select {
			case <-responded:
				return
			default:
				s.look()
				runtime.Gosched()
			}
		}
	})
	s.respond("/early")
	s.early(func() { s.send("/again") })
	s.respond("/again")
}

// The ticks are the test's, and the front's own.
func TestTheEndOfWhatAClientSendsIsNoticedBehindAResponse(t *testing.T) {
	for _, own := range []bool{false, true} {
		s := newTakingTurns(t)
		end := func() {
			if err := s.client.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if own {
			s.f.armed.Store(false)
			s.send("/second")
			end()
			s.respond("/second")
		} else {
			s.early(end)
		}
		await(t, "the end of the connection", func() bool {
			if !own {
				s.look()
			}
			return len(s.f.all()) == 0
		})
		if b, err := s.in.ReadByte(); err != io.EOF {
			t.Errorf("after the end: %q, %v", b, err)
		}
	}
}

func TestTurnsEndWithTheIdleTime(t *testing.T) {
	s := newTakingTurns(t)
	s.send("/second")
	s.respond("/second")
	await(t, "a turn", func() bool {
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		return s.p.late.unread
	})
	if err := s.p.c.SetReadDeadline(past); err != nil { // in place of the one that is set
		t.Fatal(err)
	}
	if b, err := s.in.ReadByte(); err != io.EOF {
		t.Errorf("after the idle time: %q, %v", b, err)
	}
}

func TestWriteThenReadWritesWhatTheSystemDoesNotTakeAtOnce(t *testing.T) {
	here, c, peer := connected(t)
	out := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	sent := make(chan struct{})
	go func() {
		got := make([]byte, len(out))
		if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, out) {
			t.Errorf("other bytes have arrived, %v", err)
		}
		<-sent
		_, _ = peer.Write([]byte("next"))
	}()
	p := make([]byte, 10)
	n, err := here.WriteThenRead(out, p, func() bool { close(sent); return true })
	if string(p[:n]) != "next" || err != nil {
		t.Errorf("read %q, %v", p[:n], err)
	}
	if n, found, err := here.ReadNow(p); n != 0 || found || err != nil {
		t.Errorf("where nothing is: %d, %v, %v", n, found, err)
	}
	if n, err := here.WriteThenRead([]byte("x"), p, func() bool { return false }); n != 0 ||
		!errors.Is(err, net.ErrClosed) {
		t.Errorf("without a read: %d, %v", n, err)
	}
	_ = c.Close()
	n, err = here.WriteThenRead([]byte("x"), p, func() bool { t.Error("it was sent"); return true })
	if n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("when the connection is closed: %d, %v", n, err)
	}
}
