package wasi

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResponsesWithoutBodyMayDeclareALength(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		head   bool
		ok     bool
	}{"GET": {200, false, false}, "HEAD": {200, true, true}, "not modified": {304, false, true}} {
		st := newState(t, &Config{})
		res := st.NewOutgoingResponse(mustFields(t, st.FieldRules(), "content-length", "5"))
		res.SetStatus(c.status)
		b, _ := res.Body()
		o := NewResponseOutparam(func(*Response, *ErrorCode) {})
		o.Head = c.head
		o.Set(res, nil)
		if code := b.Finish(nil); (code == nil) != c.ok {
			t.Errorf("%s: %v", name, code)
		}
	}
}

func TestAnAbortedResponseReportsTheReason(t *testing.T) {
	st := newState(t, &Config{})
	out := st.NewOutgoingResponse(NewFields(st.FieldRules()))
	b, _ := out.Body()
	var res *Response
	NewResponseOutparam(func(r *Response, _ *ErrorCode) { res = r }).Set(out, nil)
	trap := errors.New("trap")
	got := make(chan error)
	go func() {
		_, err := io.ReadAll(res.HTTP().Body)
		got <- err
	}()
	res.Abort(trap)
	b.Abort(ErrBodyDropped)
	if err := <-got; !errors.Is(err, trap) {
		t.Errorf("%v", err)
	}
}

func TestResponsesBecomeThoseOfNetHTTP(t *testing.T) {
	st := newState(t, &Config{})
	send := func(prepare func(*OutgoingResponse), kv ...string) *http.Response {
		t.Helper()
		out := st.NewOutgoingResponse(mustFields(t, st.FieldRules(), kv...))
		prepare(out)
		var res *Response
		NewResponseOutparam(func(r *Response, _ *ErrorCode) { res = r }).Set(out, nil)
		return res.HTTP()
	}
	write := func(out *OutgoingResponse, text string, trailers *Fields) {
		b, _ := out.Body()
		s, _ := b.Stream()
		if err := s.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if code := b.Finish(trailers); code != nil {
			t.Fatal(code)
		}
	}
	type seen struct {
		Status          int
		Length          int64
		Header, Trailer http.Header
		Body            string
	}
	for name, c := range map[string]struct {
		res  *http.Response
		want seen
	}{
		"no body": {send(func(*OutgoingResponse) {}), seen{200, 0, http.Header{"Content-Type": nil, "Content-Length": {"0"}}, nil, ""}},
		"not modified": {send(func(o *OutgoingResponse) { o.SetStatus(304); write(o, "", nil) }),
			seen{304, 0, http.Header{"Content-Type": nil}, nil, ""}},
		"no content": {send(func(o *OutgoingResponse) { o.SetStatus(204) }), seen{204, 0, http.Header{"Content-Type": nil}, nil, ""}},
		"written before": {send(func(o *OutgoingResponse) { o.SetStatus(404); write(o, "hello", nil) },
			"content-TYPE", "text/plain", "x-a", "1", "X-A", "2"),
			seen{404, 5, http.Header{"Content-Type": {"text/plain"}, "Content-Length": {"5"}, "X-A": {"1", "2"}}, nil, "hello"}},
		"declared": {send(func(o *OutgoingResponse) { write(o, "hi", nil) }, "content-length", "2"),
			seen{200, 2, http.Header{"Content-Type": nil, "Content-Length": {"2"}}, nil, "hi"}},
		"trailers": {send(func(o *OutgoingResponse) { write(o, "hi", mustFields(t, st.FieldRules(), "x-t", "1")) }),
			seen{200, -1, http.Header{"Content-Type": nil}, http.Header{"X-T": {"1"}}, "hi"}},
	} {
		body, err := io.ReadAll(c.res.Body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := seen{c.res.StatusCode, c.res.ContentLength, c.res.Header, c.res.Trailer, string(body)}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAResponseWithoutBodyIsHeldToItsContentLength(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		head   bool
		length string
		ok     bool
	}{
		"none": {200, false, "", true}, "zero": {200, false, "0", true}, "more": {200, false, "5", false},
		"to HEAD": {200, true, "5", true}, "not modified": {304, false, "5", true}, "no content": {204, false, "5", true},
	} {
		st := newState(t, &Config{})
		f := NewFields(st.FieldRules())
		if c.length != "" {
			f = mustFields(t, st.FieldRules(), "content-length", c.length)
		}
		out := st.NewOutgoingResponse(f)
		out.SetStatus(c.status)
		var res *Response
		o := NewResponseOutparam(func(r *Response, _ *ErrorCode) { res = r })
		o.Head = c.head
		o.Set(out, nil)
		h := res.HTTP()
		_, err := io.ReadAll(h.Body)
		if code := AsErrorCode(err); c.ok != (err == nil) ||
			err != nil && (code == nil || code.Case != HTTPResponseBodySize) {
			t.Errorf("%s: %v", name, err)
		}
		// RFC 9110, 8.6: a 204 has no Content-Length. Else the length is known.
		want := c.length
		switch {
		case c.status == http.StatusNoContent:
			want = ""
		case want == "":
			want = "0"
		}
		if got := h.Header.Get("Content-Length"); got != want {
			t.Errorf("%s: Content-Length %q, want %q", name, got, want)
		}
	}
}
