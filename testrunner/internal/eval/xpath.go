package eval

import (
	"errors"
	"fmt"
	"io"
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
		root       xpath.NodeNavigator
		namespaces map[string]string
		err        error
	)
	if html {
		root, err = parseHTML(document)
	} else {
		root, namespaces, err = parseXML(document)
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
	if strings.TrimSpace(document) == "" {
		return nil, errNoRoot
	}
	node, err := htmlquery.Parse(strings.NewReader(document))
	if err != nil {
		return nil, err
	}
	return htmlquery.CreateXPathNavigator(node), nil
}

// parseXML reads a document, even one that is not well-formed if it has a root
// element.
func parseXML(document string) (xpath.NodeNavigator, map[string]string, error) {
	node, err := xmlquery.ParseWithOptions(strings.NewReader(document), xmlquery.ParserOptions{
		Decoder: &xmlquery.DecoderOptions{
			// The document is text already, whatever it says of its encoding.
			CharsetReader: func(_ string, in io.Reader) (io.Reader, error) { return in, nil },
		},
	})
	if err != nil {
		return nil, nil, err
	}
	namespaces, elements := make(map[string]string), 0
	declared(node, namespaces, &elements)
	if elements == 0 {
		return nil, nil, errNoRoot
	}
	return navigator{xmlquery.CreateXPathNavigator(node)}, namespaces, nil
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
