package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/bench/served"
)

// explorerAddress matches the address of the explorer in what serve prints.
var explorerAddress = regexp.MustCompile(`http://\S+/__wasihttp/#token=[\w-]+`)

// openServed serves a component and opens the explorer about it; the server's working directory is
// the test's, a new folder.
func openServed(t *testing.T, component string, flags ...string) (*served.Server, explorerPage, bool) {
	t.Helper()
	if os.Getenv(driverVariable) == "" || !ours() {
		return nil, explorerPage{}, false // needs a browser, which not every machine has
	}
	component, err := filepath.Abs(component)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	server := serve(t, component, flags...)
	address := explorerAddress.FindString(server.Output())
	if address == "" {
		t.Fatalf("no address of the explorer in %q", server.Output())
	}
	p, ok := openExplorer(t, address)
	p.sees("#link", "Live")
	return server, p, ok
}

// shop is an upstream server: what it sells, as JSON.
func shop(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"items": [{"name": "Tea", "price": 3.50}, {"name": "Cup", "price": 12}]}`) // the guest may have gone
	}))
	t.Cleanup(s.Close)
	return s
}

// send sends a request with the fields "Name: value", and reads what comes.
func send(t *testing.T, c *http.Client, method, url, body string, fields ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // a trap may cut it
}

// at opens the newest request that has ended whose path is this.
func (p explorerPage) at(path string) {
	p.t.Helper()
	row := fmt.Sprintf("[...document.querySelectorAll('#rows tr[data-seq]:not(.k-running)')].find((r) => "+
		"r.querySelector('.c-target').textContent.replace('↻ ', '').split('?')[0] === %q)", path)
	p.until(row)
	seq := p.js("return " + row + ".dataset.seq")
	p.js(row + ".querySelector('td').click()")
	p.until(fmt.Sprintf("document.querySelector('#r%s')?.ariaSelected === 'true' && "+
		"document.querySelector('#heading .target')?.textContent.startsWith(%q)", seq, path))
}

// TestExplorerShowsGuests sends requests to guests of each language and version, sees them come,
// and takes each action.
func TestExplorerShowsGuests(t *testing.T) {
	if os.Getenv(driverVariable) == "" || !ours() {
		return // needs a browser, which not every machine has
	}
	upstream := shop(t)
	all := guests(t)
	for i := range all {
		all[i].path, _ = filepath.Abs(all[i].path) // the tests change the working directory
	}
	for _, g := range all {
		if !strings.Contains(g.name, "kitchen") {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			server, p, ok := openServed(t, g.path)
			if !ok {
				return
			}
			c := client(t)
			p.sees("#empty", "No requests yet")
			p.sees("#about", filepath.Base(g.path))
			p.sees("#build", "build 1")
			send(t, c, "GET", server.URL+"/", "")
			p.sees("#rows .k-ok .c-status", "200")
			send(t, c, "POST", server.URL+"/echo", `{"name": "Ada", "id": 12345678901234567890}`,
				"Content-Type: application/json", "Authorization: Bearer hunter2")
			if !g.fetchless {
				send(t, c, "GET", server.URL+"/fetch?url="+upstream.URL+"/items", "")
			}
			send(t, c, "GET", server.URL+"/trap", "")

			p.at("/trap")
			p.press("1")
			if !g.trapless {
				p.sees("#heading + .facts .pill.k-failed", "trap")
				p.until("document.querySelector('.failure h3')?.textContent.length > 3")
			}
			if !g.fetchless {
				p.at("/fetch")
				p.sees(".waterfall li", upstream.URL[len("http://"):]+"/items")
				p.sees(".legend", "Waiting for upstream")
				p.press("4")
				p.sees("#panel summary", "/items")
				p.sees("#panel .json", "price: 3.50")
			}
			p.at("/echo")
			p.sees(".legend", "computing")
			p.press("2")
			p.sees("#panel .json", "id: 12345678901234567890")
			p.until("!document.body.textContent.includes('hunter2')")
			p.click("#panel .reveal", "Show")
			p.sees("#panel td", "Bearer hunter2")
			takeActions(t, server, p)
		})
	}
}

// takeActions takes each action with the request to /echo that is selected.
func takeActions(t *testing.T, server *served.Server, p explorerPage) {
	t.Helper()
	first := p.js("return document.querySelector('#rows [aria-selected=true]').dataset.seq")
	p.press("r")
	p.sees(".facts", "sent again from "+first)
	p.until("document.querySelector('#rows [aria-selected=true] .c-status').textContent.includes('200')")
	p.until("document.querySelector('#do-e')")
	p.press("e")
	p.until("document.activeElement.id === 'edit-body'")
	p.write(`{"name": "Bob"}`)
	p.click("dialog button", "Send")
	p.until("!document.querySelector('dialog') && !document.querySelector('#rows tr[data-seq]').className.includes('running')")
	p.sees(".facts", "sent again from")
	p.sees("#panel .json", `name: "Bob"`)
	// Its credentials were sent again, though they were masked.
	p.click("#panel .reveal", "Show")
	p.sees("#panel td", "Bearer hunter2")

	p.command(t, "Browser.grantPermissions", object{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}})
	p.press("c")
	p.sees(".toast", "The curl command is on the clipboard")
	command := fmt.Sprint(p.ask(t, http.MethodPost, "/execute/async",
		object{"script": "navigator.clipboard.readText().then(arguments[0])", "args": []any{}}))
	if !strings.HasPrefix(command, "curl ") || !strings.Contains(command, "/echo") || strings.Contains(command, "hunter2") {
		t.Errorf("the clipboard has %q", command)
	}

	p.press("s")
	p.sees("dialog", "fixtures")
	p.write("bob")
	p.press(keyEnter)
	p.sees(".toast", "Saved as fixtures/bob.hurl")
	fixture, err := os.ReadFile(filepath.Join("fixtures", "bob.hurl"))
	if err != nil || !strings.Contains(string(fixture), `"Bob"`) || strings.Contains(string(fixture), "hunter2") {
		t.Errorf("the fixture is %q (%v)", fixture, err)
	}

	p.press("d")
	p.sees("#comparing", "choose a request")
	p.js(fmt.Sprintf("document.querySelector('#r%s td').click()", first))
	p.sees("#heading", "difference")
	p.sees(".differences", "Bob")
	p.press(keyEscape)
	p.until("document.querySelector('#do-r')")

	// A filter, by what a body contains.
	p.press("/")
	p.write("body:bob")
	p.sees("#count", "1 of ")
	p.press(keyEscape)
	p.until("!document.querySelector('#count').textContent.includes(' of ')")

	p.click("#clear", "Clear")
	p.sees("dialog", "Forget")
	p.press(keyEnter)
	p.sees("#empty", "No requests yet")
	send(t, client(t), "GET", server.URL+"/", "")
	p.sees("#rows .k-ok", "/")
}

// TestExplorerShowsBuildsAndStreams looks at what goes on: a response that is streamed, a build
// that is replaced, and one that fails.
func TestExplorerShowsBuildsAndStreams(t *testing.T) {
	kitchen, err := os.ReadFile(rustKitchen().path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app.wasm")
	put := func(data []byte) {
		t.Helper()
		renameOver(t, file, data)
	}
	put(kitchen)
	server, p, ok := openServed(t, file)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(limited(t))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/sse?n=0&ms=5", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	p.sees("#rows .k-running .c-target", "/sse")
	p.press("g", "1")
	p.sees("#heading", "/sse")
	p.until("document.querySelector('.bar.going')")
	p.until("parseFloat(document.querySelector('#panel .views p')?.textContent.match(/[\\d.]+ k?B/)?.[0]) > 1")
	p.press("j") // it is the only one: it stays selected
	cancel()
	p.until("!document.querySelector('.bar.going')")
	p.sees("#rows [aria-selected=true]", "client-gone")

	put([]byte(strings.Replace(string(kitchen), "hello from rust", "hello from Rust", 1)))
	p.sees("#rows .b-ready", "build 2 ready")
	send(t, client(t), "GET", server.URL+"/", "")
	p.at("/")
	p.sees(".facts", "build 2")
	put([]byte("no component"))
	p.sees("#rows .b-failed", "build failed")
	p.sees("#build.failed", "still serving 2")

	// A word of the filter that can match nothing says what can.
	p.press("/")
	p.write("outcome:gone")
	p.sees("#q-help", "there is no outcome:gone. use one of outcome:ok, outcome:trap")
	p.press(keyEscape)

	// What the page shows ends with the server; the page says so.
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	p.sees("#link", "wasihttp is gone, next try in")
}

// TestExplorerShowsSpans looks at the spans of guests that use wasi:otel.
func TestExplorerShowsSpans(t *testing.T) {
	for _, name := range []string{"rust-otel", "rust-otel-p3"} {
		t.Run(name, func(t *testing.T) {
			server, p, ok := openServed(t, filepath.Join("..", "testdata", "guests", "rust-otel", name+".wasm"))
			if !ok {
				return
			}
			send(t, client(t), "GET", server.URL+"/work", "")
			p.at("/work")
			p.sees(".waterfall li", "no connection")
			p.press("5")
			p.sees("#tab-Spans", "Spans")
			// Their times are of 1970, and the axis is still that of the request.
			p.until("document.querySelectorAll('#panel .exchange').length === document.querySelectorAll('.waterfall ol li').length - 1")
			p.until("document.querySelector('.waterfall .p-computing').getBoundingClientRect().width > 20")
			p.js("document.querySelectorAll('#panel details').forEach((d) => { d.open = true })")
			p.picture(t, "spans-"+name)
		})
	}
}
