package cmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/capabilities"
)

// reported runs the program with a report, and returns what it wrote and the report.
func reported(t *testing.T, environ, before, flags, after []string) (string, capabilities.Report) {
	t.Helper()
	s := newSession()
	args := slices.Concat([]string{programName}, before,
		[]string{"--report-capabilities", "used.json", "--no-cache"}, flags, after)
	st := s.state(args...)
	st.environ = environ
	if code := st.main(t.Context(), engineDoors(st)); code != 0 {
		t.Fatalf("%q: exit code %d\n%s", args, code, s.err)
	}
	text, err := os.ReadFile("used.json")
	if err != nil {
		t.Fatal(err)
	}
	var r capabilities.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return s.out.String(), r
}

// TestTheFlagsOfAReportAreEnough runs components with more than they need, and then with the flags
// of the report alone.
func TestTheFlagsOfAReportAreEnough(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("from upstream"))
	}))
	defer upstream.Close()
	at := func(guest string) string { return filepath.Join(guests, guest) }
	t.Chdir(t.TempDir())
	for _, dir := range []string{"in", "unused"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	replace(t, filepath.Join("in", "a.txt"), []byte("text"))
	replace(t, "fetch.hurl", []byte("GET http://localhost/fetch?url="+upstream.URL+
		"\nHTTP 200\n[Asserts]\nbody contains \"from upstream\"\n"))
	replace(t, "mark.hurl", []byte("GET http://localhost/Ada\nHTTP 200\n`Hello, Ada?`\n"))
	replace(t, "keys.hurl", []byte("GET http://localhost/increment/b/n/1\nHTTP 200\n"))
	environ := []string{"MARK=?", "TZ=Asia/Tokyo", "greeting=Hi", "OTHER=1"}
	for name, tt := range map[string]struct {
		before, flags, after []string
		want                 []string
	}{
		"files": {
			[]string{"run"}, []string{"--dir", "in::/data", "--dir", "unused::/unused", "--inherit-env"},
			[]string{at("rust-files/rust-files.wasm"), "copy", "a.txt", "b.txt"},
			[]string{"--dir=in::/data", "--no-outbound"},
		},
		"requests": {
			[]string{"test", "fetch.hurl", "--component", at("rust-kitchen/rust-kitchen.wasm")},
			[]string{"--dir", "in::/data", "--config-var", "a=b", "--allow-outbound=*.example.com",
				"--allow-outbound=127.0.0.1"}, nil,
			[]string{"--allow-outbound=" + upstream.Listener.Addr().String()},
		},
		"a working directory": {
			[]string{"run"}, []string{"--cwd", "/srv", "--env", "TZ=Asia/Tokyo", "--env", "A=1"},
			[]string{at("lab/place.wasm"), "0"},
			[]string{"--env=TZ", "--cwd=/srv", "--no-outbound"},
		},
		"configuration": {
			[]string{"run"}, []string{"--config-var", "greeting", "--dir", "unused::/unused"},
			[]string{at("bad/command-config.wasm")},
			[]string{"--config-var=greeting", "--no-outbound"},
		},
		"environment": {
			[]string{"test", "mark.hurl", "--component", at("rust-greeter/rust-greeter.wasm"),
				"--plug", at("rust-words/rust-words.wasm")},
			[]string{"--env", "MARK", "--dir", "in::/data"}, nil,
			[]string{"--env=MARK", "--no-outbound"},
		},
		"keys and values": {
			[]string{"test", "keys.hurl", "--component", at("rust-keyvalue/rust-keyvalue-draft2.wasm")},
			[]string{"--keyvalue", "data.db", "--inherit-network"}, nil,
			[]string{"--keyvalue=data.db", "--no-outbound"},
		},
		"sockets": {
			[]string{"run"}, []string{"--inherit-network", "--dir", "in::/data"},
			[]string{at("rust-sockets/functions.wasm"), "4"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			first, r := reported(t, environ, tt.before, tt.flags, tt.after)
			if tt.want != nil && !slices.Equal(r.Flags, tt.want) {
				t.Errorf("flags %q, want %q", r.Flags, tt.want)
			}
			second, again := reported(t, environ, tt.before, r.Flags, tt.after)
			// What test prints has times, and it ends with 0 only if the responses are as wanted.
			if second != first && tt.before[0] == "run" {
				t.Errorf("with %q:\n%s\nwant\n%s", r.Flags, second, first)
			}
			if len(again.Refused) > 0 {
				t.Errorf("refused with %q: %q", r.Flags, again.Refused)
			}
		})
	}
}
