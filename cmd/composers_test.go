package cmd

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/inspect"
)

// composers are programs that put components together, by the name of the command in a composition,
// and the environment variable that says where such a program is. Without it, the test only
// compares with what is known of the components.
var composers = map[string]string{"compose": "WASIHTTP_WASM_TOOLS", "wac": "WASIHTTP_WAC"}

// composition is what is put together with a component, here and by other programs.
type composition struct {
	main         string
	plugs, chain []string
	// commands are those of another program, by its name. They read files of the current folder;
	// the last one writes out.wasm.
	commands map[string][]string
	// imports are those that are left and not of WASI, with spaces between.
	imports string
	// asks are requests, whose header follows the path, and their responses; nil if something is
	// missing.
	asks map[string]string
}

// wholeBody is the response of the component "whole" with all of its plugs to /x.
const wholeBody = `[Ok(3), Err("nothing to add"), Ok(4)]
["other!", "more", "more", "/x!", "first!", "23"] Some(["first!", "/x!", "more", "more", "other!"]) true
Ok([Line { name: "a", sizes: [6] }, Line { name: "b", sizes: [0] }])
Err("no lines")
5050
[101, 202, 103]
`

func compositions() map[string]composition {
	return map[string]composition{
		"a resource": {
			main: "greeter", plugs: []string{"words"},
			commands: map[string][]string{
				"compose": {"compose greeter.wasm -d words.wasm -o out.wasm"},
				"wac":     {"plug greeter.wasm --plug words.wasm -o out.wasm"},
			},
			asks: map[string]string{"Ada": "200 Hello, Ada!", "": "200 Hello, !"},
		},
		"two interfaces of one plug, others left": {
			main: "plain", plugs: []string{"bagger"},
			commands: map[string][]string{
				"compose": {"compose plain.wasm -d bagger.wasm -o out.wasm"},
				"wac":     {"plug plain.wasm --plug bagger.wasm -o out.wasm"},
			},
			imports: "parts:whole/left@0.1.0 parts:whole/right@0.1.0",
		},
		"plugs in plugs, which share an instance and its resources": {
			main: "whole", plugs: []string{"shelver", "righty", "lefty", "counting", "bagger"},
			commands: map[string][]string{"wac": {
				"compose whole.wac -d parts:bagger=bagger.wasm -d parts:shelver=shelver.wasm " +
					"-d parts:counting=counting.wasm -d parts:lefty=lefty.wasm " +
					"-d parts:righty=righty.wasm -d parts:whole=whole.wasm -o out.wasm",
			}},
			asks: map[string]string{"x": "200 " + wholeBody},
		},
		"two of middleware": {
			main: "hello", chain: []string{"guard", "guard2"},
			commands: map[string][]string{
				"compose": {
					"compose guard2.wasm -d hello.wasm -o in.wasm",
					"compose guard.wasm -d in.wasm -o out.wasm",
				},
				"wac": {
					"plug guard2.wasm --plug hello.wasm -o in.wasm",
					"plug guard.wasm --plug in.wasm -o out.wasm",
				},
			},
			asks: map[string]string{"": "200 Hello, world!", " X-Deny": "403 guard-1"},
		},
		"three of middleware of 0.3": {
			main: "hello-p3", chain: []string{"wrap", "wrap", "wrap"},
			commands: map[string][]string{
				"compose": {
					"compose wrap.wasm -d hello-p3.wasm -o one.wasm",
					"compose wrap.wasm -d one.wasm -o two.wasm",
					"compose wrap.wasm -d two.wasm -o out.wasm",
				},
				"wac": {
					"plug wrap.wasm --plug hello-p3.wasm -o one.wasm",
					"plug wrap.wasm --plug one.wasm -o two.wasm",
					"plug wrap.wasm --plug two.wasm -o out.wasm",
				},
			},
			asks: map[string]string{
				"": "200 Hello, world!", " X-Wrap": "200 wrapped yes yes yes Hello, world!",
			},
		},
		"middleware with a plug inside the component": {
			main: "greeter", plugs: []string{"words"}, chain: []string{"guard2"},
			commands: map[string][]string{
				"compose": {
					"compose greeter.wasm -d words.wasm -o in.wasm",
					"compose guard2.wasm -d in.wasm -o out.wasm",
				},
			},
			asks: map[string]string{"Ada": "200 Hello, Ada!", " X-Deny": "403 guard-2"},
		},
	}
}

// putComposers copies all parts into the current folder.
func putComposers(t *testing.T) {
	t.Helper()
	for name, guest := range map[string]string{
		"greeter": greeterFile, "words": wordsFile, "guard": guardFile,
		"hello": "rust-hello/rust-hello-0.2.12.wasm", "hello-p3": "rust-hello-p3/rust-hello-p3.wasm",
		"wrap": "rust-middleware-p3/rust-middleware-p3.wasm",
	} {
		putGuest(t, name+".wasm", guest, "", "")
	}
	putGuest(t, "guard2.wasm", guardFile, "guard-1", "guard-2")
	parts, err := filepath.Glob(filepath.Join(guests, "rust-parts", "*.wasm"))
	if err != nil || len(parts) < 9 {
		t.Fatalf("%q, %v", parts, err)
	}
	for _, part := range parts {
		putGuest(t, filepath.Base(part), "rust-parts/"+filepath.Base(part), "", "")
	}
	replace(t, "whole.wac", []byte(`package parts:composed;
let b = new parts:bagger { ... };
let s = new parts:shelver { bags: b.bags, sums: b.sums };
let c = new parts:counting {};
let l = new parts:lefty { counter: c.counter };
let r = new parts:righty { counter: c.counter };
let w = new parts:whole {
  bags: b.bags, sums: b.sums, shelves: s.shelves, left: l.left, right: r.right, ...
};
export w...;
`))
}

// TestTheResultIsThatOfOtherComposers also has the others put the same files together, if the
// environment says where they are, as it does in CI.
func TestTheResultIsThatOfOtherComposers(t *testing.T) {
	t.Chdir(t.TempDir())
	putComposers(t)
	for name, tt := range compositions() {
		t.Run(name, func(t *testing.T) {
			args := []string{tt.main + ".wasm"}
			for _, plug := range tt.plugs {
				args = append(args, "--plug", plug+".wasm")
			}
			for _, middleware := range tt.chain {
				args = append(args, "--chain", middleware+".wasm")
			}
			ours := lookAt(t, tt, args)
			if left := strings.Join(ours.others, " "); left != tt.imports {
				t.Errorf("imports %q are left, want %q", left, tt.imports)
			}
			if diff := cmp.Diff(tt.asks, ours.Responses); diff != "" {
				t.Errorf("responses (-want +got):\n%s", diff)
			}
			for by, commands := range tt.commands {
				program := os.Getenv(composers[by])
				if program == "" {
					continue
				}
				for _, command := range commands {
					c := exec.CommandContext(t.Context(), program, strings.Fields(command)...)
					if out, err := c.CombinedOutput(); err != nil {
						t.Fatalf("%s %s: %v\n%s", by, command, err, out)
					}
				}
				theirs := lookAt(t, tt, []string{"out.wasm"})
				if by == "wac" {
					theirs.WIT = ours.WIT // it rewrites types when it merges interfaces
				}
				if diff := cmp.Diff(theirs, ours, cmp.AllowUnexported(outside{})); diff != "" {
					t.Errorf("%s (-theirs +ours):\n%s", by, diff)
				}
			}
		})
	}
}

// outside is what can be seen of a component.
type outside struct {
	Imports, Exports []string
	others           []string // imports that are not of WASI
	WIT              []string // the lines of its world, without an order
	Responses        map[string]string
}

// lookAt inspects what the arguments name, and serves it if the composition has requests.
func lookAt(t *testing.T, tt composition, args []string) outside {
	t.Helper()
	_, stdout, stderr := runMain(append([]string{"inspect", "--json"}, args...)...)
	var r inspect.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	o := outside{Exports: slices.Sorted(slices.Values(r.Exports))}
	for _, i := range r.Imports {
		o.Imports = append(o.Imports, i.Name)
		if !strings.HasPrefix(i.Name, "wasi:") {
			o.others = append(o.others, i.Name)
		}
	}
	slices.Sort(o.Imports)
	slices.Sort(o.others)
	for line := range strings.Lines(r.WIT) {
		o.WIT = append(o.WIT, strings.TrimSpace(line))
	}
	slices.Sort(o.WIT)
	if tt.asks == nil {
		return o
	}
	s := startReal(t, append(args, "--env", "MARK=!")...)
	o.Responses = make(map[string]string)
	for ask := range tt.asks {
		o.Responses[ask] = s.response(t, ask)
	}
	return o
}

// response returns the status and the body of the response to a request for a path, with a header
// that follows it after a space.
func (s *session) response(t *testing.T, ask string) string {
	t.Helper()
	path, header, _ := strings.Cut(ask, " ")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url(t)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != "" {
		r.Header.Set(header, "1")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := resp.Status[:3] + " "
	if wrapped := resp.Header["X-Wrapped"]; wrapped != nil {
		text += "wrapped " + strings.Join(wrapped, " ") + " "
	}
	return text + string(body)
}
