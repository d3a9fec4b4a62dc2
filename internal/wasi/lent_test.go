package wasi

import (
	"bytes"
	"io"
	"testing"
)

// TestWhatAGuestHasReadStaysItsOwnUntilItReadsOn has many bodies that share memory one after the
// other, some of which another goroutine closes while their guest looks at what it has got.
func TestWhatAGuestHasReadStaysItsOwnUntilItReadsOn(t *testing.T) {
	st := newState(t, &Config{})
	type reading struct {
		body *IncomingBody
		s    InputStream
		got  []byte // by the last read
		fill byte
	}
	var all []*reading
	check := func() {
		t.Helper()
		for i, r := range all {
			if n := bytes.Count(r.got, []byte{r.fill}); n != len(r.got) {
				t.Fatalf("body %d: %d of %d bytes are another's", i, len(r.got)-n, len(r.got))
			}
		}
	}
	for i := range 40 {
		fill := byte('a' + i%26)
		size := []int{10, smallRead, smallRead + 1, 3 * largeRead}[i%4]
		src := io.NopCloser(bytes.NewReader(bytes.Repeat([]byte{fill}, size)))
		r := &reading{body: st.RequestBody(&Request{Body: src}), fill: fill}
		r.s, _ = r.body.Stream()
		all = append(all, r)
		for step := range 1 + i%5 {
			if err := Await(t.Context(), r.s); err != nil {
				t.Fatal(err)
			}
			got, err := r.s.Read(5 + step*20_000)
			if err == io.EOF {
				break
			}
			if err != nil || len(got) == 0 {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			r.got = got
			check()
		}
		if i%3 == 0 {
			closed := make(chan struct{})
			go func() {
				_ = r.body.Close() // it never fails
				close(closed)
			}()
			<-closed
		}
		check()
	}
}
