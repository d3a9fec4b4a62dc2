package explorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/serve"
)

// one follows a request to its end, whose bodies have that size.
func one(r *ring, id string, size int) serve.Follower {
	f := r.Begin(&http.Request{
		Method: "GET", Host: "localhost", Header: http.Header{"Accept": {"*/*"}},
	}, &serve.Record{ID: id, Target: "/" + id, Start: time.Now()})
	f.Responded(&http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"a"}}})
	f.Timeline().Write(timeline.ResponseBody, make([]byte, size))
	f.End(&serve.Record{Outcome: serve.OK, Status: 200})
	return f
}

func newRing() *ring { return &ring{limit: maxTotal} }

func TestTheLastRequestsAreKept(t *testing.T) {
	r := newRing()
	for i := range 2*maxRequests + 5 {
		one(r, fmt.Sprint(i), 10)
	}
	list := r.list(0)
	if len(list) != maxRequests {
		t.Fatalf("%d are kept", len(list))
	}
	for i, e := range list {
		s := e.state()
		if want := fmt.Sprint(i + maxRequests + 5); s.id != want || s.target != "/"+want ||
			s.seq != uint64(i+maxRequests+6) || e.trace.Body(timeline.ResponseBody).Size != 10 ||
			s.fields.header().Get("Accept") != "*/*" || len(s.responseFields.header()) != 1 {
			t.Fatalf("at %d: %+v", i, s)
		}
	}
	if r.find(maxRequests+5) != nil || r.find(2*maxRequests+5) == nil {
		t.Error("others are found")
	}
	if n := r.bytes.Load(); n < maxRequests*slotRoom || n > maxRequests*entrySize {
		t.Errorf("%d bytes are counted", n)
	}
	r.clear()
	if n := r.bytes.Load(); n != 0 || len(r.list(0)) != 0 {
		t.Errorf("%d bytes of %d requests are left", n, len(r.list(0)))
	}
	if one(r, "after", 1); len(r.list(0)) != 1 {
		t.Errorf("%d requests after all were removed", len(r.list(0)))
	}
}

// Whatever requests have in them, and whether they end or not, all together stay within the bound.
func TestTheBytesOfAllRequestsAreBounded(t *testing.T) {
	r := newRing()
	r.limit = 1 << 20
	var requests sync.WaitGroup
	var over atomic.Int64
	for i := range 8 {
		requests.Go(func() {
			for j := range 200 {
				f := r.Begin(&http.Request{
					Method: "POST", Body: io.NopCloser(strings.NewReader("x")),
					Header: http.Header{"X": {strings.Repeat("x", 1000*(j%7))}},
				}, &serve.Record{Start: time.Now()})
				line := f.Timeline()
				for part := range timeline.Parts {
					for range j % 5 {
						line.Write(part, make([]byte, 20<<10))
					}
				}
				for range j % 3 {
					x := line.Send("GET", "http://a.example/", func() []timeline.Field { return nil })
					x.Sent(make([]byte, 30<<10))
					x.Received(make([]byte, 30<<10))
				}
				f.Responded(&http.Response{Header: http.Header{"Y": {strings.Repeat("y", 10_000)}}})
				if n := r.bytes.Load(); n > r.limit+8*128<<10 {
					over.Store(n)
				}
				if i%2 == 0 {
					f.End(&serve.Record{Failure: &serve.Failure{Frames: make([]serve.Frame, 10)}})
				}
			}
		})
	}
	requests.Wait()
	if n := r.bytes.Load(); n > r.limit || over.Load() != 0 {
		t.Errorf("%d bytes are counted, and were %d", n, over.Load())
	}
	held := int64(0)
	for _, e := range r.list(0) {
		for part := range timeline.Parts {
			held += int64(cap(e.trace.Body(part).Bytes))
		}
		exchanges, _ := e.trace.Exchanges()
		for _, x := range exchanges {
			held += int64(cap(x.Body.Bytes) + cap(x.ResponseBody.Bytes))
		}
	}
	if held > r.limit || held == 0 {
		t.Errorf("%d bytes are held", held)
	}
	r.clear()
	if n := r.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are counted at the end", n)
	}
}

// An entry is used again only if nothing more can come of the request that it had.
func TestLateReportsStayWithTheirRequest(t *testing.T) {
	for name, late := range map[string]func(*timeline.Trace){
		"output":   func(l *timeline.Trace) { l.Write(timeline.Stdout, []byte("late")) },
		"a span":   func(l *timeline.Trace) { l.Add(timeline.Span{Name: "late"}) },
		"upstream": func(l *timeline.Trace) { l.Send("GET", "http://late.example/", func() []timeline.Field { return nil }) },
		"phases":   func(l *timeline.Trace) { l.Run() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRing()
			f := r.Begin(&http.Request{Method: "GET"}, &serve.Record{ID: "slow", Start: time.Now()})
			line := f.Timeline()
			line.Use()
			f.End(&serve.Record{Outcome: serve.OK})
			for i := range 2 * maxRequests {
				one(r, fmt.Sprint(i), 1)
			}
			late(line)
			line.Release()
			for _, e := range r.list(0) {
				exchanges, sent := e.trace.Exchanges()
				spans, _ := e.trace.Spans()
				if phases, _ := e.trace.Phases(); e.trace.Body(timeline.Stdout).Size != 0 || len(exchanges) != 0 ||
					sent != 0 || len(spans) != 0 || len(phases) > 2 {
					t.Fatalf("request %s has what another one did", e.id)
				}
			}
			r.clear()
		})
	}
}

func TestEntriesAreUsedAgain(t *testing.T) {
	r := newRing()
	seen := map[*entry]bool{}
	for i := range 4 * maxRequests {
		seen[one(r, fmt.Sprint(i), 10).(*entry)] = true
	}
	if len(seen) > maxRequests+chunk {
		t.Errorf("%d entries were made", len(seen))
	}
	done := r.read() // meanwhile nothing changes under the reader
	list := r.list(0)
	first := list[0].id
	for i := range maxRequests {
		one(r, fmt.Sprint("later", i), 10)
	}
	if list[0].id != first || r.list(0)[0].id != "later0" {
		t.Errorf("%s became %s", first, list[0].id)
	}
	done()
}

// pieces is a body in many pieces.
type pieces struct{ left int }

func (p *pieces) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), p.left)
	clear(b[:n])
	p.left -= n
	return n, nil
}

func (p *pieces) Close() error { return nil }

func TestAllKindsOfRequestsAreFollowed(t *testing.T) {
	hold := make(chan struct{})
	var waiting sync.WaitGroup
	r := start(t, func(ctx context.Context, id string, q *http.Request) (*http.Response, error) {
		switch q.URL.Path {
		case "/long":
			n, err := io.Copy(io.Discard, q.Body)
			if err != nil {
				return nil, err
			}
			resp := reply(200, "application/octet-stream", "")
			resp.Body = &pieces{left: int(n)}
			return resp, nil
		case "/hold":
			waiting.Done()
			select {
			case <-hold:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		case "/trailers":
			_, _ = io.Copy(io.Discard, q.Body)
			resp := reply(200, "text/plain", "body")
			resp.Trailer = http.Header{"X-Sum": {"1"}}
			return resp, nil
		case "/none":
			return reply(204, "text/plain", ""), nil
		}
		return echo(ctx, id, q)
	}, nil)

	// A long body, of which the beginning is kept.
	const size = 20 << 20
	q, err := http.NewRequestWithContext(t.Context(), "POST", r.base+"/long", &pieces{left: size})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	resp.Body.Close()
	var d Detail
	r.await("path:/long -is:running", 1)
	r.api(200, "GET", "requests/1", "", &d)
	if d.Request.Body.Size != size || d.Request.Body.Kept != maxBody || d.Response.Body.Size != size ||
		d.Response.Body.Kept != maxBody || d.Bytes != size || d.Response.Body.Kind != "binary" {
		t.Errorf("got %+v, %+v", d.Request.Body, d.Response.Body)
	}

	// Heads without bodies, trailers, and bytes that are no text.
	r.do("HEAD", "/", "")
	r.do("GET", "/none", "")
	if r.api(200, "GET", "requests/2", "", &d); d.Method != "HEAD" || d.Response.Body.Kind != "empty" {
		t.Errorf("got %+v", d.Response)
	}
	q, err = http.NewRequestWithContext(t.Context(), "POST", r.base+"/trailers", io.MultiReader(strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	q.Trailer = http.Header{"X-Token": {"abcDEF0123456789"}}
	if resp, err = r.client.Do(q); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	r.await("path:/trailers -is:running", 1)
	r.api(200, "GET", "requests/4", "", &d)
	if len(d.Request.Trailers) != 1 || !d.Request.Trailers[0].Secret || len(d.Response.Trailers) != 1 ||
		d.Response.Trailers[0] != (Header{"X-Sum", "1", false}) {
		t.Errorf("the trailers are %+v and %+v", d.Request.Trailers, d.Response.Trailers)
	}

	// Clients that leave, and many requests at once that do not end.
	ctx, leave := context.WithCancel(t.Context())
	waiting.Add(1)
	left := make(chan error, 1)
	go func() {
		q, err := http.NewRequestWithContext(ctx, "GET", r.base+"/hold", nil)
		if err == nil {
			_, err = r.client.Do(q)
		}
		left <- err
	}()
	waiting.Wait()
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if s := r.await("outcome:client-gone", 1)[0]; s.Status != 0 || s.MS == nil {
		t.Errorf("got %+v", s)
	}
	r.api(409, "POST", "requests/5/fixture", "", nil)
	const many = 200
	waiting.Add(many)
	var ended sync.WaitGroup
	for range many {
		ended.Go(func() { r.do("GET", "/hold", "") })
	}
	waiting.Wait()
	for _, s := range r.await("is:running", many) {
		if s.MS != nil || s.Outcome != "" {
			t.Fatalf("got %+v", s)
		}
	}
	close(hold)
	ended.Wait()
	r.await("is:running", 0)
}

// 10,000 requests at once, none of which ends, take the room of 1,000.
func TestRequestsThatDoNotEndGiveWay(t *testing.T) {
	r := newRing()
	var list []serve.Follower
	for i := range 10 * maxRequests {
		f := r.Begin(&http.Request{Method: "GET"}, &serve.Record{ID: fmt.Sprint(i), Start: time.Now()})
		f.Timeline().Use()
		f.Timeline().Write(timeline.ResponseBody, []byte("begun"))
		list = append(list, f)
	}
	if len(r.list(0)) != maxRequests {
		t.Errorf("%d are kept", len(r.list(0)))
	}
	bound := r.bytes.Load()
	for _, f := range list {
		f.Timeline().Write(timeline.Stdout, bytes.Repeat([]byte("x"), 100))
		f.Responded(&http.Response{Header: http.Header{"A": {"b"}}})
		f.End(&serve.Record{Outcome: serve.OK})
		f.Timeline().Release()
	}
	if n := r.bytes.Load(); n > bound+maxRequests*300 {
		t.Errorf("%d bytes are counted, after %d", n, bound)
	}
	r.clear()
	if n := r.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are counted at the end", n)
	}
}

// A request leaves nothing of the server's in memory: no connection, no instance.
func TestWhatHasEndedIsLetGo(t *testing.T) {
	collected := make(chan struct{}, 2)
	r := newRing()
	func() {
		q := &http.Request{Method: "POST", Body: io.NopCloser(strings.NewReader("x")), Header: http.Header{}}
		resp := &http.Response{Header: http.Header{}, Body: io.NopCloser(strings.NewReader("y"))}
		runtime.AddCleanup(q, func(c chan struct{}) { c <- struct{}{} }, collected)
		runtime.AddCleanup(resp, func(c chan struct{}) { c <- struct{}{} }, collected)
		f := r.Begin(q, &serve.Record{Start: time.Now()})
		f.Responded(resp)
		f.End(&serve.Record{Failure: &serve.Failure{Err: errors.New("large")}})
	}()
	for range 2 {
		runtime.GC()
		select {
		case <-collected:
		case <-t.Context().Done():
			t.Fatal("something is kept")
		}
	}
	runtime.KeepAlive(r)
}
