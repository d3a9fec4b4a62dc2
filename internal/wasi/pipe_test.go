package wasi

import (
	"bytes"
	"context"
	"io"
	"testing"
)

func TestAFullBodyPermitsNothingUntilTheReaderTakesSome(t *testing.T) {
	st := newState(t, &Config{BodyBuffer: 100})
	_, s, r := newOutgoing(t, st)
	if n, err := s.CheckWrite(); n != 100 || err != nil {
		t.Fatalf("permit %d, %v", n, err)
	}
	if err := s.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.CheckWrite(); n != 0 || err != nil || s.Ready() {
		t.Fatalf("full: permit %d, %v, ready %v", n, err, s.Ready())
	}
	if !s.(Flusher).Flushed() {
		t.Error("a flush waits for the network")
	}
	read := make(chan error)
	go func() {
		_, err := io.ReadFull(r, make([]byte, 60))
		read <- err
	}()
	if err := Await(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if n, err := s.CheckWrite(); n != 60 || err != nil {
		t.Errorf("permit %d, %v", n, err)
	}
}

// TestAWriterIsWokenWhenHalfOfAFullBodyIsRead counts how often its two sides wake each other.
func TestAWriterIsWokenWhenHalfOfAFullBodyIsRead(t *testing.T) {
	const limit = 1 << 20
	st := newState(t, &Config{BodyBuffer: limit})
	_, s, r := newOutgoing(t, st)
	if err := s.Write(make([]byte, limit)); err != nil {
		t.Fatal(err)
	}
	woken := 0
	defer s.Subscribe(NewCaller(func() { woken++ }))()
	piece := make([]byte, limit/64)
	for i := range 64 {
		if ready := s.Ready(); ready != (i >= 32) || woken > 0 != ready {
			t.Fatalf("%d of 64 pieces are read: ready %v, woken %d times", i, ready, woken)
		}
		if _, err := io.ReadFull(r, piece); err != nil {
			t.Fatal(err)
		}
	}
	if woken != 1 {
		t.Errorf("woken %d times", woken)
	}
}

func TestBytesOfABodyAreReadWhereTheyAre(t *testing.T) {
	st := newState(t, &Config{})
	b, s, r := newOutgoing(t, st)
	write := func(c string, n int) {
		if err := s.Write(bytes.Repeat([]byte(c), n)); err != nil {
			t.Fatal(err)
		}
	}
	next := func(c string, n int) []byte {
		p, err := r.Next()
		if err != nil || !bytes.Equal(p, bytes.Repeat([]byte(c), n)) {
			t.Fatalf("%d bytes, %v; want %d times %s", len(p), err, n, c)
		}
		return p
	}
	write("a", 3000)
	first := next("a", 3000)
	write("b", 3000)
	write("b", 1000)
	if !bytes.Equal(first, bytes.Repeat([]byte("a"), 3000)) {
		t.Error("the guest wrote into what the reader has")
	}
	next("b", 4000)
	write("c", 100_000)
	small := make([]byte, 10)
	if _, err := io.ReadFull(r, small); err != nil || string(small) != "cccccccccc" {
		t.Errorf("%q, %v", small, err)
	}
	got := make(chan []byte)
	go func() {
		var rest []byte
		for {
			p, err := r.Next()
			rest = append(rest, p...)
			if err != nil {
				got <- rest
				return
			}
		}
	}()
	write("c", 10)
	if code := b.Finish(nil); code != nil {
		t.Fatal(code)
	}
	if rest := <-got; !bytes.Equal(rest, bytes.Repeat([]byte("c"), 100_000)) {
		t.Errorf("%d bytes", len(rest))
	}
	if _, err := r.Next(); err != io.EOF {
		t.Error(err)
	}
	_ = r.Close()
	if _, err := r.Next(); err != io.ErrClosedPipe {
		t.Error(err)
	}
}
