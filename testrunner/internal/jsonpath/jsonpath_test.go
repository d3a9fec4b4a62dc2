package jsonpath

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

const document = `{"store": {"book": [
	{"title": "A", "price": 8.5, "isbn": null}, {"title": "B", "price": 12, "tags": ["x", "y"]}, {"title": "C", "price": 9, "tags": []}
], "b": 1, "a": 2, "é": 3, "x-y": {"'": "quote"}}, "limit": 9}`

func selected(t *testing.T, path string) string {
	t.Helper()
	p, err := Parse(path)
	if err != nil {
		return "error"
	}
	root, err := jsontree.Parse(nil, []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	list := []any{}
	nodes, err := p.Select(nil, root)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range nodes {
		list = append(list, m.Value)
	}
	return string(jsontree.Append(nil, list))
}

func TestSelect(t *testing.T) {
	tests := []struct{ path, want string }{
		{"$.limit", `[9]`},
		{"$.none", `[]`},
		{"$.store.book[0].title", `["A"]`},
		{"$['store']['x-y'][\"'\"]", `["quote"]`},
		{`$.store['x-y']['\'']`, `["quote"]`},
		{"$.store.é", `[3]`},
		{"$.store['\\u00e9']", `[3]`},
		{"$.store.book[-1].title", `["C"]`},
		{"$.store.book[-4]", `[]`},
		{"$.store.book[0,2].title", `["A","C"]`},
		{"$.store.book[1:].title", `["B","C"]`},
		{"$.store.book[:-1].title", `["A","B"]`},
		{"$.store.book[::-1].title", `["C","B","A"]`},
		{"$.store.book[5:0:-2].title", `["C"]`},
		{"$.store.book[::0].title", `[]`},
		{"$.store['a','b']", `[2,1]`},
		{"$..title", `["A","B","C"]`},
		{"$.store.book[?@.price<10].title", `["A","C"]`},
		{"$.store.book[?(@.price >= $.limit)].title", `["B","C"]`},
		{"$.store.book[?@.tags].title", `["B","C"]`},
		{"$.store.book[?!@.tags].title", `["A"]`},
		{"$.store.book[?@.isbn==null].title", `["A"]`},
		{"$.store.book[?@.isbn==@.none].title", `["B","C"]`},
		{"$.store.book[?@.title=='A'||@.title==\"C\"&&@.price==9.0].title", `["A","C"]`},
		{"$.store.book[?length(@.tags)==2].title", `["B"]`},
		{"$.store.book[?count(@.*)==2].title", `[]`},
		{"$.store.book[?value(@.tags[0])=='x'].title", `["B"]`},
		{"$.store.book[?match(@.title, '[AB]')].title", `["A","B"]`},
		{"$.store.book[?search(@.title, 'C')].title", `["C"]`},
		{"$.store.book[?@.tags[?@=='y']].title", `["B"]`},
		{"$ .limit", `[9]`},
		{"$[ 'limit' ]", `[9]`},
		{"$.store[*] ", "error"},
		{" $.limit", "error"},
		{"limit", "error"},
		{"$.", "error"},
		{"$.a-b", "error"},
		{"$.['a']", "error"},
		{"$.a.length()", "error"},
		{"$[(@.length-1)]", "error"},
		{"$[?@.a =~ /x/]", "error"},
		{"$[01]", "error"},
		{"$[-0]", "error"},
		{"$[?@.*==1]", "error"},
		{"$[?1]", "error"},
		{"$['a", "error"},
		{"$[?(@.a]", "error"},
	}
	for _, tt := range tests {
		if got := selected(t, tt.path); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.path, got, tt.want)
		}
	}
}

func TestMembersAreVisitedInTheOrderOfTheirNames(t *testing.T) {
	root, err := jsontree.Parse(nil, []byte(`{"b": 1, "a": 2, "B": 3}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("$.*")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := p.Select(nil, root)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, m := range nodes {
		got += m.Location()[0].(string)
	}
	if got != "Bab" {
		t.Errorf("visited %s", got)
	}
}

// steps returns how many steps a query takes over so many items.
func steps(t *testing.T, path string, items int) (taken int) {
	t.Helper()
	p, err := Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := jsontree.Parse(nil, []byte(`{"limit": 3, "list": [`+strings.Repeat(`{"n": 1},`, items)+`{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := interrupt.Do(t.Context(), func(w *interrupt.Work) {
		_, err = p.Select(w, root)
		taken = w.Steps()
	}); err != nil {
		t.Fatal(err)
	}
	return taken
}

func TestTheWorkGrowsWithTheDocument(t *testing.T) {
	for _, path := range []string{
		"$..n", "$..[?@.n < 2]", "$.list[?@.n < $.limit]", "$.list[?count($.list[*]) > @.n]", "$.list[?$..limit]", "$..*..*",
	} {
		if once, twice := steps(t, path, 1000), steps(t, path, 2000); once < 1000 || twice > 3*once {
			t.Errorf("%s takes %d steps over 1000 items and %d over 2000", path, once, twice)
		}
	}
}

func TestTheWorkEndsWithItsContext(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	deep, err := jsontree.Parse(nil, []byte(strings.Repeat("[", 200)+strings.Repeat("]", 200)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("$..*..*..*..*")
	if err != nil {
		t.Fatal(err)
	}
	if err := interrupt.Do(ended, func(w *interrupt.Work) { _, _ = p.Select(w, deep) }); !errors.Is(err, context.Canceled) {
		t.Errorf("Select: %v after the context ended", err)
	}
	if err := interrupt.Do(ended, func(w *interrupt.Work) { _, _ = jsontree.Parse(w, []byte("[]")) }); !errors.Is(err, context.Canceled) {
		t.Errorf("jsontree.Parse: %v after the context ended", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"$", "$..a[?@.b==1 && !(@.c)]", "$['\\ud83d\\ude00'][1:2:3,-1]", "$[?match(@.a,'x')]"} {
		f.Add(s)
	}
	root, err := jsontree.Parse(nil, []byte(document))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		p, err := Parse(path)
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Errorf("%q: %T", path, err)
			}
			return
		}
		if len(path) < 60 { // longer ones may select more than there is time for
			_, _ = p.Select(nil, root) // too many are an error
		}
	})
}
