package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// echoSize is what every kitchen must send back byte for byte.
const echoSize = 10 << 20

// TestGuests serves every guest and asks it for everything that guests of its kind share.
func TestGuests(t *testing.T) {
	for _, g := range guests(t) {
		t.Run(g.name, func(t *testing.T) {
			server := serve(t, g.path)
			c := client(t)
			for range 3 {
				sameText(t, "hello", g.hello, get(t, c, server.URL+"/"))
			}
			if g.kitchen {
				testKitchen(t, g, server.URL, c)
			}
		})
	}
}

func testKitchen(t *testing.T, g guest, base string, c *http.Client) {
	t.Run("echo", func(t *testing.T) {
		sent := strings.Repeat("0123456789abcdef", echoSize/16)
		got := ask(t, c, http.MethodPost, base+"/echo", strings.NewReader(sent), "Content-Type", "application/x-echo")
		if got.status != http.StatusOK || got.cut != nil {
			t.Errorf("status %d, cut %v", got.status, got.cut)
		}
		sameText(t, "echo", sent, got.body)
	})
	t.Run("echo of nothing", func(t *testing.T) {
		got := ask(t, c, http.MethodPost, base+"/echo", nil)
		if got.status != http.StatusOK || got.cut != nil || got.body != "" {
			t.Errorf("got %+v", got)
		}
	})
	if g.duplex {
		t.Run("echo while sending", func(t *testing.T) { testDuplex(t, base, c) })
	}
	t.Run("headers", func(t *testing.T) {
		got := ask(t, c, http.MethodPut, base+"/headers?a=b%20c&d=%2F", strings.NewReader("z"),
			"X-One", "1", "X-Two", "a", "X-Two", "b", "Connection", "close", "Upgrade", "none")
		lines := []string{"PUT /headers?a=b%20c&d=%2F", "x-one: 1"}
		if g.complete {
			host := strings.TrimPrefix(base, "http://")
			lines = append(lines, "x-two: a", "x-two: b", "authority: "+host, "scheme: http", "content-length: 1")
		}
		hasLines(t, "headers", got.body, lines...)
		for _, forbidden := range []string{"\nconnection:", "\nupgrade:", "\nhost:"} {
			if strings.Contains(strings.ToLower(got.body), forbidden) {
				t.Errorf("the guest was given a header that is not for guests (%q):\n%s", forbidden, got.body)
			}
		}
	})
	t.Run("fetch", func(t *testing.T) {
		if g.fetchless {
			return
		}
		target := url.QueryEscape(upstream(t) + "/hello?q=1&r=%2F")
		got := ask(t, c, http.MethodGet, base+"/fetch?url="+target, nil)
		if got.status != http.StatusOK || !strings.HasPrefix(got.body, "upstream saw GET /hello?q=1&r=%2F from ") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("big", func(t *testing.T) {
		const n = 3_000_001
		want := strings.Repeat("0123456789abcdef", n/16+1)[:n]
		sameText(t, "big", want, get(t, c, fmt.Sprintf("%s/big?n=%d", base, n)))
	})
	t.Run("counter", func(t *testing.T) {
		for range 3 {
			text := get(t, c, base+"/counter")
			if one := text == "1\n"; one == g.shared {
				t.Errorf("the instance has seen %q requests", text)
			}
		}
	})
	t.Run("sleep", func(t *testing.T) {
		started := time.Now()
		get(t, c, base+"/sleep?ms=120")
		if took := time.Since(started); took < 120*time.Millisecond {
			t.Errorf("a sleep of 120 ms took %v", took)
		}
	})
	t.Run("clock", func(t *testing.T) {
		text := get(t, c, base+"/clock")
		var seconds float64
		if _, err := fmt.Sscanf(text, "wall %f", &seconds); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		if off := time.Since(time.UnixMicro(int64(seconds * 1e6))).Abs(); off > time.Minute {
			t.Errorf("the guest's clock is off by %v", off)
		}
	})
	t.Run("random", func(t *testing.T) {
		hex := regexp.MustCompile(`^[0-9a-f]{32}\n$`)
		seen := map[string]bool{}
		for range 3 {
			text := get(t, c, base+"/random")
			if !hex.MatchString(text) || seen[text] {
				t.Errorf("not fresh random bytes: %q", text)
			}
			seen[text] = true
		}
	})
	t.Run("log", func(t *testing.T) { sameText(t, "log", "logged\n", get(t, c, base+"/log")) })
	t.Run("not found", func(t *testing.T) {
		if got := ask(t, c, http.MethodGet, base+"/nowhere", nil); got.status != http.StatusNotFound {
			t.Errorf("status %d", got.status)
		}
	})
	t.Run("trap", func(t *testing.T) {
		got := ask(t, c, http.MethodGet, base+"/trap", nil)
		if got.status != http.StatusInternalServerError {
			t.Errorf("status %d, body %q", got.status, got.body)
		}
		outcome := got.header.Get("X-Wasihttp-Outcome")
		switch {
		case g.trapless && (outcome != "" || got.body == "" || got.cut != nil):
			t.Errorf("outcome %q, body %q, %v: the guest's own response is to come through", outcome, got.body, got.cut)
		case ours() && !g.trapless && outcome != "trap":
			t.Errorf("outcome %q", outcome)
		}
		sameText(t, "the request after a trap", g.hello, get(t, c, base+"/"))
	})
}

// testDuplex sends a chunk only when the one before has come back.
func testDuplex(t *testing.T, base string, c *http.Client) {
	reader, writer := io.Pipe()
	defer writer.Close()
	request, err := http.NewRequestWithContext(limited(t), http.MethodPost, base+"/echo", reader)
	if err != nil {
		t.Fatal(err)
	}
	const chunk = "one chunk of the conversation\n"
	go func() { _, _ = io.WriteString(writer, chunk) }()
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got := make([]byte, len(chunk))
	for i := range 5 {
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != chunk {
			t.Fatalf("chunk %d: %q, %v", i, got, err)
		}
		if i == 4 {
			break
		}
		if _, err := io.WriteString(writer, chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}
