package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFields has the Rust kitchen ask its host about every rule of header fields.
func TestFields(t *testing.T) {
	server := serve(t, rustKitchen().path)
	text := get(t, client(t), server.URL+"/fields")
	want := strings.Join([]string{
		"append valid: ok",
		"append second: ok",
		"get any case: 2",
		"has: true",
		"bad name: invalid-syntax",
		"empty name: invalid-syntax",
		"bad value: invalid-syntax",
		"bytes in value: ok",
		"get bad name: 0",
		"set: ok",
		"get after set: 1",
		"set to nothing: ok",
		"has after set to nothing: false",
		"delete absent: ok",
		"entries: 1",
		"forbidden connection: forbidden",
		"forbidden keep-alive: forbidden",
		"forbidden proxy-authenticate: forbidden",
		"forbidden proxy-authorization: forbidden",
		"forbidden proxy-connection: forbidden",
		"forbidden transfer-encoding: forbidden",
		"forbidden upgrade: forbidden",
		"forbidden host: forbidden",
		"forbidden http2-settings: forbidden",
		"forbidden Host: forbidden",
		"forbidden delete: forbidden",
		"forbidden in list: forbidden",
		"bad name in list: invalid-syntax",
		"good list: ok",
		"immutable append: immutable",
		"immutable set: immutable",
		"immutable delete: immutable",
		"clone is mutable: ok",
		"original unchanged: true",
		"response headers append: immutable",
		"status 200: ok",
		"status 99: refused",
		"status 1000: refused",
		"body: true",
		"body again: false",
		"consume: true",
		"consume again: false",
		"",
	}, "\n")
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("the host's answers (-want +got):\n%s", diff)
	}
}

// TestSystem asks about what is not HTTP.
func TestSystem(t *testing.T) {
	server := serve(t, rustKitchen().path, "--env", "GREETING=hello there", "--arg", "one", "--arg", "two words")
	c := client(t)
	at := func(path string) string { return get(t, c, server.URL+path) }

	if ours() {
		sameText(t, "environment", "GREETING=hello there\n", at("/env"))
		if arguments := at("/args"); !strings.HasSuffix(arguments, "one\ntwo words\n") {
			t.Errorf("arguments %q", arguments)
		}
		sameText(t, "stdin", "stdin 0 bytes, then closed\nterminals [false, false, false]\n", at("/stdin"))
		sameText(t, "filesystem", "preopens 0\n", at("/fs"))
		hasLines(t, "sockets", at("/sockets"), "tcp create: access-denied", "udp create: access-denied")
	} else {
		at("/env")
		at("/args")
		at("/stdin")
		at("/fs")
		at("/sockets")
	}

	hasLines(t, "clock", at("/clock"), "forward true")
	for query, digits := range map[string]int{"n=0": 0, "n=1": 2, "n=100000": 200_000, "from=insecure&n=5": 10, "from=seed": 32} {
		text := strings.TrimSuffix(at("/random?"+query), "\n")
		if !regexp.MustCompile(`^[0-9a-f]*$`).MatchString(text) || len(text) != digits {
			t.Errorf("random?%s: %d digits, want %d", query, len(text), digits)
		}
	}
	sameText(t, "poll of one twice", "ready [0, 1]\n", at("/misuse?what=poll-twice"))

	at("/log?n=3&partial=1")
	lines := []string{
		"line 1 on stdout from rust", "line 3 on stdout from rust", "line 1 on stderr from rust", "line 3 on stderr from rust",
	}
	if ours() { // wasmtime keeps an unended line until more comes
		lines = append(lines, "unended on stdout", "unended on stderr")
	}
	for _, line := range lines {
		if err := server.WaitOutput(limited(t), line); err != nil {
			t.Error(err)
		}
	}
}
