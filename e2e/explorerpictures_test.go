package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExplorerPictures goes through an hour of work in a few seconds, and takes the pictures of
// docs/images if picturesVariable says so:
//
//	WASIHTTP_E2E_PICTURES=$PWD/docs/images WASIHTTP_E2E_CHROMEDRIVER=$(command -v chromedriver) \
//	WASIHTTP_E2E_GUESTS=FOLDER go test ./e2e -run TestExplorerPictures
func TestExplorerPictures(t *testing.T) {
	if os.Getenv(driverVariable) == "" || !ours() {
		return // needs a browser, which not every machine has
	}
	kitchen, err := os.ReadFile(rustKitchen().path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "shop.wasm")
	put := func(data []byte) {
		t.Helper()
		renameOver(t, file, data)
	}
	put(kitchen)
	server, p, ok := openServed(t, file)
	if !ok {
		return
	}
	c := client(t)
	work := func(rounds int) {
		t.Helper()
		for range rounds {
			for _, target := range []string{"/", "/headers", "/sleep?ms=25", "/status?code=404", "/big?n=20000", "/status?code=302", "/random"} {
				send(t, c, "GET", server.URL+target, "")
			}
			send(t, c, "POST", server.URL+"/echo",
				`{"cart": 17, "items": [{"name": "Tea", "price": 3.50}, {"name": "Cup", "price": 12}], "paid": false}`,
				"Content-Type: application/json", "Authorization: Bearer hunter2")
		}
	}
	work(3)
	put([]byte("no component"))
	p.sees("#rows .b-failed", "build failed")
	work(2)
	put([]byte(strings.Replace(string(kitchen), "hello from rust", "hello from Rust", 1)))
	p.sees("#rows .b-ready", "build 2 ready")
	work(2)
	send(t, c, "GET", server.URL+"/trap", "")
	send(t, c, "GET", server.URL+"/sse?n=12&ms=20", "")
	send(t, c, "GET", server.URL+"/fetch?url="+url.QueryEscape(server.URL+"/sse?n=5&ms=9"), "")
	send(t, c, "POST", server.URL+"/echo", `{"cart": 17, "items": [{"name": "Tea", "price": 3.50}], "paid": true}`,
		"Content-Type: application/json", "Authorization: Bearer hunter2")
	p.at("/fetch")
	p.sees(".waterfall li", "/sse")
	p.press("4")
	p.still()
	p.picture(t, "explorer")

	p.at("/echo")
	p.press("2", "d")
	p.click("#comparing button", "The same, before")
	p.sees("#heading", "differences")
	p.sees(".differences", "paid")
	p.still()
	p.picture(t, "explorer-compare")
	p.press(keyEscape)
	p.at("/trap")
	p.press("3")
	p.look(t, 360, 720, "light")
	p.still()
	p.picture(t, "explorer-narrow")

	if os.Getenv(guestsVariable) == "" {
		return // the others need guests that are built
	}
	_, page, ok := openServed(t, built(t, "py-kitchen-p3"))
	if !ok {
		return
	}
	address := strings.TrimSuffix(page.js("return location.href"), "__wasihttp/")
	for _, target := range []string{"/", "/headers", "/json", "/missing", "/log", "/"} {
		send(t, c, http.MethodGet, address+target[1:], "")
	}
	send(t, c, http.MethodGet, address+"trap", "")
	send(t, c, http.MethodGet, address+"clock", "")
	page.at("/trap")
	page.press("3")
	page.look(t, 1280, 800, "dark")
	page.sees(".failure", "trap")
	page.still()
	page.picture(t, "explorer-dark")
}

// still waits until nothing moves: two frames, and the end of what is fetched and of animations.
func (p explorerPage) still() {
	p.t.Helper()
	p.js("window.frames = 0; document.querySelectorAll('.toast').forEach((e) => e.remove()); " +
		"requestAnimationFrame(() => requestAnimationFrame(() => { settled = true })); window.settled = false")
	p.until("settled && !document.querySelector('[aria-busy]') && document.getAnimations().every((a) => " +
		"a.effect.getTiming().iterations === Infinity || a.playState === 'finished')")
}
