package testrunner

import "testing"

func TestAddressesAreSentAndToldAsHurlDoes(t *testing.T) {
	tests := []struct{ text, target, told string }{
		{"http://H", "/", "http://h/"},
		{"http://h:80/a", "/a", "http://h/a"},
		{"https://h:80/a", "/a", "https://h:80/a"},
		{"http://h/a/../b/./c", "/b/c", "http://h/b/c"},
		{"http://h/café?é#é", "/caf%c3%a9?é", "http://h/caf%C3%A9?%C3%A9#%C3%A9"},
		{`http://h/"a"{x}|?q="'`, `/"a"{x}|?q="'`, "http://h/%22a%22%7Bx%7D|?q=%22%27"},
		{`http://h/a\b`, `/a\b`, "http://h/a/b"},
		{"http://u:p@h/", "/", "http://u:p@h/"},
		{"http://h?x#y", "/?x", "http://h/?x#y"},
		{"http://h/%zz", "/%zz", "http://h/%zz"},
		{"ftp://h/", "", ""},
		{"h/", "", ""},
		{"http:///", "", ""},
		{"http://h/a b", "", ""},
		{"http://[::1/", "", ""},
	}
	for _, tt := range tests {
		a, err := parseAddress(tt.text)
		if err != nil {
			if tt.told != "" {
				t.Errorf("%s: %v", tt.text, err)
			}
			continue
		}
		if target, told := a.target(false), a.String(); target != tt.target || told != tt.told {
			t.Errorf("%s: sends %s and tells %s, want %s and %s", tt.text, target, told, tt.target, tt.told)
		}
	}
}

func TestRedirectsLeadWhereTheyPoint(t *testing.T) {
	tests := []struct{ from, reference, want string }{
		{"http://h/a/b?q#f", "c", "http://h/a/c"},
		{"http://h/a/b?q", "../c?d", "http://h/c?d"},
		{"http://h/a/b?q", "/c é", "http://h/c%20%C3%A9"},
		{"http://h/a/b?q", "?r#g", "http://h/a/b?r#g"},
		{"http://h/a/b?q#f", "", "http://h/a/b?q"},
		{"http://h/a/b?q", "#g", "http://h/a/b?q#g"},
		{"https://h/a", "//i/b", "https://i/b"},
		{"http://h/a", "HTTPS://I:443/b", "https://i/b"},
		{`http://h/a\b`, "c", "http://h/a/c"},
		{"http://h/a", "b:c", ""},
		{"http://h/a", "mailto:x", ""},
	}
	for _, tt := range tests {
		from, err := parseAddress(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if to, err := from.join(tt.reference); err == nil {
			got = to.String()
		}
		if got != tt.want {
			t.Errorf("from %s to %q: %q, want %q", tt.from, tt.reference, got, tt.want)
		}
	}
}
