package eval

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/antchfx/htmlquery"
	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"github.com/wasihttp/wasihttp/fixture/hurl"
)

var errNoRoot = errors.New("there is no root element")

// xPath evaluates an expression (XPath 1.0) over a document. In HTML there are
// no namespaces; in XML all prefixes that the document declares can be used,
// and "_" for its first default namespace.
func (s *Scope) xPath(arg *hurl.Value, document string, html bool) (*Value, *Error) {
	source, evalErr := s.argument(arg)
	if evalErr != nil {
		return nil, evalErr
	}
	var (
		root xpath.NodeNavigator
		err  error
	)
	namespaces := make(map[string]string)
	if html {
		root, err = parseHTML(document)
	} else {
		root, err = parseXML(document, namespaces)
	}
	if err != nil {
		return nil, errorAt(arg.Range, "Invalid XML", "%v", err)
	}
	v, err := evaluate(source, namespaces, root)
	if err != nil {
		return nil, errorAt(arg.Range, "Invalid XPath expression", "%v", err)
	}
	return v, nil
}

func parseHTML(document string) (xpath.NodeNavigator, error) {
	text := strings.TrimSpace(document)
	if text == "" {
		return nil, errNoRoot
	}
	if text[0] != '<' {
		document = "<p>" + document // as libxml2 has it
	}
	node, err := htmlquery.Parse(strings.NewReader(document))
	if err != nil {
		return nil, err
	}
	return htmlNavigator{htmlquery.CreateXPathNavigator(node)}, nil
}

// parseXML reads a document, even one that is not well-formed if it has a root
// element, and collects its namespaces.
func parseXML(document string, namespaces map[string]string) (xpath.NodeNavigator, error) {
	if !strings.HasPrefix(strings.TrimSpace(document), "<") {
		return nil, errNoRoot
	}
	node, err := parseWellFormed(document)
	if err != nil {
		if node, err = parseWellFormed(repairXML(document)); err != nil {
			return nil, err
		}
	}
	elements := 0
	declared(node, namespaces, &elements)
	if elements == 0 {
		return nil, errNoRoot
	}
	return navigator{xmlquery.CreateXPathNavigator(node)}, nil
}

func parseWellFormed(document string) (*xmlquery.Node, error) {
	return xmlquery.ParseWithOptions(strings.NewReader(document), xmlquery.ParserOptions{
		Decoder: &xmlquery.DecoderOptions{Strict: true, CharsetReader: unchanged},
	})
}

// unchanged reads a document that is text already, whatever it says of its
// encoding.
func unchanged(_ string, in io.Reader) (io.Reader, error) { return in, nil }

// repairXML makes of a broken document a well-formed one, as libxml2 does: an
// end tag closes the element that is open, whatever it names, and what is left
// open closes at the end or where nothing more can be made of the text.
func repairXML(document string) string {
	d := xml.NewDecoder(strings.NewReader(document))
	d.Strict = false
	d.CharsetReader = unchanged
	var out strings.Builder
	var open []string
	closeLast := func() {
		out.WriteString("</" + open[len(open)-1] + ">")
		open = open[:len(open)-1]
	}
	for roots := 0; roots == 0 || len(open) > 0; {
		token, err := d.RawToken()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			roots++
			open = append(open, rawName(t.Name))
			out.WriteString("<" + rawName(t.Name))
			for _, a := range t.Attr {
				out.WriteString(" " + rawName(a.Name) + `="`)
				writeEscaped(&out, []byte(a.Value))
				out.WriteByte('"')
			}
			out.WriteByte('>')
		case xml.EndElement:
			if len(open) > 0 {
				closeLast()
			}
		case xml.CharData:
			if len(open) > 0 {
				writeEscaped(&out, t)
			}
		}
	}
	for len(open) > 0 {
		closeLast()
	}
	return out.String()
}

func rawName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

func writeEscaped(out *strings.Builder, text []byte) {
	// A strings.Builder does not fail.
	_ = xml.EscapeText(out, text)
}

// declared collects the namespaces that a document declares, each prefix as it
// is declared first.
func declared(n *xmlquery.Node, into map[string]string, elements *int) {
	if n.Type == xmlquery.ElementNode {
		*elements++
		for _, a := range n.Attr {
			prefix := ""
			switch {
			case a.Name.Space == "xmlns":
				prefix = a.Name.Local
			case a.Name.Space == "" && a.Name.Local == "xmlns":
				prefix = "_"
			}
			if _, known := into[prefix]; prefix != "" && !known {
				into[prefix] = a.Value
			}
		}
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		declared(child, into, elements)
	}
}

// evaluate runs an expression. The library panics on some that are invalid.
func evaluate(source string, namespaces map[string]string, root xpath.NodeNavigator) (v *Value, err error) {
	if name := foreignFunction(source); name != "" {
		return nil, fmt.Errorf("XPath 1.0 has no function %s", name)
	}
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("%v", r)
		}
	}()
	compiled, err := xpath.CompileWithNS(source, namespaces)
	if err != nil {
		return nil, err
	}
	var result Value
	switch x := compiled.Evaluate(root).(type) {
	case string:
		result = text(x)
	case float64:
		result = float(x)
	case bool:
		result = boolean(x)
	case *xpath.NodeIterator:
		result.Kind = Nodeset
		for x.MoveNext() {
			result.Int++
		}
	default:
		return nil, fmt.Errorf("a result of type %T", x)
	}
	return &result, nil
}

// foreignFunction returns the name of a function in an expression that is not
// one of XPath 1.0, "" if there is none. The library has some more.
func foreignFunction(source string) string {
	const known = ` node text comment processing-instruction last position count id local-name namespace-uri name string concat
 starts-with contains substring-before substring-after substring string-length normalize-space translate boolean not true false
 lang number sum floor ceiling round `
	literals := regexp.MustCompile(`"[^"]*"|'[^']*'`)
	calls := regexp.MustCompile(`([\pL_][\pL\pN_.-]*(?::[\pL_][\pL\pN_.-]*)?)\s*\(`)
	for _, m := range calls.FindAllStringSubmatch(literals.ReplaceAllString(source, "''"), -1) {
		switch name := m[1]; {
		case slices.Contains(strings.Fields(known), name):
		case name == "and" || name == "or" || name == "div" || name == "mod": // an operator before a parenthesis
		default:
			return name
		}
	}
	return ""
}

// navigator tells elements of a default namespace from those of none, which the
// library does not: a name without a prefix means only the latter.
type navigator struct{ *xmlquery.NodeNavigator }

// noPrefix is a prefix that no expression can have.
const noPrefix = "\x00"

// Prefix returns the prefix of the current node.
func (n navigator) Prefix() string {
	prefix := n.NodeNavigator.Prefix()
	if prefix == "" && n.NodeType() == xpath.ElementNode && n.NamespaceURL() != "" {
		return noPrefix
	}
	return prefix
}

// Value returns the string-value of the current node.
func (n navigator) Value() string {
	if n.NodeType() == xpath.RootNode {
		return n.Current().InnerText()
	}
	return n.NodeNavigator.Value()
}

// Copy returns an independent navigator at the same node.
func (n navigator) Copy() xpath.NodeNavigator {
	inner, ok := n.NodeNavigator.Copy().(*xmlquery.NodeNavigator)
	if !ok {
		return n.NodeNavigator.Copy()
	}
	return navigator{inner}
}

// MoveTo moves to where another navigator is.
func (n navigator) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(navigator)
	return ok && n.NodeNavigator.MoveTo(o.NodeNavigator)
}

// htmlNavigator gives the root of a document its string-value, which the
// library forgets.
type htmlNavigator struct{ *htmlquery.NodeNavigator }

// Value returns the string-value of the current node.
func (n htmlNavigator) Value() string {
	if n.NodeType() == xpath.RootNode {
		return htmlquery.InnerText(n.Current())
	}
	return n.NodeNavigator.Value()
}

// Copy returns an independent navigator at the same node.
func (n htmlNavigator) Copy() xpath.NodeNavigator {
	inner, ok := n.NodeNavigator.Copy().(*htmlquery.NodeNavigator)
	if !ok {
		return n.NodeNavigator.Copy()
	}
	return htmlNavigator{inner}
}

// MoveTo moves to where another navigator is.
func (n htmlNavigator) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(htmlNavigator)
	return ok && n.NodeNavigator.MoveTo(o.NodeNavigator)
}
