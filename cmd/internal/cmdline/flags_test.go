package cmdline

import (
	"slices"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestValuesOfListsAreKeptAsTheyAre(t *testing.T) {
	var list cli.StringSlice
	var text string
	verbose, retry := false, Count(2)
	b := &Flags{}
	b.List("env", &list, "set `NAME=VALUE`")
	b.Text("name", &text, "", "be `NAME`")
	b.Group("Others")
	b.Toggle("verbose", &verbose, "say more", "v")
	b.Value("retry", &retry, "try `NUMBER` times")
	app := &cli.App{Flags: b.All(), DisableSliceFlagSeparator: true, Action: func(*cli.Context) error { return nil }}
	args := []string{"app", "--env", "A=1, 2 ", "--env=B= ", "--name", " x", "-v", "--retry", "3"}
	if err := app.Run(args); err != nil {
		t.Fatal(err)
	}
	if got := list.Value(); !slices.Equal(got, []string{"A=1, 2 ", "B= "}) {
		t.Errorf("%q", got)
	}
	if text != " x" || !verbose || retry != 3 {
		t.Errorf("%q, %v, %d", text, verbose, retry)
	}
}

func TestFlagsOfAnotherListCanBeDescribedAnew(t *testing.T) {
	count, quiet := Count(1), false
	all := &Flags{}
	all.Value("count", &count, "count to `NUMBER`")
	all.Toggle("quiet", &quiet, "say less")
	all.Toggle("other", new(bool), "do more")
	b := &Flags{}
	b.Pick(all.All(), "quiet", "count")
	b.Describe("count", "stop after `NUMBER`")
	b.Describe("quiet", "say nothing")
	var got []string
	for _, f := range Groups(b.All())[0].Flags {
		got = append(got, f.Term+": "+f.Text)
	}
	want := []string{"--count NUMBER: stop after NUMBER (default: 1)", "--quiet: say nothing", "--help, -h: show this help"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
