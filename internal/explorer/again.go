package explorer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/wasihttp/wasihttp/internal/curl"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/timeline"
)

// maxInput is the length of the longest body of a POST, in bytes.
const maxInput = 16 << 20

// input reads the body of a POST, which may be missing, into v.
func input(r *http.Request, v any) error {
	bad := func(message string) error {
		return &apiError{
			http.StatusBadRequest, "the body of the POST: " + message,
			"send a JSON object, or nothing; docs/explorer-api.md has its members",
		}
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxInput+1))
	switch {
	case err != nil:
		return bad(err.Error())
	case len(b) > maxInput:
		return &apiError{http.StatusRequestEntityTooLarge, "the body of the POST is too large", ""}
	case len(bytes.TrimSpace(b)) == 0:
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		var other *json.UnmarshalTypeError
		switch {
		case errors.As(err, &other) && other.Field == "":
			return bad("it is not an object")
		case errors.As(err, &other):
			return bad(other.Field + " cannot be a value of type " + other.Value)
		}
		return bad(strings.TrimPrefix(err.Error(), "json: "))
	}
	if dec.More() {
		return bad("there is more than one value")
	}
	return nil
}

// change says what is different in a request that is sent again; nil is as it was.
type change struct {
	Method     *string   `json:"method"`
	Target     *string   `json:"target"`
	Headers    *[]Header `json:"headers"`
	Body       *string   `json:"body"`
	BodyBase64 *string   `json:"bodyBase64"`
}

func (e *Explorer) serveSend(w http.ResponseWriter, r *http.Request) error {
	s, err := e.wanted(r.PathValue("seq"))
	if err != nil {
		return err
	}
	var c change
	if err := input(r, &c); err != nil {
		return err
	}
	began := make(chan uint64, 1)
	ctx := context.WithValue(e.ctx, resentKey{}, &resent{from: s.seq, began: began})
	again, err := s.again(ctx, &c)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	if !e.sending(func() { defer close(ended); e.send(again) }) {
		return &apiError{http.StatusServiceUnavailable, "the server does not serve any more", ""}
	}
	select {
	case seq := <-began:
		writeJSON(w, http.StatusOK, map[string]uint64{"seq": seq})
		return nil
	case <-ended:
	case <-r.Context().Done():
		return nil
	}
	select {
	case seq := <-began:
		writeJSON(w, http.StatusOK, map[string]uint64{"seq": seq})
		return nil
	default:
	}
	return &apiError{
		http.StatusBadRequest, "the server refuses the request",
		"check its method, target and Host",
	}
}

// send passes a request to the server.
func (e *Explorer) send(r *http.Request) {
	// It panics if the response is not whole, which shows in the list.
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			panic(v)
		}
	}()
	e.server.ServeHTTP(&discarded{header: http.Header{}}, r)
}

// sending calls f on a goroutine that Close waits for. It reports whether it did.
func (e *Explorer) sending(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.server == nil {
		return false
	}
	e.sends.Go(f)
	return true
}

// discarded takes a response that nobody reads.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(int)             {}
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) Flush()                      {}

// again returns the request that sends this one again with a change.
func (s *state) again(ctx context.Context, c *change) (*http.Request, error) {
	method, target := s.method, s.target
	if c.Method != nil {
		method = *c.Method
	}
	if c.Target != nil {
		target = *c.Target
	}
	u, err := url.ParseRequestURI(target)
	if target == "*" {
		u, err = &url.URL{Path: "*"}, nil
	}
	if err != nil || strings.ContainsAny(target, " \r\n\t#") {
		return nil, &apiError{
			http.StatusBadRequest, "the target " + text(target) + " is not valid",
			"write a path and perhaps a query, such as /a?b=1",
		}
	}
	if !isToken(method) {
		return nil, &apiError{
			http.StatusBadRequest, "the method " + text(method) + " is not valid", "",
		}
	}
	r := (&http.Request{}).WithContext(ctx)
	r.Method, r.RequestURI, r.URL, r.Host = method, target, u, s.host
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.RemoteAddr, r.Body = resentRemote, http.NoBody
	if r.Header, err = s.changed(c); err != nil {
		return nil, err
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	body, err := s.resentBody(c)
	if err != nil {
		return nil, err
	}
	r.Header.Del("Content-Length")
	r.Header.Del("Expect") // nobody waits
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Trailer = s.trailers.request.Clone()
	}
	return r, nil
}

// changed returns the fields of the request that is sent again.
func (s *state) changed(c *change) (http.Header, error) {
	before := s.fields.header()
	if c.Headers == nil {
		return before, nil
	}
	h := http.Header{}
	for _, f := range *c.Headers {
		name := textproto.CanonicalMIMEHeaderKey(f.Name)
		switch {
		case !isToken(f.Name) || strings.ContainsAny(f.Value, "\r\n\x00"):
			return nil, &apiError{
				http.StatusBadRequest, "the field " + text(f.Name) + " is not valid",
				"names are tokens, and values have one line",
			}
		case f.Secret && f.Value == "":
			if h[name] == nil {
				h[name] = append([]string(nil), before[name]...)
			}
		default:
			h[name] = append(h[name], f.Value)
		}
	}
	return h, nil
}

// resentBody returns the body of the request that is sent again; nil for none.
func (s *state) resentBody(c *change) ([]byte, error) {
	switch {
	case c.BodyBase64 != nil && c.Body != nil:
		return nil, &apiError{
			http.StatusBadRequest, "there are body and bodyBase64", "send one of them",
		}
	case c.BodyBase64 != nil:
		b, err := base64.StdEncoding.DecodeString(*c.BodyBase64)
		if err != nil {
			return nil, &apiError{http.StatusBadRequest, "bodyBase64: " + err.Error(), ""}
		}
		return b, nil
	case c.Body != nil:
		return []byte(*c.Body), nil
	}
	kept := s.trace.Body(timeline.RequestBody)
	if !s.wholeRequest(kept) {
		return nil, errNotWhole
	}
	if kept.Size == 0 && !kept.End {
		return nil, nil
	}
	return append([]byte{}, kept.Bytes...), nil
}

var errNotWhole = &apiError{
	http.StatusConflict, "not all of the request's body is kept",
	"give the body, or send the request with another client",
}

// wholeRequest reports whether all of the request's body is kept, of which the program may have
// read a part.
func (s *state) wholeRequest(kept timeline.Body) bool {
	return kept.Whole() && (kept.End || !s.hasBody)
}

// isToken reports whether a text is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func (e *Explorer) serveCurl(w http.ResponseWriter, r *http.Request) error {
	s, err := e.wanted(r.PathValue("seq"))
	if err != nil {
		return err
	}
	reveal := reveals(r)
	m := s.masking(reveal)
	address := s.host
	if u, err := url.Parse(e.options.Address); err == nil && u.Host != "" {
		address = u.Host
	}
	command := curl.Request{Method: s.method, Address: address, Host: s.host, Target: s.target}
	secret := false
	if !reveal {
		command.Target = s.maskedTarget()
		secret = command.Target != s.target
	}
	for _, f := range m.request.Headers {
		if deliberate := curl.Deliberate(http.Header{f.Name: {f.Value}}); len(deliberate) == 0 {
			continue
		}
		if f.Secret && !reveal {
			f.Value, secret = "REDACTED", true
		}
		command.Headers = append(command.Headers, [2]string{f.Name, f.Value})
	}
	kept := s.trace.Body(timeline.RequestBody)
	command.HasBody = s.hasBody && !(kept.End && kept.Size == 0)
	command.Whole = s.wholeRequest(kept)
	command.Body = kept.Bytes
	if m.request.Body.Secret && !reveal {
		command.Body, secret = []byte(m.request.Body.Text), true
	}
	line, note := command.Command()
	if strings.HasPrefix(e.options.Address, "https:") {
		line = strings.Replace(line, "http://"+address, "https://"+address, 1)
	}
	if path, ok := strings.CutPrefix(e.options.Address, "unix:"); ok {
		line = strings.Replace(line, "curl ", "curl --unix-socket "+term.ShellWord(path)+" ", 1)
	}
	if secret {
		note = joined(note, "put the secrets in where it says REDACTED")
	}
	writeJSON(w, http.StatusOK, map[string]string{"curl": line, "note": note})
	return nil
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

func (e *Explorer) serveClear(w http.ResponseWriter, _ *http.Request) error {
	e.clear()
	w.WriteHeader(http.StatusNoContent)
	return nil
}
