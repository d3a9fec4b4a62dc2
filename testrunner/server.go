package testrunner

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
)

// Server is a Host that sends requests to a server, whatever authority they name. Client must not
// follow redirects.
type Server struct {
	Base   *url.URL // scheme and authority, and a path that goes before each target
	Client *http.Client
	// Keep leaves connections open for other targets when one is closed.
	Keep bool
}

// NewServer returns a Server that trusts what tls does; nil stands for the machine's certificates.
func NewServer(base *url.URL, tls *tls.Config) *Server {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.DisableCompression = tls, true
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Server{Base: base, Client: &http.Client{Transport: transport, CheckRedirect: stay}}
}

// NewBusyServer is NewServer for many requests at once, each of which finds a connection that was
// used before. The caller must call Close.
func NewBusyServer(base *url.URL, tls *tls.Config, atOnce int) *Server {
	s := NewServer(base, tls)
	transport := s.Client.Transport.(*http.Transport)
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = atOnce, atOnce
	s.Keep = true
	return s
}

// Close closes the connections that no request uses.
func (s *Server) Close() { s.Client.CloseIdleConnections() }

// Open implements Host.
func (s *Server) Open(context.Context, Spec) (Target, error) { return &serverTarget{s}, nil }

type serverTarget struct{ server *Server }

// Reusable implements Target.
func (*serverTarget) Reusable() bool { return true }

// Close implements Target.
func (t *serverTarget) Close() {
	if !t.server.Keep {
		t.server.Close()
	}
}

// Do implements Target.
func (t *serverTarget) Do(ctx context.Context, r *Request) (*Response, error) {
	if r.Taken != nil {
		defer r.Taken()
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if r.Timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, r.Timeout)
	}
	defer cancel()
	began := time.Now()
	response, err := t.send(limited, r)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		outcome := NoResponse
		if errors.Is(err, context.DeadlineExceeded) {
			outcome = Expired
		}
		response = &Response{Failure: &Failure{Outcome: outcome, Cause: err.Error()}}
	}
	response.Duration = time.Since(began)
	return response, nil
}

func (t *serverTarget) send(ctx context.Context, r *Request) (*Response, error) {
	base := *t.server.Base
	at := strings.TrimSuffix(base.Scheme+"://"+base.Host+base.EscapedPath(), "/") + r.Target
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	out, err := http.NewRequestWithContext(ctx, r.Method, at, body)
	if err != nil {
		return nil, err
	}
	for _, f := range r.Headers {
		if strings.EqualFold(f.Name, "Host") || strings.EqualFold(f.Name, "Content-Length") {
			continue
		}
		out.Header.Add(f.Name, f.Value)
	}
	in, err := t.server.Client.Do(out)
	if err != nil {
		return nil, err
	}
	defer in.Body.Close()
	response := &Response{Status: in.StatusCode, Headers: fieldsOf(in.Header)}
	response.Body, err = r.ReadBody(in.Body, in.ContentLength)
	response.Trailers = fieldsOf(in.Trailer)
	return response, err
}

// fieldsOf returns fields in the order of their names.
func fieldsOf(h http.Header) fixture.Fields {
	var out fixture.Fields
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			out = append(out, fixture.Field{Name: name, Value: value})
		}
	}
	return out
}
