//go:build unix

package nowait

import (
	"bytes"
	"net"
	"syscall"
	"testing"
)

// A socket that has nothing, and one that takes nothing, say so; what was sent arrives in order;
// then comes the end.
func TestCallsDoNotWait(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	with := func(f func(fd uintptr)) {
		t.Helper()
		if err := raw.Control(f); err != nil {
			t.Fatal(err)
		}
	}
	p := make([]byte, Most)
	with(func(fd uintptr) {
		if n, err := Receive(fd, p); n != 0 || err != syscall.EAGAIN {
			t.Errorf("received %d bytes, %v", n, err)
		}
		if Readable(fd) {
			t.Error("there seems to be something")
		}
	})
	var sent []byte
	with(func(fd uintptr) {
		for i := byte(0); ; i++ {
			piece := bytes.Repeat([]byte{i}, Most)
			n, err := Send(fd, piece, i%2 == 0)
			sent = append(sent, piece[:n]...)
			if err != nil {
				if n != 0 || err != syscall.EAGAIN {
					t.Errorf("sent %d bytes, %v", n, err)
				}
				return
			}
		}
	})
	got := make([]byte, len(sent))
	for n := 0; n < len(got); {
		k, err := peer.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	if !bytes.Equal(got, sent) {
		t.Error("other bytes have arrived")
	}
	if err := peer.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	// It waits for the end, and finds it.
	if err := raw.Read(func(fd uintptr) bool {
		there := Readable(fd)
		n, err := Receive(fd, p)
		if err == syscall.EAGAIN {
			return false
		}
		if !there {
			there = Readable(fd) // the end has just come
		}
		if n != 0 || err != nil || !there {
			t.Errorf("at the end: %d bytes, %v", n, err)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}
