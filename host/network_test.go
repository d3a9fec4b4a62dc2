package host

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/wasi"
)

func TestParseNetworkRule(t *testing.T) {
	prefix := func(text string, port uint16) wasi.NetworkRule {
		return wasi.NetworkRule{Prefix: netip.MustParsePrefix(text), Port: port}
	}
	for text, want := range map[string]wasi.NetworkRule{
		"127.0.0.1":              prefix("127.0.0.1/32", 0),
		"127.0.0.1:5432":         prefix("127.0.0.1/32", 5432),
		"0.0.0.0":                prefix("0.0.0.0/32", 0),
		"10.1.2.3/8":             prefix("10.0.0.0/8", 0),
		"10.0.0.0/8:53":          prefix("10.0.0.0/8", 53),
		"0.0.0.0/0":              prefix("0.0.0.0/0", 0),
		"::1":                    prefix("::1/128", 0),
		"[::1]":                  prefix("::1/128", 0),
		"[::1]:65535":            prefix("::1/128", 65535),
		"2001:DB8::/32":          prefix("2001:db8::/32", 0),
		"[2001:db8::1/32]:443":   prefix("2001:db8::/32", 443),
		"::ffff:1.2.3.4":         prefix("1.2.3.4/32", 0),
		"[::ffff:1.2.3.4]:80":    prefix("1.2.3.4/32", 80),
		"localhost":              {Name: "localhost"},
		"DB.example.:5432":       {Name: "db.example", Port: 5432},
		"*.example":              {Name: "example", Subdomains: true},
		"*.Bücher.example:1":     {Name: "xn--bcher-kva.example", Subdomains: true, Port: 1},
		"a_service.ns.svc:6379":  {Name: "a_service.ns.svc", Port: 6379},
		"xn--bcher-kva.example.": {Name: "xn--bcher-kva.example"},
	} {
		got, err := ParseNetworkRule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		equal := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, text := range []string{
		"", " ", ":80", "*", "*:80", "*.", "*.*.example", "*.1.2.3.4", "a*.example", "a b", "http://a",
		"a/b", "a:", "a:0", "a:65536", "a:-1", "a:x", "a:1:2", "[::1", "::1]:80", "[1.2.3.4]:80",
		"[a]:80",
		"10.0.0.0/33", "10.0.0.0/", "::/129", "::ffff:1.2.3.4/100", "fe80::1%eth0", "127.1", "0x7f000001",
		"1.2.3.4.5", "256.0.0.1", "a..b", "user@a", "a\x00",
	} {
		_, err := ParseNetworkRule(text)
		var bad *PatternError
		if !errors.As(err, &bad) || bad.Text != text || bad.Problem == "" || bad.Hint == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
