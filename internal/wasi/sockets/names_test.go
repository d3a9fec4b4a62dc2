package sockets

import (
	"net/netip"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	label := strings.Repeat("a", maxLabel)
	for text, want := range map[string]string{
		"127.0.0.1": "127.0.0.1", "::": "::", "[::1]": "::1", "DEAD:BEEF::0": "dead:beef::",
		"::ffff:1.2.3.4": "1.2.3.4", "[::ffff:1.2.3.4]": "1.2.3.4",

		"Example.COM": "example.com", "example.com.": "example.com", "a_b.c-d": "a_b.c-d",
		"bücher.example": "xn--bcher-kva.example", "BÜCHER。example": "xn--bcher-kva.example",
		"1.example": "1.example", "a1": "a1", label: label,

		"": "", " ": "", ".": "", "..": "", "a..b": "", ".a": "", "a b": "", "a.b<&>": "",
		"1.2.3.4:80": "", "[::]:80": "", "[1.2.3.4]": "", "[::": "", "http://a/": "", "a/b": "",
		"fe80::1%eth0": "", "127.1": "", "0x7f.1": "", "1": "", "0x7f000001": "", "a.0xf": "",
		"1.2.3.4.": "", "a\x00b": "", "a\xffb": "", "*.a": "", label + "a": "",
		strings.Repeat("a.", 127) + "a": "",
	} {
		a, name, err := parseName(text)
		if a.IsValid() {
			name = a.String()
		}
		if name != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, name, err, want)
		}
	}
}

func TestWhichAddressesASocketCanHave(t *testing.T) {
	for text, want := range map[string]struct{ fits4, fits6, unicast, reachable bool }{
		"1.2.3.4:5":            {true, false, true, true},
		"0.0.0.0:5":            {true, false, true, false},
		"1.2.3.4:0":            {true, false, true, false},
		"255.255.255.255:5":    {true, false, false, true},
		"239.0.0.1:5":          {true, false, false, true},
		"[::1]:5":              {false, true, true, true},
		"[::]:5":               {false, true, true, false},
		"[ff02::1]:5":          {false, true, false, true},
		"[::ffff:1.2.3.4]:5":   {false, false, true, true},
		"[::ffff:239.0.0.1]:5": {false, false, false, true},
		"[::1.2.3.4]:5":        {false, false, true, true},
		"[::2]:5":              {false, false, true, true},
		"[64:ff9b::1.2.3.4]:5": {false, true, true, true},
	} {
		a := Address{AddrPort: netip.MustParseAddrPort(text)}
		if a.fits(false) != want.fits4 || a.fits(true) != want.fits6 || a.reachable() != want.reachable ||
			text != "[::ffff:239.0.0.1]:5" && a.unicast() != want.unicast {
			t.Errorf("%s: fits %v, %v, unicast %v, reachable %v", text,
				a.fits(false), a.fits(true), a.unicast(), a.reachable())
		}
	}
}
