package cmd

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/term"
)

func TestSize(t *testing.T) {
	good := map[string]int64{
		"1":       1,
		"1048576": 1 << 20,
		"64MiB":   64 << 20,
		"64mib":   64 << 20,
		"64Mi":    64 << 20,
		"1g":      1 << 30,
		"1.5K":    1536,
		"2 KiB":   2048,
		"10kB":    10000,
		"1GB":     1000 * 1000 * 1000,
		"1t":      1 << 40,
		"512b":    512,
		"0.5MiB":  1 << 19,
	}
	for text, want := range good {
		var got size
		if err := got.Set(text); err != nil || int64(got) != want {
			t.Errorf("Set(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "x", "MiB", "1 Mix", "1xb", "1mbb", "NaN", "Inf", "1e30", "0.1", "9999999t"} {
		var got size
		if err := got.Set(text); err == nil {
			t.Errorf("Set(%q) = %d, want an error", text, got)
		}
	}
	for n, want := range map[int64]string{1 << 30: "1GiB", 3 << 19: "1536KiB", 1000: "1000", 0: "0"} {
		if got := (*size)(&n).String(); got != want {
			t.Errorf("String of %d = %q, want %q", n, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	good := map[string]time.Duration{"30s": 30 * time.Second, "0": 0, "2": 2 * time.Second, "0.5": time.Second / 2, "1m30s": 90 * time.Second}
	for text, want := range good {
		var got span
		if err := got.Set(text); err != nil || time.Duration(got) != want {
			t.Errorf("Set(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1s", "-1", "soon", "NaN", "1e300"} {
		var got span
		if err := got.Set(text); err == nil {
			t.Errorf("Set(%q) = %v, want an error", text, got)
		}
	}
	for d, want := range map[time.Duration]string{10 * time.Second: "10s", time.Minute: "1m", time.Hour: "1h", 90 * time.Second: "1m30s", 0: "0s"} {
		if got := (*span)(&d).String(); got != want {
			t.Errorf("String of %v = %q, want %q", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	var c count
	if err := c.Set("12"); err != nil || c != 12 || c.String() != "12" {
		t.Errorf("got %d, %v", c, err)
	}
	for _, text := range []string{"", "-1", "1.5", "99999999999"} {
		if err := c.Set(text); err == nil {
			t.Errorf("Set(%q) = %d, want an error", text, c)
		}
	}
	if math.MaxInt32 < 1<<31-1 {
		t.Error("a count does not fit an int everywhere")
	}
}

func TestParseEnvFile(t *testing.T) {
	const text = "\ufeff# comment\n\n" +
		"A=1\r\n" +
		" export B = two words  # comment\n" +
		"C='single # $X \\n'\n" +
		"D=\"double\\n\\\"\\$\\\\\\q\" # comment\n" +
		"E=\n" +
		"F=a#b=c\n" +
		"G=\"two\nlines\"\n" +
		"H='also\ntwo'\n" +
		"I=#nothing\n" +
		"J=last"
	got, err := parseEnvFile(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []envVar{
		{"A", "1"}, {"B", "two words"}, {"C", `single # $X \n`}, {"D", "double\n\"$\\\\q"}, {"E", ""},
		{"F", "a#b=c"}, {"G", "two\nlines"}, {"H", "also\ntwo"}, {"I", ""}, {"J", "last"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseEnvFileNamesTheLine(t *testing.T) {
	tests := map[string]string{
		"A=1\nnonsense":             `2: not NAME=VALUE: "nonsense"`,
		"=1":                        `1: not NAME=VALUE: "=1"`,
		"A B=1":                     `1: not NAME=VALUE: "A B=1"`,
		"A=1\n\nB=\"open\nC=1":      "3: the quote of B is not closed",
		"A=\"two\nlines\"\nB='x' y": "3: text after the closing quote of B",
	}
	for text, want := range tests {
		_, err := parseEnvFile(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestGuestEnvInheritsOnDemand(t *testing.T) {
	own := []string{"=C:=C:\\", "PATH=/bin", "HOME=/home/me"}
	tests := map[string]struct {
		inherit bool
		vars    []string
		want    []envVar
	}{
		"nothing":      {false, nil, nil},
		"everything":   {true, nil, []envVar{{"PATH", "/bin"}, {"HOME", "/home/me"}}},
		"one":          {false, []string{"HOME", "MISSING"}, []envVar{{"HOME", "/home/me"}}},
		"replaced":     {true, []string{"HOME=/x"}, []envVar{{"PATH", "/bin"}, {"HOME", "/x"}}},
		"equals signs": {false, []string{"A=b=c"}, []envVar{{"A", "b=c"}}},
		"empty":        {false, []string{"A="}, []envVar{{"A", ""}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := guestEnv(own, tt.inherit, nil, tt.vars)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutboundLog(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ok := host.OutboundRequest{RequestID: "7", Method: "GET", URL: "https://x.test/a", Status: 200, Start: at, Duration: 1234567}
	refused := host.OutboundRequest{RequestID: "7", Method: "GET", URL: "https://x.test:1/a", Start: at, ErrorCode: "HTTP-request-denied", Refused: true}
	program := ok
	program.RequestID = ""
	named := ok
	named.Userinfo = true
	tests := map[string]struct {
		record                   host.OutboundRequest
		asJSON, quiet, forbidden bool
		want                     string
	}{
		"ok":           {ok, false, false, false, "03:04:05 [7] → GET https://x.test/a 200 1.23ms\n"},
		"of a program": {program, false, false, false, "03:04:05 → GET https://x.test/a 200 1.23ms\n"},
		"a user's name": {named, false, false, false, "03:04:05 [7] → GET https://x.test/a 200 " +
			"(user name and password of the URL were not sent: set an authorization header) 1.23ms\n"},
		"a user's name, JSON": {named, true, false, false, `{"time":"2026-01-02T03:04:05Z","id":"7","outbound":true,` +
			`"method":"GET","url":"https://x.test/a","status":200,"duration_ms":1.234,` +
			`"hint":"user name and password of the URL were not sent: set an authorization header"}` + "\n"},
		"ok, quiet":     {ok, false, true, false, ""},
		"refused":       {refused, false, true, false, "03:04:05 [7] → GET https://x.test:1/a refused; --allow-outbound x.test:1 would allow it 0µs\n"},
		"all forbidden": {refused, false, false, true, "03:04:05 [7] → GET https://x.test:1/a refused because of --no-outbound 0µs\n"},
		"JSON": {refused, true, false, true, `{"time":"2026-01-02T03:04:05Z","id":"7","outbound":true,"method":"GET","url":"https://x.test:1/a","status":0,"duration_ms":0,` +
			`"error_code":"HTTP-request-denied","refused":true,"hint":"refused because of --no-outbound"}` + "\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			outboundLog(term.New(&b, nil), tt.asJSON, tt.quiet, tt.forbidden)(tt.record)
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	names := []string{"addr", "arg", "allow-outbound", "quiet", "env-file"}
	tests := map[string]string{"adr": "addr", "outbound": "allow-outbound", "quite": "quiet", "envfile": "env-file", "watch": "", "zzzzzz": ""}
	for typed, want := range tests {
		if got := nearest(typed, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestFlagsFirst(t *testing.T) {
	tests := map[string]string{
		"w serve a.wasm --addr :0 -q":           "w serve --addr :0 -q -- a.wasm",
		"w serve --quiet a.wasm":                "w serve --quiet -- a.wasm",
		"w serve a.wasm --addr=:0 --no-cache b": "w serve --addr=:0 --no-cache -- a.wasm b",
		"w serve --env A=1 -- -x.wasm":          "w serve --env A=1 -- -x.wasm",
		"w serve a.wasm --env":                  "w serve --env",
		"w serve":                               "w serve",
		"w serve --help":                        "w serve --help",
		"w unknown a --b":                       "w unknown a --b",
		"w completion bash --help":              "w completion bash --help",
	}
	for in, want := range tests {
		got := strings.Join(flagsFirst(commandLine(&state{}, doors{}), strings.Fields(in)), " ")
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestVersionText(t *testing.T) {
	info := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.2.3"},
		Deps: []*debug.Module{{Path: "other", Version: "v9"}, {Path: engineModule, Version: "v1.12.0"}},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
		},
	}
	lines := strings.Split(versionText(info), "\n")
	if want := "wasihttp v1.2.3 commit 0123456789ab of 2026-01-02T03:04:05Z, modified"; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	if lines[2] != "wazero v1.12.0" {
		t.Errorf("got %q", lines[2])
	}
	if got := versionText(&debug.BuildInfo{}); !strings.HasPrefix(got, "wasihttp (devel)\ngo") {
		t.Errorf("got %q", got)
	}
}
