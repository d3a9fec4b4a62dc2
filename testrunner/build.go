package testrunner

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"path"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
)

// userAgent is the User-Agent of entries that set none.
const userAgent = "wasihttp"

// builder makes the request of an entry.
type builder struct {
	scope   *eval.Scope
	entry   *hurl.Entry
	opts    *settings
	request *Request
	address address
	cookies []string // of the section [Cookies], as NAME=VALUE
	// implicitType reports whether the Content-Type comes from the kind of
	// payload rather than from a header of the entry.
	implicitType bool
	notes        []string    // parts of the entry without effect
	err          *eval.Error // the first one
}

// build makes the request of an entry, without cookies.
func build(scope *eval.Scope, e *hurl.Entry, opts *settings) *builder {
	b := &builder{
		scope: scope, entry: e, opts: opts,
		request: &Request{Method: e.Request.Method, Version: opts.version},
	}
	b.named()
	b.defaults()
	return b
}

// named makes what the entry itself says about its request.
func (b *builder) named() {
	b.url()
	b.headers()
	for _, c := range b.entry.Request.Cookies() {
		b.cookies = append(b.cookies, b.template(&c.Key)+"="+b.template(&c.Value))
	}
	b.body()
}

func (b *builder) fail(err *eval.Error) bool {
	if b.err == nil {
		b.err = err
	}
	return err != nil
}

// template renders t, "" after an error.
func (b *builder) template(t *hurl.Template) string {
	s, err := b.scope.Template(t)
	b.fail(err)
	return s
}

func (b *builder) add(name, value string) {
	b.request.Headers = append(b.request.Headers, fixture.Field{Name: name, Value: value})
}

// url renders the URL with the query parameters.
func (b *builder) url() {
	r := b.entry.Request
	text := b.template(&r.URL)
	if params := b.params(r.Query()); params != "" {
		switch {
		case strings.HasSuffix(text, "?"):
		case strings.Contains(text, "?"):
			text += "&"
		default:
			text += "?"
		}
		text += params
	}
	if b.err != nil {
		return
	}
	var err error
	if b.address, err = parseAddress(text); err != nil {
		b.fail(&eval.Error{Range: r.URL.Range, Title: "Invalid URL", Message: err.Error()})
		return
	}
	b.address.apply(b.request, b.opts.pathAsIs)
}

// params writes parameters as a query or a form. Only values are encoded.
func (b *builder) params(list []*hurl.KeyValue) string {
	pairs := make([]string, len(list))
	for i, p := range list {
		pairs[i] = b.template(&p.Key) + "=" + eval.EncodeParam(b.template(&p.Value))
	}
	return strings.Join(pairs, "&")
}

// headers adds the headers of the entry.
func (b *builder) headers() {
	r := b.entry.Request
	for _, h := range r.Headers {
		b.add(b.template(&h.Key), b.template(&h.Value))
	}
	b.request.Headers = append(b.request.Headers, b.opts.headers...)
	if auth := r.BasicAuth(); auth != nil {
		b.add("Authorization", basic(b.template(&auth.Key)+":"+b.template(&auth.Value)))
	}
	if b.opts.user != "" && !b.request.Headers.Has("Authorization") {
		b.add("Authorization", basic(b.opts.user))
	}
	switch {
	case b.address.userinfo == "":
	case b.request.Headers.Has("Authorization"):
		b.notes = append(b.notes,
			"user name and password of the URL are not sent: the entry has an Authorization of "+
				"its own")
	default:
		b.add("Authorization", basic(percentDecoded(b.address.userinfo)))
	}
}

// basic returns a value of Authorization (RFC 7617). credentials without a colon
// are a user name, whose password is empty.
func basic(credentials string) string {
	if !strings.Contains(credentials, ":") {
		credentials += ":"
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// body sets body and Content-Type. If there are several payloads, the body wins
// over multipart, and multipart over the form; the Content-Type is that of the
// first one the entry has of form, multipart and body.
func (b *builder) body() {
	r := b.entry.Request
	var contentType string
	form, parts := r.Form(), r.Multipart()
	var body []byte
	if r.Body != nil {
		contentType = r.Body.Payload.Kind.ContentType()
		var err *eval.Error
		if body, _, err = b.scope.Payload(&r.Body.Payload); b.fail(err) {
			return
		}
	}
	if len(parts) > 0 {
		contentType = multipartType
	}
	if len(form) > 0 {
		contentType = "application/x-www-form-urlencoded"
		b.request.Body = []byte(b.params(form))
	}
	if contentType != "" && !b.request.Headers.Has("Content-Type") {
		b.add("Content-Type", contentType)
		b.implicitType = true
	}
	var boundary string
	var multipart []byte
	if len(parts) > 0 {
		boundary = newBoundary()
		multipart = b.multipart(parts, boundary)
	}
	switch {
	case len(body) > 0:
		b.request.Body = body
	case len(parts) > 0 && b.request.Method != "HEAD":
		b.request.Body = multipart
		if f := b.contentType(); f != nil {
			f.Value += "; boundary=" + boundary
		}
	case r.Body != nil && b.request.Body == nil:
		b.request.Body = []byte{}
	}
	if b.request.Method == "HEAD" {
		b.request.Body = nil
	}
}

// contentType returns the first Content-Type, nil if there is none.
func (b *builder) contentType() *fixture.Field {
	for i := range b.request.Headers {
		if f := &b.request.Headers[i]; strings.EqualFold(f.Name, "Content-Type") {
			return f
		}
	}
	return nil
}

const multipartType = "multipart/form-data"

func newBoundary() string {
	var random [8]byte
	// It never fails (crypto/rand).
	_, _ = rand.Read(random[:])
	return strings.Repeat("-", 24) + hex.EncodeToString(random[:])
}

// multipart writes a body as in RFC 7578.
func (b *builder) multipart(parts []*hurl.MultipartParam, boundary string) []byte {
	var out bytes.Buffer
	disposition := "form-data"
	if f := b.contentType(); f != nil &&
		!strings.HasPrefix(strings.ToLower(f.Value), multipartType) {
		disposition = "attachment"
	}
	quote := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")
	for _, p := range parts {
		out.WriteString("--" + boundary + "\r\nContent-Disposition: " + disposition + "; name=\"" +
			quote.Replace(b.template(&p.Key)) + `"`)
		value := b.template(&p.Value)
		content := []byte(value)
		if p.File {
			out.WriteString(`; filename="` + quote.Replace(value) + "\"\r\nContent-Type: " +
				b.partType(p, value))
			var err error
			if content, err = b.scope.ReadFile(value); err != nil {
				b.fail(&eval.Error{Range: p.Value.Range, Title: "File cannot be read",
					Message: err.Error()})
			}
		}
		out.WriteString("\r\n\r\n")
		out.Write(content)
		out.WriteString("\r\n")
	}
	out.WriteString("--" + boundary + "--\r\n")
	return out.Bytes()
}

func (b *builder) partType(p *hurl.MultipartParam, name string) string {
	if p.ContentType != nil {
		return b.template(p.ContentType)
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".gif":
		return "image/gif"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain"
	case ".htm", ".html":
		return "text/html"
	case ".pdf":
		return "application/pdf"
	case ".xml":
		return "application/xml"
	}
	return "application/octet-stream"
}

// defaults adds the headers that every request has.
func (b *builder) defaults() {
	for _, f := range []fixture.Field{
		{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: userAgent},
	} {
		if !b.request.Headers.Has(f.Name) {
			b.add(f.Name, f.Value)
		}
	}
	if b.opts.compressed && !b.request.Headers.Has("Accept-Encoding") {
		b.add("Accept-Encoding", "gzip, deflate, br")
	}
}
