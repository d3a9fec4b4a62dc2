package e2e

import (
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
)

// wasip3Server is a server that the program sends requests to; of kind closed, an address where
// nobody listens.
type wasip3Server struct {
	Name, Kind string
	Endpoints  []struct {
		Method, Path, Mode string
		Response           wasip3Response
	}
}

// start starts the server and returns its address.
func (s *wasip3Server) start() (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = l.Addr().String()
	if s.Kind == "closed" {
		return address, func() {}, l.Close()
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: wasip3Limit, DisableGeneralOptionsHandler: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // it ends with ErrServerClosed
	}()
	return address, func() {
		_ = server.Close() // whoever is still connected has failed already
		<-done
	}, nil
}

// ServeHTTP responds as the endpoint of that method and target says, after it has read the whole
// request.
func (s *wasip3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for _, e := range s.Endpoints {
		if e.Path != r.RequestURI || e.Method != r.Method && (e.Method != "" || r.Method != http.MethodGet) {
			continue
		}
		h := w.Header()
		h["Date"] = nil
		switch e.Mode {
		case "echo-headers":
			h.Set("X-Request-Method", r.Method)
			h.Set("X-Request-Path", r.RequestURI)
			h.Set("X-Echo-Host", r.Host)
			if len(r.TransferEncoding) > 0 {
				h.Set("X-Echo-Transfer-Encoding", strings.Join(r.TransferEncoding, ", "))
			}
			for name, values := range r.Header {
				h["X-Echo-"+name] = values
			}
			for name, values := range r.Trailer {
				h["X-Trailer-"+name] = values
			}
		case "echo-body":
			_, _ = w.Write(body) // the client notices what is missing
		default:
			e.Response.write(w)
		}
		return
	}
	http.NotFound(w, r)
}

func (r *wasip3Response) write(w http.ResponseWriter) {
	h := w.Header()
	for name, value := range r.Headers {
		h.Set(name, value)
	}
	if len(r.Trailers) > 0 {
		h.Set("Trailer", strings.Join(slices.Sorted(maps.Keys(r.Trailers)), ", "))
	}
	w.WriteHeader(r.status())
	_, _ = io.WriteString(w, r.Body) // the client notices what is missing, here and below
	for _, chunk := range r.Chunks {
		_, _ = io.WriteString(w, chunk)
		_ = http.NewResponseController(w).Flush()
	}
	for name, value := range r.Trailers {
		h.Set(name, value)
	}
}
