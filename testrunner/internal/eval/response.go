package eval

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/coding"
	"github.com/wasihttp/wasihttp/testrunner/internal/bodies"
	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
	"github.com/wasihttp/wasihttp/testrunner/internal/xpath"
)

// Response is a response as queries see it. It caches what it decodes, so it belongs to one
// goroutine.
type Response struct {
	URL       string // of the request, normalised
	Version   string // "1.0", "1.1", "2" or "3"
	Status    int
	Headers   fixture.Fields
	Trailers  fixture.Fields
	Raw       []byte // the body as it was sent; it is never changed
	MaxBody   int64  // limit for the decoded body, in bytes; 0: none
	Duration  time.Duration
	Redirects []Redirect

	decoded    []byte
	decodedErr error
	isDecoded  bool
	json       any
	jsonErr    error
	isParsed   bool
	tree       *xpath.Document
}

// Redirect is a response that led to the next request.
type Redirect struct {
	Status   int
	Location string // the URL of the next request
}

// Bytes returns the body, decoded from its content codings. The caller must not change it.
func (r *Response) Bytes(w *interrupt.Work) ([]byte, error) {
	if !r.isDecoded {
		r.decoded, r.decodedErr = r.decompress(w)
		r.isDecoded = true
	}
	return r.decoded, r.decodedErr
}

// decompress removes the content codings in reverse order, since they are listed in the order in
// which they were applied (RFC 9110, section 8.4).
func (r *Response) decompress(w *interrupt.Work) ([]byte, error) {
	body := r.Raw
	for _, name := range slices.Backward(coding.List(r.Headers.Get("Content-Encoding"))) {
		var err error
		if body, err = undo(w, name, body, r.MaxBody); err != nil {
			return nil, fmt.Errorf("content coding %q: %w", name, err)
		}
	}
	return body, nil
}

func undo(w *interrupt.Work, name string, body []byte, limit int64) ([]byte, error) {
	r, err := coding.NewReader(w.Reader(bytes.NewReader(body)), name)
	if err != nil {
		return nil, err
	}
	out, err := bodies.Read(w.Reader(r), -1, limit)
	_ = r.Close() // only what was read matters
	w.Look()
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		return nil, errors.New("the data is damaged")
	}
	return out, err
}

// Text returns the body as text, decoded by the charset of its Content-Type.
func (r *Response) Text(w *interrupt.Work) (string, error) {
	body, err := r.Bytes(w)
	if err != nil {
		return "", err
	}
	name := "utf-8"
	if _, params, err := mime.ParseMediaType(r.Headers.Get("Content-Type")); err == nil &&
		params["charset"] != "" {
		name = params["charset"]
	}
	return decodeCharset(body, name)
}

// decodeCharset decodes text in one of the encodings of the WHATWG. Invalid bytes are an error. The
// text may share the memory of body, which must not be changed.
func decodeCharset(body []byte, label string) (string, error) {
	enc, err := htmlindex.Get(strings.TrimSpace(label))
	if err != nil {
		return "", fmt.Errorf("the charset %q is unknown", label)
	}
	if enc == unicode.UTF8 || enc == encoding.Nop {
		if !utf8.Valid(body) {
			return "", errors.New("the text is not valid UTF-8")
		}
		return unsafe.String(unsafe.SliceData(body), len(body)), nil
	}
	switch enc {
	case charmap.ISO8859_1:
		enc = charmap.Windows1252
	case charmap.ISO8859_8I:
		enc = charmap.ISO8859_8
	}
	out, err := decoded(enc, body)
	if err != nil || strings.ContainsRune(out, utf8.RuneError) {
		return "", fmt.Errorf("the text is not valid %s", label)
	}
	return out, nil
}

// decoded decodes text, with a replacement character for each invalid byte.
func decoded(enc encoding.Encoding, body []byte) (string, error) {
	single, ok := enc.(*charmap.Charmap)
	if !ok {
		out, err := enc.NewDecoder().Bytes(body)
		return string(out), err
	}
	var b strings.Builder
	for _, c := range body {
		r := single.DecodeByte(c)
		if r == utf8.RuneError && c >= 0x80 && c < 0xa0 {
			r = rune(c) // a control character, which the package does not map
		}
		b.WriteRune(r)
	}
	return b.String(), nil
}

// JSON returns the body as a value of package jsontree.
func (r *Response) JSON(w *interrupt.Work) (any, error) {
	if !r.isParsed {
		var body string
		if body, r.jsonErr = r.Text(w); r.jsonErr == nil {
			r.json, r.jsonErr = jsontree.Parse(w, bytesOf(body))
		}
		r.isParsed = true
	}
	return r.json, r.jsonErr
}

// bytesOf returns the bytes of a string without copying them. They must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Tree returns the body as a document for XPath: parsed as HTML if its Content-Type says so,
// otherwise as XML.
func (r *Response) Tree(w *interrupt.Work) (*xpath.Document, error) {
	if r.tree != nil {
		return r.tree, nil
	}
	body, err := r.Text(w)
	if err != nil {
		return nil, err
	}
	read := xpath.ParseXML
	if strings.HasPrefix(strings.ToLower(r.Headers.Get("Content-Type")), "text/html") {
		read = xpath.ParseHTML
	}
	r.tree, err = read(w, body)
	return r.tree, err
}

// header returns the values of all fields with the given name.
func (r *Response) header(name string) []string { return FieldTexts(r.Headers, name) }

// FieldTexts returns the values of all fields with the given name as text: surrounding white space
// is removed, and a value that is not UTF-8 is decoded as windows-1252.
func FieldTexts(fields fixture.Fields, name string) []string {
	var values []string
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			values = append(values, fieldText(f.Value))
		}
	}
	return values
}

func fieldText(value string) string {
	if !utf8.ValidString(value) {
		// Every byte is valid in windows-1252.
		value, _ = decoded(charmap.Windows1252, []byte(value))
	}
	return strings.Trim(value, " \t")
}
