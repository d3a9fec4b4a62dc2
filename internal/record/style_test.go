package record

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/serve"
)

// rules parses rules.
func rules(t *testing.T, texts ...string) (list []Rule) {
	t.Helper()
	for _, text := range texts {
		r, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func TestFiltersChooseByHostPathAndType(t *testing.T) {
	var list []serve.Recorded
	for _, x := range [][3]string{
		{"a.test:80", "/api/one", "application/json; charset=utf-8"},
		{"a.test", "/api/two", "text/html"},
		{"b.test", "/api/three", "application/json"},
		{"a.test", "/four?/api/", "application/json"},
	} {
		list = append(list, serve.Recorded{
			Method: "GET", Host: x[0], Target: x[1], Status: 200, ResponseBody: []byte("{}"),
			ResponseHeader: http.Header{"Content-Type": {x[2]}},
		})
	}
	for name, tt := range map[string]struct {
		filter Filter
		want   string
	}{
		"all":        {Filter{}, "one two three four"},
		"a host":     {Filter{Include: rules(t, "host:A.test")}, "one two four"},
		"a path":     {Filter{Include: rules(t, "path:/api/*")}, "one two three"},
		"two paths":  {Filter{Include: rules(t, "path:/four", "path:*/two")}, "two four"},
		"two kinds":  {Filter{Include: rules(t, "path:/api/*", "type:*/json")}, "one three"},
		"exclusions": {Filter{Exclude: rules(t, "type:text/*", "host:b.*")}, "one four"},
		"both": {Filter{
			Include: rules(t, "host:a.test"), Exclude: rules(t, "path:*o*e"),
		}, "two four"},
	} {
		dir := t.TempDir()
		r, err := New(Options{Dir: dir, Filter: tt.filter, Say: func(string) {}})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			r.Record(x)
		}
		r.Close()
		var got []string
		for _, word := range strings.Fields("one two three four") {
			for file := range contents(t, dir) {
				if strings.HasSuffix(file, word+".hurl") {
					got = append(got, word)
				}
			}
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s: %s, want %s", name, text, tt.want)
		}
	}
	for _, text := range []string{"", "a.test", "host:", "port:80"} {
		if _, err := ParseRule(text); err == nil {
			t.Errorf("%q is a rule", text)
		}
	}
}

// form returns a body of fields, with a boundary.
func form(boundary string, fields ...string) string {
	body := ""
	for i := 0; i < len(fields); i += 2 {
		body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + fields[i] +
			"\"\r\n\r\n" + fields[i+1] + "\r\n"
	}
	return body + "--" + boundary + "--\r\n"
}

func TestFixturesAreWrittenForPeople(t *testing.T) {
	x := serve.Recorded{
		Method: "POST", Host: "localhost:8080", Target: "/a", Status: 200,
		Header: http.Header{
			"Content-Type": {"multipart/form-data; boundary=XyZ1"},
			"Sec-Ch-Ua":    {`"x";v="1"`}, "Sec-Fetch-Mode": {"cors"}, "Dnt": {"1"},
			"X-Own":         {"yes"},
			"Authorization": {"Bearer t0ken0123456789abcdef"},
		},
		Body:           []byte(form("XyZ1", "name", "Ada\r\nL.", "file,x", "file,y")),
		ResponseHeader: http.Header{"Content-Type": {"application/json"}},
		ResponseBody:   []byte(`{"b":[1,2],"a":{"c":null}}`),
	}
	echo := x
	echo.ResponseBody = []byte(`"the boundary XyZ1"`)
	for name, tt := range map[string]struct {
		x          serve.Recorded
		o          Options
		with, lack []string
	}{
		"usual": {x, Options{},
			[]string{"[Multipart]\n", "name: Ada\\r\\nL.\n", "X-Own: yes\n", `{"b":[1,2],"a"`,
				"POST http://localhost:8080/a\n"},
			[]string{"Content-Type: multipart", "Sec-", "Dnt", "@json", "t0ken"}},
		"asked for": {x, Options{Base: "{{base}}", AllHeaders: true, Pretty: true},
			[]string{"POST {{base}}/a\n", "Sec-Ch-Ua", "Dnt: 1\n", "# @json\n", "  \"b\": [\n"}, nil},
		"a response with the boundary": {echo, Options{},
			[]string{"Content-Type: multipart/form-data; boundary=XyZ1\n"}, []string{"[Multipart]"}},
	} {
		dir := t.TempDir()
		tt.o.Dir, tt.o.Say = dir, func(string) {}
		r, err := New(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		r.Record(tt.x)
		r.Close()
		for file, text := range contents(t, dir) {
			if _, errs := hurl.Parse(file, []byte(text)); len(errs) > 0 {
				t.Errorf("%s: %s", name, errs[0].Render())
			}
			for _, want := range tt.with {
				if !strings.Contains(text, want) {
					t.Errorf("%s: without %q in\n%s", name, want, text)
				}
			}
			for _, lack := range tt.lack {
				if strings.Contains(text, lack) {
					t.Errorf("%s: with %q in\n%s", name, lack, text)
				}
			}
		}
	}
	if _, err := New(Options{Dir: t.TempDir(), Base: "{{"}); err == nil {
		t.Error("a base that is no URL is accepted")
	}
}
