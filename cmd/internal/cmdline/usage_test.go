package cmdline

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"addr", "arg", "allow-outbound", "quiet", "env-file"}
	tests := map[string]string{"adr": "addr", "outbound": "allow-outbound", "quite": "quiet", "envfile": "env-file", "watch": "", "zzzzzz": ""}
	for typed, want := range tests {
		if got := Nearest(typed, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}
