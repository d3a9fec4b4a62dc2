package record

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/serve"
)

// secretFor returns a value that looks like a secret.
func secretFor(i int) string { return fmt.Sprintf("tok_%d_0123456789abcdef", i) }

// shows is an exchange whose response holds a value without a name.
func shows(value string) serve.Recorded {
	return serve.Recorded{
		Method: "GET", Host: "localhost", Target: "/shows", Status: 200,
		ResponseBody: []byte("see " + value),
	}
}

// uses is an exchange that tells by a name that a value is secret.
func uses(value string) serve.Recorded {
	return serve.Recorded{
		Method: "GET", Host: "localhost", Target: "/uses", Status: 200,
		Header: http.Header{"Authorization": {"Bearer " + value}},
	}
}

func TestSecretsFoundLaterAreHiddenInEarlierFixtures(t *testing.T) {
	dir := t.TempDir()
	said := recorded(t, dir, shows(secretFor(1)), uses(secretFor(1)), shows(secretFor(1)))
	for name, text := range contents(t, dir) {
		if strings.Contains(text, secretFor(1)) || !strings.Contains(text, "REDACTED") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if want := "recorded 3 exchanges in " + dir + "\n"; said != want {
		t.Errorf("it said %q, want %q", said, want)
	}
}

func TestSecretsAreNotInFileNames(t *testing.T) {
	dir := t.TempDir()
	recorded(t, dir, serve.Recorded{
		Method: "GET", Host: "localhost", Target: "/a;jsessionid=" + secretFor(1) + "&token=swordfish", Status: 200,
	})
	for name, text := range contents(t, dir) {
		if all := name + text; strings.Contains(all, "0123456789") || strings.Contains(all, "swordfish") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// filesWith adds the fixtures of exchanges as the recorder does.
func filesWith(
	t *testing.T, dir string, s *redact.Session, limit int, list ...*fixture.Exchange,
) *files {
	t.Helper()
	f := &files{limit: limit}
	for i, x := range list {
		if s.Find(x) {
			f.mayHoldSecrets()
		}
		d := &document{list: []*fixture.Exchange{x}}
		text, path := d.render(s.Hide), filepath.Join(dir, fmt.Sprintf("%d.hurl", i))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		f.add(path, text, d)
	}
	return f
}

// exchangesOf returns what is recorded of exchanges.
func exchangesOf(t *testing.T, list ...serve.Recorded) []*fixture.Exchange {
	t.Helper()
	var out []*fixture.Exchange
	for _, x := range list {
		e, ok := (&Recorder{}).exchangeOf(&x)
		if !ok {
			t.Fatal("no exchange")
		}
		out = append(out, &e)
	}
	return out
}

func TestFixturesThatCannotBeWrittenAnewAreReported(t *testing.T) {
	dir := t.TempDir()
	large := shows(secretFor(1) + strings.Repeat(" large", 8<<10))
	s := redact.NewSession(nil)
	small := shows(secretFor(1))
	list := exchangesOf(t, large, large, small, small, uses(secretFor(1)))
	f := filesWith(t, dir, s, 64<<10, list...)
	changed, removed := filepath.Join(dir, "2.hurl"), filepath.Join(dir, "3.hurl")
	mine := "GET http://localhost/" + secretFor(1) + "\n"
	if err := os.WriteFile(changed, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(removed); err != nil {
		t.Fatal(err)
	}
	f.revise(s, true)
	said := strings.Join(f.told(), "\n")
	for _, want := range []string{
		filepath.Join(dir, "0.hurl") + ": holds a value that later turned out to be a secret",
		changed + ": was changed since it was recorded",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it said\n%s\nwithout %q", said, want)
		}
	}
	if strings.Contains(said, "3.hurl") {
		t.Errorf("it said\n%s", said)
	}
	files := contents(t, dir)
	if strings.Contains(files["1.hurl"], secretFor(1)) {
		t.Error("a file whose exchange is kept holds a secret")
	}
	if files["2.hurl"] != mine {
		t.Error("what the user wrote was replaced")
	}
	f.lines = nil
	for i := range 2 * maxTold {
		f.say("file %d", i/2)
	}
	if told := f.told(); len(told) != maxTold {
		t.Errorf("told %q", told)
	}
	f.say("one more")
	if told := f.told(); len(told) != maxTold+1 || !strings.Contains(told[maxTold], "more files") {
		t.Errorf("told %q", told)
	}
}

func TestFilesAreNotLookedThroughForEachSecret(t *testing.T) {
	dir := t.TempDir()
	s := redact.NewSession(nil)
	ballast := strings.Repeat("ballast ", (reviseFree+reviseRatio<<12)/8)
	f := filesWith(t, dir, s, maxKept, exchangesOf(t, shows(ballast), shows(secretFor(1)))...)
	f.revise(s, false)
	f.since = 0
	s.Find(exchangesOf(t, uses(secretFor(1)))[0])
	f.mayHoldSecrets()
	f.revise(s, false)
	if text := contents(t, dir)["1.hurl"]; !strings.Contains(text, secretFor(1)) {
		t.Error("much is looked through though little was recorded")
	}
	f.revise(s, true)
	if text := contents(t, dir)["1.hurl"]; strings.Contains(text, secretFor(1)) {
		t.Error("the secret is there at the end")
	}
}
