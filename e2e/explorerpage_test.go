package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestExplorerPageShowsRequestsLive(t *testing.T) {
	f, p, ok := fakePage(t, func(f *fakeExplorer) {
		f.build(object{"seq": 1, "number": 1, "at": begun, "ms": 310.0, "outcome": "ready", "message": "", "digest": "1f"})
	})
	if !ok {
		return
	}
	p.sees("#empty", "No requests yet")
	p.sees("#empty code", "curl "+f.URL+"/")
	p.sees("#link", "Live")
	if got := p.js("return location.href + history.length"); strings.Contains(got, fakeToken) {
		t.Errorf("the token is still in the address: %s", got)
	}
	// A request is there when it begins, and again when it ends.
	f.put(exchange(1, object{"ms": nil, "status": 0, "outcome": ""}))
	p.sees("#r1.k-running", "/items/1")
	p.until("document.querySelector('#empty').hidden")
	f.put(exchange(1, object{"ms": 1234.0, "status": 404}))
	p.sees("#r1.k-refused .c-status", "404")
	p.sees("#r1 .c-ms", "1.23 s")
	f.put(exchange(2, object{"status": 500, "outcome": "trap"}))
	p.sees("#r2.k-failed .c-status", "trap")
	p.sees("#count", "2 requests, 1 failed")
	p.sees("#said", "1 request failed, last GET /items/2: trap")
	// Builds are among them, and on the axis.
	f.build(object{"seq": 2, "number": 1, "at": begun + 3000, "ms": nil, "outcome": "failed", "message": "cannot find value totl", "digest": ""})
	p.sees("#rows .b-failed", "build failed: cannot find value totl")
	p.sees("#build.failed", "still serving 1")
	f.build(object{"seq": 3, "number": 2, "at": begun + 4000, "ms": 840.0, "outcome": "ready", "message": "", "digest": "2e"})
	p.sees("#rows .b-ready", "build 2 ready after 840 ms")
	p.sees("#said", "Build 2 is ready")
	p.until("document.querySelector('#strip').ariaLabel.startsWith('2 requests and 3 builds between')")
	f.put(exchange(3, nil))
	p.until("[...document.querySelectorAll('#rows tr')].map((r) => r.dataset.key).join() === '3,b3,b2,2,1,b1'")
	if got := p.js("return document.querySelector('#table').ariaRowCount"); got != "7" {
		t.Errorf("rows: %s", got)
	}

	// What is not kept any more goes, and everything if another client clears.
	f.tell(object{"gone": 2})
	p.until("!document.querySelector('#r2') && document.querySelector('#r3')")
	f.tell(object{"cleared": true})
	p.sees("#empty", "No requests yet")
}

func TestExplorerPageFilters(t *testing.T) {
	f, p, ok := fakePage(t, func(f *fakeExplorer) {
		for i := range 9 {
			f.put(exchange(i+1, object{"target": fmt.Sprintf("/%s/%d", []string{"cart", "items"}[i%2], i+1)}))
		}
	})
	if !ok {
		return
	}
	p.until("document.querySelector('#r9')")
	p.press("/")
	p.write("/cart")
	p.sees("#count", "5 of 9 requests")
	p.until("!document.querySelector('#r8') && document.querySelector('#r9')")
	// Requests that come are filtered, too.
	f.put(exchange(10, object{"target": "/items/10"}))
	f.put(exchange(11, object{"target": "/cart/11"}))
	p.sees("#count", "6 of 11 requests")
	p.until("!document.querySelector('#r10') && document.querySelector('#r11')")
	p.write("wrong:x")
	p.sees("#q-help", "wrong: is no filter. use one of status:, method:")
	p.until("document.querySelector('#q').ariaInvalid === 'true'")
	p.press(keyEscape)
	p.sees("#count", "11 requests")
	p.until("!document.querySelector('#q').ariaInvalid && document.querySelector('#q').value === ''")
	p.write("nothing has this")
	p.sees("#empty", "No request matches")
	p.click("#empty button", "Show all")
	p.until("document.querySelector('#r10')")
	p.click("#q-help button", "method:POST")
	p.until("document.querySelector('#q').value === 'method:POST'")
	p.press(keyEscape)

	// A span of the axis: what is outside is not in the list.
	p.until("document.querySelector('#r1')")
	p.drag("#strip", 0.3, 0.6)
	p.sees("#undo-span", "Whole time")
	p.until("!document.querySelector('#r11') && !document.querySelector('#r1') && document.querySelector('#rows tr')")
	p.click("#undo-span", "Whole time")
	p.until("document.querySelector('#r11') && !document.querySelector('#undo-span')")
}

func TestExplorerPageGoesByKeys(t *testing.T) {
	_, p, ok := fakePage(t, func(f *fakeExplorer) {
		for i := range 200 {
			f.put(exchange(i+1, object{"stderr": "a line"}))
		}
	})
	if !ok {
		return
	}
	p.until("document.querySelector('#r200')")
	selected := func(seq int) {
		t.Helper()
		p.until(fmt.Sprintf("document.querySelector('#r%d')?.ariaSelected === 'true' && "+
			"document.querySelector('#table').getAttribute('aria-activedescendant') === 'r%d'", seq, seq))
		p.sees("#heading", fmt.Sprintf("/items/%d", seq))
	}
	p.press("j")
	selected(200)
	p.until("document.activeElement.id === 'table'")
	p.press("j", "j")
	selected(198)
	p.press("k")
	selected(199)
	p.press(keyDown)
	selected(198)
	p.press("G")
	selected(1)
	p.until("document.querySelector('#r1').getBoundingClientRect().bottom <= innerHeight + 1")
	p.press("g")
	selected(200)
	p.press(keyEnter)
	p.until("document.activeElement.id === 'heading'")
	p.press("3")
	p.sees("#panel pre", "a line")
	p.press("2")
	p.sees("#panel", "Accept")
	p.js("document.querySelector('#tab-Request').focus()")
	p.press(keyRight)
	p.until("document.activeElement.id === 'tab-Output' && document.activeElement.ariaSelected === 'true'")
	p.press(keyEscape)
	p.until("document.activeElement.id === 'table'")

	// After a click, the arrows go on from there; in a narrow window the request is all there is.
	p.js("document.querySelector('#r190 td').click()")
	selected(190)
	p.until("document.activeElement.id === 'table'")
	p.press(keyDown)
	selected(189)
	p.look(t, 360, 740, "light")
	p.press(keyEnter)
	p.until("document.activeElement.id === 'heading' && !document.elementFromPoint(20, 400).closest('#requests')")
	p.press(keyEscape)
	p.until("document.activeElement.id === 'table' && document.elementFromPoint(20, 400).closest('#requests')")
	p.js("document.querySelector('#r189 td').click()")
	p.until("document.activeElement.id === 'heading'")
	p.click(".back", "Requests")
	p.look(t, 1280, 800, "light")
	p.press("g")
	selected(200)

	// Help opens over the page, and gives the focus back.
	p.press("?")
	p.sees("dialog[open] h2", "Keys and filters")
	p.press("j")
	p.press(keyEscape)
	p.until("!document.querySelector('dialog') && document.activeElement.id === 'table'")
	selected(200)

	// What can have the focus has a name; what has a role is what it should be.
	nameless := p.js(`return [...document.querySelectorAll('button, input, textarea, a, canvas, [tabindex="0"]')].filter((e) => e.checkVisibility() &&
		!(e.textContent.trim() || e.ariaLabel || e.title || e.labels?.length || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML).join('\n')`)
	if nameless != "" {
		t.Errorf("without a name: %s", nameless)
	}
	// The list is one for assistive technology, too, though its rows are laid out by themselves.
	roles := map[string]int{}
	for _, n := range p.command(t, "Accessibility.getFullAXTree", object{}).(object)["nodes"].([]any) {
		if role, ok := n.(object)["role"].(object); ok && n.(object)["ignored"] == false {
			roles[fmt.Sprint(role["value"])]++
		}
	}
	rows := roles["row"] - 1 // the head is one
	if roles["grid"] != 1 || roles["columnheader"] != 5 || rows < 10 || roles["gridcell"] != 5*rows || roles["status"] == 0 {
		t.Errorf("roles: %v", roles)
	}
	for selector, want := range map[string]string{
		"#table": "grid", "#said": "status", "form": "search", "#strip": "img", ".actions": "toolbar", "#panel": "tabpanel",
	} {
		if got := p.js(fmt.Sprintf("return document.querySelector(%q).getAttribute('role')", selector)); got != want {
			t.Errorf("%s has the role %s, want %s", selector, got, want)
		}
	}
}

func TestExplorerPageActs(t *testing.T) {
	secret := object{"name": "Authorization", "value": "", "secret": true}
	f, p, ok := fakePage(t, func(f *fakeExplorer) {
		for i := range 3 {
			d := exchange(i+1, object{"method": "POST", "request": message("application/json", `{"name": "Ada"}`, field("Accept", "*/*"), secret)})
			d["revealed"] = exchange(i+1,
				object{"request": message("application/json", `{"name": "Ada"}`, field("Accept", "*/*"),
					field("Authorization", "Bearer hunter2"))})
			f.put(d)
		}
		f.compared = object{"same": false, "text": "status\n- 200\n+ 404\n", "differences": []object{
			{"place": "status", "kind": "changed", "a": "200", "b": "404"}, {"place": "header x-new", "kind": "added", "a": "", "b": "1"},
		}}
	})
	if !ok {
		return
	}
	p.until("document.querySelector('#r3')")
	p.press("g")
	p.sees("#heading", "/items/3")
	called := func(begin, has string) {
		t.Helper()
		await(t, begin+" "+has, func() bool { return f.called(begin, has) })
	}

	// A secret is shown by a click, and only that one.
	p.press("2")
	p.until("!document.body.textContent.includes('hunter2')")
	p.click("#panel .reveal", "Show")
	p.sees("#panel td", "Bearer hunter2")

	p.press("r")
	called("POST requests/3/send {}", "")
	p.sees("#heading", "/items/3")
	p.until("document.querySelector('#r4').ariaSelected === 'true'")
	p.sees(".facts", "sent again from 3")

	// What was not edited is not sent; a masked value stays what it was.
	p.press("e")
	p.until("document.querySelector('#edit-headers').value.includes('Authorization: ••••')")
	p.js("document.querySelector('#edit-target').focus()")
	p.write("/other?x=1")
	p.js("document.querySelector('#edit-headers').focus(); document.activeElement.setSelectionRange(0, 0)")
	p.press("X", "-", "A", ":", "1", keyEnter)
	p.click("dialog button", "Send")
	called("POST requests/4/send",
		`{"target":"/other?x=1","headers":[{"name":"X-A","value":"1"},{"name":"Accept","value":"*/*"},{"name":"Authorization","value":"","secret":true}]}`)
	p.until("document.querySelector('#r5').ariaSelected === 'true' && !document.querySelector('dialog')")
	p.sees("#heading", "/items/3")
	p.press("e")
	p.until("document.activeElement.id === 'edit-body'")
	p.write("changed")
	p.press(keyTab)
	p.click("dialog button", "Send")
	called("POST requests/5/send", `{"body":"changed"}`)
	p.until("document.querySelector('#r6').ariaSelected === 'true' && !document.querySelector('dialog')")

	// The clipboard, if the browser allows it, or a place to copy from.
	p.command(t, "Browser.grantPermissions", object{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}})
	p.press("c")
	p.sees(".toast", "The curl command is on the clipboard")
	clipboard := func() string {
		return fmt.Sprint(p.ask(t, http.MethodPost, "/execute/async",
			object{"script": "navigator.clipboard.readText().then(arguments[0], (e) => arguments[0](String(e)))", "args": []any{}}))
	}
	if got := clipboard(); !strings.HasPrefix(got, "curl ") || strings.Contains(got, "hunter2") {
		t.Errorf("the clipboard has %q", got)
	}
	p.click(".toast button", "Copy with secrets")
	await(t, "the secrets", func() bool { return strings.Contains(clipboard(), "hunter2") })
	p.command(t, "Browser.setPermission", object{"permission": object{"name": "clipboard-write"}, "setting": "denied"})
	p.press("c")
	p.until("document.querySelector('dialog textarea')?.value.startsWith('curl ')")
	p.press(keyEscape)
	p.until("!document.querySelector('dialog')")

	p.press("s")
	p.sees("dialog", "It goes to fixtures")
	p.write("taken")
	p.press(keyEnter)
	p.sees("dialog [role=alert]", "fixtures/taken.hurl is there already. choose another name")
	p.write("mine")
	p.press(keyEnter)
	called("POST requests/6/fixture", `{"file":"mine.hurl"}`)
	p.sees(".toast", "Saved as fixtures/0001-get.hurl")
	p.sees(".toast", "the body was cut")

	// Comparing: with one that is chosen, and with the one that was sent again.
	p.press("d")
	p.sees("#comparing", "choose a request")
	p.until("document.activeElement.id === 'table'")
	p.press("j", "j", keyEnter)
	p.sees("#heading", "2 differences")
	p.sees(".differences td.a", "200")
	p.sees(".differences td.b", "404")
	p.sees(".differences th", "only in B")
	p.click("[aria-pressed]", "Unified")
	p.sees(".unified .b", "+ 404")
	p.press(keyEscape)
	p.sees("#heading", "/items/3")
	p.until("document.querySelector('#comparing').hidden")
	p.click(".facts button", "compare")
	p.sees("#heading", "2 differences")
	p.press(keyEscape)
	p.press("d", keyEscape)
	p.until("document.querySelector('#comparing').hidden")

	p.click("#clear", "Clear")
	p.sees("dialog", "Forget 6 requests?")
	p.press(keyEnter)
	called("DELETE requests", "")
	p.sees("#empty", "No requests yet")
	p.sees("#detail", "Select a request")
}

func TestExplorerPageSaysWhyNothingComes(t *testing.T) {
	f := newFakeExplorer(t)
	p, ok := openExplorer(t, f.URL+"/__wasihttp/")
	if !ok {
		return
	}
	p.sees("#notice h2", "Open the explorer from wasihttp")
	p.js("location.hash = '#token=wrong'")
	p.sees("#notice h2", "another run of wasihttp")
	p.js("location.hash = '#token=" + fakeToken + "'")
	p.sees("#empty", "No requests yet")
	p.until("document.querySelector('#notice').hidden && location.hash === ''")
	f.put(exchange(1, nil))
	p.sees("#r1", "/items/1")

	// A connection that ends is made again, and what came meanwhile is there.
	f.mu.Lock()
	f.requests[2] = exchange(2, nil)
	f.mu.Unlock()
	f.cut()
	p.sees("#r2", "/items/2")
	p.sees("#link", "Live")

	// A server that is gone.
	p.js("window.kept = window.fetch; window.fetch = () => Promise.reject(new TypeError('gone'))")
	f.cut()
	p.sees("#link", "wasihttp is gone, next try in")
	p.sees("#said", "wasihttp is gone")
	p.until("document.querySelector('#r2')")
	p.press("g")
	p.sees("#detail", "wasihttp does not respond")
	p.until("parseInt(document.querySelector('#link span').textContent.match(/\\d+/)?.[0]) >= 2")
	p.js("window.fetch = window.kept")
	p.click("#link button", "Try now")
	p.sees("#link", "Live")

	// Another run: what was there stays to be read.
	f.mu.Lock()
	f.token = "another"
	f.mu.Unlock()
	f.cut()
	p.sees("#notice h2", "another run of wasihttp")
	p.until("document.querySelector('#r2') && !document.body.classList.contains('blank')")
	p.open(t, f.URL+"/__wasihttp/")
	p.sees("#notice h2", "Open the explorer from wasihttp")

	// A page of the component has put a script between this page and the server.
	p.open(t, f.URL+"/worker.js")
	p.js("navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => { window.registered = true })")
	p.until("registered")
	p.open(t, f.URL+"/__wasihttp/#token=another")
	p.sees("#notice h2", "A service worker of the component reads along")
	p.sees("#notice code", "//localhost:")
	p.click("#notice button", "Connect anyway")
	p.sees("#link", "Live")
}
