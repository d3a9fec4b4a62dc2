package p3

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// newStore returns an empty store, without a guest that could do anything.
func newStore(t *testing.T) *component.Store {
	t.Helper()
	data, err := os.ReadFile("../../../testdata/guests/rust-hello-p3/rust-hello-p3.wasm")
	if err != nil {
		t.Fatal(err)
	}
	c, err := component.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	linker := component.NewLinker()
	AddTo(linker, func(data any) *wasi.State { return data.(*wasi.State) })
	linked, err := c.Link(t.Context(), e, linker, component.LinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(linked.Close(context.Background()), e.Close()); err != nil {
			t.Error(err)
		}
	})
	return linked.NewStore(t.Context(), nil, component.Limits{})
}

// A body that goes from one message to another without a guest ends with their store: its reader
// gets what has come and an error, what it was read from is closed, and no goroutine stays behind.
func TestASplicedBodyEndsWithItsStore(t *testing.T) {
	for name, guestTrailers := range map[string]bool{
		"body and trailers": false, "the body, with trailers that a guest would write": true,
	} {
		store := newStore(t)
		before := runtime.NumGoroutine()
		st := wasi.NewState(&wasi.Config{})
		src, sender := io.Pipe()
		m := message{store: store, incoming: true,
			body: st.RequestBody(&wasi.Request{Body: src})}
		out, _ := st.NewOutgoingResponse(wasi.NewFields(st.FieldRules())).Body()
		if guestTrailers {
			contents, _ := m.open()
			never, _ := store.NewFuture()
			m = message{store: store, contents: contents, hasContents: true, trailers: never}
		}
		var sent sentBodies
		m.send(out, &sent)
		got := make(chan error, 1)
		first := make([]byte, 3)
		go func() {
			r := out.Reader()
			_, err := io.ReadFull(r, first)
			if err == nil {
				_, err = r.Read(make([]byte, 1))
			}
			got <- err
		}()
		if _, err := io.WriteString(sender, "abc"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-store.Wake():
		case <-time.After(time.Minute):
			t.Fatal("the bytes do not come")
		}
		if err := store.Turn(); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		select {
		case err := <-got:
			if !errors.Is(err, wasi.ErrBodyDropped) || string(first) != "abc" {
				t.Errorf("%s: %q, %v", name, first, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: the reader still waits", name)
		}
		if len(sent) != 1 || !errors.Is(sent[0], component.ErrStoreClosed) {
			t.Errorf("%s: the sender got %v", name, sent)
		}
		if _, err := sender.Write([]byte("more")); err == nil {
			t.Errorf("%s: the source is still read", name)
		}
		st.Close()
		for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
			if time.Now().After(end) {
				buf := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d before\n%s",
					runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			}
		}
	}
}

// sentBodies records how bodies ended.
type sentBodies []error

func (s *sentBodies) sent(err error) { *s = append(*s, err) }

// A message that declares no contents, and passes on those of another one, is whole for its
// receiver when these have ended: not before, and without trailers that a guest may write later.
func TestAMessageIsWholeWhenItsContentsHaveEnded(t *testing.T) {
	store := newStore(t)
	st := wasi.NewState(&wasi.Config{})
	src, sender := io.Pipe()
	from := message{store: store, incoming: true, body: st.RequestBody(&wasi.Request{Body: src})}
	contents, _ := from.open()
	never, _ := store.NewFuture()
	m := message{store: store, contents: contents, hasContents: true, trailers: never}
	header := wasi.NewFields(st.FieldRules())
	if err := header.Append("content-length", []byte("0")); err != nil {
		t.Fatal(err)
	}
	out, _ := st.NewOutgoingResponse(header).Body()
	var sent sentBodies
	m.send(out, &sent)
	waits, ended, whole := make(chan bool), make(chan bool, 1), make(chan bool, 1)
	go func() {
		close(waits)
		out.Reader().AwaitWhole(0)
		whole <- len(ended) == 1
	}()
	<-waits
	for range 1000 {
		runtime.Gosched() // it would return now, if it did not wait
	}
	ended <- true
	if err := sender.Close(); err != nil {
		t.Error(err)
	}
	for late := time.After(time.Minute); ; {
		select {
		case <-store.Wake():
			if err := store.Turn(); err != nil {
				t.Fatal(err)
			}
			continue
		case ok := <-whole:
			if !ok {
				t.Error("whole before its contents have ended")
			}
		case <-late:
			t.Error("not whole although its contents have ended")
		}
		break
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	st.Close()
}
