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

// TestExplorerPicturesOfEachLanguage takes a picture of each language and version of WASI, if
// picturesVariable asks for pictures.
func TestExplorerPicturesOfEachLanguage(t *testing.T) {
	if os.Getenv(driverVariable) == "" || os.Getenv(picturesVariable) == "" || !ours() {
		return
	}
	c := client(t)
	for _, picture := range []struct{ name, guest, show, tab string }{
		{"rust-p3", filepath.Join("..", "testdata", "guests", "rust-kitchen-p3", "rust-kitchen-p3.wasm"), "/sleep", "1"},
		{"go", built(t, "go-kitchen"), "/trap", "3"},
		{"go-p3", built(t, "go-kitchen-p3"), "/sleep", "1"},
		{"python", built(t, "py-kitchen"), "/echo", "2"},
		{"javascript", built(t, "js-kitchen"), "/headers", "1"},
		{"javascript-p3", built(t, "qjs-kitchen-p3"), "/sleep", "1"},
	} {
		server, page, ok := openServed(t, picture.guest)
		if !ok {
			return
		}
		for _, target := range []string{"/", "/headers", "/sleep?ms=15", "/status?code=404", "/sse?n=5&ms=9", "/trap", "/"} {
			send(t, c, http.MethodGet, server.URL+target, "")
		}
		send(t, c, http.MethodPost, server.URL+"/echo", `{"cart": 17, "items": [{"name": "Tea", "price": 3.50}], "paid": true}`,
			"Content-Type: application/json")
		page.at(picture.show)
		page.press(picture.tab)
		page.look(t, 1000, 640, "light")
		page.command(t, "Emulation.setScrollbarsHidden", object{"hidden": true})
		page.still()
		page.picture(t, "explorer-"+picture.name)
	}
}

// still waits until nothing moves: two frames, and the end of what is fetched and of animations.
func (p explorerPage) still() {
	p.t.Helper()
	p.js("window.frames = 0; document.querySelectorAll('.toast').forEach((e) => e.remove()); " +
		"requestAnimationFrame(() => requestAnimationFrame(() => { settled = true })); window.settled = false")
	p.until("settled && !document.querySelector('[aria-busy]') && document.getAnimations().every((a) => " +
		"a.effect.getTiming().iterations === Infinity || a.playState === 'finished')")
}
