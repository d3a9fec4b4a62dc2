package wasi

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// handled serves one request, which is written to a connection as it stands, and lets the guest's
// side have it. The connection is closed after that.
func handled(t *testing.T, wire string, guest func(st *State, q *Request, closeConn func())) {
	t.Helper()
	before := runtime.NumGoroutine()
	var conn net.Conn
	done := make(chan struct{})
	dialed := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		<-dialed
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		st := NewState(&Config{})
		defer st.Close()
		q, err := RequestFromHTTP(r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		guest(st, q, func() { conn.Close() })
	}))
	var err error
	if conn, err = net.Dial("tcp", srv.Listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	close(dialed)
	if _, err := io.WriteString(conn, wire); err != nil {
		t.Fatal(err)
	}
	<-done
	conn.Close()
	srv.Close()
	awaitGoroutines(t, before)
}

func TestAGuestNeedNotReadWhatNeverComes(t *testing.T) {
	handled(
		t,
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc",
		func(st *State, q *Request, _ func()) {
			s, _ := st.RequestBody(q).Stream()
			var got string
			for len(got) < 3 {
				if err := Await(context.Background(), s); err != nil {
					t.Error(err)
					return
				}
				b, err := s.Read(100)
				if got += string(b); err != nil {
					t.Error(err)
					return
				}
			}
			if got != "abc" || s.Ready() {
				t.Errorf("%q, and more", got)
			}
		},
	)
}

func TestABodyCutOnTheWireIsAProtocolError(t *testing.T) {
	for _, wire := range []string{"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9"} {
		handled(
			t,
			"POST / HTTP/1.1\r\nHost: h\r\n"+wire,
			func(st *State, q *Request, closeConn func()) {
				closeConn()
				s, _ := st.RequestBody(q).Stream()
				got, err := readAll(t, s)
				if code := AsErrorCode(err); got != "abc" || code == nil ||
					code.Case != HTTPProtocolError {
					t.Errorf("%q, %v", got, err)
				}
			},
		)
	}
}

func TestABodyThatIsOverForTheServerIsCutForTheGuest(t *testing.T) {
	handled(
		t,
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789",
		func(st *State, q *Request, _ func()) {
			s, _ := st.RequestBody(q).Stream()
			if err := q.Body.Close(); err != nil {
				t.Error(err)
			}
			got, err := readAll(t, s)
			if code := AsErrorCode(err); got != "" || code == nil ||
				code.Case != ConnectionTerminated {
				t.Errorf("%q, %v", got, err)
			}
		},
	)
}

func TestTrailersOfARequestReachTheGuest(t *testing.T) {
	for wire, want := range map[string][]string{
		"Trailer: X-T, X-Absent\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n": {"x-t: 1"},
		"Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":                     nil,
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Unannounced: 1\r\nUpgrade: x\r\n\r\n":   {"x-unannounced: 1"},
		"Content-Length: 3\r\n\r\nabc": nil,
	} {
		handled(t, "POST / HTTP/1.1\r\nHost: h\r\n"+wire, func(st *State, q *Request, _ func()) {
			f := st.RequestBody(q).Finish()
			if err := Await(context.Background(), f); err != nil {
				t.Error(err)
				return
			}
			trailers, code := f.Get()
			var got []string
			if trailers != nil {
				got = pairs(trailers)
			}
			if diff := cmp.Diff(want, got); diff != "" || code != nil {
				t.Errorf("%s: %v, %s", strings.Fields(wire)[0], code, diff)
			}
		})
	}
}
