package e2e

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// picturesVariable names a folder to which tests write pictures of pages.
const picturesVariable = "WASIHTTP_E2E_PICTURES"

// picture writes what the browser shows to a file, if pictures are wanted.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv(picturesVariable)
	if folder == "" {
		return
	}
	data, err := base64.StdEncoding.DecodeString(b.ask(t, http.MethodGet, "/screenshot", nil).(string))
	if err != nil {
		t.Fatal(err)
	}
	shown, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColours(shown)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), small.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fewColours returns a picture with 256 of its colours, which is a third of the size.
func fewColours(shown image.Image) image.Image {
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(shown.At(x, y)).(color.RGBA) }
	bounds := shown.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			counts[at(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	// After the most frequent ones, those that differ from them, so that a word in a colour of its
	// own keeps it.
	var palette color.Palette
	taken := map[color.RGBA]bool{}
	take := func(list []color.RGBA, mask uint8) {
		for _, c := range list {
			part := color.RGBA{c.R & mask, c.G & mask, c.B & mask, mask}
			if !taken[part] && len(palette) < 256 {
				taken[part], palette = true, append(palette, c)
			}
		}
	}
	take(all[:min(len(all), 64)], 0xff)
	for _, mask := range []uint8{0xc0, 0xe0, 0xf0, 0xff} {
		take(all, mask)
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range all {
		nearest[c] = uint8(palette.Index(c))
	}
	drawn := image.NewPaletted(bounds, palette)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			drawn.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return drawn
}

// look sets the size of the page and its colours: light or dark.
func (b *browser) look(t *testing.T, width, height int, scheme string) {
	t.Helper()
	b.command(t, "Emulation.setDeviceMetricsOverride", object{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
	b.command(t, "Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}}})
}

// command sends a command of the DevTools protocol.
func (b *browser) command(t *testing.T, name string, params object) any {
	t.Helper()
	return b.ask(t, http.MethodPost, "/goog/cdp/execute", object{"cmd": name, "params": params})
}

// open opens an address in the page.
func (b *browser) open(t *testing.T, url string) {
	t.Helper()
	b.ask(t, http.MethodPost, "/url", object{"url": url})
}

// keys presses keys one after the other, in whatever has the focus.
func (b *browser) keys(t *testing.T, keys ...string) {
	t.Helper()
	var actions []any
	for _, k := range keys {
		actions = append(actions, object{"type": "keyDown", "value": k}, object{"type": "keyUp", "value": k})
	}
	b.ask(t, http.MethodPost, "/actions", object{"actions": []any{object{"type": "key", "id": "keyboard", "actions": actions}}})
}

// Keys that have no letter: https://www.w3.org/TR/webdriver2/#keyboard-actions.
const (
	keyEnter  = "\ue007"
	keyEscape = "\ue00c"
	keyDown   = "\ue015"
	keyRight  = "\ue014"
	keyTab    = "\ue004"
)

// explorerPage is the page of an explorer in a browser.
type explorerPage struct {
	*browser
	t *testing.T
}

// watch is run before the scripts of a page: it keeps errors, and what the policy forbids.
const watch = `window.faults = [];
addEventListener('error', (e) => faults.push('error: ' + (e.message || e.target.src)), true);
addEventListener('unhandledrejection', (e) => faults.push('rejection: ' + e.reason));
addEventListener('securitypolicyviolation', (e) => faults.push('policy: ' + e.violatedDirective));`

// openExplorer opens the page of an explorer, and has the test fail if its scripts do, or do what
// their policy forbids. It reports false where no browser is.
func openExplorer(t *testing.T, url string) (explorerPage, bool) {
	t.Helper()
	driver := os.Getenv(driverVariable)
	if driver == "" || !ours() {
		return explorerPage{}, false // needs a browser, which not every machine has
	}
	p := explorerPage{startBrowser(t, driver), t}
	p.command(t, "Page.addScriptToEvaluateOnNewDocument", object{"source": watch})
	p.look(t, 1280, 800, "light")
	p.open(t, url)
	t.Cleanup(func() {
		if faults := p.js("return faults.join('\\n')"); faults != "" {
			t.Errorf("faults of the page: %s", faults)
		}
		if t.Failed() {
			p.picture(t, "failed")
			t.Logf("the page: %s", tail(p.js("return document.body.innerText"), 3000))
		}
	})
	return p, true
}

func (p explorerPage) js(script string) string { p.t.Helper(); return p.eval(p.t, script) }

// until waits for an expression of JavaScript to be true.
func (p explorerPage) until(expression string) {
	p.t.Helper()
	await(p.t, expression, func() bool { return p.js("try { return !!("+expression+") } catch { return false }") == "true" })
}

// sees waits for a text within what a selector finds.
func (p explorerPage) sees(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))", selector, text))
}

// press presses keys, each a letter or one of those above.
func (p explorerPage) press(keys ...string) { p.t.Helper(); p.keys(p.t, keys...) }

// write types a text into what has the focus, in place of what is there.
func (p explorerPage) write(text string) {
	p.t.Helper()
	p.js("document.activeElement.select()")
	var keys []string
	for _, r := range text {
		keys = append(keys, string(r))
	}
	p.press(keys...)
}

// click clicks on the first element that a selector finds and that has the text.
func (p explorerPage) click(selector, text string) {
	p.t.Helper()
	found := fmt.Sprintf("[...document.querySelectorAll(%q)].find((e) => e.textContent.includes(%q))", selector, text)
	p.until(found)
	p.js(found + ".click()")
}

// fakePage opens the page with a fake API that has some requests.
func fakePage(t *testing.T, fill func(*fakeExplorer)) (*fakeExplorer, explorerPage, bool) {
	t.Helper()
	f := newFakeExplorer(t)
	fill(f)
	p, ok := openExplorer(t, f.URL+"/__wasihttp/#token="+fakeToken)
	return f, p, ok
}

// drag drags the pointer over a part of the width of an element.
func (p explorerPage) drag(selector string, from, to float64) {
	p.t.Helper()
	box := strings.Fields(p.js(fmt.Sprintf("const b = document.querySelector(%q).getBoundingClientRect(); "+
		"return [b.left, b.width, b.top + b.height / 2].join(' ')", selector)))
	var n [3]float64
	for i, text := range box {
		n[i], _ = strconv.ParseFloat(text, 64)
	}
	at := func(part float64) object {
		return object{"type": "pointerMove", "duration": 0, "x": int(n[0] + n[1]*part), "y": int(n[2])}
	}
	p.ask(p.t, http.MethodPost, "/actions", object{"actions": []any{object{"type": "pointer", "id": "mouse", "actions": []any{
		at(from), object{"type": "pointerDown", "button": 0}, at((from + to) / 2), at(to), object{"type": "pointerUp", "button": 0},
	}}}})
}
