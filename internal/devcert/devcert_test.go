package devcert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func kept(t *testing.T, folder string, now time.Time) *Certificate {
	t.Helper()
	c, err := Kept(folder, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACertificateIsMadeOnceAndKept(t *testing.T) {
	folder, now := filepath.Join(t.TempDir(), "new", "folder"), time.Now()
	first := kept(t, folder, now)
	if !first.Made || len(first.Notes) > 0 {
		t.Errorf("got %+v", first)
	}
	text, err := os.ReadFile(first.File)
	if err != nil || strings.Contains(string(text), "KEY") {
		t.Fatalf("%s has %q, %v", first.File, text, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate in %s", text)
	}
	leaf := first.TLS.Leaf
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leaf.VerifyHostname("example.com") == nil || leaf.IsCA {
		t.Error("the certificate is for others, too")
	}
	if days := leaf.NotAfter.Sub(leaf.NotBefore); days > 397*24*time.Hour || days < 396*24*time.Hour {
		t.Errorf("valid for %s", days)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 2 {
		t.Errorf("got files %v, %v", files, err)
	}
	if again := kept(t, folder, now.Add(Lifetime-Renewal-48*time.Hour)); again.Made || again.Fingerprint() != first.Fingerprint() {
		t.Errorf("another one was made: %+v", again)
	}
	renewed := kept(t, folder, now.Add(Lifetime-Renewal))
	if !renewed.Made || renewed.Fingerprint() == first.Fingerprint() {
		t.Error("none was made before the end of the first")
	}
	if text, err := os.ReadFile(renewed.File); err != nil || !isPEM(text, renewed.TLS.Leaf) {
		t.Errorf("%s has another certificate, %v", renewed.File, err)
	}
}

func isPEM(text []byte, c *x509.Certificate) bool {
	block, rest := pem.Decode(text)
	return block != nil && len(rest) == 0 && string(block.Bytes) == string(c.Raw)
}

func TestOnlyTheOwnerReadsTheKey(t *testing.T) {
	folder := t.TempDir()
	first := kept(t, folder, time.Now())
	path := filepath.Join(folder, pairFile)
	mode := func() os.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if runtime.GOOS == "windows" {
		return // its files have no such mode
	}
	if got := mode(); got != 0o600 {
		t.Errorf("got mode %o", got)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if again := kept(t, folder, time.Now()); again.Fingerprint() != first.Fingerprint() || mode() != 0o600 {
		t.Errorf("got mode %o", mode())
	}
}

func TestProcessesThatStartAtOnceHaveOneCertificate(t *testing.T) {
	folder := t.TempDir()
	var all [16]*Certificate
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() { all[i], _ = Kept(folder, time.Now()) })
	}
	group.Wait()
	for _, c := range all {
		if c == nil || len(c.Notes) > 0 || c.Fingerprint() != all[0].Fingerprint() {
			t.Fatalf("got %+v, and %+v", c, all[0])
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 2 {
		t.Errorf("got files %v, %v", files, err)
	}
}

func TestACertificateThatCannotBeKeptIsMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"", file} {
		if c := kept(t, folder, time.Now()); len(c.Notes) != 1 || c.File != "" || !strings.Contains(c.Notes[0], "cannot be kept") {
			t.Errorf("%q: got %+v", folder, c)
		}
	}
}

func TestADamagedCertificateIsReplaced(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, pairFile)
	if err := os.WriteFile(path, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := kept(t, folder, time.Now())
	if len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "damaged") {
		t.Errorf("got %+v", c.Notes)
	}
	if again := kept(t, folder, time.Now()); again.Fingerprint() != c.Fingerprint() {
		t.Error("the new one was not kept")
	}
}

// TestOwnFilesAreUsedOrExplained takes files of all kinds for a certificate and a key.
func TestOwnFilesAreUsedOrExplained(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pair := func(now time.Time) (cert, key []byte) {
		both, err := newPair(now)
		if err != nil {
			t.Fatal(err)
		}
		_, key = pem.Decode(both)
		return both[:len(both)-len(key)], key
	}
	cert, key := pair(time.Now())
	old, oldKey := pair(time.Now().Add(-2 * Lifetime))
	next, nextKey := pair(time.Now().Add(2 * time.Hour))
	block, _ := pem.Decode(key)
	files := map[string]string{
		"cert": write("cert", cert), "key": write("key", key), "both": write("both", append(cert, key...)),
		"old": write("old", old), "old key": write("old key", oldKey),
		"next": write("next", next), "next key": write("next key", nextKey),
		"der": write("der", block.Bytes), "empty": write("empty", nil),
		"locked": write("locked", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: block.Bytes})),
		"bad":    write("bad", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})),
		"folder": folder, "missing": filepath.Join(folder, "missing"),
	}
	for _, tt := range []struct {
		cert, key, want string // what is wrong, or is noted
		at              string // the file
	}{
		{"cert", "key", "", ""},
		{"both", "both", "", ""},
		{"old", "old key", "has expired on", ""},
		{"next", "next key", "is valid from", ""},
		{"missing", "key", "no such file", "missing"},
		{"cert", "missing", "no such file", "missing"},
		{"folder", "key", "is a folder", "folder"},
		{"empty", "key", "is not in PEM format", "empty"},
		{"cert", "der", "is not in PEM format", "der"},
		{"key", "cert", "has a key, and no certificate", "key"},
		{"cert", "cert", "has a certificate, and no key", "cert"},
		{"cert", "locked", "is encrypted", "locked"},
		{"bad", "key", "malformed certificate", "bad"},
		{"cert", "old key", "does not belong to the certificate", "old key"},
	} {
		c, err := Own(files[tt.cert], files[tt.key], time.Now())
		switch bad, _ := err.(*FileError); {
		case tt.at == "":
			if err != nil || !strings.Contains(strings.Join(c.Notes, ""), tt.want) ||
				(len(c.Notes) > 0) != (tt.want != "") {
				t.Errorf("%s with %s: got %v, %+v", tt.cert, tt.key, err, c)
			}
		case bad == nil || bad.Path != files[tt.at] || bad.Hint == "" || !strings.Contains(bad.Problem, tt.want):
			t.Errorf("%s with %s: got %#v, want %s", tt.cert, tt.key, err, tt.want)
		}
	}
}

func TestTheFingerprintIsThatOfTheCertificateSent(t *testing.T) {
	c := kept(t, t.TempDir(), time.Now())
	ours, theirs := net.Pipe()
	server := tls.Server(ours, &tls.Config{Certificates: []tls.Certificate{c.TLS}})
	client := tls.Client(theirs, &tls.Config{InsecureSkipVerify: true})
	var group sync.WaitGroup
	group.Go(func() { _ = server.Handshake() })
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	got := &Certificate{TLS: tls.Certificate{Leaf: client.ConnectionState().PeerCertificates[0]}}
	if got.Fingerprint() != c.Fingerprint() || len(c.Fingerprint()) != 32*3-1 {
		t.Errorf("got %s, want %s", got.Fingerprint(), c.Fingerprint())
	}
	ours.Close()
	theirs.Close()
}
