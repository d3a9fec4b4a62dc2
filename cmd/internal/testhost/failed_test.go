package testhost

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/record"
)

// What a guest learns of a connection that is not made is the same when it is replayed: what the
// policy refuses, and what fails in TLS.
func TestRefusalsAndFailuresOfTLSAreRecordedAndReplayed(t *testing.T) {
	quiet := func(s *httptest.Server) *httptest.Server {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(s.Close)
		return s
	}
	plain := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
	plain.Start()
	unknown := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
	unknown.StartTLS()
	picky := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
	picky.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	picky.StartTLS()
	dir := t.TempDir()
	roots := filepath.Join(dir, "roots.pem")
	writeCertificate(t, roots, picky.Certificate())
	allowed := []host.Pattern{{Host: "127.0.0.1"}}
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		for kind, c := range map[string]struct {
			url, ca string
		}{
			"denied":      {"http://other.test/", ""},
			"tls":         {strings.Replace(plain.URL, "http:", "https:", 1), ""},
			"certificate": {unknown.URL, ""},
			"alert 116":   {picky.URL, roots},
		} {
			t.Run(guest+"/"+kind, func(t *testing.T) {
				dir := t.TempDir()
				o := record.Options{Dir: dir}
				cfg := loader.Config{AllowOutbound: allowed}
				if c.ca != "" {
					cfg.CAFiles = []string{c.ca}
				}
				var got string
				said := recordFrom(t, guest, o, cfg, func(do func(*http.Request) string) {
					got = do(httptest.NewRequest(http.MethodGet, "/fetch?url="+c.url, nil))
				})
				if said != fmt.Sprintf("recorded 1 exchange in %s\n", dir) {
					t.Errorf("it said %q", said)
				}
				paths, err := filepath.Glob(filepath.Join(dir, "*.upstream.hurl"))
				if err != nil || len(paths) != 1 {
					t.Fatalf("%v, %v", paths, err)
				}
				text, err := os.ReadFile(paths[0])
				if err != nil || !strings.Contains(string(text), "# @fail "+kind+"\n") {
					t.Errorf("%v, response %q\n%s", err, got, text)
				}
				if n := replayed(t, guest, dir); n != 1 {
					t.Errorf("%d entries", n)
				}
			})
		}
	}
}

func writeCertificate(t *testing.T, path string, c *x509.Certificate) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
