package testrunner

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

const threeEntries = "# the first\nGET http://localhost/1\nHTTP 200\n[Captures]\na: body\n\n" +
	"# the second\nGET http://localhost/2\n\n\nGET http://localhost/3\n"

func TestLinesNameTheEntriesThatAreThere(t *testing.T) {
	t.Chdir(t.TempDir())
	source := Parse("a.hurl", []byte(threeEntries))
	for path, want := range map[string]string{
		"a.hurl":      "1 2 3",
		"a.hurl:1":    "1",
		"a.hurl:2":    "1",
		"a.hurl:5":    "1",
		"a.hurl:7":    "1 2", // with the first, which has captures
		"a.hurl:8":    "1 2",
		"a.hurl:11":   "1 3",
		"a.hurl:2-8":  "1 2",
		"a.hurl:8-99": "1 2 3",
		"a.hurl:99":   "a.hurl has no entry at 99; entries are at 2, 8, 11",
	} {
		file, lines, ok := CutLines(path)
		s := &Selection{}
		if ok {
			s.Places = map[string][]Lines{file: {lines}}
		}
		var got []string
		for _, e := range s.Entries(file, source.File.Entries) {
			url := e.Request.URL.String()
			got = append(got, url[len(url)-1:])
		}
		if err := s.Misplaced(source); err != nil {
			got = append(got, err.Error())
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: got %s, want %s", path, text, want)
		}
	}
}

func TestAFileMayHaveANameThatLooksLikeAPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("b", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a.hurl", "a:b", `C:\a.hurl`, ":3", "a.hurl:0", "a.hurl:4-2", "a.hurl:1-"} {
		if file, _, ok := CutLines(path); ok || file != path {
			t.Errorf("%s: got %s", path, file)
		}
	}
	if err := os.WriteFile("c:3", nil, 0o600); err == nil { // Windows has no such names
		if _, _, ok := CutLines("c:3"); ok {
			t.Error("c:3, which is there, was taken for line 3 of c")
		}
	}
}

func TestEntriesOfAnArchiveAreNamedByNumber(t *testing.T) {
	source := Parse("a.hurl", []byte(threeEntries))
	hurl.SetNumbers(source.File, []int{2, 5, 9})
	s := &Selection{Places: map[string][]Lines{"a.hurl": {{5, 5}}}}
	picked := s.picks("a.hurl", source.File.Entries)
	if picked[0] || !picked[1] || picked[2] {
		t.Errorf("got %v", picked)
	}
	r := &Result{Entry: source.File.Entries[1]}
	if at := r.Place("a.har"); at != "a.har:5" {
		t.Errorf("got %s", at)
	}
}

func TestAnEntryThatNeedsCookiesIsNamedWithThoseBefore(t *testing.T) {
	source := Parse("a.hurl", []byte(threeEntries))
	r := &Result{Entry: source.File.Entries[2], Request: &Request{Remembered: true}}
	if at := r.Place("a.hurl"); at != "a.hurl:1-11" {
		t.Errorf("got %s", at)
	}
	if r.Place(Stdin) != "" {
		t.Error("an entry of standard input has a place")
	}
}

func TestShardsTakeAboutTheSameTime(t *testing.T) {
	seconds := map[string]time.Duration{"a": 9, "b": 4, "c": 4, "d": 1}
	var sources []*Source
	for _, name := range []string{"a", "b", "c", "d", "new"} {
		text := "GET http://localhost/\n"
		if name == "new" {
			text = strings.Repeat(text, 2)
		}
		sources = append(sources, Parse(name, []byte(text)))
	}
	s := Selection{Shards: 2, Times: func(path string) (time.Duration, bool) {
		d, ok := seconds[path]
		return d * time.Second, ok
	}}
	var got []string
	for s.Shard = 1; s.Shard <= s.Shards; s.Shard++ {
		var names []string
		for _, source := range s.Files(sources) {
			names = append(names, source.Path)
		}
		got = append(got, strings.Join(names, " "))
	}
	// An entry takes 4.5 seconds where it was measured, so the new file takes 9.
	if text := strings.Join(got, "; "); text != "a b d; c new" && text != "a b; c d new" {
		t.Errorf("got %s", text)
	}
}
