package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// driverVariable names the chromedriver program; without it no browser is tested.
const driverVariable = "WASIHTTP_E2E_CHROMEDRIVER"

// browser is a headless Chromium, driven by the WebDriver protocol
// (https://www.w3.org/TR/webdriver2/).
type browser struct {
	session string // the session's address
	client  http.Client
}

func startBrowser(t *testing.T, driver string) *browser {
	t.Helper()
	port := freePort(t)
	command := exec.Command(driver, "--port="+port)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	b := &browser{session: "http://127.0.0.1:" + port, client: http.Client{Timeout: patience}}
	profile, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Processes of the browser write there for a moment after its end.
		await(t, "the end of the browser", func() bool { return os.RemoveAll(profile) == nil })
	})
	t.Cleanup(func() {
		if strings.Contains(b.session, "/session/") {
			b.ask(t, http.MethodDelete, "", nil)
		}
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("output of the driver:\n%s", output.String())
		}
	})
	await(t, "the driver", func() bool {
		resp, err := b.client.Get(b.session + "/status")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(text), `"ready":true`)
	})
	created := b.ask(t, http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome",
		"goog:chromeOptions": map[string]any{"args": []string{"--headless=new", "--no-sandbox", "--disable-gpu",
			"--disable-dev-shm-usage", "--user-data-dir=" + profile}},
	}}})
	b.session += "/session/" + created.(map[string]any)["sessionId"].(string)
	return b
}

// ask sends a command and returns its value.
func (b *browser) ask(t *testing.T, method, path string, body any) any {
	t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, b.session+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Value any }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v, %v", method, path, resp.Status, err, answer.Value)
	}
	return answer.Value
}

// eval runs a script in the page and returns what it gives as text.
func (b *browser) eval(t *testing.T, script string) string {
	t.Helper()
	return fmt.Sprint(b.ask(t, http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": []any{}}))
}

// await asks again and again until the condition holds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come", what)
		}
	}
}

// TestBrowserReloads edits a component while its page is open in a real browser.
func TestBrowserReloads(t *testing.T) {
	driver := os.Getenv(driverVariable)
	if driver == "" || !ours() {
		return // needs a browser, which not every machine has
	}
	first, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	// Texts of the same length, so that nothing else in the component changes.
	page := func(build int) []byte {
		html := bytes.Replace(first, []byte("text/plain"), []byte("text/html;"), 1)
		return bytes.Replace(html, []byte("Hello, world!"), fmt.Appendf(nil, "<p>build %03d!", build), 1)
	}
	file := filepath.Join(t.TempDir(), "app.wasm")
	write := func(data []byte) {
		t.Helper()
		renameOver(t, file, data)
	}
	write(page(1))
	server := serve(t, file, "--live-reload")
	b := startBrowser(t, driver)
	b.ask(t, http.MethodPost, "/url", map[string]any{"url": server.URL + "/"})
	text := func() string { return b.eval(t, "return document.body ? document.body.innerText : ''") }
	await(t, "the page", func() bool { return strings.Contains(text(), "build 001!") })
	mode := b.eval(t, "return document.compatMode + ' ' + document.contentType")
	t.Logf("%s: %s", mode, b.eval(t, "return document.documentElement.outerHTML"))
	for i := range 3 {
		if b.eval(t, "window.seen = true; return 'ok'") != "ok" {
			t.Fatal("the page is gone")
		}
		want := fmt.Sprintf("build %03d!", i+2)
		write(page(i + 2))
		await(t, want, func() bool { return strings.Contains(text(), want) })
		if got := b.eval(t, "return String(window.seen)"); got != "undefined" {
			t.Errorf("the page was not loaded anew: seen is %s", got)
		}
	}
	// A broken build is no reason to load the page anew.
	b.eval(t, "window.seen = true")
	write(append(page(4), 0xff))
	if err := server.WaitOutput(limited(t), "still serving"); err != nil {
		t.Fatal(err)
	}
	if got := b.eval(t, "return String(window.seen)"); got != "true" {
		t.Errorf("the page was loaded anew for a build that is not served")
	}

	// The page of a failure goes away with its cause.
	trap, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "rust-trap", "rust-trap.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	write(trap)
	await(t, "the page of the trap", func() bool { return strings.Contains(text(), "unreachable") })
	write(page(5))
	await(t, "the page after it", func() bool { return strings.Contains(text(), "build 005!") })

	// A page out of sight is loaded anew once it is in sight again.
	behind := fmt.Sprint(b.ask(t, http.MethodGet, "/window", nil))
	other, ok := b.ask(t, http.MethodPost, "/window/new", map[string]any{"type": "tab"}).(map[string]any)
	if !ok {
		t.Fatal("no second tab")
	}
	look := func(window any) { b.ask(t, http.MethodPost, "/window", map[string]any{"handle": window}) }
	look(other["handle"])
	b.ask(t, http.MethodPost, "/url", map[string]any{"url": server.URL + "/"})
	await(t, "the second page", func() bool { return strings.Contains(text(), "build 005!") })
	b.eval(t, "const f = document.createElement('iframe'); f.src = '/'; document.body.append(f); return ''")
	await(t, "a page within the page", func() bool {
		return strings.Contains(b.eval(t,
			"const d = document.querySelector('iframe').contentDocument; return d && d.body ? "+
				"d.body.innerText : ''"), "build 005!")
	})
	write(page(6))
	await(t, "the second page anew", func() bool { return strings.Contains(text(), "build 006!") })
	look(behind)
	await(t, "the first page anew", func() bool { return strings.Contains(text(), "build 006!") })
}

// TestBrowserShowsFailedBuilds has a build fail while a page is open whose policy forbids styles
// and markup from scripts.
func TestBrowserShowsFailedBuilds(t *testing.T) {
	driver := os.Getenv(driverVariable)
	if driver == "" || !ours() {
		return // needs a browser, which not every machine has
	}
	hello, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	page := bytes.Replace(hello, []byte("text/plain"), []byte("text/html;"), 1)
	page = bytes.Replace(page, []byte("Hello, world!"), []byte("<p>the page!!"), 1)
	dir := t.TempDir()
	source, built := filepath.Join(dir, "source"), filepath.Join(t.TempDir(), "app.wasm")
	put := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(source+".tmp", data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(source+".tmp", source); err != nil {
			t.Fatal(err)
		}
	}
	put(page)
	// A source that begins with "bad" fails with what else it says.
	script := fmt.Sprintf(`if grep -aq ^bad '%[1]s'; then printf '\033[1;31merror\033[0m: <b>%%s</b>\n' "$(cat '%[1]s')"; exit 3; fi; `+
		`cp '%[1]s' '%[2]s.tmp' && mv '%[2]s.tmp' '%[2]s'`, source, built)
	server := serve(t, built, "--live-reload", "--source", dir, "--exec", script)
	b := startBrowser(t, driver)
	b.ask(t, http.MethodPost, "/url", map[string]any{"url": server.URL + "/"})
	text := func() string { return b.eval(t, "return document.body ? document.body.innerText : ''") }
	const root = "const o = document.querySelector('wasihttp-overlay')?.shadowRoot; "
	overlay := func() string { return b.eval(t, root+"return o ? o.querySelector('.box').innerText : ''") }
	await(t, "the page", func() bool { return strings.Contains(text(), "the page!!") })
	b.eval(t, "window.seen = true")
	// The policy holds from the moment that it is in the page.
	b.eval(t, `const m = document.createElement('meta'); m.httpEquiv = 'Content-Security-Policy'; `+
		`m.content = "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"; document.head.append(m); `+
		`window.forbidden = []; addEventListener('securitypolicyviolation', (e) => forbidden.push(e.violatedDirective))`)
	b.eval(t, "const s = document.createElement('style'); document.head.append(s); s.append('p { color: red }'); return ''")
	await(t, "the policy", func() bool { return strings.Contains(b.eval(t, "return forbidden.join()"), "style-src") })
	b.eval(t, "forbidden = []")

	put([]byte("bad one"))
	await(t, "the overlay", func() bool { return strings.Contains(overlay(), "error: <b>bad one</b>") })
	if got := overlay(); !strings.Contains(got, "the command failed: exit status 3") {
		t.Errorf("the overlay has no reason: %q", got)
	}
	if !strings.Contains(text(), "the page!!") || b.eval(t, "return String(window.seen)") != "true" {
		t.Error("the last good page is gone")
	}
	red := b.eval(t, root+"const s = getComputedStyle(o.querySelector('.c1')); return s.color + ' ' + s.fontWeight")
	if red != "rgb(255, 123, 146) 700" {
		t.Errorf("the error is not red and bold: %s", red)
	}
	if got := b.eval(t, "return forbidden.join()"); got != "" {
		t.Errorf("the overlay breaks the policy of the page: %s", got)
	}
	put([]byte("bad two"))
	await(t, "the second failure", func() bool { return strings.Contains(overlay(), "bad two") })
	b.ask(t, http.MethodPost, "/actions", map[string]any{"actions": []any{map[string]any{
		"type": "key", "id": "keyboard", "actions": []any{
			map[string]any{"type": "keyDown", "value": "\ue00c"}, map[string]any{"type": "keyUp", "value": "\ue00c"},
		},
	}}})
	await(t, "the end of the overlay", func() bool { return overlay() == "" })
	put([]byte("bad three"))
	await(t, "the third failure", func() bool { return strings.Contains(overlay(), "bad three") })

	// The same build again is good news, too.
	put(page)
	await(t, "the end of the overlay", func() bool { return overlay() == "" })
	if b.eval(t, "return String(window.seen)") != "true" {
		t.Error("the page was loaded anew for the same build")
	}
	put([]byte("bad four"))
	await(t, "the fourth failure", func() bool { return strings.Contains(overlay(), "bad four") })
	put(bytes.Replace(page, []byte("<p>the page!!"), []byte("<p>next page!"), 1))
	await(t, "the next page", func() bool { return strings.Contains(text(), "next page!") })
	if got := overlay(); got != "" {
		t.Errorf("the overlay is still there: %q", got)
	}
	put([]byte("bad five"))
	await(t, "the fifth failure", func() bool { return strings.Contains(overlay(), "bad five") })

	// A page that is loaded meanwhile shows it at once.
	b.ask(t, http.MethodPost, "/refresh", map[string]any{})
	await(t, "the overlay of a new page", func() bool { return strings.Contains(overlay(), "bad five") })
}

// TestBrowserShowsThatThereIsNoBuild opens a page before the first build succeeds.
func TestBrowserShowsThatThereIsNoBuild(t *testing.T) {
	driver := os.Getenv(driverVariable)
	if driver == "" || !ours() {
		return // needs a browser, which not every machine has
	}
	dir := t.TempDir()
	source, built := filepath.Join(dir, "source"), filepath.Join(t.TempDir(), "app.wasm")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	script := fmt.Sprintf("printf '\\033[31mno: \\033[m'; cat '%s'; exit 3", source)
	server := serve(t, built, "--live-reload", "--source", dir, "--exec", script)
	b := startBrowser(t, driver)
	b.ask(t, http.MethodPost, "/url", map[string]any{"url": server.URL + "/"})
	text := func() string { return b.eval(t, "return document.body ? document.body.innerText : ''") }
	await(t, "the page of the failure", func() bool { return strings.Contains(text(), "no: one") })
	put("two")
	await(t, "the page of the next failure", func() bool { return strings.Contains(text(), "no: two") })
	if got := b.eval(t, "return String(document.querySelector('wasihttp-overlay'))"); got != "null" {
		t.Error("what the page itself shows is over it again")
	}
	if got := text(); !strings.Contains(got, "There is no build yet") || strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
	hello, err := os.ReadFile(filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(built, hello, 0o600); err != nil {
		t.Fatal(err)
	}
	await(t, "the component", func() bool { return strings.Contains(text(), "Hello, world!") })
}

// renameOver writes a file as most build tools do.
func renameOver(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file+".tmp", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}
