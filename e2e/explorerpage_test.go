package e2e

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
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
	png, err := base64.StdEncoding.DecodeString(b.ask(t, http.MethodGet, "/screenshot", nil).(string))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
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
	keyTab    = "\ue004"
)
