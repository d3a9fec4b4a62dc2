package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// entryOf returns an entry of an archive.
func entryOf(method, url, rest string) string {
	return fmt.Sprintf(`{"request": {"method": %q, "url": %q%s}, "response": {"status": 200,
		"content": {"text": "ok"}}}`, method, url, rest)
}

// converted converts archives, each a list of entries, and returns what was
// written, what was said, and the error.
func converted(t *testing.T, o ConvertOptions, archives ...[]string) (
	files map[string]string, said []string, err error,
) {
	t.Helper()
	dir := t.TempDir()
	o.Dir = filepath.Join(dir, "out")
	o.Wrote = func(string) {}
	o.Warn = func(path, text string) {
		if path != "" {
			text = filepath.Base(path) + ": " + text
		}
		said = append(said, text)
	}
	var paths []string
	for i, entries := range archives {
		path := filepath.Join(dir, fmt.Sprintf("%c.har", 'a'+i))
		text := `{"log": {"entries": [` + strings.Join(entries, ",") + `]}}`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	err = Convert(paths, o)
	if _, statErr := os.Stat(o.Dir); statErr == nil {
		files = contents(t, o.Dir)
	}
	for name, text := range files {
		if _, errs := hurl.Parse(name, []byte(text)); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs[0])
		}
	}
	return files, said, err
}

func TestRequestsToOtherHostsAreLeftOutIfTheBaseChanges(t *testing.T) {
	const (
		page   = "http://localhost:8080/"
		same   = "http://127.0.0.1:8080/same"
		other  = "https://stats.example.org/collect?token=abc"
		secure = "https://example.org/secure"
	)
	tests := map[string]struct {
		urls      []string
		base      string
		hosts     []string
		want      string // the first lines
		leftOut   int
		namesHost string
	}{
		"the first of this machine": {
			urls: []string{other, page, same, "http://localhost:9090/"}, base: "{{base}}",
			want: "GET {{base}}/ GET {{base}}/same", leftOut: 2, namesHost: "localhost:8080",
		},
		"the first, whatever its scheme": {
			urls: []string{"http://example.org/", other, secure}, base: "http://h",
			want: "GET http://h/ GET http://h/secure", leftOut: 1, namesHost: "example.org",
		},
		"those that are named": {
			urls: []string{
				page, other, "https://stats.example.org:1/a", "http://a.org:1/", "http://a.org:2/",
			},
			base: "http://h", hosts: []string{"STATS.example.org", "a.org:2"},
			want: "GET http://h/collect?token=REDACTED GET http://h/a GET http://h/", leftOut: 2,
			namesHost: "STATS.example.org, a.org:2",
		},
		"all, if the base stays": {
			urls: []string{page, other},
			want: "GET http://localhost:8080/ GET https://stats.example.org/collect?token=REDACTED",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var entries []string
			for _, u := range tt.urls {
				entries = append(entries, entryOf("GET", u, ""))
			}
			files, said, err := converted(t, ConvertOptions{Base: tt.base, Hosts: tt.hosts}, entries)
			if err != nil {
				t.Fatal(err)
			}
			var first []string
			for i := range len(files) {
				for name, text := range files {
					if strings.HasPrefix(name, fmt.Sprintf("%04d-", i+1)) {
						line, _, _ := strings.Cut(text, "\n")
						first = append(first, line)
					}
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(first, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			all := strings.Join(said, "\n")
			if tt.leftOut == 0 && all != "" || strings.Contains(all, "abc") {
				t.Errorf("it said %q", all)
			}
			if tt.leftOut > 0 && (len(said) != 1 || !strings.Contains(all, tt.namesHost)) {
				t.Errorf("it said %q, without %q", all, tt.namesHost)
			}
			want := fmt.Sprintf("left out %d of", tt.leftOut)
			if tt.leftOut > 1 && !strings.Contains(all, want) {
				t.Errorf("it said %q, without %q", all, want)
			}
		})
	}
}

func TestManyWarningsBecomeFewLines(t *testing.T) {
	var entries []string
	for i := range 955 {
		e := fmt.Sprintf(`{"request": {"method": "GET", "url": "http://h/%d"}}`, i)
		if i%5 == 0 {
			e = strings.TrimSuffix(e, "}") + `, "response": {"status": 200}}`
		} else if i%5 == 1 {
			e = `{"request": {"method": "GET", "url": "blob:x"}}`
		}
		entries = append(entries, e)
	}
	files, said, err := converted(t, ConvertOptions{}, entries)
	want := []string{
		"a.har: left out 764 of 955 entries: its URL is neither http nor https (191: entry 2 " +
			"GET blob:x, entry 7 GET blob:x, entry 12 GET blob:x, …); it has no response (573: entry 3 " +
			"GET http://h/2, entry 4 GET http://h/3, entry 5 GET http://h/4, …)",
		"a.har: the body of the response was not recorded; it is not expected (191: entry 1 " +
			"GET http://h/0, entry 6 GET http://h/5, entry 11 GET http://h/10, …)",
	}
	if diff := cmp.Diff(want, said); diff != "" || err != nil || len(files) != 191 {
		t.Errorf("%d files, error %v, it said (-want +got):\n%s", len(files), err, diff)
	}
	_, said, _ = converted(t, ConvertOptions{}, entries[:2])
	single := "a.har: entry 2 (GET blob:x): left out: its URL is neither http nor https"
	if said[0] != single {
		t.Errorf("it said %q, want %q", said[0], single)
	}
}

func TestAnArchiveOfWhichNothingIsLeftIsAnError(t *testing.T) {
	nothing := []string{entryOf("GET", "data:x", ""), entryOf("get-x", "http://h/", "")}
	something := []string{entryOf("GET", "http://h/", "")}
	for name, tt := range map[string]struct {
		archives [][]string
		fails    bool
	}{
		"nothing":           {[][]string{nothing}, true},
		"no entries":        {[][]string{nil, nothing}, true},
		"something":         {[][]string{something}, false},
		"something, beside": {[][]string{nothing, something}, false},
	} {
		_, said, err := converted(t, ConvertOptions{}, tt.archives...)
		var failed *Error
		if got := errors.As(err, &failed) && failed.Kind == Nothing; got != tt.fails {
			t.Errorf("%s: error %v", name, err)
		}
		told := strings.Contains(strings.Join(said, "\n"), "left out 2 of 2")
		if strings.HasPrefix(name, "no") && !told {
			t.Errorf("%s: it said %q", name, said)
		}
	}
}

func TestAnArchiveWithoutEntriesIsAnError(t *testing.T) {
	_, said, err := converted(t, ConvertOptions{}, nil)
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != Empty || len(said) != 0 {
		t.Errorf("said %q, error %v", said, err)
	}
}

func TestSecretsAreHiddenInAllFilesThatAreConvertedTogether(t *testing.T) {
	const secret = "tok_0123456789abcdef"
	headers := `, "headers": [{"name": "Authorization", "value": "Bearer ` + secret + `"}]`
	files, said, err := converted(t, ConvertOptions{},
		[]string{entryOf("GET", "http://h/a?q="+secret, "")},
		[]string{entryOf("GET", "http://h/b", headers)})
	if err != nil || len(said) > 0 || len(files) != 2 {
		t.Errorf("%d files, error %v, it said %q", len(files), err, said)
	}
	for name, text := range files {
		if strings.Contains(text, secret) || !strings.Contains(text, "REDACTED") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

func TestABaseThatIsNoURLIsAnError(t *testing.T) {
	_, _, err := converted(t, ConvertOptions{Base: "{{"}, []string{entryOf("GET", "http://h/", "")})
	var failed *Error
	want := `the base "{{" is not a URL`
	if !errors.As(err, &failed) || failed.Kind != BadBase || failed.Error() != want {
		t.Errorf("error %v", err)
	}
}

// A fixture that is overwritten keeps its line ends, a new one has LF.
func TestFixturesThatAreOverwrittenKeepTheirLineEnds(t *testing.T) {
	dir := t.TempDir()
	archive, out := filepath.Join(dir, "a.har"), filepath.Join(dir, "out")
	text := `{"log": {"entries": [` +
		entryOf("POST", "http://localhost/a", `, "postData": {"mimeType": "text/plain", "text": "a\nb\n"}`) +
		"," + entryOf("GET", "http://localhost/b", "") + `]}}`
	if err := os.WriteFile(archive, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := ConvertOptions{Dir: out, Force: true, Wrote: func(string) {}, Warn: func(string, string) {}}
	convert := func() map[string]string {
		if err := Convert([]string{archive}, o); err != nil {
			t.Fatal(err)
		}
		return contents(t, out)
	}
	for name, text := range convert() {
		if strings.Contains(text, "\r") || strings.Count(text, "\n") < 3 {
			t.Errorf("%s: %q", name, text)
		}
		if !strings.Contains(text, "/a") {
			continue
		}
		text = strings.ReplaceAll(text, "\n", "\r\n")
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range convert() {
		lines := strings.Count(text, "\n")
		if crlf := strings.Count(text, "\r\n"); lines < 3 ||
			crlf != 0 && crlf != lines || (crlf > 0) != strings.Contains(text, "/a") {
			t.Errorf("%s: %q", name, text)
		}
		f, errs := hurl.Parse(name, []byte(text))
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		if body := f.Entries[0].Request.Body; body != nil {
			if got, _ := body.Payload.Static(); string(got) != "a\nb\n" {
				t.Errorf("%s: sends %q", name, got)
			}
		}
	}
}

func TestArchivesBecomeOneSession(t *testing.T) {
	const token = "t0ken-0123456789-abcdef"
	login := fmt.Sprintf(`{"request": {"method": "POST", "url": "http://localhost/login"},
		"response": {"status": 200, "headers": [{"name": "Content-Type", "value": "application/json"}],
		"content": {"text": "{\"token\": \"%s\", \"id\": 17}"}}}`, token)
	use := entryOf("GET", "http://localhost/items/17?n=1",
		`, "headers": [{"name": "Authorization", "value": "Bearer `+token+`"}]`)
	session := filepath.Join(t.TempDir(), "all.hurl")
	_, said, err := converted(t, ConvertOptions{Session: session, Base: "{{base}}"}, []string{login},
		[]string{use})
	if err != nil || len(said) > 0 {
		t.Fatal(err, said)
	}
	text, err := os.ReadFile(session)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`token: jsonpath "$.token" redact` + "\n", `id: jsonpath "$.id"` + "\n",
		"# @ignore jsonpath $.id\n", "GET {{base}}/items/{{id}}?n=1\n",
		"Authorization: Bearer {{token}}\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("without %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), token) {
		t.Errorf("it holds the token:\n%s", text)
	}
	_, _, err = converted(t, ConvertOptions{Session: session}, []string{use})
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != Exists {
		t.Errorf("over a file that exists: %v", err)
	}
}
