package testrunner

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonedit"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// quoteValue writes text as a value without quotes; ok is false if that is
// impossible.
func quoteValue(s string) (string, bool) {
	if !utf8.ValidString(s) || s != strings.TrimSpace(s) {
		return "", false
	}
	return escape(s, `#\`), true
}

// quoteString writes text in quotes.
func quoteString(s string) string {
	return `"` + escape(strings.ToValidUTF8(s, "\ufffd"), `"\`) + `"`
}

// escape escapes special and invisible characters, and braces that would begin
// a placeholder.
func escape(s, special string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune(special, r):
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '{' && strings.HasPrefix(s[i:], "{{"), !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// encode writes text as a body, in the notation of old if it fits. Lines end as they do there.
func encode(old hurl.Payload, text []byte, end hurl.LineEnd) string {
	payload := encodeLike(old, text, end)
	return end.Body(&payload)
}

func encodeLike(old hurl.Payload, text []byte, end hurl.LineEnd) hurl.Payload {
	same := old
	same.Text, same.Data = hurl.TextTemplate(string(text)), nil
	same.Text.Quote = old.Text.Quote
	if (same.Kind == hurl.PayloadOneline || end.Keeps(string(text))) && same.Holds(text) &&
		(!isMultiline(&same) || bytes.HasSuffix(text, []byte("\n"))) {
		return same
	}
	return end.EncodeBody(text, true)
}

// bodyEdits returns the edits that replace an expected body by the one of the
// response. In JSON, only values that differ are rewritten; ignored values stay.
// The notation stays, if the body can be written in it.
func (c *checker) bodyEdits(b *hurl.Body, want, got []byte, isText bool) []hurl.Edit {
	if b.Payload.Kind == hurl.PayloadFile {
		return nil
	}
	if !isText && b.Payload.Kind == hurl.PayloadHex {
		return []hurl.Edit{{Range: b.Range, Text: fmt.Sprintf("hex,%x;", got)}}
	}
	if isText {
		if text, ok := c.mergedBody(b, want, got); ok {
			return []hurl.Edit{{Range: b.Range, Text: text}}
		}
	}
	end := hurl.LineEndAt(c.source, b.Range)
	if isText {
		raw, err := c.scope.Response.Bytes(c.scope.Work)
		if c.ignoresText() {
			raw = got
		}
		if err == nil {
			return []hurl.Edit{{Range: b.Range, Text: encode(b.Payload, raw, end)}}
		}
	}
	payload := hurl.Payload{Kind: hurl.PayloadBase64, Data: got}
	return []hurl.Edit{{Range: b.Range, Text: end.Body(&payload)}}
}

// mergedBody returns the JSON of the fixture with the values that differ in the
// response; ok is false if the result would not pass.
func (c *checker) mergedBody(b *hurl.Body, want, got []byte) (text string, ok bool) {
	wantTree, err := jsontree.Parse(c.scope.Work, want)
	if err != nil {
		return "", false
	}
	gotTree, err := jsontree.Parse(c.scope.Work, got)
	if err != nil {
		return "", false
	}
	ignored := make(map[string]bool)
	for _, p := range c.ignored {
		nodes, err := p.Select(c.scope.Work, wantTree)
		if err != nil {
			return "", false
		}
		for _, n := range nodes {
			ignored[placeKey(n.Location())] = true
		}
	}
	keep := func(steps []any) bool { return len(ignored) > 0 && ignored[placeKey(steps)] }
	// Placeholders in the body of the fixture stay.
	if before, json, after, found := jsonOf(&b.Payload,
		string(c.source[b.Range.Start.Offset:b.Range.End.Offset])); found {
		merged, ok := jsonedit.Merge(c.scope.Work, json, wantTree, gotTree, keep)
		if ok && c.passes(before+merged+after, got) {
			return before + merged + after, true
		}
		// White space differs, too: it has to be that of the response.
		respelled := jsonedit.Respell(c.scope.Work, json, string(want), string(got))
		for _, text := range []string{before + respelled + after, respelled} {
			if respelled != string(got) && c.passes(text, got) {
				return text, true
			}
		}
	}
	if len(ignored) == 0 && !c.settings.JSON {
		return "", false
	}
	rendered, ok := jsonedit.Merge(c.scope.Work, string(want), wantTree, gotTree, keep)
	if !ok {
		return "", false
	}
	text = encode(b.Payload, []byte(rendered), hurl.LineEndAt(c.source, b.Range))
	return text, c.passes(text, got)
}

// placeKey returns a text that identifies a place in a JSON value.
func placeKey(steps []any) string { return fmt.Sprintf("%#v", steps) }

// jsonOf returns the JSON in the source of a body, and what is around it; found
// is false for notations in which it is spelled in another way.
func jsonOf(p *hurl.Payload, source string) (before, json, after string, found bool) {
	switch p.Kind {
	case hurl.PayloadJSON:
		return "", source, "", true
	case hurl.PayloadMultiline, hurl.PayloadMultilineJSON:
		start, end := strings.IndexByte(source, '\n')+1, strings.LastIndex(source, "```")
		if start > 0 && end >= start {
			return source[:start], source[start:end], source[end:], true
		}
	}
	return "", "", "", false
}

// passes reports whether the response has the body that source describes.
func (c *checker) passes(text string, got []byte) bool {
	f, errs := hurl.Parse("", []byte("POST http://localhost/\n"+text+"\n"))
	if len(errs) > 0 || len(f.Entries) != 1 || f.Entries[0].Request.Body == nil {
		return false
	}
	want, _, evalErr := c.scope.Payload(&f.Entries[0].Request.Body.Payload)
	if evalErr != nil {
		return false
	}
	if bytes.Equal(want, got) {
		return true
	}
	d, semantic, err := c.withoutIgnored(want, got)
	return err == nil && semantic && d == nil
}

// isMultiline reports whether a body stands between fences.
func isMultiline(p *hurl.Payload) bool { return strings.HasPrefix(p.String(), "```") }
