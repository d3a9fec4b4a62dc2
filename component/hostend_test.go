package component

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testSource is a ByteSource of pieces that are handed out one by one, each after a wake when it
// waits.
type testSource struct {
	pieces [][]byte
	waits  bool // there is nothing until the next wake
	wake   func()
	closed int
}

func (s *testSource) Read(p []byte) (int, bool) {
	if s.waits {
		return 0, false
	}
	if len(s.pieces) == 0 {
		return 0, true
	}
	n := copy(p, s.pieces[0])
	s.pieces = s.pieces[1:]
	s.waits = true
	return n, len(s.pieces) == 0
}

func (s *testSource) Ready() bool { return !s.waits }

func (s *testSource) Wait(wake func()) func() {
	s.wake = wake
	return func() { s.wake = nil }
}

func (s *testSource) Close() { s.closed++ }

// testSink is a ByteSink that takes up to a number of bytes at a time.
type testSink struct {
	most  int // less than 0 refuses
	got   bytes.Buffer
	wake  func()
	ended []error
}

func (s *testSink) Accept(n int) int { return min(n, s.most) }

func (s *testSink) Ready() bool { return s.most != 0 }

func (s *testSink) Write(p []byte) { s.got.Write(p) }

func (s *testSink) Wait(wake func()) func() {
	s.wake = wake
	return func() { s.wake = nil }
}

func (s *testSink) End(err error) { s.ended = append(s.ended, err) }

func turn(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Turn(); err != nil {
		t.Fatal(err)
	}
}

// A stream of the embedder's that comes back to it: the bytes go from its source to its sink,
// without a guest.
func TestOwnStreamsAreJoined(t *testing.T) {
	s := newABIBed(t).th.store
	src := &testSource{pieces: [][]byte{[]byte("one "), []byte("two "), []byte("three")}}
	sink := &testSink{most: 3}
	s.ReadStream(s.NewByteStream(src), sink)
	for src.closed == 0 {
		if !s.Waiting() {
			t.Fatal("nothing is waited for, and the end has not come")
		}
		src.waits = false
		src.wake()
		turn(t, s)
	}
	if got := sink.got.String(); got != "one two three" {
		t.Errorf("got %q", got)
	}
	if diff := cmp.Diff([]error{nil}, sink.ended); diff != "" || src.closed != 1 {
		t.Errorf("the source was closed %d times; the sink ended (-want +got):\n%s", src.closed,
			diff)
	}
	if s.Waiting() {
		t.Error("something is still waited for")
	}
}

func TestSinkThatRefusesClosesTheSource(t *testing.T) {
	s := newABIBed(t).th.store
	src := &testSource{pieces: [][]byte{[]byte("unwanted")}}
	s.ReadStream(s.NewByteStream(src), &testSink{most: -1})
	if src.closed != 1 {
		t.Errorf("closed %d times", src.closed)
	}
}

func TestAStreamIsJoinedOnce(t *testing.T) {
	s := newABIBed(t).th.store
	src := &testSource{waits: true}
	stream := s.NewByteStream(src)
	first, second := &testSink{most: 10}, &testSink{most: 10}
	s.ReadStream(stream, first)
	s.ReadStream(stream, second)
	if diff := cmp.Diff([]error{nil}, second.ended); diff != "" || len(first.ended) > 0 ||
		src.closed > 0 {
		t.Errorf("first ended with %v, source closed %d times; second (-want +got):\n%s",
			first.ended, src.closed, diff)
	}
}

func TestOwnStreamsAndFuturesAreKnown(t *testing.T) {
	s := newABIBed(t).th.store
	future, _ := s.NewFuture()
	if !s.Owns(s.NewByteStream(&testSource{})) || !s.Owns(future) {
		t.Error("the embedder's own are not")
	}
	if s.Owns(Value{ref: &shared{}}) || s.Owns(Value{ref: &shared{future: true}}) {
		t.Error("a guest's are the embedder's")
	}
}

// Whatever a joined stream waits for when its store closes: both of its sides hear of it, once, and
// nothing stays subscribed.
func TestJoinedStreamsEndWhenTheStoreCloses(t *testing.T) {
	for name, c := range map[string]struct {
		src  *testSource
		sink *testSink
	}{
		"waiting for the source": {&testSource{waits: true}, &testSink{most: 10}},
		"waiting for the sink":   {&testSource{pieces: [][]byte{[]byte("abc")}}, &testSink{}},
		"in the middle": {&testSource{pieces: [][]byte{[]byte("abc"), []byte("def")}},
			&testSink{most: 10}},
	} {
		s := newABIBed(t).th.store
		s.ReadStream(s.NewByteStream(c.src), c.sink)
		if !s.Waiting() {
			t.Errorf("%s: nothing is waited for", name)
		}
		wakes := []func(){c.src.wake, c.sink.wake}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for _, wake := range wakes {
				if wake != nil {
					wake() // one that was under way
				}
			}
			turn(t, s)
		}
		if c.src.closed != 1 || len(c.sink.ended) != 1 ||
			!errors.Is(c.sink.ended[0], ErrStoreClosed) {
			t.Errorf("%s: source closed %d times, sink ended with %v", name, c.src.closed,
				c.sink.ended)
		}
		if c.src.wake != nil || c.sink.wake != nil || s.Waiting() {
			t.Errorf("%s: a waiter is left", name)
		}
	}
}

// A joined stream that has ended does not hear of the store any more.
func TestJoinedStreamsEndOnce(t *testing.T) {
	s := newABIBed(t).th.store
	src, sink := &testSource{}, &testSink{most: 10}
	s.ReadStream(s.NewByteStream(src), sink)
	refused := &testSource{pieces: [][]byte{[]byte("unwanted")}}
	s.ReadStream(s.NewByteStream(refused), &testSink{most: -1})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]error{nil}, sink.ended); diff != "" || src.closed != 1 ||
		refused.closed != 1 {
		t.Errorf("sources closed %d and %d times; the sink ended (-want +got):\n%s", src.closed,
			refused.closed, diff)
	}
}

func TestJoinedFuturesEndWhenTheStoreCloses(t *testing.T) {
	s := newABIBed(t).th.store
	future, set := s.NewFuture()
	var got []bool
	s.ReadFuture(future, FutureFunc(func(_ Value, ok bool) { got = append(got, ok) }))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	set(U32(1)) // too late
	if diff := cmp.Diff([]bool{false}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClosingTheStoreEndsOpenStreamsAndFutures(t *testing.T) {
	s := newABIBed(t).th.store
	src := &testSource{}
	s.NewByteStream(src)
	// A stream whose writer would be a guest.
	sink := &testSink{most: 10}
	s.ReadStream(Value{ref: &shared{elem: bytePayload}}, sink)
	resolved := 0
	s.ReadFuture(Value{ref: &shared{future: true}}, FutureFunc(func(_ Value, ok bool) {
		resolved++
		if ok {
			t.Error("a value came from nowhere")
		}
	}))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if src.closed != 1 || resolved != 1 || len(sink.ended) != 1 ||
		!errors.Is(sink.ended[0], ErrStoreClosed) {
		t.Errorf("source closed %d times, future resolved %d times, sink ended with %v", src.closed,
			resolved, sink.ended)
	}
}

func TestOwnFuturesComeBack(t *testing.T) {
	s := newABIBed(t).th.store
	future, set := s.NewFuture()
	set(U32(7))
	var got []uint32
	s.ReadFuture(future, FutureFunc(func(v Value, ok bool) {
		if ok {
			got = append(got, v.U32())
		}
	}))
	if diff := cmp.Diff([]uint32{7}, got); diff != "" {
		t.Errorf("the future gave (-want +got):\n%s", diff)
	}
}

func TestOwnFuturesThatAreSetLater(t *testing.T) {
	s := newABIBed(t).th.store
	future, set := s.NewFuture()
	var got []uint32
	s.ReadFuture(future, FutureFunc(func(v Value, ok bool) {
		if ok {
			got = append(got, v.U32())
		}
	}))
	set(U32(8))
	turn(t, s)
	if diff := cmp.Diff([]uint32{8}, got); diff != "" {
		t.Errorf("the future gave (-want +got):\n%s", diff)
	}
}

func TestPostsAreRunByTheOwnerUntilTheStoreCloses(t *testing.T) {
	s := newABIBed(t).th.store
	ran := 0
	s.Post(func() { ran++ })
	<-s.Wake()
	if ran != 0 {
		t.Error("run by the poster")
	}
	turn(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Post(func() { ran++ })
	turn(t, s)
	if ran != 1 {
		t.Errorf("%d posts ran, want 1", ran)
	}
}

// A future that something else fulfils, for which the guest waits as well, is nothing more to wait
// for.
func TestFuturesThatFollowAreNotPending(t *testing.T) {
	for _, early := range []bool{true, false} {
		s := newABIBed(t).th.store
		future := s.Promise()
		end := &future.ref.(*shared).own
		if early {
			s.Follow(future)
		}
		end.wait(nil)
		if got := s.Pending(); got != map[bool]int{true: 0, false: 1}[early] || !s.Waiting() {
			t.Errorf("early %v: %d pending, waiting %v", early, got, s.Waiting())
		}
		s.Follow(future)
		if got := s.Pending(); got != 0 || !s.Waiting() {
			t.Errorf("early %v: %d pending, waiting %v", early, got, s.Waiting())
		}
		s.Fulfil(future, OkUnit())
		if got := s.Pending(); got != 0 || s.Waiting() {
			t.Errorf("early %v: in the end %d pending, waiting %v", early, got, s.Waiting())
		}
	}
}
