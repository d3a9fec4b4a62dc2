package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// hostile is text that a component may send: markup, characters that change the direction or
// cannot be seen, and a word without an end.
var hostile = "<script>pwned = 1</script><img src=x onerror='pwned = 2'>\u202egnp.exe\u2066\x00\x1b[31m\u200b\ufffd " +
	strings.Repeat("Grundstücksverkehrsgenehmigung", 60)

// rich is a request with something in every place.
func rich(seq int, text string) object {
	at := begun + float64(seq)*1370
	return exchange(seq, object{
		"method": text, "target": "/" + text, "host": text, "status": 500, "outcome": text, "ms": 126.0,
		"id": text, "protocol": text, "upstreams": 2, "stdout": text, "stderr": text,
		"stderrCut": true,
		"phases": []object{
			{"name": "waiting", "at": at, "ms": 2.0}, {"name": "instance", "at": at + 2, "ms": 6.0}, {"name": "computing", "at": at + 8, "ms": 12.0},
			{"name": "upstream", "at": at + 20, "ms": 70.0}, {"name": "host", "at": at + 99, "ms": 7.0},
			{"name": "streaming", "at": at + 106, "ms": 20.0}, {"name": text, "at": at + 126, "ms": nil},
		},
		"failure":  object{"headline": text, "message": text + "!", "hint": text, "backtrace": []string{text, text}},
		"request":  message("application/x-www-form-urlencoded", "a=1&"+text, field(text, text)),
		"response": message("text/html", "<p class=\"x\">"+text, field(text, text)),
		"upstream": []object{
			{"at": at + 20, "ms": 44.0, "method": text, "url": "https://" + text, "status": 200, "error": "",
				"request": message("", ""), "response": message("application/json", `{"a": 1}`)},
			{"at": at + 25, "ms": 65.0, "method": "GET", "url": "https://b.example/", "status": 0,
				"error": text, "request": message("", ""), "response": nil},
		},
		"spans": []object{
			{"name": text, "at": at + 10, "ms": 84.0, "id": "1", "parent": "2", "attributes": object{text: text}, "status": "error: " + text},
			{"name": "render", "at": at + 92, "ms": nil, "id": "2", "parent": "1", "attributes": object{}, "status": ""},
		},
		"truncated": object{"spans": 7},
	})
}

func TestExplorerPageShowsHostileTextAsText(t *testing.T) {
	f, p, ok := fakePage(t, func(f *fakeExplorer) {
		f.put(rich(1, hostile))
		f.build(object{"seq": 1, "number": 1, "at": begun, "ms": 310.0, "outcome": "failed", "message": hostile, "digest": hostile})
		f.compared = object{"same": false, "text": hostile, "differences": []object{{"place": hostile, "kind": hostile, "a": hostile, "b": hostile}}}
	})
	if !ok {
		return
	}
	p.until("document.querySelector('#r1')")
	p.press("g")
	p.until("document.querySelector('.failure')")
	check := func(where string) {
		t.Helper()
		// Nothing of it is an element, nothing runs, and nothing turns round the text beside it.
		if got := p.js("return [typeof pwned, document.querySelectorAll('#work script, #work img[src=x], " +
			"dialog script, #toasts script').length].join()"); got != "undefined,0" {
			t.Errorf("%s: %s", where, got)
		}
		if got := p.js(`return [...document.body.innerText].filter((c) => /[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200b\u001b]/.test(c)).length + ''`); got != "0" {
			t.Errorf("%s: %s characters that cannot be seen", where, got)
		}
		if got := p.js("return [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && " +
			"e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('pre, .w-lane, [role=tablist], " +
			".hidden, canvas, #rows')).map((e) => e.tagName + '.' + e.className).join()"); got != "" {
			t.Errorf("%s: wider than the window: %s", where, got)
		}
	}
	for _, width := range []int{1280, 360} {
		p.look(t, width, 740, "light")
		for i, tab := range []string{"Response", "Request", "Output", "Upstream", "Spans"} {
			p.press(fmt.Sprint(i + 1))
			p.until(fmt.Sprintf("document.querySelector('#tab-%s').ariaSelected === 'true'", tab))
			p.js("document.querySelectorAll('#panel details').forEach((d) => { d.open = true })")
			check(fmt.Sprint(width, " ", tab))
		}
		p.sees("#detail", "U+202E")
		p.press("d", keyEscape)
		p.press("c")
		p.press("e")
		p.until("document.querySelector('dialog')")
		check(fmt.Sprint(width, " edit"))
		p.press(keyEscape)
		p.until("!document.querySelector('dialog')")
	}
	f.put(exchange(2, nil))
	p.until("document.querySelector('#r2')")
	p.js("document.querySelector('#r2').dispatchEvent(new MouseEvent('click', {bubbles: true, shiftKey: true}))")
	p.sees("#heading", "1 difference")
	check("compare")
}

func TestExplorerPageShowsBodies(t *testing.T) {
	tree := `{"big": 12345678901234567890, "twice": 1, "twice": 1.50e3, "list": [null, {"deep": "` + `a\u0000\u202e<b>` + `"}], "empty": {}}`
	multipart := "--X\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n" +
		"Content-Type: image/png\r\n\r\nPNG\r\n--X\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n" +
		"two\r\nlines\r\n--X--\r\n"
	binary := object{"headers": []object{}, "trailers": []object{field("x-sum", "9")},
		"body": object{"size": 20000, "kept": 9000, "type": "application/octet-stream", "kind": "binary",
			"text": "", "secret": false}}
	image := object{"headers": []object{}, "trailers": []object{},
		"body": object{"size": len(onePixel), "kept": len(onePixel), "type": "image/png", "kind": "image",
			"text": "", "secret": false}}
	masked := message("application/json", `{"password": "REDACTED"}`)
	masked["body"].(object)["secret"] = true
	_, p, ok := fakePage(t, func(f *fakeExplorer) {
		f.put(exchange(1,
			object{"response": message("application/json", tree),
				"request": message("application/x-www-form-urlencoded", "name=Ada+L&x=%3Cb%3E&x=2")}))
		f.put(exchange(2,
			object{"response": message("text/html", `<p id="a">Hi <!-- note --></p>`),
				"request": message("multipart/form-data", multipart)}))
		f.put(exchange(3, object{"response": image, "request": binary}))
		f.bodies["3/response"], f.bodies["3/request"] = onePixel, []byte(strings.Repeat("\x00\xff09", 2250))
		f.put(exchange(4,
			object{"response": message("application/json", `{"cut": [1, 2`), "request": masked,
				"revealed": exchange(4,
					object{"request": message("application/json", `{"password": "hunter2"}`)})}))
	})
	if !ok {
		return
	}
	p.until("document.querySelector('#r4')")
	show := func(seq, tab int) {
		t.Helper()
		p.click(fmt.Sprintf("#r%d td", seq), "")
		p.until(fmt.Sprintf("document.querySelector('#heading').textContent.endsWith('/items/%d')", seq))
		p.press(fmt.Sprint(tab))
	}
	show(1, 1)
	for _, text := range []string{"big: 12345678901234567890", "twice: 1", "twice: 1.50e3", "list: [ 2 items ]", "0: null", "empty: {}"} {
		p.sees(".json", text)
	}
	p.click(".json summary", "1: {")
	p.sees(".json", `deep: "a\u0000U+202E<b>"`)
	show(1, 2)
	p.until("[...document.querySelectorAll('#panel .body tr')].map((r) => [...r.children].map((c) => " +
		"c.textContent).join('=')).join('&') === 'Field=Value&name=Ada L&x=<b>&x=2'")
	show(2, 1)
	p.until("[...document.querySelectorAll('#panel pre span')].map((s) => s.className + " +
		"s.textContent).join() === 'h-tag<p,h-nameid,h-text\"a\",h-comment<!-- note -->,h-tag</p'")
	show(2, 2)
	p.sees("#panel .body tr", "photoPNGa.png · image/png")
	p.sees("#panel .body td .value", "two\nlines")
	show(3, 1)
	p.sees("figcaption", "2 × 2 pixels")
	p.click(".views button", "Hex")
	p.sees("pre.hex", "00000000  89 50 4e 47 0d 0a 1a 0a  00 00 00 0d 49 48 44 52  ·PNG········IHDR")
	show(3, 2)
	p.sees(".views p", "the first 9.0 kB of 20.0 kB")
	p.sees("pre.hex", "00000000  00 ff 30 39 00 ff")
	p.click(".more", "808 B more")
	p.sees("pre.hex", "\n00002320  00 ff")
	p.sees("#panel", "x-sum")
	// What was cut is text; a body with secrets is masked until it is clicked.
	show(4, 1)
	p.sees("#panel pre", `{"cut": [1, 2`)
	show(4, 2)
	p.sees(".json", "REDACTED")
	p.until("![...document.querySelectorAll('.views button')].some((b) => b.textContent === 'Hex')")
	p.click(".masked button", "Show them")
	p.sees(".json", "hunter2")
}

func TestExplorerPageFormats(t *testing.T) {
	_, p, ok := fakePage(t, func(*fakeExplorer) {})
	if !ok {
		return
	}
	module := func(name, expression string) string {
		script := "import('/__wasihttp/" + name + "').then((m) => arguments[0](JSON.stringify(" + expression + ")), (e) => arguments[0](String(e)))"
		return fmt.Sprint(p.ask(t, "POST", "/execute/async", object{"script": script, "args": []any{}}))
	}
	for _, tt := range []struct{ module, expression, want string }{
		{"format.js",
			"[0, 0.0004, 0.376, 0.9996, 1.0849, 99.96, 999.4, 999.6, 12345, 59949, 59950, 125400, 5405000, " +
				"-1500, NaN].map(m.duration)",
			`["0 s","0 s","376 µs","1 ms","1.08 ms","100 ms","999 ms","1 s","12.3 s","59.9 s","1 m","2 m 5 s","1 h 30 m 5 s","−1.5 s",""]`},
		{"format.js", "[0, 0.001, 0.4, 1, 1000, 125400, null].map(m.spoken)",
			`["no time","1 microsecond","400 microseconds","1 millisecond","1 second","2 minutes 5 seconds","still running"]`},
		{"format.js", "[0, 999, 1000, 999949, 999950, 1e12].map(m.size)", `["0 B","999 B","1.0 kB","999.9 kB","1.0 MB","1.0 TB"]`},
		{"format.js", "[m.step(100, 5), m.step(126, 5), m.step(0.3, 5), m.step(9e7, 8), m.step(1e10, 4)]", `[20,50,0.1,21600000,2505600000]`},
		{"format.js",
			"[m.hex(new Uint8Array([0, 65, 255, 126, 127])), m.hex(new Uint8Array(17)).split('\\n').length]",
			`["00000000  00 41 ff 7e 7f                                    ·A·~·",2]`},
		{"json.js",
			"[m.parse(' [1, 2.50, -0, 1e400, \"\\\\u00e9\"] '), m.parse('{}'), m.parse('{\"a\": true}')]",
			`[{"list":[{"word":"1"},{"word":"2.50"},{"word":"-0"},{"word":"1e400"},{"text":"é"}]},{"members":[]},{"members":[["a",{"word":"true"}]]}]`},
		{"json.js",
			"['', '[1,]', '{\"a\"}', '[1 2]', '01', '[', '1 2', '\"\\n\"', '{\"a\":1,}', '['.repeat(999), 'nul', " +
				"'{1:2}', '\\'a\\''].map((s) => { try { m.parse(s); return s } catch { return 0 } }).filter(Boolean)",
			`[]`},
		{"dom.js", "[m.escape('a\\nb\\u202ec\\u0000'), m.escape('x'.repeat(9), 4), m.escape(null), " +
			"m.escape('é👍\\u{e0041}')]", `["a b‹U+202E›c‹U+0000›","xxxx…","","é👍‹U+E0041›"]`},
		{"body.js", "[m.pairs('a=1&b=+%26&c'), m.parts('no form')]", `[[["a","1"],["b"," &"],["c",""]],[]]`},
		{"waterfall.js",
			"m.nested([{id: 'c', parent: 'b', at: 3}, {id: 'b', parent: 'a', at: 2}, {id: 'a', parent: '', at: " +
				"1}, {id: 'x', parent: 'gone', at: 0}]).map(([s, d]) => s.id + d)", `["x0","a0","b1","c2"]`},
		// A span's times may have nothing to do with those of the request.
		{"waterfall.js",
			"[[], [{at: 100, ms: 5}], [{at: 90, ms: 500}], [{at: 0, ms: 1}, {at: 1e12, ms: 1}], [{at: 105, ms: " +
				"3}]].map((spans) => m.bounds({at: 100, ms: 6, upstream: [{at: 101, ms: 2}], spans}, (p) => " +
				"p.ms).join('-')).join()", `"100-106,100-106,97-109,100-106,100-108"`},
		{"actions.js", "m.readFields('A: 1\\n\\nB:2\\nCookie: ••••••••', [{name: 'cookie', secret: true}])",
			`[{"name":"A","value":"1"},{"name":"B","value":"2"},{"name":"Cookie","value":"","secret":true}]`},
	} {
		if got := module(tt.module, tt.expression); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.module, tt.expression, got, tt.want)
		}
	}
}

func TestExplorerPageKeepsUpWithManyRequests(t *testing.T) {
	f, p, ok := fakePage(t, func(*fakeExplorer) {})
	if !ok {
		return
	}
	p.sees("#link", "Live")
	p.js("window.draws = 0; new MutationObserver(() => { draws++ }).observe(document.querySelector('#count'), {childList: true});" +
		"window.said = 0; new MutationObserver(() => { said++ }).observe(document.querySelector('#said'), {childList: true})")
	const burst = 3000
	for seq := 1; seq <= burst; seq++ {
		f.tell(object{"request": summary(exchange(seq, object{"ms": nil, "status": 0, "outcome": ""}))})
		end := object{}
		if seq%3 == 0 {
			end = object{"status": 500, "outcome": "trap"}
		}
		f.tell(object{"request": summary(exchange(seq, end))})
		if seq%500 == 0 { // the page reads as fast as it can
			p.until(fmt.Sprintf("document.querySelector('#rows tr')?.dataset.seq == %d", seq))
		}
	}
	p.sees("#count", "1000 requests")
	if got := p.js("return [draws < 300, document.querySelectorAll('#rows tr').length < 100].join()"); got != "true,true" {
		t.Errorf("the list was drawn %s times with %s rows", p.js("return draws"), p.js("return document.querySelectorAll('#rows tr').length"))
	}
	// A screen reader hears of the failures, but not of each.
	p.sees("#said", "requests failed")
	if got := p.js("return said < 10"); got != "true" {
		t.Errorf("%s announcements", p.js("return said"))
	}
	// What is read stays in its place while others come.
	p.js("document.querySelector('#scroll').scrollTop = 5000")
	place := "document.querySelector('#r2840').getBoundingClientRect().top | 0"
	p.until("document.querySelector('#r2840')")
	before := p.js("return String(" + place + ")")
	f.put(exchange(burst+1, nil))
	p.sees("#newer", "1 newer")
	if got := p.js("return String(" + place + ")"); got != before {
		t.Errorf("a row went from %s to %s", before, got)
	}
	p.click("#newer", "newer")
	p.until(fmt.Sprintf("document.querySelector('#r%d')", burst+1))
}

// lowContrast lists what can be read less well than WCAG 2.2 asks for (1.4.3, level AA).
const lowContrast = `
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] / 255 + below[i] * (1 - top[3] / 255));
const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (e) => { const all = []; for (; e; e = e.parentElement) all.push(rgba(getComputedStyle(e).backgroundColor)); return all.reverse().reduce((below, top) => over(top, below), [255, 255, 255]); };
const bad = [];
for (const e of document.querySelectorAll('body *')) {
	const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.matches('input, textarea');
	if (!own || !e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || e.closest('.hidden, noscript')) continue;
	const style = getComputedStyle(e), ground = behind(e);
	const ink = over([...rgba(style.color).slice(0, 3), 255 * style.opacity], ground);
	const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
	const ratio = (a + 0.05) / (b + 0.05);
	if (ratio < 4.5) bad.push(ratio.toFixed(2) + ' ' + e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 30));
	if (parseFloat(style.fontSize) < 10.9) bad.push('small: ' + e.tagName + ' ' + style.fontSize);
}
return [...new Set(bad)].join('\n')`

// TestExplorerPageCanBeReadEverywhere looks at each state in light and dark, wide and narrow: for
// contrast, and for what does not fit.
func TestExplorerPageCanBeReadEverywhere(t *testing.T) {
	f, p, ok := fakePage(t, func(f *fakeExplorer) {
		for i, c := range []object{{"status": 301}, {"status": 404}, {"status": 201, "method": "DELETE"}, {"ms": nil, "status": 0, "outcome": ""}} {
			f.put(exchange(i+1, c))
		}
		d := rich(5, "trap")
		d["response"] = message("application/json",
			`{"id": 17, "total": 3.5, "open": true, "items": [{"name": "Tea"}]}`,
			field("Content-Type", "application/json"),
			object{"name": "Set-Cookie", "value": "", "secret": true})
		f.put(d)
		f.put(exchange(6, object{"status": 500, "outcome": "expired", "response": message("text/html", `<p id="a">Hi <!-- note --></p>`)}))
		f.build(object{"seq": 1, "number": 1, "at": begun + 2000, "ms": 310.0, "outcome": "ready", "message": "", "digest": "1f"})
		f.build(object{"seq": 2, "number": 1, "at": begun + 3000, "ms": nil, "outcome": "same", "message": "", "digest": "1f"})
		f.build(object{"seq": 3, "number": 1, "at": begun + 4000, "ms": nil, "outcome": "failed", "message": "cannot find totl", "digest": ""})
		f.compared = object{"same": false, "text": "status\n- 200\n+ 404\n",
			"differences": []object{{"place": "status", "kind": "changed", "a": "200", "b": "404"}}}
	})
	if !ok {
		return
	}
	p.until("document.querySelector('#r6')")
	check := func(state string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int{1280, 360} {
				p.look(t, width, 740, scheme)
				if bad := p.js(lowContrast); bad != "" {
					t.Errorf("%s, %s, %d wide:\n%s", state, scheme, width, bad)
				}
				if got := p.js("return document.body.innerText.match(/.*\\b(null|undefined|NaN)\\b.*|.*\\[object.*/)?.[0] ?? ''"); got != "" {
					t.Errorf("%s: it says %q", state, got)
				}
				if got := p.js("return document.documentElement.scrollWidth > innerWidth ? 'wide' : ''"); got != "" {
					t.Errorf("%s, %s, %d wide: it scrolls to the side", state, scheme, width)
				}
				p.picture(t, fmt.Sprintf("look-%s-%s-%d", strings.ReplaceAll(state, " ", "-"), scheme, width))
			}
		}
	}
	p.press("G")
	check("list")
	p.press("g", keyEnter)
	p.sees("#heading", "/items/6")
	check("source")
	for _, width := range []int{801, 961, 1000, 1249, 1600} { // the list is beside a request
		p.look(t, width, 740, "light")
		if got := p.js("const took = document.querySelector('#r6 .c-ms'); took.textContent = '8.88 ms'; " +
			"return document.querySelector('#r6 .c-target').offsetWidth < 90 ? 'target' : " +
			"took.scrollWidth > took.clientWidth ? 'time' : ''"); got != "" {
			t.Errorf("%d wide: the list has no room for the %s", width, got)
		}
	}
	p.click("#r5 td", "")
	p.sees(".failure", "trap")
	check("failure")
	for i, tab := range []string{"Request", "Output", "Upstream", "Spans"} {
		p.press(fmt.Sprint(i + 2))
		p.until(fmt.Sprintf("document.querySelector('#tab-%s').ariaSelected === 'true'", tab))
		p.js("document.querySelectorAll('#panel details').forEach((d) => { d.open = true })")
		check("tab " + tab)
	}
	for key, title := range map[string]string{"e": "Edit", "s": "Save", "?": "Keys"} {
		p.press(key)
		p.sees("dialog h2", title)
		check("dialog " + title)
		p.press(keyEscape)
		p.until("!document.querySelector('dialog')")
	}
	p.press("d")
	p.until("!document.querySelector('#comparing').hidden")
	check("comparing")
	p.press("k", keyEnter)
	p.sees("#heading", "1 difference")
	check("compared")
	p.click("[aria-pressed]", "Unified")
	check("unified")
	p.press(keyEscape)
	f.mu.Lock()
	f.token = "another"
	f.mu.Unlock()
	f.cut()
	p.sees("#notice h2", "another run")
	check("another run")
	p.open(t, f.URL+"/__wasihttp/")
	p.sees("#notice h2", "Open the explorer")
	check("no token")
	// Who wants no motion has none.
	p.command(t, "Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-reduced-motion", "value": "reduce"}}})
	if got := p.js("return document.getAnimations().length + ''"); got != "0" {
		t.Errorf("%s animations", got)
	}
}
