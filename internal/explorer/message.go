package explorer

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/coding"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/internal/timeline"
)

// Message is a request or a response.
type Message struct {
	Headers  []Header `json:"headers"`
	Trailers []Header `json:"trailers"`
	Body     Body     `json:"body"`
}

// Header is a field. That of a secret has no value.
type Header struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Secret bool   `json:"secret"`
}

// Body is what is kept of a body.
type Body struct {
	Size   int64  `json:"size"`
	Kept   int    `json:"kept"`
	Type   string `json:"type"`
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Secret bool   `json:"secret"`
}

// side is one side of an exchange, before it is masked.
type side struct {
	headers, trailers fixture.Fields
	body              timeline.Body
}

func fixtureFields(list []timeline.Field) fixture.Fields {
	var out fixture.Fields
	for _, f := range list {
		out = append(out, fixture.Field(f))
	}
	return out
}

// maskedMessages are the messages of an exchange for the API.
type maskedMessages struct {
	url               string
	request, response *Message
}

// mask returns the messages of an exchange, without secrets unless they are to be revealed.
// response is nil if there is none.
func mask(method, url string, status int, request, response *side, reveal bool) maskedMessages {
	plain := fixture.Exchange{Request: fixture.Request{
		Method: method, URL: url, Headers: request.headers, Trailers: request.trailers,
		Body: request.body.Bytes,
	}}
	if response != nil {
		plain.Response = &fixture.Response{
			Status: status, Headers: response.headers, Trailers: response.trailers,
			Body: decoded(response),
		}
		plain.Response.Encoded = true
	}
	session := redact.NewSession(nil)
	session.Find(&plain)
	hidden := session.Hide(&plain)
	out := maskedMessages{url: hidden.Request.URL}
	if reveal {
		out.url = url
	}
	body := hidden.Request.Body
	if request.headers.Has("content-encoding") && bytes.Equal(body, request.body.Bytes) {
		body = decoded(request) // what has secrets is decoded already
	}
	out.request = request.message(hidden.Request.Headers, hidden.Request.Trailers, body, reveal)
	if response != nil {
		out.response = response.message(hidden.Response.Headers, hidden.Response.Trailers,
			hidden.Response.Body, reveal)
	}
	return out
}

// decoded returns the kept part of a body with its content coding undone, if it is all of it.
func decoded(s *side) []byte {
	header := s.headers.Get("content-encoding")
	if header == "" || !s.body.Whole() {
		return s.body.Bytes
	}
	plain, ok := coding.Decode(s.body.Bytes, header)
	if !ok || len(plain) > maxDecoded {
		return s.body.Bytes
	}
	return plain
}

// maxDecoded is the length of the longest body that is shown without its coding, in bytes.
const maxDecoded = 4 << 20

// message returns a side for the API. The fields and the body that are given are those without
// secrets.
func (s *side) message(headers, trailers fixture.Fields, body []byte, reveal bool) *Message {
	m := &Message{
		Headers:  maskedFields(s.headers, headers, reveal),
		Trailers: maskedFields(s.trailers, trailers, reveal),
	}
	plain := decoded(s)
	m.Body = Body{Size: s.body.Size, Kept: len(s.body.Bytes), Secret: !bytes.Equal(plain, body)}
	shown := body
	if reveal {
		shown = plain
	}
	m.Body.Type, m.Body.Kind = kindOf(s.headers.Get("content-type"), shown, s.body.Size)
	switch m.Body.Kind {
	case "json", "html", "text", "form":
		m.Body.Text = text(shown)
	}
	return m
}

func maskedFields(plain, hidden fixture.Fields, reveal bool) []Header {
	list := []Header{}
	for i, f := range plain {
		h := Header{Name: text(f.Name), Value: text(f.Value)}
		if i >= len(hidden) || hidden[i].Value != f.Value || redact.IsSecretHeader(f.Name) {
			h.Secret = true
			if !reveal {
				h.Value = ""
			}
		}
		list = append(list, h)
	}
	return list
}

// kindOf returns the media type of a body, and the word for how to show it.
func kindOf(contentType string, body []byte, size int64) (mediaType, kind string) {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		mediaType = text(strings.TrimSpace(mediaType))
	}
	isText := isText(body)
	switch {
	case size == 0:
		kind = "empty"
	case strings.HasPrefix(mediaType, "image/") && mediaType != "image/svg+xml":
		kind = "image"
	case mediaType == "image/svg+xml" && isText:
		kind = "image"
	case !isText:
		kind = "binary"
		if mediaType == "" && strings.HasPrefix(http.DetectContentType(body), "image/") {
			kind = "image"
		}
	case mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"):
		kind = "json"
	case mediaType == "text/html" || mediaType == "application/xhtml+xml":
		kind = "html"
	case mediaType == "application/x-www-form-urlencoded":
		kind = "form"
	case mediaType == "" && json.Valid(body) && strings.ContainsAny(string(body[:1]), "{["):
		kind = "json"
	default:
		kind = "text"
	}
	return mediaType, kind
}

// isText reports whether a body, which may be cut in the middle of a character, is text.
func isText(b []byte) bool {
	if bytes.IndexByte(b, 0) >= 0 {
		return false
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i > 0 && len(b)-i < utf8.UTFMax && !utf8.FullRune(b[i:])
		}
		i += n
	}
	return true
}

// absolute returns the URL of a request.
func (s *state) absolute() string {
	if strings.HasPrefix(s.target, "/") {
		return "http://" + s.host + s.target
	}
	if s.target == "*" {
		return "http://" + s.host + "/"
	}
	return s.target
}

// maskedTarget returns the target without secrets.
func (s *state) maskedTarget() string {
	if !strings.ContainsAny(s.target, "?@;") {
		return text(s.target)
	}
	s.maskedLock.Lock()
	defer s.maskedLock.Unlock()
	if s.masked == "" {
		x := fixture.Exchange{Request: fixture.Request{Method: s.method, URL: s.absolute()}}
		session := redact.NewSession(nil)
		session.Find(&x)
		s.masked = text(targetOf(session.Hide(&x).Request.URL, s.target))
	}
	return s.masked
}

// targetOf returns the part of a URL that stands for the target.
func targetOf(url, target string) string {
	if strings.HasPrefix(target, "/") {
		if _, rest, ok := strings.Cut(url, "://"); ok {
			if at := strings.IndexByte(rest, '/'); at >= 0 {
				return rest[at:]
			}
		}
	}
	return url
}

// sides returns the request and the response; nil for none.
func (s *state) sides() (request, response *side) {
	request = &side{
		headers:  fixture.FieldsOf(s.fields.header()),
		trailers: fixture.FieldsOf(s.trailers.request),
		body:     s.trace.Body(timeline.RequestBody),
	}
	if s.responded {
		response = &side{
			headers:  fixture.FieldsOf(s.responseFields.header()),
			trailers: fixture.FieldsOf(s.trailers.response),
			body:     s.trace.Body(timeline.ResponseBody),
		}
	}
	return request, response
}

// masking returns the messages of the request.
func (s *state) masking(reveal bool) maskedMessages {
	request, response := s.sides()
	return mask(s.method, s.absolute(), s.status, request, response, reveal)
}

// upstream returns an exchange with another server.
func (s *state) upstream(x *timeline.Exchange, reveal bool) Upstream {
	request := &side{headers: fixtureFields(x.Header), body: x.Body}
	var response *side
	if x.Status != 0 {
		response = &side{headers: fixtureFields(x.ResponseHeader), body: x.ResponseBody}
	}
	m := mask(x.Method, x.URL, x.Status, request, response, reveal)
	length := x.End - x.Start
	if x.End < 0 {
		length = -1
	}
	return Upstream{
		At: s.at(x.Start), MS: lasted(length), Method: text(x.Method), URL: text(m.url),
		Status: x.Status, Error: text(x.Error), Request: m.request, Response: m.response,
	}
}
