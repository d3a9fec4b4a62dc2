package explorer

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/packed/packedtest"
)

var update = flag.Bool("update", false, "write page.zip.gz anew, of the folder page")

func TestTheArchiveIsTheFolderPage(t *testing.T) {
	packedtest.Check(t, "page.zip.gz", os.DirFS("page"), *update)
}

// TestThePageIsSmall bounds what the page adds to the program, and to the time until it is there.
func TestThePageIsSmall(t *testing.T) {
	const most = 112 << 10
	total := 0
	for name, text := range pageParts(t) {
		total += len(text)
		if len(text) > 24<<10 {
			t.Errorf("%s has %d bytes: split it by idea", name, len(text))
		}
	}
	t.Logf("%d bytes", total)
	if total > most {
		t.Errorf("the page has %d bytes, and at most %d are allowed", total, most)
	}
}

// TestThePageTakesNoMarkupFromOthers looks for everything that makes markup or code from text, and
// for what its policy forbids.
func TestThePageTakesNoMarkupFromOthers(t *testing.T) {
	markup := regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|` +
		`createContextualFragment|DOMParser|setHTML|srcdoc|\beval\(|new Function|javascript:|` +
		`setAttribute\('on|localStorage|sessionStorage|document\.cookie|postMessage`)
	inline := regexp.MustCompile(`(?is)<script(?:\s[^>]*)?>[^<]|<style|\sstyle=|\son[a-z]+=`)
	remote := regexp.MustCompile(`(?i)(?:src|href|from|import)\W{0,3}(?:https?:)?//[^\s'"]+`)
	for name, text := range pageParts(t) {
		if found := markup.FindString(text); found != "" {
			t.Errorf("%s has %q", name, found)
		}
		if found := remote.FindString(text); found != "" {
			t.Errorf("%s loads something from elsewhere: %q", name, found)
		}
		if found := inline.FindString(text); path.Ext(name) == ".html" && found != "" {
			t.Errorf("%s has something inline: %q", name, found)
		}
	}
}

// TestThePageHasAllItsParts follows the names of modules, and asks the server for each.
func TestThePageHasAllItsParts(t *testing.T) {
	e := New(t.Context(), Options{})
	named := regexp.MustCompile(`(?:from '\./|src="|href=")([a-z]+\.(?:js|css))['"]`)
	parts, used := pageParts(t), map[string]bool{"index.html": true}
	for name, text := range parts {
		for _, found := range named.FindAllStringSubmatch(text, -1) {
			used[found[1]] = true
			if w := ask(e, "GET", Prefix+found[1], nil); w.Code != 200 {
				t.Errorf("%s names %s, which gets status %d", name, found[1], w.Code)
			}
		}
	}
	for name := range parts {
		if !used[name] {
			t.Errorf("%s is used by nothing", name)
		}
	}
	for name, media := range map[string]string{"": "text/html", "app.js": "text/javascript", "app.css": "text/css"} {
		w := ask(e, "GET", Prefix+name, nil)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, media) {
			t.Errorf("%q has the type %q, want %s", name, got, media)
		}
	}
}

// pageParts are the files of the page.
func pageParts(t *testing.T) map[string]string {
	t.Helper()
	parts := map[string]string{}
	err := fs.WalkDir(page(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(page(), name)
		parts[path.Base(name)] = string(text)
		return err
	})
	if err != nil || len(parts) == 0 {
		t.Fatalf("no page: %v", err)
	}
	return parts
}
