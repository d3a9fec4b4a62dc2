package testrunner_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner"
)

// What is written into a fixture has the line ends of that fixture, whatever it is: a body whose
// own lines end otherwise stands on one line then. The fixture passes afterwards.
func TestUpdatesKeepLineEnds(t *testing.T) {
	fixtures := map[string]string{
		"nothing expected":  "# c\nGET http://localhost/\n",
		"one line":          "# c\n\nGET http://localhost/",
		"status and header": "GET http://localhost/\nHTTP 404\nX-A: 2\nGone: x\n`old`\n",
		"lines":             "GET http://localhost/\nHTTP 200\n```\nold\n```\n",
		"JSON":              "GET http://localhost/\nHTTP 200\n{\n  \"a\": 1\n}\n",
		"JSON in lines":     "GET http://localhost/\nHTTP 200\n```json\n{\n  \"a\": 1\n}\n```\n",
		"ignored JSON":      "# @ignore jsonpath $.id\nGET http://localhost/\nHTTP 200\n{\n  \"id\": 1,\n  \"a\": [1]\n}\n",
		"XML":               "GET http://localhost/\nHTTP 200\n<a>\n</a>\n",
		"base64":            "GET http://localhost/\nHTTP 200\nbase64,AAAA;\n",
		"an assert":         "GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"x\"\nheader \"x-a\" == \"2\"\n",
		"several": "GET http://localhost/\nHTTP 404\n\nGET http://localhost/\n\n# c\n" +
			"GET http://localhost/\nHTTP 200\n`old`\n# @trailer t: x\n",
		"a trailer": "# @trailer t: x\nGET http://localhost/\nHTTP 200\n",
	}
	long := strings.Repeat("long line\n", 100)
	bodies := map[string]*testrunner.Response{
		"one line":  text(200, "new", "x-a", "1"),
		"lines":     text(200, "a\nb\n", "x-a", "1"),
		"CRLF":      text(200, "a\r\nb\r\n", "x-a", "1"),
		"both":      text(200, "a\r\nb\n", "x-a", "1"),
		"long CRLF": text(200, strings.ReplaceAll(long, "\n", "\r\n"), "x-a", "1"),
		"JSON": text(200, "{\n  \"id\": 2,\n  \"a\": [1, {\"b\": [2]}],\n  \"new\": {\"c\": [3]}\n}", "x-a", "1",
			"content-type", "application/json"),
		"XML":    text(200, "<a>\n <b/>\n</a>", "x-a", "1", "content-type", "text/xml"),
		"binary": text(200, strings.Repeat("\x00\xff", 200), "x-a", "1", "content-type", "image/png"),
		"a secret": text(200, "{\n\"access_token\": \"abcdef0123456789\"\n}", "x-a", "1", "content-type",
			"application/json"),
	}
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	layouts := map[string]func(string) string{
		"CRLF": crlf,
		"CRLF, no final line end": func(s string) string {
			return crlf(strings.TrimRight(s, "\n"))
		},
		"CRLF, byte order mark": func(s string) string { return "\ufeff" + crlf(s) },
		"LF":                    func(s string) string { return s },
		// The first entry has other line ends than those that are updated.
		"LF after CRLF": func(s string) string { return crlf("GET http://localhost/a\nHTTP *\n\n") + s },
		"CRLF after LF": func(s string) string { return "GET http://localhost/a\nHTTP *\n\n" + crlf(s) },
	}
	h := &fakeHost{reusable: true}
	for layout, of := range layouts {
		for name, source := range fixtures {
			for body, response := range bodies {
				most := layout == "CRLF" || layout == "LF" || body == "lines" || body == "JSON"
				if !most || name == "an assert" && body == "binary" {
					continue // no text can stand there; the rest is enough
				}
				before := of(source)
				h.response = func(int, *testrunner.Request) *testrunner.Response {
					r := *response
					r.Trailers = fixture.Fields{{Name: "t", Value: "y"}}
					return &r
				}
				about := fmt.Sprintf("%s, %s, %s", layout, name, body)
				after := updated(t, before, h)
				if strings.Count(after, "\ufeff") != strings.Count(before, "\ufeff") ||
					strings.HasPrefix(after, "\ufeff") != strings.HasPrefix(before, "\ufeff") {
					t.Errorf("%s: the byte order mark of %q is not at the start of %q", about, before, after)
				}
				if strings.HasSuffix(after, "\n") != strings.HasSuffix(before, "\n") {
					t.Errorf("%s: the end of %q becomes %q", about, before, after)
				}
				part, lone := after, layout != "LF" && layout != "LF after CRLF"
				if strings.Contains(layout, "after") {
					_, part, _ = strings.Cut(after, "HTTP *")
					_, part, _ = strings.Cut(part, "\n") // it ends as the entry before does
					_, part, _ = strings.Cut(part, "\n")
				}
				both, lines := strings.Count(part, "\r\n"), strings.Count(part, "\n")
				if lone && both != lines || layout == "LF" && both > 0 && !strings.Contains(body, "CRLF") && body != "both" {
					t.Errorf("%s: %q becomes %q", about, before, after)
				}
				files, _ := run(t, h, testrunner.Options{}, parse(t, after))
				if got := outcomes(files); strings.Contains(got, "mismatch") || strings.Contains(got, "error") {
					t.Errorf("%s: %q becomes %q, which gives %s", about, before, after, got)
				}
			}
		}
	}
}
