package p3

import (
	"testing"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// The length of a response without contents is known at once, whatever becomes of its trailers.
func TestAResponseWithoutContentsSaysItsLength(t *testing.T) {
	store := newStore(t)
	st := wasi.NewState(&wasi.Config{})
	trailers, _ := store.NewFuture()
	m, _ := newMessage(store, component.None(), trailers)
	r := &response{message: m, status: 200, header: wasi.NewFields(st.FieldRules()).Freeze()}
	var got *wasi.Response
	Respond(st, component.Ok(component.Own(r)), "GET", func(res *wasi.Response, code *wasi.ErrorCode) {
		if got = res; code != nil {
			t.Error(code)
		}
	})
	if got == nil {
		t.Fatal("no response")
	}
	http := got.HTTP()
	if http.ContentLength != 0 || http.Header.Get("Content-Length") != "0" {
		t.Errorf("length %d, %v", http.ContentLength, http.Header)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	st.Close()
}
