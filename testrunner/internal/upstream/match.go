package upstream

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Want is what a request must match.
type Want struct {
	Method, Scheme, Host, Target string
	// Headers are fields that the request must have, with these values in this order; it may have
	// others.
	Headers fixture.Fields
	// Body is compared if HasBody is true, and as JSON if JSON is true.
	Body          []byte
	HasBody, JSON bool
}

// Miss is a request for which nothing is recorded.
type Miss struct {
	// Request describes the request on one line.
	Request string
	// Nearest is the place of the most similar exchange, or "" if nothing is recorded at all.
	// Differences describe how the request differs from it, a line each.
	Nearest     string
	Differences []string
}

// String returns the method and the URL.
func (r *Request) String() string {
	return r.Method + " " + r.Scheme + "://" + r.Host + r.Target
}

// URL returns the URL of the request.
func (w *Want) URL() string { return w.Scheme + "://" + w.Host + w.Target }

// matches reports whether the head of a request matches.
func (w *Want) matches(r *Request) bool { return len(w.differences(r)) == 0 }

// differences describes how the head of a request differs from what is wanted, the greatest
// difference first.
func (w *Want) differences(r *Request) []string {
	var list []string
	say := func(what, want, got string) {
		list = append(list, fmt.Sprintf("%s: expected %s, got %s", what, orNone(want), orNone(got)))
	}
	if host(w.Scheme, w.Host) != host(r.Scheme, r.Host) || w.Scheme != r.Scheme {
		say("server", w.Scheme+"://"+w.Host, r.Scheme+"://"+r.Host)
	}
	if w.Method != r.Method {
		say("method", w.Method, r.Method)
	}
	wantPath, wantQuery, _ := strings.Cut(w.Target, "?")
	gotPath, gotQuery, _ := strings.Cut(r.Target, "?")
	if !slices.Equal(segments(wantPath), segments(gotPath)) {
		say("path", wantPath, gotPath)
	}
	wantParams, gotParams := params(wantQuery), params(gotQuery)
	for _, name := range names(wantParams, gotParams) {
		want, got := wantParams[name], gotParams[name]
		if !slices.EqualFunc(want, got, like) {
			say("query parameter "+name, joined(want), joined(got))
		}
	}
	wantHeaders := make(http.Header)
	for _, h := range w.Headers {
		wantHeaders.Add(h.Name, h.Value)
	}
	for _, name := range slices.Sorted(maps.Keys(wantHeaders)) {
		want, got := wantHeaders[name], r.Header.Values(name)
		if !slices.EqualFunc(want, got, like) {
			say("header "+name, joined(want), joined(got))
		}
	}
	return list
}

// sameBody reports whether a body matches.
func (w *Want) sameBody(body []byte) bool {
	if !w.HasBody || bytes.Equal(w.Body, body) || like(string(w.Body), string(body)) {
		return true
	}
	if !w.JSON {
		return false
	}
	want, err := jsontree.Parse(nil, w.Body)
	got, alsoErr := jsontree.Parse(nil, body)
	return err == nil && alsoErr == nil && sameJSON(want, got)
}

// like reports whether got matches want, in which a hidden secret matches anything.
func like(want, got string) bool {
	parts := strings.Split(want, redact.Redacted)
	if len(parts) == 1 {
		return want == got
	}
	got, ok := strings.CutPrefix(got, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		at := strings.Index(got, part)
		if at < 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return strings.HasSuffix(got, parts[last])
}

// sameJSON reports whether a value of JSON matches.
func sameJSON(want, got any) bool {
	switch want := want.(type) {
	case string:
		text, ok := got.(string)
		return ok && like(want, text)
	case []any:
		list, ok := got.([]any)
		return ok && slices.EqualFunc(want, list, sameJSON)
	case *jsontree.Object:
		other, ok := got.(*jsontree.Object)
		return ok && maps.EqualFunc(want.Values, other.Values, sameJSON)
	}
	return jsonpath.Equal(nil, want, got)
}

// nearest returns the place of the exchange with the fewest differences, and these differences.
func nearest(exchanges []Exchange, r *Request) (place string, differences []string) {
	for i := range exchanges {
		x := &exchanges[i]
		d := []string{x.Problem}
		if x.Problem == "" {
			d = x.Want.differences(r)
		}
		if place == "" || len(d) < len(differences) {
			place, differences = x.Place, d
		}
	}
	return place, differences
}

// host returns a host in the form in which hosts are compared.
func host(scheme, authority string) string {
	authority = strings.ToLower(authority)
	if scheme == "https" {
		return strings.TrimSuffix(authority, ":443")
	}
	return strings.TrimSuffix(authority, ":80")
}

// segments returns the segments of a path without percent-encoding. A segment with an invalid
// encoding is returned as it is.
func segments(path string) []string {
	list := strings.Split(path, "/")
	for i, segment := range list {
		if plain, err := url.PathUnescape(segment); err == nil {
			list[i] = plain
		}
	}
	return list
}

// params returns the values of each parameter of a query, in order.
func params(query string) map[string][]string {
	m := make(map[string][]string)
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value = unescaped(value)
		if ok {
			value = "=" + value // a parameter without "=" is a different one
		}
		name = unescaped(name)
		m[name] = append(m[name], value)
	}
	return m
}

func unescaped(text string) string {
	if u, err := url.QueryUnescape(text); err == nil {
		return u
	}
	return text
}

func names(a, b map[string][]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func joined(values []string) string {
	values = slices.Clone(values)
	for i := range values {
		values[i] = strings.TrimPrefix(values[i], "=")
	}
	return strings.Join(values, ", ")
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
