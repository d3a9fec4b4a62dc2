package wasi

import (
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Request is an HTTP request that a guest is to handle.
type Request struct {
	// Method is a token, in its own case.
	Method string
	// Scheme is "HTTP", "HTTPS", another one in its own case, or "" when unknown.
	Scheme string
	// Authority is host and port as the client named them; "" when unknown.
	Authority string
	// PathWithQuery is the target's path and query exactly as they were sent; "" when the target has none (CONNECT).
	PathWithQuery string
	// Header is frozen.
	Header *Fields
	// Body is nil for an empty body. One goroutine reads it; Close must make a blocked Read return.
	Body io.ReadCloser
	// Trailer returns the trailers, frozen, once Body has returned io.EOF; nil, or returning nil, when there are none.
	Trailer func() *Fields
}

// Interrupter is an io.Reader whose blocked Read can be made to return with an error. An HTTP server gives its requests bodies with it to have
// them let go of before the handler has returned.
type Interrupter interface {
	// Interrupt makes Read return, now and forever. It may be called from any goroutine and does not block.
	Interrupt()
}

// RequestFromHTTP returns what a guest sees of r, which may come from a server or have been made for one. The fields follow rules (nil for the defaults). The error is an
// *ErrorCode: the request has no authority, or its target is no text.
//
// A server's body blocks its goroutine in Read until the server's handler returns, unless it is an Interrupter.
func RequestFromHTTP(r *http.Request, rules *FieldRules) (*Request, error) {
	if rules == nil {
		rules = &FieldRules{}
	}
	q := &Request{Method: r.Method, Scheme: "HTTP", Authority: r.Host, Header: FieldsFromHTTP(rules, incomingHeader(r))}
	if q.Method == "" {
		q.Method = "GET"
	}
	if r.TLS != nil || r.URL != nil && r.RequestURI == "" && strings.EqualFold(r.URL.Scheme, "https") {
		q.Scheme = "HTTPS"
	}
	target := r.RequestURI
	if target == "" && r.URL != nil {
		target = r.URL.RequestURI()
		if q.Authority == "" {
			q.Authority = r.URL.Host
		}
	}
	if !utf8.ValidString(target) || !validToken(q.Method) {
		return nil, NewErrorCode(HTTPRequestURIInvalid, nil)
	}
	q.target(target)
	if q.Authority == "" {
		if a, ok := r.Context().Value(http.LocalAddrContextKey).(interface{ String() string }); ok {
			q.Authority = a.String() // HTTP/1.0 without Host
		}
	}
	if !utf8.ValidString(q.Authority) || q.Authority == "" {
		return nil, NewErrorCode(HTTPRequestURIInvalid, nil)
	}
	if r.Body != nil && r.Body != http.NoBody {
		q.Body = requestBody(r)
		if r.Trailer != nil {
			q.Trailer = func() *Fields { return FieldsFromHTTP(rules, r.Trailer) }
		}
	}
	return q, nil
}

// target takes the request target apart (RFC 9112, 3.2).
func (q *Request) target(target string) {
	scheme, rest, absolute := strings.Cut(target, "://")
	switch {
	case strings.HasPrefix(target, "/") || target == "*":
		q.PathWithQuery = target
	case absolute && validScheme(scheme):
		q.Scheme = CanonicalScheme(scheme)
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		q.Authority, q.PathWithQuery = rest[:end], rest[end:]
		if !strings.HasPrefix(q.PathWithQuery, "/") {
			q.PathWithQuery = "/" + q.PathWithQuery
		}
	case q.Method == http.MethodConnect:
		q.Authority = target
	default:
		q.PathWithQuery = target
	}
}

// incomingHeader returns the fields of r, those included that net/http keeps elsewhere.
func incomingHeader(r *http.Request) http.Header {
	_, has := r.Header["Content-Length"]
	length := r.ContentLength > 0 && !has
	if !length && len(r.Trailer) == 0 {
		return r.Header
	}
	h := r.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if length {
		h.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if _, has := h["Trailer"]; !has {
		for name := range r.Trailer {
			h.Add("Trailer", strings.ToLower(name))
		}
	}
	return h
}

func requestBody(r *http.Request) io.ReadCloser {
	if i, ok := r.Body.(Interrupter); ok {
		return interruptBody{r.Body, i}
	}
	if r.Context().Value(http.ServerContextKey) != nil {
		return serverBody{r.Body}
	}
	return r.Body
}

// interruptBody leaves closing to the server, which may want to read on.
type interruptBody struct {
	io.Reader
	i Interrupter
}

func (b interruptBody) Close() error {
	b.i.Interrupt()
	return nil
}

// serverBody leaves closing to the server: net/http's Close waits for a blocked Read.
type serverBody struct{ io.Reader }

func (serverBody) Close() error { return nil }
func (serverBody) detached()    {}

// Response is the HTTP response that a guest gave. Its Body may still be being written.
type Response struct {
	// Status is 100 to 999 as the guest set it; a server has to refuse those that cannot end an exchange.
	Status int
	// Header is frozen.
	Header *Fields
	// Body is never nil. Whoever gets the Response closes it.
	Body *BodyReader

	body *OutgoingBody
}

// Trailer returns the trailers, frozen, or nil; it is known once Body has returned io.EOF.
func (r *Response) Trailer() *Fields { return r.Body.Trailer() }

// Abort cuts a body that has not ended, with the reason that Body.Read then returns after what was written before. It may be called from any
// goroutine.
func (r *Response) Abort(cause error) { r.body.Abort(cause) }

// HTTP returns the response for a server. Its Content-Type is present but nil when the guest set none, so that none is guessed; its Trailer is filled when
// Body returns io.EOF; Body is the BodyReader with its additional methods reachable through it. ContentLength is -1 when the guest neither
// declared a length nor has ended the body yet.
func (r *Response) HTTP() *http.Response {
	h := r.Header.HTTP()
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil
	}
	res := &http.Response{
		Status:     strconv.Itoa(r.Status) + " " + http.StatusText(r.Status),
		StatusCode: r.Status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, ContentLength: -1,
	}
	n, ended := r.body.pipe.buffered()
	trailer := r.Body.Trailer()
	if length, ok := r.Header.ContentLength(); ok && length < 1<<63 {
		res.ContentLength = int64(length)
	} else if ended && trailer == nil && r.body.Finished() {
		res.ContentLength = int64(n)
	}
	res.Body = &httpBody{BodyReader: r.Body, res: res}
	return res
}

// httpBody fills the trailers of its response.
type httpBody struct {
	*BodyReader
	res *http.Response
}

func (b *httpBody) Read(p []byte) (int, error) {
	n, err := b.BodyReader.Read(p)
	if err == io.EOF {
		if t := b.BodyReader.Trailer(); t != nil && b.res.Trailer == nil {
			b.res.Trailer = t.HTTP()
		}
	}
	return n, err
}

// ResponseOutparam takes a guest's response to one request, once. It belongs to the guest's goroutine.
type ResponseOutparam struct {
	// Head tells that the request was HEAD: the response may declare a length and send nothing.
	Head bool
	// Informational sends an interim response (1xx); nil when that is not possible.
	Informational func(status int, header *Fields) error

	done func(*Response, *ErrorCode)
}

// NewResponseOutparam returns an outparam that calls done once: with the response, with the error-code that the guest chose, or with neither when the
// guest dropped it. done is called on the guest's goroutine and must not block.
func NewResponseOutparam(done func(*Response, *ErrorCode)) *ResponseOutparam {
	return &ResponseOutparam{done: done}
}

// Set answers with res, or with code when that is not nil. Later calls do nothing but abort res.
func (o *ResponseOutparam) Set(res *OutgoingResponse, code *ErrorCode) {
	done := o.done
	o.done = nil
	if code != nil {
		if done != nil {
			done(nil, code)
		}
		return
	}
	r := res.send(o.Head)
	if done == nil {
		r.Abort(ErrBodyDropped)
		return
	}
	done(r, nil)
}

// SendInformational sends an interim response; an error-code tells that it could not be sent.
func (o *ResponseOutparam) SendInformational(status int, header *Fields) *ErrorCode {
	if status < 100 || status > 199 {
		return NewErrorCode(HTTPProtocolError, nil)
	}
	if o.Informational == nil {
		return InternalErrorf("informational responses are not supported")
	}
	if err := o.Informational(status, header.Freeze()); err != nil {
		return InternalErrorf("%v", err)
	}
	return nil
}

// Drop gives the outparam up.
func (o *ResponseOutparam) Drop() {
	if done := o.done; done != nil {
		o.done = nil
		done(nil, nil)
	}
}

// OutgoingResponse is a response that a guest builds. It belongs to the guest's goroutine.
type OutgoingResponse struct {
	Status int
	header *Fields
	body   *OutgoingBody
	state  *State
}

// NewOutgoingResponse returns a response with status 200 and these fields, which it freezes.
func (s *State) NewOutgoingResponse(header *Fields) *OutgoingResponse {
	return &OutgoingResponse{Status: 200, header: header.Freeze(), state: s}
}

// Header returns the fields, frozen.
func (r *OutgoingResponse) Header() *Fields { return r.header }

// Body returns the body, the first time only.
func (r *OutgoingResponse) Body() (*OutgoingBody, bool) {
	if r.body != nil {
		return nil, false
	}
	r.body = r.state.newOutgoingBody(r.header, HTTPResponseBodySize)
	r.body.mayBeEmpty = r.Status == http.StatusNotModified || r.Status == http.StatusNoContent
	return r.body, true
}

// SetStatus sets the status and tells whether it is valid: 100 to 999.
func (r *OutgoingResponse) SetStatus(status int) bool {
	if status < 100 || status > 999 {
		return false
	}
	r.Status = status
	return true
}

// Drop gives up a response that was not sent.
func (r *OutgoingResponse) Drop() {
	if r.body != nil {
		r.body.pipe.closeRead()
	}
}

func (r *OutgoingResponse) send(head bool) *Response {
	if r.body == nil {
		r.body = r.state.newOutgoingBody(r.header, HTTPResponseBodySize)
		r.body.pipe.end(nil)
	}
	if head || r.Status == http.StatusNotModified || r.Status == http.StatusNoContent {
		r.body.mayBeEmpty = true
	}
	return &Response{Status: r.Status, Header: r.header, Body: r.body.Reader(), body: r.body}
}

// OutgoingRequest is a request that a guest builds. It belongs to the guest's goroutine. Method, Scheme, Authority and PathWithQuery hold valid
// values or, but for Method, "" for none: set them with the setters.
type OutgoingRequest struct {
	Method, Scheme, Authority, PathWithQuery string

	header *Fields
	body   *OutgoingBody
	state  *State
}

// NewOutgoingRequest returns a GET request with these fields, which it freezes.
func (s *State) NewOutgoingRequest(header *Fields) *OutgoingRequest {
	return &OutgoingRequest{Method: "GET", header: header.Freeze(), state: s}
}

// Header returns the fields, frozen.
func (r *OutgoingRequest) Header() *Fields { return r.header }

// Body returns the body, the first time only.
func (r *OutgoingRequest) Body() (*OutgoingBody, bool) {
	if r.body != nil {
		return nil, false
	}
	r.body = r.state.newOutgoingBody(r.header, HTTPRequestBodySize)
	return r.body, true
}

// SetMethod sets a method and tells whether it is valid.
func (r *OutgoingRequest) SetMethod(m string) bool { return set(&r.Method, m, validToken(m)) }

// SetScheme sets a scheme, "" for none, and tells whether it is valid.
func (r *OutgoingRequest) SetScheme(s string) bool {
	return set(&r.Scheme, CanonicalScheme(s), validScheme(s))
}

// SetPathWithQuery sets the target's path and query, "" standing for "/", and tells whether it is valid. They are sent as they are.
func (r *OutgoingRequest) SetPathWithQuery(p string) bool {
	if p == "" {
		p = "/"
	}
	return set(&r.PathWithQuery, p, validPath(p))
}

// SetAuthority sets the authority and tells whether it is valid.
func (r *OutgoingRequest) SetAuthority(a string) bool {
	return set(&r.Authority, a, validAuthority(a))
}

func set(field *string, value string, valid bool) bool {
	if valid {
		*field = value
	}
	return valid
}

// CanonicalScheme returns "HTTP" or "HTTPS" for any spelling of these, and other schemes as they are.
func CanonicalScheme(s string) string {
	switch {
	case strings.EqualFold(s, "http"):
		return "HTTP"
	case strings.EqualFold(s, "https"):
		return "HTTPS"
	}
	return s
}

// validScheme follows RFC 3986, 3.1.
func validScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alpha(c) && (i == 0 || !digit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// validPath keeps out what would end or break a request line or be cut off.
func validPath(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= 0x20, c == 0x7f, c == '<', c == '>', c == '`', c == '#':
			return false
		}
	}
	return true
}

// validAuthority follows RFC 3986, 3.2, with a host that is not empty.
func validAuthority(s string) bool {
	host := s
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if !regName(s[:i], ":") {
			return false
		}
		host = s[i+1:]
	}
	var port string
	hasPort := false
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return false
		}
		if a, err := netip.ParseAddr(host[1:end]); err != nil || !a.Is6() || a.Zone() != "" {
			return false
		}
		rest := host[end+1:]
		if rest != "" && rest[0] != ':' {
			return false
		}
		port, hasPort = strings.CutPrefix(rest, ":")
	} else {
		host, port, hasPort = strings.Cut(host, ":")
		if host == "" || !regName(host, "") {
			return false
		}
	}
	if !hasPort {
		return true
	}
	for i := range len(port) {
		if !digit(port[i]) {
			return false
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

// regName tells whether s has only unreserved characters, sub-delimiters, percent signs and those in more.
func regName(s, more string) bool {
	for i := range len(s) {
		if c := s[i]; !alpha(c) && !digit(c) && (c >= 0x80 || strings.IndexByte("-._~!$&'()*+,;=%", c) < 0) && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}

// RequestBody returns the body of r for the guest of this state, which closes it.
func (s *State) RequestBody(r *Request) *IncomingBody {
	return s.newIncomingBody(r.Body, r.Trailer, requestError)
}
