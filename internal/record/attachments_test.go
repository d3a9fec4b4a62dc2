package record

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/serve"
)

// upload is a request whose form sends a file.
func upload(target, name, contentType, content string, more ...string) serve.Recorded {
	body := "--XyZ1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"" + name +
		"\"\r\nContent-Type: " + contentType + "\r\n\r\n" + content + "\r\n"
	return serve.Recorded{
		Method: "POST", Host: "localhost", Target: target, Status: 200,
		Header: http.Header{"Content-Type": {"multipart/form-data; boundary=XyZ1"}},
		Body:   []byte(body + form("XyZ1", more...)), ResponseBody: []byte("ok"),
	}
}

// Files of forms stand beside the fixture with their names; where that cannot be, the body stays as
// it is.
func TestFilesOfFormsStandBesideTheFixture(t *testing.T) {
	const secret = "s3cr3ts3cr3ts3cr3ts3cr3t"
	for _, session := range []bool{false, true} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "there.txt"), []byte("another"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{Dir: dir, Say: func(string) {}}
		if session {
			o = Options{Session: filepath.Join(dir, "s.hurl"), Say: func(string) {}}
		}
		r, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []serve.Recorded{
			upload("/one", "photo.png", "image/png", "\x89PNG\x00\xff", "name", "Ada"),
			upload("/two", "a b;c.dat", "application/x-own", "password: "+secret+"\n"),
			upload("/same", "photo.png", "image/jpeg", "\x89PNG\x00\xff"),
			upload("/other", "photo.png", "image/png", "another one"),
			upload("/there", "there.txt", "text/plain", "new"),
			upload("/outside", "../x.txt", "text/plain", "new"),
			upload("/fixture", "x.hurl", "text/plain", "new"),
			upload("/device", "CON.txt", "text/plain", "new"),
		} {
			r.Record(x)
		}
		// Only now is it known to be a secret.
		r.Record(serve.Recorded{
			Method: "GET", Host: "localhost", Target: "/me", Status: 200,
			Header: http.Header{"Authorization": {"Bearer " + secret}},
		})
		r.Close()
		all := contents(t, dir)
		text := ""
		for name, content := range all {
			if strings.Contains(content, secret) {
				t.Errorf("%s has a secret:\n%s", name, content)
			}
			if strings.HasSuffix(name, ".hurl") {
				text += content
				if _, errs := hurl.Parse(name, []byte(content)); len(errs) > 0 {
					t.Errorf("%s: %s", name, errs[0].Render())
				}
			}
		}
		for _, want := range []string{
			"f: file,photo.png; image/png\nname: Ada\n", "f: file,a\\ b\\;c.dat; application/x-own\n",
			"f: file,photo.png; image/jpeg\n",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("session %v: no %q in\n%s", session, want, text)
			}
		}
		if n := strings.Count(text, "boundary=XyZ1"); n != 5 {
			t.Errorf("session %v: %d bodies are as they were sent, want 5:\n%s", session, n, text)
		}
		for name, want := range map[string]string{
			"photo.png": "\x89PNG\x00\xff", "there.txt": "another", "a b;c.dat": "password: REDACTED\n",
		} {
			if all[name] != want {
				t.Errorf("session %v: %s holds %q", session, name, all[name])
			}
		}
		if n := 0; !session {
			for name := range all {
				if !strings.HasSuffix(name, ".hurl") {
					n++
				}
			}
			if n != 3 {
				t.Errorf("%d files", n)
			}
		}
	}
}
