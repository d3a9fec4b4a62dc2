package testrunner_test

import (
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

func TestAFixtureAsksForANewInstance(t *testing.T) {
	const fresh = "# @instance new\n"
	for name, tt := range map[string]struct {
		texts []string
		want  string
	}{
		"an entry, and those after it go on in it": {[]string{get + "\n" + get + "\n" + fresh + get + "\n" + get}, "1 2 1 2"},
		"each entry of a file":                     {[]string{get, fresh + "\n" + get + "\n" + get, get}, "1 1 1 2"},
	} {
		h := &fakeHost{response: counter}
		files, _ := run(t, h, testrunner.Options{}, parse(t, tt.texts...))
		if got := bodies(files); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestAnInstanceEndsWithTheFileWhoseWorldItIsIn(t *testing.T) {
	h := &fakeHost{}
	most := 0
	h.response = func(int, *testrunner.Request) *testrunner.Response {
		h.mu.Lock()
		defer h.mu.Unlock()
		most = max(most, h.open)
		return text(200, "")
	}
	run(t, h, testrunner.Options{}, parse(t,
		"# @random-seed 1\n\n"+get, "# @random-seed 2\n\n"+get, "# @random-seed 3\n\n"+get))
	if most != 1 {
		t.Errorf("%d instances at once", most)
	}
}

func TestANewInstanceBeginsInTheWorldOfItsEntry(t *testing.T) {
	h := &fakeHost{response: func(_ int, r *testrunner.Request) *testrunner.Response {
		if r.Seed != nil {
			return text(200, "its own numbers")
		}
		return text(200, "")
	}}
	files, _ := run(t, h, testrunner.Options{}, parse(t,
		"# @random-seed 1\n\n"+get+"\n# @instance new\n# @random-seed 2\n"+get+"\n"+get))
	want := []testrunner.Spec{
		{World: testrunner.World{Seed: 1, Seeded: true}},
		{World: testrunner.World{Seed: 2, Seeded: true}},
	}
	if len(h.opened) != 2 || h.opened[0] != want[0] || h.opened[1] != want[1] {
		t.Errorf("opened %+v", h.opened)
	}
	if got := bodies(files); got != "  " {
		t.Errorf("got %q", got)
	}
}
