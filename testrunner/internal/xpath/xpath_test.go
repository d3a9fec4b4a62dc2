package xpath

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

const shop = `<?xml version="1.0"?>
<!-- goods -->
<shop xmlns:x="urn:x" n="1"><item id="1">one<b/></item><item id="2">two</item><x:item xml:lang="en-GB">3.5</x:item><e/></shop>`

const page = `<!DOCTYPE html><html><body><h1>Title</h1><table><tr><td>1</td><td>2</td></tr></table><p id="a">x<p>y <br>z</body></html>`

func evaluated(d *Document, err error, source string) string {
	if err != nil {
		return err.Error()
	}
	v, err := d.Evaluate(nil, source)
	if err != nil {
		return "error"
	}
	return fmt.Sprintf("%T %v", v, v)
}

// The results are those of libxml2.
func TestExpressionsSelectInXML(t *testing.T) {
	tests := []struct{ source, want string }{
		{"//item", "xpath.Nodeset 2"},
		{"//x:item", "xpath.Nodeset 1"},
		{"//x:*", "xpath.Nodeset 1"},
		{"//y:item", "error"},
		{"/shop/*", "xpath.Nodeset 4"},
		{"string(/)", "string onetwo3.5"},
		{"string()", "string "},
		{"item", "xpath.Nodeset 0"},
		{"string(//item[2])", "string two"},
		{"string(//item[last()])", "string two"},
		{"string(//item[@id='1'])", "string one"},
		{"//item[@id='3']", "xpath.Nodeset 0"},
		{"//@*", "xpath.Nodeset 4"},
		{"//..", "xpath.Nodeset 5"},
		{"//b/ancestor::*", "xpath.Nodeset 2"},
		{"name(//b/ancestor::*[1])", "string item"},
		{"name((//b/ancestor::*)[1])", "string shop"},
		{"//e/preceding::*", "xpath.Nodeset 4"},
		{"name(//e/preceding::*[1])", "string x:item"},
		{"//item[1]/following-sibling::*", "xpath.Nodeset 3"},
		{"//b/following::*", "xpath.Nodeset 3"},
		{"//item[1]/@id/following::*", "xpath.Nodeset 4"},
		{"//comment()", "xpath.Nodeset 1"},
		{"//text()", "xpath.Nodeset 3"},
		{"//item | //e | //item", "xpath.Nodeset 3"},
		{"count(//item) + 1", "float64 3"},
		{"sum(//item)", "float64 NaN"},
		{"sum(//item/@id)", "float64 3"},
		{"number(//x:item)", "float64 3.5"},
		{"//item = 'two'", "bool true"},
		{"//item != 'two'", "bool true"},
		{"//item = //x:item", "bool false"},
		{"//item/@id > 1", "bool true"},
		{"2 >= //nothing", "bool false"},
		{"true() > //nothing", "bool true"},
		{"not(//nothing)", "bool true"},
		{"boolean(//e) and boolean(//b)", "bool true"},
		{"contains(//nothing, '')", "bool true"},
		{"normalize-space('  a  b ')", "string a b"},
		{"concat(1 div 3, '|', 1 div 0, '|', 0 div 0)", "string 0.333333333333333|Infinity|NaN"},
		{"string(100000000000000000000)", "string 1e+20"},
		{"string(0.000001234)", "string 1.234e-06"},
		{"string(-1.50)", "string -1.5"},
		{"string(1e3)", "string 1000"},
		{"substring('12345', 1.5, 2.6)", "string 234"},
		{"substring('12345', 2)", "string 2345"},
		{"substring-before('a=b', '=')", "string a"},
		{"substring-after('a=b', '=')", "string b"},
		{"translate('bar', 'abc', 'AB')", "string BAr"},
		{"string-length('é')", "float64 1"},
		{"round(2.5) - floor(-1.5) * ceiling(0.2)", "float64 5"},
		{"7 mod 3 - -1", "float64 2"},
		{"5 div 2", "float64 2.5"},
		{"//item[position() mod 2 = 1]", "xpath.Nodeset 1"},
		{"//item[b]", "xpath.Nodeset 1"},
		{"(//item)[2]/@id", "xpath.Nodeset 1"},
		{"local-name(//x:item)", "string item"},
		{"namespace-uri(//x:item)", "string urn:x"},
		{"//*[lang('en')]", "xpath.Nodeset 1"},
		{"//self::e", "xpath.Nodeset 1"},
		{"processing-instruction('a')", "xpath.Nodeset 0"},
		{"'it''s'", "error"},
		{"///", "error"},
		{"//[1]", "error"},
		{"position()", "error"},
		{"ends-with('a', 'a')", "error"},
		{"count('a')", "error"},
		{"not()", "error"},
		{"$x", "error"},
		{"", "error"},
		{"//item]", "error"},
		{strings.Repeat("(", 1000), "error"},
	}
	d, err := ParseXML(nil, shop)
	for _, tt := range tests {
		if got := evaluated(d, err, tt.source); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.source, got, tt.want)
		}
	}
}

func TestHTMLHasWhatIsWritten(t *testing.T) {
	tests := []struct{ document, source, want string }{
		{page, "string(//h1)", "string Title"},
		{page, "//table/tr/td", "xpath.Nodeset 2"},
		{page, "//p", "xpath.Nodeset 2"},
		{page, "//head", "xpath.Nodeset 0"},
		{page, "string(id('a'))", "string x"},
		{page, "//H1", "xpath.Nodeset 0"},
		{"<table><tbody><tr></tbody></table>", "//table/tbody/tr", "xpath.Nodeset 1"},
		{"just text", "string(/html/body/p)", "string just text"},
		{" ", "/", ErrNoRoot.Error()},
	}
	for _, tt := range tests {
		d, err := ParseHTML(nil, tt.document)
		if got := evaluated(d, err, tt.source); got != tt.want {
			t.Errorf("%s over %s: %s, want %s", tt.source, tt.document, got, tt.want)
		}
	}
}

func TestBrokenXMLIsRead(t *testing.T) {
	tests := []struct{ document, source, want string }{
		{`<a><b>1</a>`, "string(//b)", "string 1"},
		{`<a><b>1</b>`, "//b", "xpath.Nodeset 1"},
		{`<a/><b/>`, "//*", "xpath.Nodeset 1"},
		{`<d xmlns="urn:d"><e xmlns="urn:e"/></d>`, "//_:d", "xpath.Nodeset 1"},
		{`<d xmlns="urn:d"><e/></d>`, "//e", "xpath.Nodeset 0"},
		{`<a>` + strings.Repeat("<b>", 5000), "count(//b) > 100", "bool true"},
		{`a<b/>`, "//b", ErrNoRoot.Error()},
		{``, "/", ErrNoRoot.Error()},
		{`<!-- c -->`, "/", ErrNoRoot.Error()},
	}
	for _, tt := range tests {
		d, err := ParseXML(nil, tt.document)
		if got := evaluated(d, err, tt.source); got != tt.want {
			t.Errorf("%s over %.40s: %s, want %s", tt.source, tt.document, got, tt.want)
		}
	}
}

// counted evaluates an expression over so many paragraphs and returns how many nodes it visited.
func counted(t *testing.T, source string, paragraphs int) (visited int) {
	t.Helper()
	var b strings.Builder
	for i := range paragraphs {
		fmt.Fprintf(&b, `<p n="%d">%d</p>`, i%7, i)
	}
	d, err := ParseHTML(nil, "<body>"+b.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := interrupt.Do(t.Context(), func(w *interrupt.Work) {
		parse(source, d).eval(&scope{doc: d, run: &run{Work: w}})
		visited = w.Steps()
	}); err != nil {
		t.Fatal(err)
	}
	return visited
}

func TestTheWorkGrowsWithTheDocument(t *testing.T) {
	for _, source := range []string{
		"count(//p)", "count(//p[1])", "count(//p[last()])", "count(//p[position() = last()])", "count((//p)[7])",
		"count(//p[position() > 3 and not(position() = last())])", "count(//p[position() mod 2 = 1])",
		"count(//p/following-sibling::p)", "count(//p/preceding-sibling::p)", "count(//p/following::p)",
		"count(//p/preceding::p)", "count(//p/ancestor::*)", "count(//text()/ancestor-or-self::node())",
		"count(//p/following-sibling::p[1])", "count(//p/preceding-sibling::p[1])", "count(//p/following::*[2])",
		"count(//p/preceding::text()[3])", "count(//p/following-sibling::p[last()])", "count(//p/preceding::*[last() - 1])",
		"count(//p/following-sibling::p[position() < 3])", "count(//p/following-sibling::p[position() > 1])",
		"count(//p/following-sibling::p[position() mod 2 = 0][1])", "count(//p/following-sibling::p[@n = 3][1])",
		"count(//p/preceding-sibling::*[@nothing][1])", "count(//p[following-sibling::p])",
		"count(//p[not(preceding-sibling::p)])", "count(//p[count(preceding-sibling::p) = 5])",
		"count(//p[following::p[@n = 1]])", "count(//p[preceding::p[@n = 1][2]])", "count(//p[. = preceding-sibling::p])",
		"count(//p[. = //p])", "count(//p[count(//p) > 3])",
		"count(//p[@n = //p/@n])", "//p/@n = //p", "//p != //p/@n", "//p < //p/@n", "count(//p[id('x')])",
		"count(//p[../p[1] = .])", "count(//p/../p)", "count(//p/following-sibling::p/preceding-sibling::p)",
	} {
		once, twice := counted(t, source, 1000), counted(t, source, 2000)
		if once < 1 || twice > 3*once {
			t.Errorf("%s visits %d nodes of 1000 paragraphs and %d of 2000", source, once, twice)
		}
	}
}

// endsAfter is a context that ends when it has been looked at so many times.
type endsAfter struct {
	context.Context
	looks int
}

var errEnough = errors.New("enough")

func (c *endsAfter) Err() error {
	if c.looks--; c.looks < 0 {
		return errEnough
	}
	return nil
}

func TestTheWorkEndsWithItsContext(t *testing.T) {
	d, err := ParseXML(nil, "<r>"+strings.Repeat("<p>1</p>", 3000)+"</r>")
	if err != nil {
		t.Fatal(err)
	}
	evaluate := func(source string) func(w *interrupt.Work) {
		return func(w *interrupt.Work) { _, err = d.Evaluate(w, source) }
	}
	large := strings.Repeat("<p>x</p>", 100_000)
	for name, work := range map[string]func(w *interrupt.Work){
		"positions in texts": evaluate("count(//p/following-sibling::p[. = position()])"),
		"sums":               evaluate("count(//p[sum(preceding-sibling::p) = 1])"),
		"nested predicates":  evaluate("count(//p[count(preceding-sibling::p[. = position()]) = 1])"),
		"XML":                func(w *interrupt.Work) { _, err = ParseXML(w, "<r>"+large+"</r>") },
		"HTML":               func(w *interrupt.Work) { _, err = ParseHTML(w, large) },
	} {
		err = nil
		if end := interrupt.Do(&endsAfter{t.Context(), 3}, work); !errors.Is(end, errEnough) || err != nil {
			t.Errorf("%s: %v, %v after the context ended", name, end, err)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, s := range []string{"//a[1]/b", "count(//*)", "substring('a', 1, 2)", "id('a') | //x:b", "1 - -2 div 3"} {
		f.Add(s, shop)
	}
	f.Fuzz(func(t *testing.T, source, document string) {
		if len(source) > 200 || len(document) > 2000 {
			return
		}
		for _, read := range []func(*interrupt.Work, string) (*Document, error){ParseXML, ParseHTML} {
			if d, err := read(nil, document); err == nil {
				if _, err := d.Evaluate(nil, source); err != nil && err.Error() == "" {
					t.Error("an error without a message")
				}
			}
		}
	})
}
