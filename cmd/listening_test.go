package cmd

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestServeSpeaksHTTPSWithACertificateOfItsOwn(t *testing.T) {
	// The session has no folder for settings, as a line says.
	s := startServe(t, hello, "--addr", "localhost:0", "--tls")
	url := s.err.await(t, `(?m)^Serving HTTP on (https://localhost:\d+/)$`)
	fingerprint := s.err.await(t, `certificate until \d+-\d+-\d+, SHA-256 ([0-9A-F:]{95})\n`)
	if !strings.Contains(s.err.String(), "the certificate cannot be kept") {
		t.Errorf("got %s", s.err)
	}
	var seen string
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			sum := sha256.Sum256(raw[0])
			seen = strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
			return nil
		},
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" || resp.Proto != "HTTP/2.0" || seen != fingerprint {
		t.Errorf("got %s %q, %v, from %s, not %s", resp.Proto, body, err, seen, fingerprint)
	}
}

func TestServeOnASocketOfTheFileSystem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	s := startServe(t, hello, "--addr", "unix:"+path)
	s.err.await(t, `(?m)^Serving HTTP on unix:`+regexp.QuoteMeta(path)+`$`)
	if strings.Contains(s.err.String(), "other machines") {
		t.Errorf("got %s", s.err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" {
		t.Errorf("got %q, %v", body, err)
	}
	s.signals <- syscall.SIGTERM
	if code := s.exit(t); code != 0 {
		t.Errorf("got exit code %d", code)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket was left: %v", err)
	}
}
