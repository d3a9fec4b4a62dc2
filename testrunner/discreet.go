package testrunner

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
)

// discreet sends to a server only what changes nothing there, and no secrets but those that were
// given for it and those that it has responded with.
type discreet struct {
	Host
	all   bool
	given fixture.Secrets

	mu   sync.Mutex
	told []string // texts of its responses
	size int      // of these, in bytes
}

func newDiscreet(o Other, secrets []Variable) *discreet {
	d := &discreet{Host: o.Server, all: o.AllMethods}
	for _, s := range secrets {
		d.given.Add(s.Value)
	}
	return d
}

func (d *discreet) Open(ctx context.Context, spec Spec) (Target, error) {
	target, err := d.Host.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &discreetTarget{target, d}, nil
}

type discreetTarget struct {
	Target
	*discreet
}

// Do implements Target.
func (t *discreetTarget) Do(ctx context.Context, r *Request) (*Response, error) {
	safe := []string{http.MethodGet, http.MethodHead, http.MethodOptions}
	if !slices.Contains(safe, r.Method) && !t.all {
		return &Response{Failure: &Failure{
			Outcome: Skipped, Cause: r.Method + " is sent to a server only with --all-methods",
		}}, nil
	}
	sent, kept := t.without(r)
	response, err := t.Target.Do(ctx, sent)
	if err != nil {
		return nil, err
	}
	t.remember(response)
	if len(kept) > 0 {
		response.Notes = append(response.Notes, "not sent to the server: "+strings.Join(kept, ", ")+
			"; give the value with --secret")
	}
	return response, nil
}

// without returns a request without its secrets, and what was taken out of it.
func (d *discreet) without(r *Request) (sent *Request, kept []string) {
	x := &fixture.Exchange{Request: fixture.Request{
		Method: r.Method, URL: r.Scheme + "://" + r.Authority + r.Target, Headers: r.Headers,
		Body: r.Body,
	}}
	session := redact.NewSession(nil)
	session.Find(x)
	hidden := session.Hide(x).Request
	copied := *r
	target, secret := d.text(x.Request.URL, hidden.URL)
	if secret {
		kept = append(kept, "a secret in the URL")
		copied.Target = strings.TrimPrefix(target, r.Scheme+"://"+r.Authority)
	}
	copied.Headers = nil
	for i, f := range r.Headers {
		value, secret := d.text(f.Value, hidden.Headers[i].Value)
		if !secret {
			copied.Headers = append(copied.Headers, f)
			continue
		}
		kept = append(kept, strings.ToLower(f.Name))
		if strings.EqualFold(f.Name, "cookie") {
			if f.Value = cookiesWithout(value); f.Value != "" {
				copied.Headers = append(copied.Headers, f)
			}
		}
	}
	if len(r.Body) > 0 {
		body, secret := d.text(string(r.Body), string(hidden.Body))
		if secret {
			kept = append(kept, "a secret in the body")
			copied.Body = []byte(body)
		}
	}
	return &copied, kept
}

// text returns a text without those of its secrets that the server must not get. hidden is the text
// without any; secret reports whether there are some.
func (d *discreet) text(raw, hidden string) (out string, secret bool) {
	spans, ok := redact.Spans(raw, hidden)
	if !ok {
		return hidden, true
	}
	var b strings.Builder
	done := 0
	for _, s := range spans {
		if d.mayHave(raw[s.Start:s.End]) {
			continue
		}
		secret = true
		b.WriteString(raw[done:s.Start] + redact.Redacted)
		done = s.End
	}
	return b.String() + raw[done:], secret
}

// cookiesWithout returns the cookies whose values are not hidden.
func cookiesWithout(value string) string {
	var list []string
	for pair := range strings.SplitSeq(value, ";") {
		if !strings.Contains(pair, redact.Redacted) {
			list = append(list, strings.TrimSpace(pair))
		}
	}
	return strings.Join(list, "; ")
}

// mayHave reports whether the server may get a secret: it was given for it, or it comes from it.
func (d *discreet) mayHave(secret string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	forms := []string{secret}
	if plain, err := url.QueryUnescape(secret); err == nil && plain != secret {
		forms = append(forms, plain)
	}
	for _, form := range forms {
		if form == redact.Redacted || d.given.Hide(form, "") == "" ||
			slices.ContainsFunc(d.told, func(s string) bool { return strings.Contains(s, form) }) {
			return true
		}
	}
	// Of a name and a password (RFC 7617), the password is the secret.
	plain, err := base64.StdEncoding.DecodeString(secret)
	_, password, ok := strings.Cut(string(plain), ":")
	return err == nil && ok && d.given.Has(password)
}

// maxTold bounds the texts of responses that are remembered, in bytes.
const maxTold = 16 << 20

// remember remembers what the server has responded with.
func (d *discreet) remember(r *Response) {
	if r.Failure != nil {
		return
	}
	texts := []string{string(r.plainBody())}
	for _, f := range r.Headers {
		texts = append(texts, f.Value)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, text := range texts {
		if d.size+len(text) > maxTold {
			return
		}
		d.size += len(text)
		d.told = append(d.told, text)
		if strings.Contains(text, `\`) { // escapes of JSON
			d.told = append(d.told, strings.ReplaceAll(text, `\/`, "/"))
		}
	}
}
