package testhost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/testrunner"
)

// complete checks the body's length, and adds the header fields that a server
// does at that time.
func complete(a *testrunner.Response, h http.Header, at time.Time) error {
	if declared := h.Get("Content-Length"); declared != "" {
		if n, err := strconv.ParseInt(declared, 10, 64); err == nil && n != int64(len(a.Body)) {
			return &host.Failure{Outcome: host.ErrorCode, ErrorCode: "HTTP-response-body-size",
				Cause: fmt.Sprintf("the body has %d bytes, its content-length is %d", len(a.Body),
					n)}
		}
	} else if len(a.Trailers) == 0 && len(a.Body) < wholeBody {
		a.Headers = append(a.Headers, fixture.Field{
			Name: "Content-Length", Value: strconv.Itoa(len(a.Body)),
		})
	}
	if h.Get("Date") == "" {
		a.Headers = append(a.Headers, fixture.Field{
			Name: "Date", Value: at.UTC().Format(http.TimeFormat),
		})
	}
	// The fields are those of FieldsOf, sorted, whoever has added them.
	stable.Sort(a.Headers, func(a, b fixture.Field) int {
		return strings.Compare(a.Name, b.Name)
	})
	return nil
}

// wholeBody is up to which size the server sends bodies with their length, in
// bytes.
const wholeBody = 32 << 10

// httpRequest returns a request as a server would get it.
func httpRequest(ctx context.Context, r *testrunner.Request) *http.Request {
	out := &http.Request{
		Method: r.Method, RequestURI: r.Target, Host: r.Authority, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
	for _, f := range r.Headers {
		if strings.EqualFold(f.Name, "Host") {
			out.Host = f.Value
			continue
		}
		out.Header.Add(f.Name, f.Value)
	}
	if r.Body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(r.Body)), int64(len(r.Body))
	}
	if r.Body != nil && len(r.Body) == 0 {
		out.Header.Set("Content-Length", "0")
	}
	return out.WithContext(ctx)
}
