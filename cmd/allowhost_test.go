package cmd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/serve"
)

func TestNamesThatAreAllowedGetWholePages(t *testing.T) {
	s := startServe(t, func(context.Context, string, *http.Request) (*http.Response, error) {
		return nil, &serve.Failure{Outcome: serve.Trap, Cause: "unreachable code"}
	}, "--addr", "127.0.0.1:0", "--allow-host", "mybox.test", "--allow-host", "Other.test.", "--allow-host", "Bücher.test")
	url := s.url(t)
	for host, own := range map[string]bool{
		"localhost:1": true, "mybox.test": true, "other.test:80": true, "evil.test": false,
		"xn--bcher-kva.test": true,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 500 || strings.Contains(string(body), "unreachable code") != own {
			t.Errorf("%s: got %d\n%s", host, resp.StatusCode, body)
		}
	}
}

func TestTheNameOfTheAddressIsTheServersOwn(t *testing.T) {
	for addr, want := range map[string]string{
		"mybox.test:80": "a.test mybox.test", "127.0.0.1:80": "a.test 127.0.0.1",
		":80": "a.test", "[::1]:80": "a.test", "bücher.test:80": "a.test xn--bcher-kva.test",
	} {
		f := newServeFlags()
		f.listen.Addr = addr
		if err := f.allowHosts.Set("a.test"); err != nil {
			t.Fatal(err)
		}
		s, err := f.settings(&state{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.allowHosts, " "); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}
