package wasi

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Trailers that a receiver would have needed before the body are not passed on, whoever sends them.
func TestTrailersDoNotFrameRouteOrAuthenticate(t *testing.T) {
	var kv []string
	for _, name := range []string{"X-First", "Content-Length", "Trailer", "TE", "Cache-Control", "Expect", "Max-Forwards", "Pragma",
		"Range", "If-Match", "If-Modified-Since", "Authorization", "Cookie", "Set-Cookie", "WWW-Authenticate", "Age", "Date", "Expires",
		"Location", "Retry-After", "Vary", "Content-Encoding", "Content-Range", "Content-Type", "Server-Timing", "grpc-status"} {
		kv = append(kv, name, "9")
	}
	want := []string{"X-First: 9", "Server-Timing: 9", "grpc-status: 9"}
	st := newState(t, &Config{})
	body, _, r := newOutgoing(t, st)
	if code := body.Finish(mustFields(t, st.FieldRules(), kv...)); code != nil {
		t.Fatal(code)
	}
	if diff := cmp.Diff(want, pairs(r.Trailer())); diff != "" {
		t.Errorf("sent: %s", diff)
	}
	body, _, r = newOutgoing(t, st)
	if code := body.Finish(mustFields(t, st.FieldRules(), "host-is-fine", "1", "content-length", "1")); code != nil {
		t.Fatal(code)
	}
	if tr := r.Trailer(); tr.bytes != size("host-is-fine", []byte("1")) || !tr.Frozen() {
		t.Errorf("%d bytes counted, frozen %v", tr.bytes, tr.Frozen())
	}

	// From the network, those that concern the connection may come, too.
	h := http.Header{"Host": {"evil"}, "Transfer-Encoding": {"chunked"}, "Connection": {"close"}}
	for i := 0; i < len(kv); i += 2 {
		h.Set(kv[i], kv[i+1])
	}
	in := st.RequestBody(&Request{
		Body:    io.NopCloser(strings.NewReader("abc")),
		Trailer: func() *Fields { return FieldsFromHTTP(st.FieldRules(), h) },
	})
	f := in.Finish()
	if err := Await(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	got, code := f.Get()
	if diff := cmp.Diff([]string{"grpc-status: 9", "server-timing: 9", "x-first: 9"}, pairs(got)); diff != "" ||
		code != nil {
		t.Errorf("received: %v, %s", code, diff)
	}

	// Nothing but those is as good as none.
	in = st.RequestBody(&Request{
		Body:    io.NopCloser(strings.NewReader("")),
		Trailer: func() *Fields { return mustFields(t, st.FieldRules(), "content-length", "1").Freeze() },
	})
	f = in.Finish()
	if err := Await(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if got, code := f.Get(); got != nil || code != nil {
		t.Errorf("got %v, %v", got, code)
	}
}
