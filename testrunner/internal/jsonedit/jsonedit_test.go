package jsonedit

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

func tree(t *testing.T, text string) any {
	t.Helper()
	v, err := jsontree.Parse(nil, []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestOnlyWhatDiffersIsWrittenAnew(t *testing.T) {
	const pretty = "{\n    \"id\": 1,\n    \"list\": [\n        1,\n        2\n    ],\n    \"point\": {\"x\": 1, \"y\": 2},\n    \"none\": {}\n}"
	tests := map[string]struct{ source, want, got, merged string }{
		"a value":            {`{"a":  1, "b": [ 1,2 ]}`, "", `{"a":2,"b":[1,2]}`, `{"a":  2, "b": [ 1,2 ]}`},
		"a number respelled": {`{"a": 1.0}`, "", `{"a": 1}`, `{"a": 1.0}`},
		"a member added":     {`{"a": 1, "b": 2}`, "", `{"c":{"d":[1,2]},"a":1,"b":2}`, `{"a": 1, "b": 2, "c": {"d": [1, 2]}}`},
		"to only one":        {`{ "a": 1 }`, "", `{"a":1,"b":2}`, `{ "a": 1, "b": 2 }`},
		"compact":            {`{"a":1,"b":2}`, "", `{"a":1,"b":2,"c":[1,{"d":2}]}`, `{"a":1,"b":2,"c":[1,{"d":2}]}`},
		"the first removed":  {`{"a": 1, "b": 2}`, "", `{"b":2}`, `{"b": 2}`},
		"all removed":        {`{"a": 1, "b": 2}`, "", `{}`, `{}`},
		"pretty": {pretty, "", `{"id":2,"list":[1,3,4],"point":{"x":1,"y":3},"none":{"a":[1]},"new":[{"b":1}]}`,
			"{\n    \"id\": 2,\n    \"list\": [\n        1,\n        3,\n        4\n    ],\n" +
				"    \"point\": {\"x\": 1, \"y\": 3},\n    \"none\": {\n        \"a\": [\n            1\n" +
				"        ]\n    },\n    \"new\": [\n        {\n            \"b\": 1\n        }\n    ]\n}"},
		"a shorter list": {"[\n  1,\n  2\n]", "", "[1]", "[\n  1\n]"},
		"lists on one line": {"{\n  \"a\": [[1, 2],\n    [3, 4]]\n}", "", `{"a":[[1,2],[3,5],[6,7]]}`,
			"{\n  \"a\": [[1, 2],\n    [3, 5],\n    [6, 7]]\n}"},
		"another kind": {`{"a": [1, 2]}`, "", `{"a":"x"}`, `{"a": "x"}`},
		"placeholders": {`{"a": {{n}}, "b": "{{s}}!", "c": 1}`, `{"a": 7, "b": "x!", "c": 1}`,
			`{"a":7,"b":"x!","c":2}`, `{"a": {{n}}, "b": "{{s}}!", "c": 2}`},
		"a placeholder that has changed": {`{"a": {{n}}}`, `{"a": 7}`, `{"a":8}`, `{"a": 8}`},
		"a scalar":                       {" 1 ", "", "2", " 2 "},
		"escapes":                        {`{"\u0061": "\u00e9"}`, "", `{"a":"é","b":1}`, `{"\u0061": "\u00e9", "b": 1}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.source
			}
			got, ok := Merge(nil, tt.source, tree(t, want), tree(t, tt.got), func([]any) bool { return false })
			if !ok || got != tt.merged {
				t.Errorf("%s\nbecomes %s\nwant %s", tt.source, got, tt.merged)
			}
		})
	}
}

func TestWhatIsToBeKeptStays(t *testing.T) {
	keep := func(steps []any) bool { return slices.Contains(steps, any("id")) }
	got, ok := Merge(nil, `{"id": "{{x}}", "list": [{"id": 1, "v": 1}, {"id": 2, "v": 2}]}`,
		tree(t, `{"id": "7", "list": [{"id": 1, "v": 1}, {"id": 2, "v": 2}]}`),
		tree(t, `{"list":[{"v":1,"id":11},{"v":3,"id":12},{"v":4,"id":13}],"id":{"other":1}}`), keep)
	if want := `{"id": "{{x}}", "list": [{"id": 1, "v": 1}, {"id": 2, "v": 3}, {"v": 4, "id": 13}]}`; !ok || got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestWhatIsNotThatJSONIsLeft(t *testing.T) {
	for _, source := range []string{"", "x", `{"a": 1`, `{"a": 1}}`, `{"b": 1}`, `{"a": 1, "a": 1}`, `["a"]`,
		`{"a": {{x}`, `{"{{x}": 1}`, strings.Repeat("[", 2000)} {
		if text, ok := Merge(nil, source, tree(t, `{"a": 1}`), tree(t, `{"a": 2}`), func([]any) bool { return false }); ok && scan(source).open != 0 {
			t.Errorf("%.40s becomes %s", source, text)
		}
	}
}

func TestPlaceholdersStayInAnotherLayout(t *testing.T) {
	for name, c := range map[string]struct{ source, want, got, respelled string }{
		"another layout": {
			`{"a": {{n}}, "b": "{{s}}!", "c": [ {{n}} ]}`, `{"a": 7, "b": "x!", "c": [ 7 ]}`,
			"{\n \"c\":[7],\"b\" :\"x!\",\"a\":7}", "{\n \"c\":[{{n}}],\"b\" :\"{{s}}!\",\"a\":{{n}}}",
		},
		"other values": {
			`{"a": {{n}}, "b": "{{s}}"}`, `{"a": 7, "b": "x"}`, `{"a":8,"b":"x","c":7}`,
			`{"a":8,"b":"{{s}}","c":7}`,
		},
		"a name":      {`{"{{k}}": {"{{k}}" : 1}}`, `{"k": {"k" : 1}}`, `{"k":{"k":2}}`, `{"{{k}}":{"{{k}}":2}}`},
		"a whole":     {`{"a": {{o}}}`, `{"a": {"b":1}}`, `{"a":{"b":1}}`, `{"a":{{o}}}`},
		"no JSON":     {`{"a": {{o}}}`, `{"a": 1}`, `{"a":1`, `{"a":1`},
		"none":        {`{"a": 1}`, `{"a": 1}`, `{"a":1}`, `{"a":1}`},
		"a new shape": {`[{{n}}, {{n}}]`, `[1, 1]`, `[1]`, `[{{n}}]`},
	} {
		if got := Respell(nil, c.source, c.want, c.got); got != c.respelled {
			t.Errorf("%s: got %s, want %s", name, got, c.respelled)
		}
	}
}

// random makes up a value.
func random(r *rand.Rand, depth int) any {
	switch r.IntN(6 - min(depth, 2)) {
	case 4:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, random(r, depth+1))
		}
		return list
	case 5:
		object := map[string]any{}
		for range r.IntN(4) {
			object[string(rune('a'+r.IntN(5)))] = random(r, depth+1)
		}
		return object
	case 3:
		return fmt.Sprintf("x%d", r.IntN(3))
	}
	return r.IntN(3)
}

func TestWhatIsMergedStandsForWhatCame(t *testing.T) {
	blanks := regexp.MustCompile(`[{}\[\],:]`)
	for seed := range 3000 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		texts := make([]string, 2)
		for i := range texts {
			b, err := json.Marshal(random(r, 0))
			if err != nil {
				t.Fatal(err)
			}
			// White space may stand around every sign.
			texts[i] = blanks.ReplaceAllStringFunc(string(b), func(sign string) string {
				space := []string{"", " ", "\n  ", "\t"}
				return space[r.IntN(4)] + sign + space[r.IntN(4)]
			})
		}
		want, got := tree(t, texts[0]), tree(t, texts[1])
		merged, ok := Merge(nil, texts[0], want, got, func([]any) bool { return false })
		if !ok || !jsonpath.Equal(nil, tree(t, merged), got) {
			t.Fatalf("seed %d: %q with %q becomes %q", seed, texts[0], texts[1], merged)
		}
		if same, _ := Merge(nil, texts[0], want, want, func([]any) bool { return false }); same != texts[0] {
			t.Fatalf("seed %d: %q becomes %q", seed, texts[0], same)
		}
	}
}
