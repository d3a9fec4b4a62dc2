package curl

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestDeliberate(t *testing.T) {
	chrome := map[string]string{
		"Accept":          "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"Accept-Encoding": "gzip, deflate, br, zstd", "Accept-Language": "de,en;q=0.9",
		"Cache-Control": "max-age=0", "Connection": "keep-alive", "Dnt": "1",
		"Priority": "u=0, i", "Referer": "http://localhost/", "Sec-Ch-Ua": `"Chromium"`,
		"Sec-Ch-Ua-Platform": `"Linux"`, "Sec-Fetch-Mode": "navigate", "Sec-Gpc": "1",
		"Upgrade-Insecure-Requests": "1", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)",
	}
	with := func(more ...string) map[string]string {
		all := maps.Clone(chrome)
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	for name, tt := range map[string]struct {
		sent map[string]string
		want string
	}{
		"a browser": {chrome, ""},
		"a form in a browser": {
			with("Cookie", "a=b", "Content-Type", "text/plain", "Origin", "http://localhost"),
			"Content-Type Cookie Origin"},
		"a script in a browser": {with("Accept", "application/json", "X-Own", "1"), "Accept X-Own"},
		"a browser's web socket": {
			with("Connection", "Upgrade", "Sec-Websocket-Key", "x", "Upgrade", "websocket"),
			"Connection Sec-Websocket-Key Upgrade"},
		"a conditional request of a browser": {with("If-None-Match", `"a"`), "If-None-Match"},
		"curl":                               {map[string]string{"User-Agent": "curl/8.5.0", "Accept": "*/*"}, ""},
		"Go": {map[string]string{
			"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}, ""},
		"curl, with fields by hand": {map[string]string{
			"User-Agent": "curl/8.5.0", "Accept": "text/html", "Accept-Language": "de",
			"Cache-Control": "no-cache"}, "Accept Accept-Language Cache-Control"},
	} {
		h := make(http.Header)
		for field, value := range tt.sent {
			h.Set(field, value)
		}
		kept := slices.Sorted(maps.Keys(Deliberate(h)))
		if got := strings.Join(kept, " "); got != tt.want {
			t.Errorf("%s: kept %q, want %q", name, got, tt.want)
		}
	}
}

func TestCommand(t *testing.T) {
	for name, tt := range map[string]struct {
		request       Request
		command, note string
	}{
		"a path": {Request{Method: "GET", Target: "/a?b=c"}, "curl -i 'http://h:1/a?b=c'", ""},
		"what curl would change in a path": {Request{Method: "GET", Target: "/a/../[b]{c}"},
			"curl -i --path-as-is --globoff 'http://h:1/a/../[b]{c}'", ""},
		"another target": {Request{Method: "OPTIONS", Target: "*"},
			"curl -i --request-target '*' -X OPTIONS http://h:1/", ""},
		"HEAD": {Request{Method: "HEAD", Target: "/"}, "curl -i --head http://h:1/", ""},
		"another host": {Request{Method: "GET", Target: "/", Host: "a.example"},
			"curl -i http://h:1/ -H 'host: a.example'", ""},
		"fields": {Request{Method: "GET", Target: "/", Headers: [][2]string{
			{"X-A", "it's"}, {"X-Empty", ""}, {"Content-Length", "3"}}},
			`curl -i http://h:1/ -H 'x-a: it'\''s' -H 'x-empty;'`, ""},
		"a body": {Request{Method: "POST", Target: "/", HasBody: true, Whole: true, Body: []byte("a b")},
			"curl -i -X POST http://h:1/ --data-binary 'a b'", ""},
		"any bytes": {Request{Method: "POST", Target: "/", HasBody: true, Whole: true, Body: []byte("\x00%")},
			`printf '\000%%' | curl -i -X POST http://h:1/ --data-binary @-`, ""},
		"a body that looks like a file": {
			Request{Method: "POST", Target: "/", HasBody: true, Whole: true, Body: []byte("@a")},
			"printf '@a' | curl -i -X POST http://h:1/ --data-binary @-", ""},
		"a body of which a part is known": {Request{Method: "PUT", Target: "/", HasBody: true},
			"curl -i -X PUT http://h:1/ --data-binary @request-body",
			"write the body of the request, which was not kept, to the file request-body"},
	} {
		tt.request.Address = "h:1"
		if command, note := tt.request.Command(); command != tt.command || note != tt.note {
			t.Errorf("%s: got\n%s\n%s\nwant\n%s\n%s", name, command, note, tt.command, tt.note)
		}
	}
}
