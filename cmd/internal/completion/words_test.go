package completion

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

// line is the command line of a small program.
func line() Line {
	word := cmdline.Choice{Value: "low", Of: []string{"low", "high"}}
	do := &cmdline.Flags{}
	do.Toggle("quiet", new(bool), "say less", "q")
	do.Text("name", new(string), "", "be `NAME`")
	do.List("plug", new(cli.StringSlice), "with `DEP.wasm`")
	do.Value("level", &word, "at `LEVEL`")
	do.Text("lang", new(string), "", "in `LANGUAGE`")
	do.Text("into", new(string), "", "into `FOLDER`")
	return Line{
		App: &cli.App{
			Flags: []cli.Flag{&cli.BoolFlag{Name: "deep"}},
			Commands: []*cli.Command{
				{Name: "do", UsageText: "app do [flags] [COMPONENT]", Flags: do.All()},
				{Name: "start", UsageText: "app start COMPONENT [ARGUMENTS…]", Flags: do.All()},
				{Name: "all", UsageText: "app all PATH…"},
				{Name: "show", UsageText: "app show [COMMAND]"},
				{Name: "more", Subcommands: []*cli.Command{{Name: "one"}, {Name: "other"}}},
				{Name: "aside", Hidden: true},
			},
		},
		Values: map[string][]string{"LANGUAGE": {"rust", "go"}},
		Runs:   "start", Nested: "show", Inner: []string{"do"},
	}
}

// TestWordsAreThoseThatMayFollow has the line up to the word that is completed, which is after the
// last space.
func TestWordsAreThoseThatMayFollow(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "do start all show more",
		"s":                         "start show",
		"--":                        "--deep --help",
		"do ":                       ":files .wasm .wat",
		"do a.wasm ":                "",
		"do --":                     "--quiet --name --plug --level --lang --into --help",
		"do -":                      "--quiet -q --name --plug --level --lang --into --help -h",
		"do -q --":                  "--name --plug --level --lang --into --help",
		"do --plug a --pl":          "--plug",
		"do --level ":               "low high",
		"do --level h":              "high",
		"do --level=h":              "--level=high",
		"do --level=":               "--level=low --level=high",
		"do --quiet=":               "--quiet=true --quiet=false",
		"do --name ":                "",
		"do --name x --level l":     "low",
		"do --name --level --level": "--level",
		"do --lang r":               "rust",
		"do --plug ":                ":files .wasm",
		"do --into ":                ":folders",
		"do --none=":                "",
		"do -- --":                  ":files .wasm .wat",
		"start -q ":                 ":files .wasm .wat",
		"start a.wasm --":           ":files",
		"all a ":                    ":files .hurl .har",
		"show ":                     "do",
		"show do --level ":          "low high",
		"more ":                     "one other",
		"more ot":                   "other",
		"aside ":                    "",
		"none ":                     "",
	} {
		words := strings.Split(text, " ")
		last := len(words) - 1
		var got []string
		for word := range strings.Lines(line().Complete(append([]string{"=" + words[last]}, words[:last]...))) {
			word, _, _ = strings.Cut(strings.TrimSuffix(word, "\n"), "\t")
			got = append(got, word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestScriptsOfEarlierVersionsGetCommandsAndFlags(t *testing.T) {
	for text, want := range map[string]string{
		"": "do\nstart\nall\nshow\nmore\n", "do --le": "--level\n", "do": "",
	} {
		if got := line().Old(strings.Fields(text)); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}
