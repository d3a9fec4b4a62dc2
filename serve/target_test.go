package serve

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

func TestHostsThatAreTheServersOwn(t *testing.T) {
	allowed := []string{canonicalName("MyBox.test."), "other"}
	for host, own := range map[string]bool{
		"": true, "localhost": true, "LocalHost:8080": true, "localhost.": true, "localhost.:80": true,
		"app.localhost": true, "a.b.LOCALHOST:1": true, "app.localhost.": true,
		"127.0.0.1": true, "127.0.0.1:8080": true, "10.1.2.3": true,
		"0.0.0.0:80": true, "127.0.0.1.": true,
		"[::1]": true, "[::1]:8080": true, "[fe80::1%25eth0]:1": true, "[::ffff:10.0.0.1]": true,
		"mybox.test": true, "MYBOX.TEST.:99": true, "other:1": true,

		"localhost.evil.test": false, "notlocalhost": false, "xlocalhost:80": false,
		".localhost.x": false,
		"evil.test":    false, "evil.test:8080": false, "sub.mybox.test": false, "mybox.test.evil": false,
		"127.0.0.1.evil.test": false, "127.0.0.1.nip.io": false, "1.2.3": false, "0x7f000001": false,
		"[127.0.0.1]": false, "others": false, "localhost..": false,
	} {
		if got := isOwn(host, allowed); got != own {
			t.Errorf("%q: got %v", host, got)
		}
	}
}

// echoOrFail is a program with a page and a failure.
func echoOrFail(_ context.Context, _ string, r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/trap" {
		return nil, sampleFailure()
	}
	return answer(200, "<!doctype html><p>hello", "content-type", "text/html"), nil
}

func TestOtherHostsNamesReachTheHandlerOnly(t *testing.T) {
	for _, live := range []bool{true, false} {
		s := start(t, handlerFunc(echoOrFail), Options{
			LiveReload: live, ErrorPages: PagesFull, AllowHosts: []string{"Friend.test."},
		})
		for host, own := range map[string]bool{
			"localhost": true, "x.localhost.": true, "127.0.0.1:1": true, "[::1]": true,
			"friend.test:80": true, "FRIEND.test.": true,
			"evil.test": false, "localhost.evil.test": false, "evil.test:8080": false,
			"friend.test.evil": false,
		} {
			get := func(path string, header ...string) string {
				t.Helper()
				text, err := raw(t, s.addr, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n"+
					strings.Join(header, "")+"\r\n")
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			text := get("/page", "Accept: text/html\r\n")
			if !strings.Contains(text, "<p>hello") || strings.Contains(text, scriptPath) != (live && own) {
				t.Errorf("%s, live %v: got %s", host, live, text)
			}
			for _, accept := range []string{"text/html", "application/json", "text/plain"} {
				text := get("/trap", "Accept: "+accept+"\r\n")
				if !strings.HasPrefix(text, "HTTP/1.1 500 ") ||
					!strings.Contains(text, "X-Wasihttp-Outcome: trap") {
					t.Errorf("%s: got %s", host, text)
				}
				for _, detail := range []string{
					"unreachable", "panicked", "curl", "debug information", "memcpy",
				} {
					if strings.Contains(text, detail) != own {
						t.Errorf("%s, %s: %q in it: %v\n%s", host, accept, detail, !own, text)
					}
				}
				if !own && strings.Contains(text, scriptPath) {
					t.Errorf("%s: the page has the script:\n%s", host, text)
				}
			}
			for _, path := range []string{
				scriptPath, reservedPath, reservedPath + "other", "/%5f_wasihttp/live-reload.js",
			} {
				if text := get(path); strings.HasPrefix(text, "HTTP/1.1 403 ") == own {
					t.Errorf("%s, live %v, %s: got %s", host, live, path, text)
				}
			}
			if text := get("/__wasihttp"); !strings.HasPrefix(text, "HTTP/1.1 200 ") {
				t.Errorf("%s: got %s", host, text)
			}
		}
		// The target decides, not the Host, if it names a host itself.
		text, err := raw(t, s.addr, "GET http://evil.test"+scriptPath+
			" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if err != nil || !strings.HasPrefix(text, "HTTP/1.1 403 ") {
			t.Errorf("absolute form: got %s, %v", text, err)
		}
		// A client of HTTP/1.0 without a Host has only the address.
		text, err = raw(t, s.addr, "GET /trap HTTP/1.0\r\n\r\n")
		if err != nil || !strings.Contains(text, "unreachable") {
			t.Errorf("no Host: got %s, %v", text, err)
		}
	}
}
