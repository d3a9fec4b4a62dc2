package explorer

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/serve"
)

// BenchmarkFollow follows a small request: all that the explorer adds to what serving it costs.
func BenchmarkFollow(b *testing.B) {
	e := New(b.Context(), Options{})
	defer e.Close()
	r := &http.Request{
		Method: "GET", Host: "localhost:8080", Proto: "HTTP/1.1", RemoteAddr: "127.0.0.1:4711",
		Header: http.Header{"Accept": {"*/*"}, "User-Agent": {"bench/1.0"}},
	}
	resp := &http.Response{StatusCode: 200, Header: http.Header{"content-type": {"text/plain"}}}
	record := serve.Record{Outcome: serve.OK, Status: 200, Target: "/path?query"}
	body, ids := []byte("hello"), make([]string, maxRequests)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		record.ID, record.Start = ids[i%maxRequests], time.Now()
		f := e.Begin(r, &record)
		line := f.Timeline()
		line.Use()
		f.Taken(1)
		line.Making()
		line.Run()
		line.Responded()
		line.Wait()
		line.Release()
		f.Responded(resp)
		line.Write(timeline.ResponseBody, body)
		record.Duration = time.Since(record.Start)
		f.End(&record)
	}
}
