package serve

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// TestShortPiecesLeaveWithTheLongOneAfterThem has a connection write what net/http does with a long
// chunk: a full buffer of its own, then the rest.
func TestShortPiecesLeaveWithTheLongOneAfterThem(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := &conn{
		Conn: accepted, below: accepted, wire: newWire(accepted), listener: &listener{},
	}
	got := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(client) // what is wrong shows in the bytes
		_ = client.Close()
		got <- all
	}()
	var want []byte
	write := func(n, held int) {
		p := bytes.Repeat([]byte{byte(len(want))}, n)
		want = append(want, p...)
		if k, err := c.Write(p); k != n || err != nil {
			t.Errorf("wrote %d of %d bytes: %v", k, n, err)
		}
		clear(p)
		if len(c.out.held) != held {
			t.Errorf("%d bytes are held back after %d, want %d", len(c.out.held), n, held)
		}
	}
	write(100, 0)
	c.Gather(true)
	write(4096, 4096)
	write(60_000, 0)
	write(1000, 1000)
	write(3000, 4000)
	write(97, 0)
	write(5000, 0)
	write(10, 10)
	c.Gather(false)
	write(20, 0)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if all := <-got; !bytes.Equal(all, want) {
		t.Errorf("%d bytes arrived, want %d, or others", len(all), len(want))
	}
}
