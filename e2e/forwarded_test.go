package e2e

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestWhatProxiesSayIsPassedOnAndNotBelieved sends requests with the fields of proxies and without
// them: what the component sees differs in these fields alone.
func TestWhatProxiesSayIsPassedOnAndNotBelieved(t *testing.T) {
	said := map[string][]string{
		"Forwarded":          {"for=203.0.113.7;proto=https;host=example.com", "for=198.51.100.1"},
		"Via":                {"1.1 proxy"},
		"X-Forwarded-For":    {"203.0.113.7, 198.51.100.1"},
		"X-Forwarded-Host":   {"example.com"},
		"X-Forwarded-Port":   {"443"},
		"X-Forwarded-Proto":  {"https"},
		"X-Forwarded-Prefix": {"/app"},
		"X-Real-Ip":          {"203.0.113.7"},
	}
	for _, guest := range []guest{rustKitchen(), rustKitchenP3(t)} {
		server := serve(t, guest.path)
		for _, wire := range []string{"HTTP/1.1", "HTTP/2.0"} {
			c := client(t)
			if wire == "HTTP/2.0" {
				protocols := new(http.Protocols)
				protocols.SetUnencryptedHTTP2(true)
				c.Transport.(*http.Transport).Protocols = protocols
			}
			see := func(header map[string][]string) []string {
				r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/headers", nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, values := range header {
					r.Header[name] = values
				}
				resp, err := c.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				if err != nil || resp.Proto != wire || resp.StatusCode != 200 {
					t.Fatalf("got %s %d, %v", resp.Proto, resp.StatusCode, err)
				}
				lines := strings.Split(string(text), "\n")
				slices.Sort(lines)
				return lines
			}
			want := see(nil)
			for name, values := range said {
				for _, value := range values {
					want = append(want, strings.ToLower(name)+": "+value)
				}
			}
			slices.Sort(want)
			if got := see(said); !slices.Equal(got, want) {
				t.Errorf("%s over %s: got %q, want %q", guest.name, wire, got, want)
			}
		}
	}
}
