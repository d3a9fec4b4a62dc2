package config

import (
	"flag"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

func list(usage string) cli.Flag { return &cli.StringSliceFlag{Name: "x", Usage: usage} }

func TestValuesAreWrittenAsOnTheCommandLine(t *testing.T) {
	flag := func(v cli.Generic, usage string) cli.Flag {
		return &cli.GenericFlag{Name: "x", Value: v, Usage: usage}
	}
	toggle := &cli.BoolFlag{Name: "x"}
	text := &cli.StringFlag{Name: "x", Usage: "a `HOST`"}
	number := flag(new(cmdline.Count), "a `NUMBER`")
	span := flag(new(cmdline.Span), "a `TIME`")
	either := flag(new(cmdline.Shuffle), "`[=SEED]`")
	pairs := list("set `NAME=VALUE`")
	type table = map[string]any
	for _, tt := range []struct {
		flag  cli.Flag
		value any
		want  []string // nil for the wrong type
	}{
		{toggle, true, []string{"true"}}, {toggle, false, []string{"false"}},
		{toggle, "true", nil}, {toggle, int64(1), nil},
		{text, "a", []string{"a"}}, {text, int64(1), nil}, {text, true, nil}, {text, []any{"a"}, nil},
		{number, int64(7), []string{"7"}}, {number, "7", nil}, {number, 7.5, nil},
		{span, "5s", []string{"5s"}}, {span, int64(5), nil},
		{either, true, []string{"true"}}, {either, int64(9), []string{"9"}}, {either, "9", nil},
		{list("a `HOST`"), "a", []string{"a"}}, {list("a `HOST`"), []any{"a", "b"}, []string{"a", "b"}},
		{list("a `HOST`"), []any{"a", int64(1)}, nil}, {list("a `HOST`"), table{"a": "b"}, nil},
		{list("a `HOST`"), []any{}, []string{}},
		{pairs, []any{"A=1", "B"}, []string{"A=1", "B"}},
		{pairs, table{"B": int64(2), "A": "x=y", "C": true}, []string{"A=x=y", "B=2", "C=true"}},
		{pairs, table{"A": 3.10}, nil}, {pairs, table{"A": table{}}, nil},
		{pairs, table{"A=B": "c"}, nil}, {pairs, table{"": "c"}, nil},
	} {
		k, err := kindOf(tt.flag)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := k.texts(tt.value)
		if ok != (tt.want != nil) || ok && !slices.Equal(got, tt.want) {
			t.Errorf("%v for %v: %q, %v; want %q", tt.value, k, got, ok, tt.want)
		}
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	up := filepath.Join("..", "p")
	for _, tt := range []struct{ usage, value, want string }{
		{"read `FILE`", "a.txt", filepath.Join(up, "a.txt")},
		{"read `FILE`", "../a.txt", filepath.Join("..", "a.txt")},
		{"read `FILE`", "/a.txt", "/a.txt"},
		{"read `FILE`", "", ""},
		{"give `HOST[::GUEST][:ro]`", "d", filepath.Join(up, "d") + "::d"},
		{"give `HOST[::GUEST][:ro]`", "d:ro", filepath.Join(up, "d") + "::d:ro"},
		{"give `HOST[::GUEST][:ro]`", "d::/x:ro", filepath.Join(up, "d") + "::/x:ro"},
		{"give `HOST[::GUEST][:ro]`", "/d::/x", "/d::/x"},
		{"give `HOST[::GUEST][:ro]`", ".::/", up + "::/"},
	} {
		k, err := kindOf(list(tt.usage))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.resolve(up, tt.value); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.usage, tt.value, got, tt.want)
		}
	}
}

func TestAFlagOfAnUnknownKindIsAnError(t *testing.T) {
	for _, f := range []cli.Flag{
		list("a `NOVELTY`"), list("no name"), &cli.Float64Flag{Name: "x", Usage: "a `NUMBER`"},
	} {
		if k, err := kindOf(f); err == nil {
			t.Errorf("%T %q is %v", f, usageOf(f), k)
		}
	}
}

// TestThePatternsOfTheSchemaTakeWhatFlagsTake compares them with the parsers of the flags.
func TestThePatternsOfTheSchemaTakeWhatFlagsTake(t *testing.T) {
	for _, text := range []string{
		"", "0", "5", "5s", "1.5h", ".5s", "1.s", "1h30m", "500ms", "3µs", "5 s", "5 parsecs", "-1s", "s",
		"1", "64MiB", "64 MiB", "1.5g", "2kb", "7b", "10 KB", "64M iB", "MiB", "64PiB", "-1k", "12ki", "5x",
	} {
		for flag, pattern := range map[flag.Value]string{
			new(cmdline.Span): spanPattern, new(cmdline.Size): sizePattern,
		} {
			// A size is more than 0, which no pattern says.
			want := flag.Set(text) == nil || text == "0"
			if got := regexp.MustCompile(pattern).MatchString(text); got != want {
				t.Errorf("%T %q: %v by the pattern, want %v", flag, text, got, want)
			}
		}
	}
}
