package e2e

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutboundPolicy restricts what the guest may reach: the guest sees the error-code, the user
// one line that names the flag.
func TestOutboundPolicy(t *testing.T) {
	if !ours() {
		return // another server's rules are set in its own ways
	}
	c := client(t)
	upstreamURL := upstream(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(upstreamURL, "http://"), ":")
	for name, tt := range map[string]struct {
		flags   []string
		allowed bool
		line    string
	}{
		"none":              {[]string{"--no-outbound"}, false, "--no-outbound"},
		"another host":      {[]string{"--allow-outbound", "example.com"}, false, "--allow-outbound"},
		"another port":      {[]string{"--allow-outbound", "127.0.0.1:1"}, false, "--allow-outbound"},
		"a subdomain only":  {[]string{"--allow-outbound", "*.0.0.1"}, false, "--allow-outbound"},
		"the host":          {[]string{"--allow-outbound", "127.0.0.1"}, true, ""},
		"the port":          {[]string{"--allow-outbound", "127.0.0.1:" + port}, true, ""},
		"one of several":    {[]string{"--allow-outbound", "example.com", "--allow-outbound", "127.0.0.1:" + port}, true, ""},
		"everything allows": {nil, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, rustKitchen().path, tt.flags...)
			got := ask(t, c, http.MethodGet, server.URL+"/fetch?url="+url.QueryEscape(upstreamURL+"/hello"), nil)
			if tt.allowed {
				sameText(t, "body", "upstream saw GET /hello from rust-kitchen\n", got.body)
				return
			}
			if got.status != http.StatusBadGateway || !strings.Contains(got.body, "ErrorCode::HttpRequestDenied") {
				t.Fatalf("status %d, body %q", got.status, got.body)
			}
			if err := server.WaitOutput(limited(t), tt.line); err != nil {
				t.Error(err)
			}
			lines := 0
			for line := range strings.Lines(server.Output()) {
				if strings.Contains(line, tt.line) {
					lines++
				}
			}
			if lines != 1 {
				t.Errorf("%d lines name %s:\n%s", lines, tt.line, server.Output())
			}
		})
	}
}

// TestOutboundTLS fetches from a server whose certificate nobody knows, then with the certificate
// given.
func TestOutboundTLS(t *testing.T) {
	if !ours() {
		return
	}
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "secret", r.URL.Path) }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are what is tested
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := upstream(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t)
	fetch := func(t *testing.T, target string, flags ...string) answer {
		t.Helper()
		server := serve(t, rustKitchen().path, flags...)
		return ask(t, c, http.MethodGet, server.URL+"/fetch?url="+url.QueryEscape(target), nil)
	}
	t.Run("unknown authority", func(t *testing.T) {
		got := fetch(t, secure.URL+"/")
		if got.status != http.StatusBadGateway || !strings.HasPrefix(got.body, "fetch: ErrorCode::TlsCertificateError") {
			t.Errorf("status %d, body %q", got.status, got.body)
		}
	})
	t.Run("known authority", func(t *testing.T) {
		sameText(t, "body", "secret /door\n", fetch(t, secure.URL+"/door", "--ca-file", file).body)
	})
	t.Run("another name", func(t *testing.T) {
		_, port, _ := strings.Cut(strings.TrimPrefix(secure.URL, "https://"), ":")
		got := fetch(t, "https://localhost:"+port+"/", "--ca-file", file)
		if got.status != http.StatusBadGateway || !strings.HasPrefix(got.body, "fetch: ErrorCode::TlsCertificateError") {
			t.Errorf("status %d, body %q", got.status, got.body)
		}
	})
	t.Run("no TLS there", func(t *testing.T) {
		got := fetch(t, "https"+strings.TrimPrefix(plain, "http")+"/hello")
		if got.status != http.StatusBadGateway || !strings.HasPrefix(got.body, "fetch: ErrorCode::TlsProtocolError") {
			t.Errorf("status %d, body %q", got.status, got.body)
		}
	})
}

// TestThePageNamesWhatWasRefused has a guest fail for want of a flag, and others that fail for
// other reasons, in between.
func TestThePageNamesWhatWasRefused(t *testing.T) {
	disk := filepath.Join("..", "testdata", "guests", "rust-system", "disk.wasm")
	server := serve(t, disk, "--allow-outbound", "a.example", "--allow-net", "b.example")
	for _, row := range []struct{ call, hint string }{
		{"/must-connect/192.0.2.1:5432", "refused 192.0.2.1:5432: --allow-net 192.0.2.1:5432 would"},
		{"/must-connect/db.invalid:1", "refused db.invalid: --allow-net db.invalid would"},
		{"/must-fetch/api.invalid:81", "refused a request to api.invalid:81: --allow-outbound"},
		{"/trap/none", ""},
	} {
		page := ask(t, client(t), http.MethodGet, server.URL+row.call, nil)
		named := strings.Contains(page.body, "was refused")
		if page.status != http.StatusInternalServerError && page.cut == nil ||
			named != (row.hint != "") || !strings.Contains(page.body, row.hint) {
			t.Errorf("%s: status %d, want %q in the page:\n%s",
				row.call, page.status, row.hint, page.body)
		}
	}
}
