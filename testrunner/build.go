package testrunner

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"path"
	"strings"

	"github.com/wasihttp/wasihttp/fixture"
	"github.com/wasihttp/wasihttp/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
)

// userAgent is the User-Agent of requests that give none.
const userAgent = "wasihttp"

// builder makes the request of an entry.
type builder struct {
	scope   *eval.Scope
	entry   *hurl.Entry
	opts    *settings
	request *Request
	cookies []string // of the section [Cookies], as NAME=VALUE
	// implicitType says that the Content-Type is that of the payload, not one
	// that the entry gives.
	implicitType bool
	err          *eval.Error // the first one
}

// build makes the request of an entry, without cookies.
func build(scope *eval.Scope, e *hurl.Entry, opts *settings) *builder {
	b := &builder{scope: scope, entry: e, opts: opts, request: &Request{Method: e.Request.Method, Version: opts.version}}
	b.url()
	b.headers()
	for _, c := range e.Request.Cookies() {
		b.cookies = append(b.cookies, b.template(&c.Key)+"="+b.template(&c.Value))
	}
	b.body()
	b.defaults()
	return b
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
	if message := setURL(b.request, text, b.opts.pathAsIs); message != "" {
		b.fail(&eval.Error{Range: r.URL.Range, Title: "Invalid URL", Message: message})
	}
}

// setURL takes an absolute URL apart; it returns what is wrong with it.
func setURL(r *Request, text string, asIs bool) (message string) {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case !ok:
		return "<" + text + "> does not begin with http:// or https://"
	case scheme != "http" && scheme != "https":
		return "<" + text + "> is neither http nor https"
	case strings.ContainsAny(text, " \t\r\n"):
		return "<" + text + "> has white space in it"
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, target := rest[:end], rest[end:]
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	parsed, err := url.Parse(scheme + "://" + authority)
	if err != nil || parsed.Hostname() == "" {
		return "<" + text + "> has no valid host"
	}
	if port := parsed.Port(); port == "80" && scheme == "http" || port == "443" && scheme == "https" {
		authority = strings.TrimSuffix(authority, ":"+port)
	}
	p, query, hasQuery := strings.Cut(target, "?")
	p = encodePath(p)
	if !asIs {
		p = removeDots(p)
	}
	if p == "" {
		p = "/"
	}
	if hasQuery {
		p += "?" + query
	}
	r.Scheme, r.Authority, r.Target = scheme, strings.ToLower(authority), p
	return ""
}

// encodePath percent-encodes what is not ASCII.
func encodePath(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] < 0x80 {
			b.WriteByte(p[i])
		} else {
			b.WriteString("%" + hex.EncodeToString([]byte{p[i]}))
		}
	}
	return b.String()
}

// removeDots removes dot segments (RFC 3986, section 5.2.4).
func removeDots(p string) string {
	if !strings.Contains(p, "/.") {
		return p
	}
	var out []string
	segments := strings.Split(p, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}

// params writes parameters as a query or a form. Only values are encoded.
func (b *builder) params(list []*hurl.KeyValue) string {
	pairs := make([]string, len(list))
	for i, p := range list {
		pairs[i] = b.template(&p.Key) + "=" + eval.EncodeParam(b.template(&p.Value))
	}
	return strings.Join(pairs, "&")
}

// headers adds what the entry gives.
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
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// body sets body and Content-Type. If there are several payloads, the body
// section wins over multipart, and that over the form.
func (b *builder) body() {
	r := b.entry.Request
	contentType := ""
	if form := r.Form(); len(form) > 0 {
		b.request.Body = []byte(b.params(form))
		contentType = "application/x-www-form-urlencoded"
	}
	if parts := r.Multipart(); len(parts) > 0 {
		boundary := newBoundary()
		b.request.Body = b.multipart(parts, boundary)
		if contentType == "" {
			contentType = "multipart/form-data; boundary=" + boundary
		}
		b.appendBoundary(boundary)
	}
	if r.Body != nil {
		body, _, err := b.scope.Payload(&r.Body.Payload)
		if b.fail(err) {
			return
		}
		if body == nil {
			body = []byte{}
		}
		b.request.Body = body
		if contentType == "" {
			contentType = r.Body.Payload.Kind.ContentType()
		}
	}
	if contentType != "" && !b.request.Headers.Has("Content-Type") {
		b.add("Content-Type", contentType)
		b.implicitType = true
	}
}

// appendBoundary completes a Content-Type that the entry gives for multipart.
func (b *builder) appendBoundary(boundary string) {
	for i := range b.request.Headers {
		f := &b.request.Headers[i]
		if strings.EqualFold(f.Name, "Content-Type") && !strings.Contains(f.Value, "boundary=") {
			f.Value += "; boundary=" + boundary
		}
	}
}

func newBoundary() string {
	var random [8]byte
	// It never fails (crypto/rand).
	_, _ = rand.Read(random[:])
	return strings.Repeat("-", 24) + hex.EncodeToString(random[:])
}

// multipart writes a body as in RFC 7578.
func (b *builder) multipart(parts []*hurl.MultipartParam, boundary string) []byte {
	var out bytes.Buffer
	quote := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")
	for _, p := range parts {
		out.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quote.Replace(b.template(&p.Key)) + `"`)
		value := b.template(&p.Value)
		content := []byte(value)
		if p.File {
			out.WriteString(`; filename="` + quote.Replace(value) + "\"\r\nContent-Type: " + b.partType(p, value))
			var err error
			if content, err = b.scope.ReadFile(value); err != nil {
				b.fail(&eval.Error{Range: p.Value.Range, Title: "File cannot be read", Message: err.Error()})
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

// defaults adds what every request has.
func (b *builder) defaults() {
	for _, f := range []fixture.Field{{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: userAgent}} {
		if !b.request.Headers.Has(f.Name) {
			b.add(f.Name, f.Value)
		}
	}
	if b.opts.compressed && !b.request.Headers.Has("Accept-Encoding") {
		b.add("Accept-Encoding", "gzip, deflate, br")
	}
}
