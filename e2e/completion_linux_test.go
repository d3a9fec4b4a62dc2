package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shellsVariable names shells beside bash, separated by spaces, in which completion is tested.
const shellsVariable = "WASIHTTP_E2E_SHELLS"

// completers are programs for shells that print what completes the line in $LINE, one on each
// line, once the script of wasihttp has been read.
var completers = map[string]string{
	"bash": `source <("$PROGRAM" completion bash)
		COMP_LINE=$LINE; COMP_POINT=${#LINE}
		# What readline makes of a line, which breaks words at = and :, too.
		COMP_WORDS=(); word=
		for ((i = 0; i < ${#LINE}; i++)); do
			c=${LINE:i:1}
			case $c in
			' ') [[ $word ]] && COMP_WORDS+=("$word"); word= ;;
			[=:]) [[ $word && $word != [=:] ]] && COMP_WORDS+=("$word"); word=$c ;;
			*) [[ $word == [=:] ]] && COMP_WORDS+=("$word") && word=; word+=$c ;;
			esac
		done
		COMP_WORDS+=("$word"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_wasihttp; printf '%s\n' "${COMPREPLY[@]}"`,
	"zsh": `compdef() { :; }
		compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- "$@"; }
		compset() { words[CURRENT]=${words[CURRENT]#*=}; }
		_files() {
			local pattern='*'; [[ $1 == -g ]] && pattern=$2
			[[ $1 == -/ ]] || print -l -- ${words[CURRENT]}${~pattern}(N.)
			print -l -- ${words[CURRENT]}*(N/)
		}
		source <("$PROGRAM" completion zsh)
		words=("${(@s: :)LINE}"); CURRENT=$#words; _wasihttp`,
	"fish": `"$PROGRAM" completion fish | source; complete -C "$LINE" | string replace -r '\t.*' ''; true`,
}

func TestShellsCompleteWords(t *testing.T) {
	shells := append([]string{"bash"}, strings.Fields(os.Getenv(shellsVariable))...)
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) { testCompletion(t, shell) })
	}
}

func testCompletion(t *testing.T, shell string) {
	folder := t.TempDir()
	for _, name := range []string{"app.wasm", "my app.wasm", "notes.txt", "a.hurl", "settings.toml", "other.json", "build/inner.wasm"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		line string
		all  bool // whether there is nothing but want
		want []string
		not  string
	}{
		{line: "wasihttp ins", all: true, want: []string{"inspect"}},
		{line: "wasihttp ", want: []string{"serve", "test", "completion"}, not: "__complete"},
		{line: "wasihttp serve --log-f", all: true, want: []string{"--log-format"}},
		{line: "wasihttp serve --log-format ", all: true, want: []string{"text", "json"}},
		{line: "wasihttp serve --log-format j", all: true, want: []string{"json"}},
		{line: "wasihttp serve app.wasm --error-pages ", all: true, want: []string{"auto", "full", "brief"}},
		{line: "wasihttp serve --env A=1 --log-format t", all: true, want: []string{"text"}},
		{line: "wasihttp serve --addr 127.0.0.1:0 --error-pages f", all: true, want: []string{"full"}},
		{line: "wasihttp serve --addr :8080 --error-pages f", all: true, want: []string{"full"}},
		{line: "wasihttp test --isolate ", all: true, want: []string{"none", "file", "entry"}},
		{line: "wasihttp test --upstream-mode n", all: true, want: []string{"none", "new"}},
		{line: "wasihttp serve --log-format=j", all: true, want: []string{"json"}},
		{line: "wasihttp serve ", want: []string{"app.wasm", "build"}, not: "notes.txt"},
		{line: "wasihttp serve a", all: true, want: []string{"app.wasm"}},
		{line: "wasihttp serve my", all: true, want: []string{"my app.wasm"}},
		{line: "wasihttp serve --plug a", all: true, want: []string{"app.wasm"}},
		{line: "wasihttp serve --dir ", all: true, want: []string{"build"}},
		{line: "wasihttp serve --config-file ", want: []string{"settings.toml", "build"}, not: "app.wasm"},
		{line: "wasihttp test ", want: []string{"a.hurl", "build"}, not: "app.wasm"},
		{line: "wasihttp test --component ", want: []string{"app.wasm"}, not: "a.hurl"},
		{line: "wasihttp run app.wasm no", all: true, want: []string{"notes.txt"}},
		{line: "wasihttp merge-reports o", all: true, want: []string{"other.json"}},
		{line: "wasihttp config ", all: true, want: []string{"serve", "test", "run", "review"}},
		{line: "wasihttp config test --isolate f", all: true, want: []string{"file"}},
		{line: "wasihttp completion f", all: true, want: []string{"fish"}},
		{line: "wasihttp new --lang ru", all: true, want: []string{"rust"}},
		{line: "wasihttp new --world 0.", all: true, want: []string{"0.2", "0.3"}},
	} {
		got := completions(t, shell, folder, tt.line)
		for _, word := range tt.want {
			if !slices.Contains(got, word) {
				t.Errorf("%q: %q is missing: %q", tt.line, word, got)
			}
		}
		if tt.all && len(got) != len(tt.want) || tt.not != "" && slices.Contains(got, tt.not) {
			t.Errorf("%q: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

// completions returns what completes a line in a shell, without slashes at the ends of folders and,
// since not every shell repeats it, without the flag before an equals sign.
func completions(t *testing.T, shell, folder, line string) []string {
	t.Helper()
	flags := map[string][]string{"bash": {"--noprofile", "--norc"}, "zsh": {"-f"}, "fish": {"--no-config"}}[shell]
	command := exec.CommandContext(limited(t), shell, append(flags, "-c", completers[shell])...)
	command.Dir = folder
	bin := filepath.Dir(os.Getenv(builtVariable))
	command.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"PROGRAM="+os.Getenv(builtVariable), "LINE="+line, "HOME="+folder)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %q: %v\n%s", shell, line, err, out)
	}
	var words []string
	for word := range strings.Lines(string(out)) {
		word = strings.TrimSuffix(strings.TrimSpace(word), "/")
		if flag, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(flag, "-") {
			word = value
		}
		if word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}
