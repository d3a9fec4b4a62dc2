package host

import "testing"

func TestOutboundPatterns(t *testing.T) {
	tests := []struct {
		pattern, host string
		port          int
		want          bool
	}{
		{"example.com", "example.com", 443, true},
		{"example.com", "EXAMPLE.com.", 443, true},
		{"example.com", "www.example.com", 443, false},
		{"example.com:443", "example.com", 443, true},
		{"example.com:443", "example.com", 80, false},
		{"*.example.com", "www.example.com", 80, true},
		{"*.example.com", "a.b.example.com", 80, true},
		{"*.example.com", "example.com", 80, false},
		{"*.example.com", "badexample.com", 80, false},
		{"*.example.com:8080", "a.example.com", 8080, true},
		{"127.0.0.1:80", "127.0.0.1", 80, true},
		{"::1", "::1", 80, true},
		{"[::1]", "::1", 80, true},
		{"[::1]:80", "::1", 80, true},
		{"[::1]:80", "::1", 81, false},
		{"::1", "0:0:0:0:0:0:0:1", 80, true},
		{"[2001:DB8:0::1]:80", "2001:db8::1", 80, true},
		{"Example.com.", "example.com", 80, true},
		{"*.example.com.", "a.example.com.", 80, true},
		{"Bücher.example", "xn--bcher-kva.example", 80, true},
		{"xn--bcher-kva.example", "bücher.example", 80, true},
		{"*.bücher.example:80", "a.xn--bcher-kva.example", 80, true},
		{"bücher.example", "bucher.example", 80, false},
	}
	for _, tt := range tests {
		p, err := ParsePattern(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := p.Match(tt.host, tt.port); got != tt.want {
			t.Errorf("%s matches %s:%d: %v", tt.pattern, tt.host, tt.port, got)
		}
	}
	literal := Pattern{Host: "API.Example.com."}
	if !literal.Match("api.example.com", 443) || literal.Match("example.com", 443) {
		t.Error("the case of a pattern's host matters")
	}
	for _, bad := range []string{"", "*", "*.", "http://x", "x/y", "a.*.b", "x:0", "x:http", "x:99999", "a b",
		"me@x", "x:", ".x", "[::1", "::1]", "[x", "http://bücher.example", "bü cher.example",
		"bücher.example:x"} {
		if p, err := ParsePattern(bad); err == nil {
			t.Errorf("%q gave %+v", bad, p)
		}
	}
}
