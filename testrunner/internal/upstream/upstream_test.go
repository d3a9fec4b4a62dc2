package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/coding"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/tap"
)

func get(target string) Request {
	return Request{
		Method: "GET", Scheme: "http", Host: "a.test", Target: target,
		After: func(d time.Duration) (<-chan struct{}, func()) {
			passed := make(chan struct{})
			timer := time.AfterFunc(d, func() { close(passed) })
			return passed, func() { timer.Stop() }
		},
	}
}

func want(target string) Want {
	return Want{Method: "GET", Scheme: "http", Host: "a.test", Target: target}
}

// send sends a request over a connection of v and returns what came back.
func send(t *testing.T, v *View, r Request, body string) (*http.Response, string, error) {
	t.Helper()
	conn, err := v.Connect(t.Context(), r)
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s",
		r.Method, r.Target, r.Host, len(body), body)
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	if err != nil {
		return nil, "", err
	}
	got, err := io.ReadAll(res.Body)
	return res, string(got), err
}

func TestTheHeadOfARequestChoosesTheExchange(t *testing.T) {
	base := Want{
		Method: "GET", Scheme: "https", Host: "a.test", Target: "/users%2Fx/%7Ea?a=1&b=2&b=3&c",
		Headers: fixture.Fields{{Name: "X-A", Value: "1"}, {Name: "x-a", Value: "2"}},
	}
	header := http.Header{"X-A": {"1", "2"}, "Other": {"z"}}
	same := Request{
		Method: "GET", Scheme: "https", Host: "A.test:443", Target: "/users%2Fx/~a?b=2&c&a=%31&b=3",
		Header: header,
	}
	if d := base.differences(&same); len(d) > 0 {
		t.Errorf("differences: %q", d)
	}
	for name, change := range map[string]func(*Request){
		"method":            func(r *Request) { r.Method = "HEAD" },
		"server":            func(r *Request) { r.Scheme, r.Host = "http", "a.test" },
		"path":              func(r *Request) { r.Target = strings.Replace(r.Target, "%2F", "/", 1) },
		"query parameter b": func(r *Request) { r.Target = "/users%2Fx/~a?a=1&b=3&b=2&c" },
		"query parameter c": func(r *Request) { r.Target = "/users%2Fx/~a?a=1&b=2&b=3&c=" },
		"query parameter d": func(r *Request) { r.Target += "&d=1" },
		"header X-A":        func(r *Request) { r.Header = http.Header{"X-A": {"2", "1"}} },
	} {
		other := same
		change(&other)
		d := base.differences(&other)
		if len(d) != 1 || !strings.HasPrefix(d[0], name+": expected ") {
			t.Errorf("%s: %q", name, d)
		}
	}
}

func TestEqualRequestsGetResponsesInTheirOrder(t *testing.T) {
	set := NewSet(4)
	list := []Exchange{
		{Index: 0, Times: 1, Want: want("/"), Status: 200, Body: []byte("first")},
		{Index: 1, Times: 2, Want: want("/"), Status: 200, Body: []byte("second")},
		{Index: 2, Times: 1, Want: want("/other"), Status: 200},
		{Index: 3, Place: "f:9", Times: 1, Want: want("/"), Status: 200, Problem: "no variable"},
	}
	v := set.View(list)
	for _, expected := range []string{"first", "second", "second"} {
		if _, body, err := send(t, v, get("/"), ""); err != nil || body != expected {
			t.Errorf("got %q, %v, want %q", body, err, expected)
		}
	}
	if _, _, err := send(t, v, get("/"), ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after all were used: %v", err)
	}
	misses := v.End()
	if len(misses) != 1 || misses[0].Differences[0] != "it has been used 2 times" {
		t.Errorf("misses: %+v", misses)
	}
	if got := set.Unused(); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("unused: %v", got)
	}
	first := v
	v = set.View(list)
	if _, _, err := send(t, v, get("/other"), ""); err != nil {
		t.Error(err)
	}
	mark := v.Mark()
	for range 2 {
		if _, _, err := send(t, v, get("/other"), ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a second time: %v", err)
		}
		v.Return(mark)
	}
	if misses := v.End(); len(misses) > 0 || len(v.Taken()) != 1 {
		t.Errorf("after its return: %+v, %v", misses, v.Taken())
	}
	v.Undo()
	first.Undo()
	if _, body, err := send(t, set.View(list), get("/"), ""); body != "first" {
		t.Errorf("after Undo: %q, %v", body, err)
	}
}

func TestBodiesChooseWhereHeadsDoNot(t *testing.T) {
	post := Want{Method: "POST", Scheme: "http", Host: "a.test", Target: "/", HasBody: true}
	one, two := post, post
	one.Body, one.JSON = []byte(`{"a": 1, "b": [2]}`), true
	two.Body = []byte("two")
	r := get("/")
	r.Method = "POST"
	set := NewSet(2)
	list := []Exchange{
		{Index: 0, Place: "f:1", Want: one, Status: 200, Body: []byte("got one")},
		{Index: 1, Want: two, Status: 200, Body: []byte("got two")},
	}
	v := set.View(list)
	for sent, expected := range map[string]string{"two": "got two", `{"b":[2],"a":1}`: "got one"} {
		if _, body, err := send(t, v, r, sent); err != nil || body != expected {
			t.Errorf("%s: got %q, %v", sent, body, err)
		}
	}
	if _, _, err := send(t, v, r, "three"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("another body: %v", err)
	}
	misses := v.End()
	if len(misses) != 1 || !strings.Contains(misses[0].Differences[0], `got "three"`) {
		t.Errorf("misses: %+v", misses)
	}

	v = set.View(list[1:])
	if _, body, err := send(t, v, r, "three"); err != nil || body != "got two" {
		t.Errorf("with one exchange the response comes at once, got %q, %v", body, err)
	}
	if m := v.End(); len(m) != 1 || !strings.Contains(m[0].Differences[0], `expected "two"`) {
		t.Errorf("misses: %+v", m)
	}
}

func TestABodyThatIsNotCompleteIsReportedIfBodiesDecide(t *testing.T) {
	post := Want{Method: "POST", Scheme: "http", Host: "a.test", Target: "/", HasBody: true}
	other := post
	other.Body = []byte("other")
	v := NewSet(2).View([]Exchange{{Want: post, Status: 200}, {Index: 1, Want: other, Status: 200}})
	r := get("/")
	r.Method = "POST"
	conn, err := v.Connect(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\not")
	conn.Close()
	misses := v.End()
	if len(misses) != 1 || !strings.Contains(misses[0].Differences[0], "only bodies tell") {
		t.Errorf("misses: %+v", misses)
	}
}

func TestFaults(t *testing.T) {
	var dns *net.DNSError
	for kind, is := range map[hurl.FailKind]func(error) bool{
		hurl.FailRefused: func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) },
		hurl.FailDNS:     func(err error) bool { return errors.As(err, &dns) && dns.IsNotFound },
		hurl.FailTimeout: func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) },
		hurl.FailReset:   func(err error) bool { return errors.Is(err, syscall.ECONNRESET) },
		hurl.FailCut:     func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) },
	} {
		for _, trailers := range []fixture.Fields{nil, {{Name: "x-t", Value: "1"}}} {
			v := NewSet(1).View([]Exchange{{
				Want: want("/"), Fail: kind, FailN: 2, Status: 200, Body: []byte("body"),
				Trailers: trailers,
			}})
			_, body, err := send(t, v, get("/"), "")
			if !is(err) || kind == hurl.FailCut && body != "bo" {
				t.Errorf("%s, trailers %v: got %q, %v", kind, trailers, body, err)
			}
			if m := v.End(); len(m) > 0 {
				t.Errorf("%s: misses %+v", kind, m)
			}
		}
	}
}

func TestResponsesAreSentAsRecorded(t *testing.T) {
	v := NewSet(1).View([]Exchange{{
		Want: want("/"), Status: 203, Body: []byte("body"),
		Headers: fixture.Fields{
			{Name: "Content-Encoding", Value: "gzip"}, {Name: "X-A", Value: "1"},
			{Name: "X-A", Value: "2"}, {Name: "Content-Length", Value: "999"},
			{Name: "Transfer-Encoding", Value: "chunked"},
		},
		Trailers: fixture.Fields{{Name: "X-T", Value: "3"}},
	}})
	res, body, err := send(t, v, get("/"), "")
	if err != nil {
		t.Fatal(err)
	}
	plain, ok := coding.Decode([]byte(body), "gzip")
	if res.StatusCode != 203 || !ok || string(plain) != "body" ||
		!slices.Equal(res.Header["X-A"], []string{"1", "2"}) || res.Trailer.Get("X-T") != "3" {
		t.Errorf("got %v, %q, trailers %v", res, plain, res.Trailer)
	}
	head := want("/")
	head.Method = "HEAD"
	v = NewSet(1).View([]Exchange{{Want: head, Status: 200, Headers: fixture.Fields{
		{Name: "Content-Length", Value: "999"},
	}}})
	r := get("/")
	r.Method = "HEAD"
	if res, body, err = send(t, v, r, ""); err != nil || res.ContentLength != 999 || body != "" {
		t.Errorf("HEAD: %v, %q, %v", res, body, err)
	}
}

func TestADelayEndsWithTheGuestsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := NewSet(2).View([]Exchange{
			{Want: want("/"), Status: 200, Delay: time.Hour},
			{Index: 1, Want: want("/no"), Fail: hurl.FailRefused, Delay: time.Hour},
		})
		began := time.Now()
		if _, _, err := send(t, v, get("/"), ""); err != nil || time.Since(began) != time.Hour {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		began = time.Now()
		conn, err := v.Connect(t.Context(), get("/"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
		conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.Connect(ctx, get("/no")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the guest's own limit: %v", err)
		}
		v.End()
		if d := time.Since(began); d > time.Minute {
			t.Errorf("what the guest had given up took %v", d)
		}
	})
}

// What a recorded failure does to a connection is recorded as the same failure.
func TestAFailureIsRecordedAsTheKindThatItIs(t *testing.T) {
	for _, kind := range hurl.FailKinds() {
		x := Exchange{Want: want("/"), Fail: kind, FailN: 42}
		name := string(kind)
		switch kind {
		case hurl.FailReset, hurl.FailCut: // there is a connection
			continue
		case hurl.FailAlert:
			name += " 42"
		}
		x.Want.Scheme = "https"
		r := get("/")
		r.Scheme = "https"
		v := NewSet(1).View([]Exchange{x})
		got := ""
		_, err := tap.Dial(t.Context(), fixture.Request{Method: "GET", URL: "https://a.test/"},
			func(ctx context.Context) (net.Conn, error) { return v.Connect(ctx, r) },
			func(x *fixture.Exchange) { got = x.Failure })
		if err == nil || got != name {
			t.Errorf("%s: recorded as %q, %v", kind, got, err)
		}
	}
}

// Bodies of JSON are compared by value, to the last digit.
func TestBodiesOfJSONAreComparedByValue(t *testing.T) {
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{`{"a": 1, "b": [2.0, {"c": null}]}`, `{"b":[2,{"c":null}],"a":1e0}`, true},
		{`{"id": 9007199254740993}`, `{"id":9007199254740992}`, false},
		{`{"id": 9007199254740993}`, `{"id": 9007199254740993.0}`, true},
		{`{"a": 1}`, `{"a": 1, "b": 2}`, false},
		{`{"a": null}`, `{}`, false},
		{`[1, 2]`, `[2, 1]`, false},
		{`{"token": "REDACTED", "n": 1}`, `{"token":"abc","n":1}`, true},
		{`{"a": 1}`, `{"a": 1`, false},
		{`{"a": 1}`, `{"a": "1"}`, false},
	} {
		w := Want{Body: []byte(c.want), HasBody: true, JSON: true}
		if got := w.sameBody([]byte(c.got)); got != c.same {
			t.Errorf("%s and %s: %v", c.want, c.got, got)
		}
	}
}
