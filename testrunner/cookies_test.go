package testrunner

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
)

// What is sent is what libcurl 7.88 sends.
func TestCookiesAreStoredAsInLibcurl(t *testing.T) {
	tests := []struct {
		name string
		set  []string // PATH FIELD
		path string
		want string
	}{
		{"trimmed, quotes kept", []string{`/ a = "1" `}, "/", `a="1"`},
		{"without a name or a sign", []string{"/ =1", "/ a"}, "/", ""},
		{"the folder of the path", []string{"/deep/x a=1"}, "/deep/y", "a=1"},
		{"not a beginning of a folder's name", []string{"/deep/x a=1"}, "/deeper", ""},
		{"a path without a slash is all", []string{"/x/y a=1; Path=rel"}, "/", "a=1"},
		{"a path in quotes", []string{`/ a=1; path="/deep"`}, "/deep/x", "a=1"},
		{"longer paths first, then longer names, then newer ones",
			[]string{"/ a=1", "/ b=2", "/ long=3", "/ c=4; Path=/deep"}, "/deep", "c=4; long=3; b=2; a=1"},
		{"one that is replaced keeps its place", []string{"/ a=1", "/ b=2", "/ a=3"}, "/", "b=2; a=3"},
		{"domain and host are two", []string{"/ a=1", "/ a=2; Domain=.LOCALHOST"}, "/", "a=2; a=1"},
		{"a foreign domain", []string{"/ a=1; Domain=example.org", "/ b=1; Domain=example.org; Domain=localhost"}, "/", ""},
		{"no time left",
			[]string{"/ a=1; Max-Age=0", "/ b=1; Max-Age=x", "/ c=1; max-age=-5",
				"/ d=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, "/", ""},
		{"time left", []string{"/ a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", `/ b=2; Max-Age="5"`,
			"/ c=3; Expires=nonsense"}, "/", "c=3; b=2; a=1"},
		{"prefixes", []string{"/ __Secure-a=1", "/ __Host-b=2; Secure; Path=/x", "/ __Secure-c=3; Secure",
			"/ __Host-d=4; Secure"}, "/", "__Secure-c=3; __Host-d=4"},
	}
	for _, tt := range tests {
		var store cookieStore
		for _, s := range tt.set {
			path, field, _ := strings.Cut(s, " ")
			u := &url.URL{Scheme: "http", Host: "localhost", Path: path}
			store.update(u, fixture.Fields{{Name: "set-cookie", Value: field}}, time.Unix(1e9, 0))
		}
		u := &url.URL{Scheme: "http", Host: "localhost", Path: tt.path}
		if got := strings.Join(store.pairs(u, time.Unix(1e9+1, 0)), "; "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
