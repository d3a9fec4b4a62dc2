//go:build !race && !386

package serve

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// connected returns the two sides of a connection.
func connected(t *testing.T) (here *direct, c, peer net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if peer, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if c, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = peer.Close() })
	return newWire(c).(*direct), c, peer
}

// What is more than the system takes at once arrives whole, and so does what it waits for.
func TestDirectReadsAndWritesAsTheConnectionDoes(t *testing.T) {
	here, _, peer := connected(t)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	received := make(chan []byte, 1)
	go func() {
		b := make([]byte, len(sent))
		_, _ = io.ReadFull(peer, b)
		received <- b
		_, _ = peer.Write([]byte("response"))
		_ = peer.(*net.TCPConn).CloseWrite()
	}()
	if n, err := here.Write(sent); n != len(sent) || err != nil {
		t.Fatalf("wrote %d bytes, %v", n, err)
	}
	if !bytes.Equal(<-received, sent) {
		t.Error("other bytes have arrived")
	}
	if b, err := io.ReadAll(here); string(b) != "response" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	if n, err := here.Read(nil); n != 0 || err != nil {
		t.Errorf("a read of nothing: %d, %v", n, err)
	}
}

func TestDirectEndsWithTheDeadlineAndTheConnection(t *testing.T) {
	here, c, _ := connected(t)
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if n, err := here.Read(p); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %d, %v", n, err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := here.Read(p)
		ended <- err
	}()
	_ = c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("when the connection is closed: %v", err)
	}
	if _, err := here.Write(p); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write to a connection that is closed: %v", err)
	}

	here, _, peer := connected(t)
	if err := peer.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = peer.Close() // a reset
	if _, err := here.Read(p); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after a reset: %v", err)
	}
	if _, err := here.Write(p); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("a write after a reset: %v", err)
	}
}

func TestDirectMakesNoObjects(t *testing.T) {
	here, _, peer := connected(t)
	p, q := make([]byte, 100), make([]byte, 100)
	n := testing.AllocsPerRun(50, func() {
		if _, err := here.Write(p); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, q); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Write(q); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(here, p); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v objects", n)
	}
}
