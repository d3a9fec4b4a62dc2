package settings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/internal/regular"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEachKeyHasItsLine(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), FileName), "\ufeff# a comment\r\n"+`component = "a"
serve.addr = ":0"
"serve"."quiet" = true
run = { env = { A = 1 }, timeout = "5s" }
test = { env = {
  B = "2" }, quiet = true }
[other]
x = [
  1,
]
[other.sub]
y = 2
[[list]]
z = 3
`)
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{
		"component": 2, "serve": 3, "serve.addr": 3, "serve.quiet": 4, "run": 5, "run.env": 5,
		"run.env.A": 5, "run.timeout": 5, "test.env.B": 7, "test.quiet": 7, "other": 8, "other.x": 9,
		"other.sub": 12, "other.sub.y": 13, "list": 14, "list.z": 15, "absent": 0,
	} {
		if got := f.Line(strings.Split(key, ".")...); got != want {
			t.Errorf("%s: line %d, want %d", key, got, want)
		}
	}
	if got := f.Place("other", "x"); got != path+":9" {
		t.Errorf("place %q", got)
	}
	if f.Values["component"] != "a" || len(f.Values) != 6 {
		t.Errorf("values %v", f.Values)
	}
}

func TestWhatIsNotTOMLIsReportedWithItsPlace(t *testing.T) {
	for text, line := range map[string]int{
		"a = 1\na = 2\n":           2,
		"[t]\nx = 1\n\n[t]\n":      4,
		"x =\n":                    1,
		"\n\nx = 'never closed\n":  3,
		"x = {a = 1\ny = 2":        2,
		"x\n":                      1,
		"\xff = 1\n":               1,
		"x = 01\n":                 1,
		"a = 1\n[a.b]\n":           2,
		"a = \"\x00\"\n":           1,
		"x = 99999999999999999999": 1,
	} {
		path := write(t, filepath.Join(t.TempDir(), FileName), text)
		f, err := Read(path)
		var bad *Error
		if !errors.As(err, &bad) || bad.Line != line || bad.Problem == "" {
			t.Errorf("%q: %+v, %v; want line %d", text, f, err, line)
		}
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	var kind *regular.KindError
	if _, err := Read(t.TempDir()); !errors.As(err, &kind) {
		t.Errorf("a folder: %v", err)
	}
}

func TestTheNearestFileUpToTheRepositorysRootIsFound(t *testing.T) {
	top := t.TempDir()
	repo := filepath.Join(top, "repo")
	deep := filepath.Join(repo, "a", "b")
	write(t, filepath.Join(deep, "x"), "")
	find := func(dir, want string) {
		t.Helper()
		got, err := Find(dir)
		if err != nil || got != filepath.FromSlash(want) {
			t.Errorf("found %q, %v; want %q", got, err, want)
		}
	}
	write(t, filepath.Join(top, FileName), "")
	find(deep, "") // in no repository, only the folder itself counts
	find(top, FileName)
	write(t, filepath.Join(repo, ".git", "HEAD"), "")
	find(deep, "") // the one above the root is not the repository's
	write(t, filepath.Join(repo, FileName), "")
	find(deep, "../../"+FileName)
	find(repo, FileName)
	write(t, filepath.Join(repo, "a", FileName), "")
	find(deep, "../"+FileName)
	write(t, filepath.Join(deep, ".git"), "gitdir: elsewhere")
	find(deep, "") // a worktree within the repository is one of its own
	write(t, filepath.Join(deep, FileName), "")
	find(deep, FileName)
}
