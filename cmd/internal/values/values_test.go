package values

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/host"
)

func TestAddrIsAHostAndAPort(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080":  "",
		"[::1]:0":         "",
		":8080":           "",
		"localhost:http":  "",
		"8080":            `--addr "8080" is not HOST:PORT`,
		"::1":             `--addr "::1" is not HOST:PORT`,
		"localhost:65536": `--addr "localhost:65536" has no valid port`,
		"localhost:-1":    `--addr "localhost:-1" has no valid port`,
		"localhost:nope":  `--addr "localhost:nope" has no valid port`,
	} {
		got := ""
		if err := Addr(addr); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: error %q, want %q", addr, got, want)
		}
	}
}

func TestTheLastValueOfAConfigVarCounts(t *testing.T) {
	got, err := ConfigVars([]string{"a=1", "b", "a=2="}, []string{"bb=0", "b=from=outside"})
	want := [][2]string{{"a", "2="}, {"b", "from=outside"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, values (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "=x", "missing", "a=\xff"} {
		if _, err := ConfigVars([]string{bad}, nil); err == nil ||
			!strings.Contains(err.Error(), "--config-var") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func TestDirsHavePlacesOfTheirOwn(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	got, err := Dirs([]string{a, b + "::/data:ro"})
	want := []host.Dir{{Host: a, Guest: a}, {Host: b, Guest: "/data", ReadOnly: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, folders (-want +got):\n%s", err, diff)
	}
	file := filepath.Join(a, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]string{
		{""}, {"::/data"}, {filepath.Join(a, "none")}, {file}, {a + "::/x", b + "::/x"},
		{a + "::\xff"},
	} {
		if _, err := Dirs(bad); err == nil || !strings.Contains(err.Error(), "--dir") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func TestNetworkIsWhatThePatternsAllow(t *testing.T) {
	if n, err := Network(false, nil); n != nil || err != nil {
		t.Errorf("without flags: %v, %v", n, err)
	}
	if n, err := Network(true, nil); err != nil || !n.All {
		t.Errorf("--inherit-network: %v, %v", n, err)
	}
	if n, err := Network(false, []string{"127.0.0.1:80", "db.test"}); err != nil || n.All ||
		len(n.Rules) != 2 {
		t.Errorf("--allow-net: %v, %v", n, err)
	}
	if _, err := Network(true, []string{"db.test"}); err == nil {
		t.Error("--inherit-network and --allow-net do not contradict each other")
	}
	if _, err := Network(false, []string{"db.test:http:x"}); err == nil ||
		!strings.Contains(err.Error(), "--allow-net") {
		t.Errorf("a pattern that is none: %v", err)
	}
}
